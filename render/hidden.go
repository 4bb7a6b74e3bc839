package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

// In a file whose macros are hidden, a token stands for each: a mark, the seal of the file, a dot, a number and a mark.
// The values come in after the file is rendered. A function that looks into a text with a token, or makes another text of
// it, would do so with the token, so it fails.

const sealed = `([0-9a-f]{16})\.[0-9]+`

var (
	token = regexp.MustCompile(`[\x{E000}-\x{F8F0}]` + sealed + `\x{F8F1}`)
	// As Go quotes it.
	quotedToken = regexp.MustCompile(`\\u[ef][0-9a-f]{3}` + sealed + `\\uf8f1`)
)

var errChanged = errors.New("a macro stands where a template function changes it; move it out of there")

// carriers hand on what they are given, whole, or see no more of it than that it is there and what type it has. Those that
// Helm has made anew must be among them: sprig's are none that a template may call.
var carriers = []string{
	"fail", "required", "include", "tpl", "lookup", "getHostByName", "env", "expandenv",
	"default", "empty", "coalesce", "all", "any", "ternary",
	"kindOf", "kindIs", "typeOf", "typeIs", "typeIsLike",
	"toJson", "mustToJson", "toPrettyJson", "mustToPrettyJson", "toRawJson", "mustToRawJson", "fromJson", "mustFromJson",
	"dict", "set", "keys", "values", "deepCopy", "mustDeepCopy",
	"merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite",
	"list", "tuple", "append", "mustAppend", "push", "mustPush", "prepend", "mustPrepend", "concat", "compact", "mustCompact",
	"first", "mustFirst", "last", "mustLast", "rest", "mustRest", "initial", "mustInitial", "reverse", "mustReverse",
	"slice", "mustSlice", "chunk", "mustChunk",
}

// writers make one text, in which all of what they are given stands.
var writers = []string{"print", "println", "printf", "quote", "squote", "cat", "join", "indent", "nindent", "trim", "toString"}

// ofTexts may be given a list or a map that has tokens somewhere below, but no text with one.
var ofTexts = []string{"index", "len"}

// durations are Helm's own, of which most make a zero of what they cannot read.
var durations = []string{
	"mustToDuration", "durationSeconds", "durationMilliseconds", "durationMicroseconds", "durationNanoseconds", "durationMinutes",
	"durationHours", "durationDays", "durationWeeks", "durationRoundTo", "durationTruncateTo",
}

// guardTokens replaces functions by others that let no token of the file get lost. A file without tokens keeps its functions.
func guardTokens(functions template.FuncMap, content string) {
	seals := sealsIn(content)
	if len(seals) == 0 {
		return
	}
	all := sprig.TxtFuncMap()
	maps.Copy(all, builtins())
	for _, name := range durations {
		all[name] = helms(name)
	}
	for name := range all {
		if slices.Contains(carriers, name) {
			continue
		}
		original, isThere := functions[name]
		if !isThere {
			original = all[name]
		}
		switch {
		case slices.Contains(writers, name):
			functions[name] = writing(original, seals)
		case slices.Contains(ofTexts, name):
			functions[name] = refusing(original, seals, texts)
		default:
			functions[name] = refusing(original, seals, textsOfLists)
		}
	}
}

func sealsIn(content string) []string {
	seals := []string{}
	for _, found := range token.FindAllStringSubmatch(content, -1) {
		if !slices.Contains(seals, found[1]) {
			seals = append(seals, found[1])
		}
	}
	return seals
}

// refusing makes a function fail that is given a text with one of the seals.
func refusing(original any, seals []string, read func(reflect.Value, int) []string) any {
	return around(original, func(args []reflect.Value, call func() []reflect.Value) []reflect.Value {
		for _, text := range argumentsOf(args, read) {
			if slices.ContainsFunc(seals, func(seal string) bool { return strings.Contains(text, seal) }) {
				// The functions have no error to return; a template's engine makes one of it.
				panic(errChanged)
			}
		}
		return call()
	})
}

