package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/Masterminds/sprig/v3"
)

func askMacros(macros ...Macro) []MacroResult {
	return answer(&Request{ID: "1", Op: OpMacros, Macros: macros}).Macros
}

func TestMacrosKeepTheTypesOfTheirValues(t *testing.T) {
	for _, tc := range []struct{ expression, data, want string }{
		{`.r0`, `{"r0":"a"}`, `"a"`},
		{`.r0`, `{"r0":9007199254740993}`, `9007199254740993`},
		{`.r0`, `{"r0":18446744073709551615}`, `18446744073709551615`},
		{`.r0`, `{"r0":1.5}`, `1.5`},
		{`.r0`, `{"r0":[1,{"a":true}]}`, `[1,{"a":true}]`},
		{`.r0 | upper`, `{"r0":"abc"}`, `"ABC"`},
		{`.r0 | substr 0 4`, `{"r0":"1.36.3"}`, `"1.36"`},
		{`.r0 | default "1.19.0"`, `{"r0":null}`, `"1.19.0"`},
		{`.r0 | default "1.19.0"`, `{"r0":""}`, `"1.19.0"`},
		{`.r0 | default .r1`, `{"r0":null,"r1":"b"}`, `"b"`},
		{`.r0 | toString`, `{"r0":1000000}`, `"1000000"`},
		{`printf "%s-%d" .r0 .r1`, `{"r0":"a","r1":7}`, `"a-7"`},
		{`add .r0 1`, `{"r0":41}`, `42`},
		{`ternary "a" "b" (eq .r0 "x")`, `{"r0":"x"}`, `"a"`},
		{`keys .r0 | join ","`, `{"r0":{"c":1,"a":1,"b":1,"d":1}}`, `"a,b,c,d"`},
		{`values .r0`, `{"r0":{"c":3,"a":1,"b":2,"d":4}}`, `[1,2,3,4]`},
		{`.r0 | quote`, `{"r0":"<&>"}`, `"\"<&>\""`},
		{`.r0`, `{"r0":"{{ .r1 }}"}`, `"{{ .r1 }}"`},
	} {
		got := askMacros(Macro{tc.expression, json.RawMessage(tc.data)})[0]
		if got.Error != nil || string(got.Value) != tc.want {
			t.Errorf("%s of %s: got %s %v", tc.expression, tc.data, got.Value, got.Error)
		}
	}
}

func TestMacroErrorsHoldNoValue(t *testing.T) {
	const canary = "c4n4ry-word"
	for _, tc := range []struct{ expression, want string }{
		{`.r0 | nothing`, `function "nothing" not defined`},
		{`.r0 | substr 0 "c4n4ry-word"`, `expected integer`},
		{`fail .r0`, `error calling fail: ***`},
		{`fail (printf "x %s" .r0)`, `error calling fail: x ***`},
		{`.r1 | upper`, `map has no entry for key "r1"`},
		{`.r0 | substr 4 2 5`, `wrong number of args`},
		{`if .r0`, `unexpected EOF`},
		{`.r0 | strataResult`, `it is not one pipeline`},
		{`/* c4n4ry-word`, `unexpected "/" in command`},
		{`slice .r2 5`, `out of bounds`},
		{`.r0 | include "c4n4ry-word"`, `function "include" not defined`},
	} {
		got := askMacros(Macro{tc.expression, json.RawMessage(`{"r0":"c4n4ry-word","r2":[1]}`)})[0]
		if got.Error == nil || !strings.Contains(got.Error.Message, tc.want) {
			t.Errorf("%s: got %s %+v", tc.expression, got.Value, got.Error)
		} else if strings.Contains(got.Error.Message, canary) {
			t.Errorf("%s: %s", tc.expression, got.Error.Message)
		}
	}
}

func TestMacrosGiveTheSameEveryTimeAndReachNothing(t *testing.T) {
	for _, name := range append([]string{"env", "expandenv", "getHostByName", "now", "date", "uuidv4", "tpl", "include", "lookup"}, forgetful...) {
		if macroFunctions(func(any) string { return "" })[name] != nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, name := range forgetful {
		if sprig.TxtFuncMap()[name] == nil {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestMacrosMakeNoMoreThanTheirLimit(t *testing.T) {
	macro := Macro{fmt.Sprintf(`repeat %d .r0`, 6<<20), json.RawMessage(`{"r0":"x"}`)}
	got := askMacros(macro, macro, Macro{".r0", json.RawMessage(`{"r0":"x"}`)})
	if got[0].Error != nil || got[1].Error == nil || !strings.Contains(got[1].Error.Message, "more than 10 MiB") || got[2].Error == nil {
		t.Errorf("%v %v %v", got[0].Error, got[1].Error, got[2].Error)
	}
}
