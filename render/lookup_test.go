package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func looking(chart []byte, allowed []LookupRule, known ...LookupResult) Answer {
	return answer(&Request{
		ID: "1", Chart: chart, Values: map[string]any{},
		Release:      Release{Name: "rel", Namespace: "ns", Revision: 1},
		Capabilities: Capabilities{KubeVersion: "v1.36.3", APIVersions: []string{"v1"}},
		Lookup:       LookupRequest{Allowed: allowed, Known: known},
	})
}

func secret(namespace, name string) LookupKey {
	return LookupKey{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: name}
}

func keysOf(wanted []WantedLookup) []LookupKey {
	var keys []LookupKey
	for _, one := range wanted {
		keys = append(keys, one.LookupKey)
	}
	return keys
}

func found(key LookupKey, object string) LookupResult {
	return LookupResult{LookupKey: key, State: LookupFound, Object: json.RawMessage(object)}
}

func TestWhatIsAllowedIsWantedAndTheRestIsNotThere(t *testing.T) {
	template := `a: {{ lookup "v1" "Secret" "web" "db" | empty }}-{{ lookup "v1" "Secret" "web" "" | empty }}-{{ lookup "v1" "Secret" "" "" | empty }}-{{ lookup "v1" "Secret" "dev" "db" | empty }}`
	keys := []LookupKey{secret("web", "db"), secret("web", ""), secret("", ""), secret("dev", "db")}
	for name, tc := range map[string]struct {
		rules  []LookupRule
		wanted []LookupKey
	}{
		"no rule":                     {nil, nil},
		"another kind":                {[]LookupRule{{APIVersion: "v1", Kind: "ConfigMap"}}, nil},
		"another version":             {[]LookupRule{{APIVersion: "v2", Kind: "Secret"}}, nil},
		"one name everywhere":         {[]LookupRule{{APIVersion: "v1", Kind: "Secret", Name: "db"}}, []LookupKey{keys[0], keys[3]}},
		"one name in one namespace":   {[]LookupRule{LookupRule(keys[0])}, keys[:1]},
		"one namespace":               {[]LookupRule{{APIVersion: "v1", Kind: "Secret", Namespace: "web"}}, keys[:2]},
		"a kind":                      {[]LookupRule{{APIVersion: "v1", Kind: "Secret"}}, keys},
		"one of several rules is met": {[]LookupRule{{APIVersion: "v1", Kind: "Pod"}, LookupRule(keys[3])}, keys[3:]},
	} {
		t.Run(name, func(t *testing.T) {
			got := looking(demo(t, template), tc.rules)
			if got.Error != nil || !reflect.DeepEqual(keysOf(got.Wanted), tc.wanted) || (got.Result == nil) != (tc.wanted != nil) {
				t.Errorf("got %+v", got)
			}
			if tc.wanted == nil && !reflect.DeepEqual(got.Refused, keys) {
				t.Errorf("refused %+v", got.Refused)
			}
		})
	}
}

func TestWhatIsKnownIsFoundAsHelmFindsIt(t *testing.T) {
	template := `{{ $one := lookup "v1" "Secret" "web" "db" }}{{ $_ := set $one "data" "written" }}
one: {{ lookup "v1" "Secret" "web" "db" | toJson }}
whole: {{ (lookup "v1" "Secret" "web" "db").metadata.generation }} {{ kindOf (lookup "v1" "Secret" "web" "db").metadata.generation }}
names: {{ range (lookup "v1" "Secret" "web" "").items }}{{ .metadata.name }} {{ end }}
absent: "{{ lookup "v1" "Secret" "web" "gone" | toJson }} {{ (lookup "v1" "Secret" "web" "gone").data | default "none" }}"`
	got := looking(demo(t, template), []LookupRule{{APIVersion: "v1", Kind: "Secret"}},
		found(secret("web", "db"), `{"data":{"a":"Yg=="},"metadata":{"generation":12345678901}}`),
		found(secret("web", ""), `{"items":[{"metadata":{"name":"x"}},{"metadata":{"name":"y"}}]}`),
		LookupResult{LookupKey: secret("web", "gone"), State: LookupAbsent})
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	want := `one: {"data":{"a":"Yg=="},"metadata":{"generation":12345678901}}
whole: 12345678901 int64
names: x y 
absent: "{} none"`
	if content := got.Result.Manifests[0].Content; content != want || len(got.Refused) != 0 {
		t.Errorf("got %q %v", content, got.Refused)
	}
}

