package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// maxMacroOutput bounds the values of one request: they end in texts of at most 10 MiB.
const maxMacroOutput = 10 << 20

// forgetful are sprig's functions, beyond those that sprig itself calls not hermetic, whose result differs from call to
// call: what a macro makes is compared with what it made before.
var forgetful = append([]string{"ago", "durationRound", "must_date_modify", "mustDateModify"}, randomFunctions...)

// macroFunctions are sprig's without the clock, chance, the environment and the network; `result` takes the value with
// its type, which the text that a template writes would lose.
func macroFunctions(result func(any) string) template.FuncMap {
	functions := sprig.HermeticTxtFuncMap()
	for _, name := range forgetful {
		delete(functions, name)
	}
	functions["keys"] = sortedKeys
	functions["values"] = sortedValues
	functions[resultFunction] = result
	return functions
}

// sortedKeys and sortedValues are sprig's `keys` and `values`, which give the order of Go's maps: another one each time.
func sortedKeys(dicts ...map[string]any) []string {
	all := []string{}
	for _, dict := range dicts {
		all = append(all, slices.Sorted(maps.Keys(dict))...)
	}
	return all
}

func sortedValues(dict map[string]any) []any {
	all := []any{}
	for _, key := range sortedKeys(dict) {
		all = append(all, dict[key])
	}
	return all
}

const resultFunction = "strataResult"

func answerMacros(req *Request) Answer {
	ans := Answer{ID: req.ID, Macros: []MacroResult{}}
	size := 0
	for _, macro := range req.Macros {
		value, err := evaluate(macro)
		size += len(value)
		if err == nil && size > maxMacroOutput {
			err = fmt.Errorf("the macros make more than %d MiB", maxMacroOutput>>20)
		}
		if err != nil {
			ans.Macros = append(ans.Macros, MacroResult{Error: &Error{Kind: ErrorTemplate, Message: complaintOf(err, macro)}})
			continue
		}
		ans.Macros = append(ans.Macros, MacroResult{Value: value})
	}
	return ans
}

// evaluate gives the JSON of a pipeline's value. Data that is missing is an error; data that is null is not, for `default`.
func evaluate(macro Macro) (value json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("it broke the renderer: %v", r)
		}
	}()
	var results []any
	functions := macroFunctions(func(v any) string {
		results = append(results, v)
		return ""
	})
	data, err := decodeData(macro.Data)
	if err != nil {
		return nil, errors.New("its data is not JSON")
	}
	parsed, err := template.New("macro").Option("missingkey=error").Funcs(functions).
		Parse("{{ " + macro.Expression + " | " + resultFunction + " }}")
	if err != nil {
		return nil, err
	}
	if err := parsed.Execute(io.Discard, data); err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, errors.New("it is not one pipeline")
	}
	return encode(results[0])
}

func encode(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, errors.New("its value cannot be written as JSON")
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// decodeData keeps whole numbers whole: as a float64, 1000000 would be written as 1e+06.
func decodeData(raw json.RawMessage) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var data map[string]any
	if err := decoder.Decode(&data); err != nil {
		return nil, err
	}
	for key, value := range data {
		data[key] = plainNumbers(value)
	}
	return data, nil
}

func plainNumbers(v any) any {
	switch value := v.(type) {
	case map[string]any:
		for key, below := range value {
			value[key] = plainNumbers(below)
		}
	case []any:
		for i, below := range value {
			value[i] = plainNumbers(below)
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		if whole, err := strconv.ParseUint(value.String(), 10, 64); err == nil {
			return whole
		}
		if float, err := value.Float64(); err == nil && !math.IsInf(float, 0) {
			return float
		}
		return value.String()
	}
	return v
}

var (
	quoted    = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	templated = regexp.MustCompile(`^template: macro:\d+(?::\d+)?: (?:executing "macro" at <[^>]*>: )?`)
)

// complaintOf holds neither the data nor a word that the author wrote in quotes, which may be a password.
func complaintOf(err error, macro Macro) string {
	hidden := map[string]bool{}
	if data, err := decodeData(macro.Data); err == nil {
		collectStrings(any(data), hidden)
	}
	for _, literal := range quoted.FindAllString(macro.Expression, -1) {
		if text, err := strconv.Unquote(literal); err == nil {
			collectStrings(text, hidden)
		}
	}
	message := templated.ReplaceAllString(oneLine(err.Error()), "")
	return shorten(strings.TrimSpace(redact(message, hidden, nil)))
}