// writing makes a function fail that leaves out a token, as `printf "%.5s"` does, and undoes the quoting of others.
func writing(original any, seals []string) any {
	return around(original, func(args []reflect.Value, call func() []reflect.Value) []reflect.Value {
		given := argumentsOf(args, textsOfLists)
		made := call()
		written := quotedToken.ReplaceAllStringFunc(made[0].String(), unquoted)
		made[0] = reflect.ValueOf(written)
		for _, text := range given {
			for _, found := range token.FindAllStringSubmatch(text, -1) {
				if slices.Contains(seals, found[1]) && !strings.Contains(written, found[0]) {
					panic(errChanged)
				}
			}
		}
		return made
	})
}

func unquoted(text string) string {
	plain, err := strconv.Unquote(`"` + text + `"`)
	if err != nil {
		return text
	}
	return plain
}

func around(original any, do func(args []reflect.Value, call func() []reflect.Value) []reflect.Value) any {
	function := reflect.ValueOf(original)
	return reflect.MakeFunc(function.Type(), func(args []reflect.Value) []reflect.Value {
		return do(args, func() []reflect.Value {
			if function.Type().IsVariadic() {
				return function.CallSlice(args)
			}
			return function.Call(args)
		})
	}).Interface()
}

// argumentsOf reads the texts of all arguments. Those of `...` come as one list.
func argumentsOf(args []reflect.Value, read func(reflect.Value, int) []string) []string {
	found := []string{}
	for _, arg := range args {
		if arg.Kind() != reflect.Slice {
			found = append(found, read(arg, 0)...)
			continue
		}
		if arg.Type().Elem().Kind() == reflect.Uint8 {
			found = append(found, string(arg.Bytes()))
			continue
		}
		for i := range arg.Len() {
			found = append(found, read(arg.Index(i), 0)...)
		}
	}
	return found
}

// maxListDepth is more than any list of lists in a template has.
const maxListDepth = 16

func texts(value reflect.Value, _ int) []string {
	for value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if value.Kind() == reflect.String {
		return []string{value.String()}
	}
	return nil
}

// textsOfLists looks into no map: functions for maps ask for their keys, and hand on the rest.
func textsOfLists(value reflect.Value, depth int) []string {
	for value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if depth > maxListDepth || (value.Kind() != reflect.Slice && value.Kind() != reflect.Array) {
		return texts(value, depth)
	}
	found := []string{}
	for i := range value.Len() {
		found = append(found, textsOfLists(value.Index(i), depth+1)...)
	}
	return found
}

// builtins are the functions of Go's templates. `and`, `or`, `not` and `call` are carriers.
func builtins() template.FuncMap {
	functions := template.FuncMap{
		"print": fmt.Sprint, "println": fmt.Sprintln, "printf": fmt.Sprintf,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
	}
	for _, name := range []string{"eq", "ne", "lt", "le", "gt", "ge", "index", "len"} {
		functions[name] = builtin(name)
	}
	return functions
}

// builtin calls a function that only templates can call.
func builtin(name string) func(args ...any) (any, error) {
	var result any
	take := template.FuncMap{resultFunction: func(value any) string {
		result = value
		return ""
	}}
	known := map[int]*template.Template{}
	return func(args ...any) (any, error) {
		call, data := callOf(name, ".", args)
		if known[len(args)] == nil {
			parsed, err := template.New(name).Funcs(take).Parse(call)
			if err != nil {
				return nil, err
			}
			known[len(args)] = parsed
		}
		err := known[len(args)].Execute(io.Discard, data)
		return result, innermost(err)
	}
}

// helms calls a function that only Helm's templates can call.
func helms(name string) func(args ...any) (any, error) {
	return func(args ...any) (result any, err error) {
		take := template.FuncMap{resultFunction: func(value any) string {
			result = value
			return ""
		}}
		call, data := callOf(name, ".Values.", args)
		ch := &chart.Chart{Metadata: &chart.Metadata{Name: "it"}, Templates: []*common.File{{Name: "it", Data: []byte(call)}}}
		_, err = engine.Engine{CustomTemplateFuncs: take}.RenderWithContext(context.Background(), ch, common.Values{"Values": data})
		return result, innermost(err)
	}
}

// callOf is a template that takes what a function makes of some arguments, and the data that it needs.
func callOf(name, root string, args []any) (string, map[string]any) {
	data := map[string]any{}
	call := name
	for i, arg := range args {
		call += fmt.Sprintf(" %sa%d", root, i)
		data[fmt.Sprintf("a%d", i)] = arg
	}
	return "{{ " + resultFunction + " (" + call + ") }}", data
}

// innermost leaves out what names a template of ours.
func innermost(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
