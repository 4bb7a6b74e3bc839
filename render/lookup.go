package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

const (
	// More different things are a loop, or a search through the cluster.
	maxLookups = 200
	// As many as people are told of.
	maxRefused = 20
)

// lookups answers the template function `lookup` from what the request knows. This process cannot ask a cluster: what
// is allowed and not known yet is wanted, and the caller renders once more when it has read it.
type lookups struct {
	allowed []LookupRule
	known   map[LookupKey]LookupResult
	wanted  []LookupKey
	refused []LookupKey
	tooMany bool
}

func newLookups(req LookupRequest) *lookups {
	known := map[LookupKey]LookupResult{}
	for _, one := range req.Known {
		known[one.LookupKey] = one
	}
	return &lookups{allowed: req.Allowed, known: known}
}

// find is `lookup` as Helm has it (pkg/engine/lookup_func.go): a missing object is an empty map, an empty name asks for a
// list, and a group that is not served is an error. What is not allowed is not there, as in `helm template`.
func (l *lookups) find(apiVersion, kind, namespace, name string) (map[string]any, error) {
	key := LookupKey{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
	if !l.allows(key) {
		if !slices.Contains(l.refused, key) && len(l.refused) < maxRefused {
			l.refused = append(l.refused, key)
		}
		return map[string]any{}, nil
	}
	result, isKnown := l.known[key]
	switch {
	case !isKnown:
		l.want(key)
		return map[string]any{}, nil
	case result.State == LookupUnserved:
		gvk := schema.FromAPIVersionAndKind(apiVersion, kind)
		return map[string]any{}, fmt.Errorf("unable to get apiresource from unstructured: %s: the cluster does not serve %s", gvk, apiVersion)
	case result.State == LookupAbsent:
		return map[string]any{}, nil
	}
	// Each call gets its own: templates may write into it. Whole numbers stay whole, as Helm's client reads them.
	found := map[string]any{}
	err := utiljson.Unmarshal(result.Object, &found)
	return found, err
}

func (l *lookups) want(key LookupKey) {
	if slices.Contains(l.wanted, key) {
		return
	}
	l.tooMany = l.tooMany || len(l.wanted)+len(l.known) >= maxLookups
	if !l.tooMany {
		l.wanted = append(l.wanted, key)
	}
}

// allows: a rule for one name allows no list, and one for a namespace nothing across namespaces.
func (l *lookups) allows(key LookupKey) bool {
	for _, rule := range l.allowed {
		if rule.APIVersion == key.APIVersion && rule.Kind == key.Kind &&
			(rule.Namespace == "" || rule.Namespace == key.Namespace) && (rule.Name == "" || rule.Name == key.Name) {
			return true
		}
	}
	return false
}

// strings are those of all that was found, for redact.
func (l *lookups) strings(into map[string]bool) {
	for _, result := range l.known {
		var found map[string]any
		if err := json.Unmarshal(result.Object, &found); err == nil {
			collectObject(found, result.Kind == "Secret", into)
		}
	}
}

// told are lookups for people. A template may make a name of anything: one that no object can have is hidden, and so is
// what stands in the values or in what was found, unless a rule of the layer says it as well.
func (l *lookups) told(keys []LookupKey, hidden map[string]bool, ch *chart.Chart) []LookupKey {
	said := map[string]bool{"": true}
	for _, rule := range l.allowed {
		said[rule.Namespace], said[rule.Name] = true, true
	}
	tell := func(word string) string {
		if said[word] {
			return word
		}
		return tellable(word, hidden, ch)
	}
	all := make([]LookupKey, len(keys))
	for i, key := range keys {
		all[i] = LookupKey{
			APIVersion: tell(key.APIVersion), Kind: tell(key.Kind), Namespace: tell(key.Namespace), Name: tell(key.Name),
		}
	}
	return all
}

// report puts into an answer what its templates looked up in vain.
func (l *lookups) report(ans *Answer, req *Request, ch *chart.Chart) {
	switch {
	case len(l.wanted) > 0 && !l.tooMany:
		// What was made without them counts for nothing, an error no more than a result.
		ans.Result, ans.Error, ans.Wanted = nil, nil, l.toldWanted(secretsOf(req, l), ch)
	case len(l.refused) > 0:
		ans.Refused = l.told(l.refused, secretsOf(req, l), ch)
	}
}

func (l *lookups) toldWanted(hidden map[string]bool, ch *chart.Chart) []WantedLookup {
	all := make([]WantedLookup, len(l.wanted))
	for i, told := range l.told(l.wanted, hidden, ch) {
		all[i] = WantedLookup{LookupKey: l.wanted[i], Told: told}
	}
	return all
}

var apiVersionOrName = regexp.MustCompile(`^([-.a-z0-9]{1,253}/)?[a-zA-Z0-9]([-.:a-zA-Z0-9]{0,251}[a-zA-Z0-9])?$`)

func tellable(word string, hidden map[string]bool, ch *chart.Chart) string {
	if !apiVersionOrName.MatchString(word) {
		return replacement
	}
	return redact(word, hidden, ch)
}
