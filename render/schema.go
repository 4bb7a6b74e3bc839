package main

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

const schemaURL = "strata:///values.schema.json"

// permissive answers every reference out of a schema with "anything goes". Helm fetches them by HTTP and from files,
// which here would be a request, or a read, under the operator's identity at a place that the chart's author chose.
// A pointer into such a document (`https://host/all.json#/definitions/Port`) would find nothing: see cutPointers.
type permissive struct{}

func (permissive) Load(string) (any, error) { return true, nil }

// cutPointers leaves of each reference out of the schema only the address. The schema's own parts may be named by an
// address too, their `$id`; those references stay.
func cutPointers(node any, own map[string]bool) {
	eachMember(node, func(holder map[string]any, key string, value any) {
		reference, isText := value.(string)
		address, _, hasPointer := strings.Cut(reference, "#")
		if isText && key == "$ref" && hasPointer && address != "" && !own[path.Base(address)] {
			holder[key] = address
		}
	})
}

// ownNames are the last parts of all `$id`: what relative and absolute references to one have in common.
func ownNames(node any) map[string]bool {
	names := map[string]bool{}
	eachMember(node, func(_ map[string]any, key string, value any) {
		if id, isText := value.(string); isText && (key == "$id" || key == "id") {
			address, _, _ := strings.Cut(id, "#")
			names[path.Base(address)] = true
		}
	})
	return names
}

func eachMember(node any, visit func(holder map[string]any, key string, value any)) {
	switch v := node.(type) {
	case []any:
		for _, item := range v {
			eachMember(item, visit)
		}
	case map[string]any:
		for key, value := range v {
			visit(v, key, value)
			eachMember(value, visit)
		}
	}
}

// validateValues checks the coalesced values against the schemas of the chart and of its enabled subcharts, and
// reports all violations. The sentences name keys and what the schema wants, never what the values hold.
func validateValues(ch *chart.Chart, values any) error {
	problems := collectProblems(ch, values)
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func collectProblems(ch *chart.Chart, values any) []string {
	table, ok := asTable(values)
	if !ok {
		return []string{fmt.Sprintf("the values of %s must be a map", ch.ChartFullPath())}
	}
	problems := checkSchema(ch, table)
	for _, sub := range ch.Dependencies() {
		if below, exists := table[sub.Name()]; exists && below != nil {
			problems = append(problems, collectProblems(sub, below)...)
		}
	}
	return problems
}

func asTable(values any) (map[string]any, bool) {
	switch v := values.(type) {
	case map[string]any:
		return v, true
	case common.Values:
		return v, true
	default:
		return nil, false
	}
}

func checkSchema(ch *chart.Chart, values map[string]any) (problems []string) {
	if ch.Schema == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			problems = []string{fmt.Sprintf("the values.schema.json of %s cannot be used", ch.Name())}
		}
	}()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(ch.Schema))
	if err != nil {
		return []string{fmt.Sprintf("the values.schema.json of %s is not JSON", ch.Name())}
	}
	cutPointers(document, ownNames(document))
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(permissive{})
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return []string{fmt.Sprintf("the values.schema.json of %s cannot be used: %v", ch.Name(), err)}
	}
	schema, err := compiler.Compile(schemaURL)
	if err != nil {
		return []string{fmt.Sprintf("the values.schema.json of %s cannot be used: %v", ch.Name(), err)}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(values); errors.As(err, &invalid) {
		problems = violations(keyPrefix(ch), invalid)
		// The library walks over Go maps: the same values must give the same sentence.
		slices.Sort(problems)
		return problems
	}
	return nil
}

// keyPrefix is where the values of a subchart stand in the values of the user: `shop.charts.cache` has `cache`.
func keyPrefix(ch *chart.Chart) []string {
	if ch.IsRoot() {
		return nil
	}
	return append(keyPrefix(ch.Parent()), ch.Name())
}

var english = message.NewPrinter(language.English)

// violations goes down to the causes that say something, but stays above alternatives, where each branch has its own.
func violations(prefix []string, e *jsonschema.ValidationError) []string {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return []string{sentence(prefix, e)}
	}
	if len(e.Causes) == 0 {
		return []string{sentence(prefix, e)}
	}
	var all []string
	for _, cause := range e.Causes {
		all = append(all, violations(prefix, cause)...)
	}
	return all
}

func sentence(prefix []string, e *jsonschema.ValidationError) string {
	where := strings.Join(append(append([]string{}, prefix...), e.InstanceLocation...), ".")
	if where == "" {
		where = "the values"
	}
	return where + ": " + complaint(e.ErrorKind)
}

// complaint words the violations whose own words would repeat the value.
func complaint(k jsonschema.ErrorKind) string {
	switch v := k.(type) {
	case *kind.AnyOf:
		return "fits none of the forms that the chart allows"
	case *kind.OneOf:
		return "must fit exactly one of the forms that the chart allows"
	case *kind.Not:
		return "has a form that the chart forbids"
	case *kind.FalseSchema:
		return "is not allowed"
	case *kind.Pattern:
		return "must match the pattern " + v.Want
	case *kind.Format:
		return "must be a valid " + v.Want
	case *kind.Minimum:
		return "must be at least " + v.Want.RatString()
	case *kind.Maximum:
		return "must be at most " + v.Want.RatString()
	case *kind.ExclusiveMinimum:
		return "must be more than " + v.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "must be less than " + v.Want.RatString()
	case *kind.MultipleOf:
		return "must be a multiple of " + v.Want.RatString()
	default:
		return k.LocalizedString(english)
	}
}