func TestAGroupThatIsNotServedIsAnError(t *testing.T) {
	key := LookupKey{APIVersion: "example.com/v1", Kind: "Lamp", Name: "x"}
	got := looking(demo(t, `a: {{ lookup "example.com/v1" "Lamp" "" "x" }}`), []LookupRule{LookupRule(key)},
		LookupResult{LookupKey: key, State: LookupUnserved})
	if got.Error == nil || got.Error.Kind != ErrorTemplate ||
		!strings.Contains(got.Error.Message, "unable to get apiresource from unstructured: example.com/v1, Kind=Lamp") {
		t.Errorf("got %+v", got.Error)
	}
}

func TestAnErrorOfATemplateThatKnewTooLittleCountsForNothing(t *testing.T) {
	for name, template := range map[string]string{
		"required": `a: {{ required "no password" (lookup "v1" "Secret" "web" "db").data }}`,
		"YAML":     `a: {{ (lookup "v1" "Secret" "web" "db").data | default "b: c: d" }}`,
	} {
		got := looking(demo(t, template), []LookupRule{{APIVersion: "v1", Kind: "Secret"}})
		if got.Error != nil || got.Result != nil || len(got.Wanted) != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnErrorSaysWhatWasNotAllowed(t *testing.T) {
	rules := []LookupRule{{APIVersion: "v1", Kind: "ConfigMap"}}
	for name, tc := range map[string]struct {
		template string
		want     []LookupKey
	}{
		"a template":   {`a: {{ index (lookup "v1" "Secret" "web" "db").data "key" }}`, []LookupKey{secret("web", "db")}},
		"YAML":         {`a: {{ (lookup "v1" "Secret" "web" "db").data | default "b: c: d" }}`, []LookupKey{secret("web", "db")}},
		"a value":      {`a: {{ index (lookup "v1" "Secret" "web" .Values.word).data "key" }}`, []LookupKey{secret("web", "***")}},
		"nothing":      {`a: {{ fail "no" }}`, nil},
		"what it knew": {`{{ $_ := lookup "v1" "ConfigMap" "web" "a" }}{{ fail "no" }}`, nil},
	} {
		got := answer(&Request{
			Chart: demo(t, tc.template), Values: map[string]any{"word": "c4n4ry-word"},
			Release:      Release{Name: "rel", Namespace: "ns", Revision: 1},
			Capabilities: Capabilities{KubeVersion: "v1.36.3"},
			Lookup: LookupRequest{Allowed: rules, Known: []LookupResult{
				{LookupKey: LookupKey{APIVersion: "v1", Kind: "ConfigMap", Namespace: "web", Name: "a"}, State: LookupAbsent}}},
		})
		if got.Error == nil || got.Error.Kind != ErrorTemplate || got.Result != nil || !reflect.DeepEqual(got.Refused, tc.want) {
			t.Errorf("%s: %+v %+v", name, got.Error, got.Refused)
		}
	}
}

func TestASearchThroughTheClusterEnds(t *testing.T) {
	got := looking(demo(t, `{{ range $i := until 201 }}{{ $_ := lookup "v1" "Secret" "web" (print $i) }}{{ end }}`),
		[]LookupRule{{APIVersion: "v1", Kind: "Secret"}})
	if got.Error == nil || got.Error.Message != "it looks up more than 200 things in the cluster" || got.Wanted != nil {
		t.Errorf("got %+v", got)
	}
	got = looking(demo(t, `{{ range $i := until 201 }}{{ $_ := lookup "v1" "Secret" "web" (print $i) }}{{ end }}`), nil)
	if got.Error != nil || len(got.Refused) != maxRefused {
		t.Errorf("got %+v", got)
	}
}

func TestWhatWasLookedUpStandsInNoMessage(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	auth := encode([]byte("robot:c4n4ry-auth"))
	data := map[string]any{
		"password": encode([]byte("c4n4ry-word")),
		"app.yaml": encode([]byte("user: me\npassword: c4n4ry-yaml\n")),
		"registry": encode([]byte(`{"auths":{"r.example":{"auth":"` + auth + `"}}}`)),
	}
	object, err := json.Marshal(map[string]any{"data": data, "metadata": map[string]any{
		"name": "db-secret", "annotations": map[string]any{"last": "c4n4ry-note"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, expression := range map[string]string{
		"encoded":            `.data.password`,
		"decoded":            `.data.password | b64dec`,
		"a word of a file":   `(.data | get "app.yaml" | b64dec | fromYaml).password`,
		"inside of a config": `(index (.data.registry | b64dec | fromJson).auths "r.example").auth | b64dec`,
		"an annotation":      `.metadata.annotations.last`,
	} {
		expression = strings.ReplaceAll(expression, `.data | get "app.yaml"`, `index .data "app.yaml"`)
		template := fmt.Sprintf(`{{ with lookup "v1" "Secret" "web" "db" }}{{ fail (printf "%%s has <%%s>" .metadata.name (%s)) }}{{ end }}`, expression)
		got := looking(demo(t, template), []LookupRule{{APIVersion: "v1", Kind: "Secret"}}, found(secret("web", "db"), string(object)))
		if got.Error == nil || !strings.Contains(got.Error.Message, "db-secret has <") ||
			strings.Contains(got.Error.Message, "c4n4ry") || strings.Contains(got.Error.Message, encode([]byte("c4n4ry-word"))) {
			t.Errorf("%s: %+v", name, got.Error)
		}
	}
	template := `{{ $s := lookup "v1" "Secret" "web" "db" }}{{ $_ := lookup "v1" "Pod" "web" ($s.data.password | b64dec) }}{{ $_ := lookup "v1" "Pod" "web" "a b" }}`
	got := looking(demo(t, template), []LookupRule{{APIVersion: "v1", Kind: "Secret"}}, found(secret("web", "db"), string(object)))
	want := LookupKey{APIVersion: "v1", Kind: "Pod", Namespace: "web", Name: "***"}
	if got.Error != nil || !reflect.DeepEqual(got.Refused, []LookupKey{want, want}) {
		t.Errorf("got %+v", got)
	}
}

func TestAValueIsNoNameThatPeopleAreToldOf(t *testing.T) {
	values := map[string]any{"password": "c4n4ry-word", "public": "Secret", "pin": 48151623.0, "rule": "from-a-rule"}
	lookup := `{{ $_ := lookup "v1" "Secret" %s }}`
	for name, tc := range map[string]struct{ arguments, told string }{
		"a value":                    {`"web" .Values.password`, "web/***"},
		"a part of a name":           {`"web" (printf "db-%s" .Values.password)`, "web/db-***"},
		"encoded":                    {`"web" (.Values.password | b64enc | trimSuffix "=")`, "web/***"},
		"a number":                   {`"web" (printf "db-%d" (int .Values.pin))`, "web/db-***"},
		"a namespace":                {`.Values.password "db"`, "***/db"},
		"a word of the chart":        {`"web" .Values.public`, "web/Secret"},
		"what no object can have":    {`"web" "a b"`, "web/***"},
		"a word of the layer's rule": {`"web" .Values.rule`, "web/from-a-rule"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, allows := range []bool{true, false} {
				rules := []LookupRule{{APIVersion: "v1", Kind: "Pod", Name: "from-a-rule"}}
				if allows {
					rules = append(rules, LookupRule{APIVersion: "v1", Kind: "Secret"})
				}
				got := answer(&Request{
					Chart: demo(t, fmt.Sprintf(lookup, tc.arguments)), Values: values,
					Release:      Release{Name: "rel", Namespace: "ns", Revision: 1},
					Capabilities: Capabilities{KubeVersion: "v1.36.3"}, Lookup: LookupRequest{Allowed: rules},
				})
				var told []LookupKey
				for _, one := range got.Wanted {
					told = append(told, one.Told)
				}
				told = append(told, got.Refused...)
				if len(told) != 1 || told[0].Namespace+"/"+told[0].Name != tc.told {
					t.Errorf("allowed %v: got %+v %+v", allows, told, got.Error)
				}
			}
		})
	}
}
