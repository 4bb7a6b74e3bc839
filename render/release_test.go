package main

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

func hookDocument(name, annotations string) string {
	return "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  annotations: {" + annotations + "}\n"
}

func TestHooksAreThoseOfHelm(t *testing.T) {
	got := ask(demo(t, hookDocument("b", `helm.sh/hook: "post-install, Pre-Install", helm.sh/hook-weight: "-5"`)+
		hookDocument("a", `helm.sh/hook: test-success, helm.sh/hook-delete-policy: "hook-failed,Hook-Succeeded", helm.sh/hook-output-log-policy: hook-failed`)+
		hookDocument("old", `helm.sh/hook: crd-install`)+
		hookDocument("typo", `helm.sh/hook: "pre-install,pre-instal"`)+
		hookDocument("none", `helm.sh/hook-weight: "1"`)), `{}`)
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	for i := range got.Result.Hooks {
		if !strings.HasPrefix(got.Result.Hooks[i].Content, "apiVersion: v1\n") {
			t.Error(got.Result.Hooks[i].Content)
		}
		got.Result.Hooks[i].Content = ""
	}
	want := []Hook{
		{Name: "b", Kind: "Pod", Path: "demo/templates/a.yaml", Events: []string{"post-install", "pre-install"}, Weight: -5,
			DeletePolicies: []string{}, OutputLogPolicies: []string{}},
		{Name: "a", Kind: "Pod", Path: "demo/templates/a.yaml", Events: []string{"test"},
			DeletePolicies: []string{"hook-failed", "hook-succeeded"}, OutputLogPolicies: []string{"hook-failed"}},
	}
	if !reflect.DeepEqual(got.Result.Hooks, want) {
		t.Errorf("got %+v", got.Result.Hooks)
	}
	if len(got.Result.Manifests) != 1 || !strings.Contains(got.Result.Manifests[0].Content, "name: none") {
		t.Errorf("a hook with an unknown event is no object either: %+v", got.Result.Manifests)
	}
}

func TestNotesAreThoseOfTheMainChart(t *testing.T) {
	got := ask(demo(t, "", file{"demo/templates/NOTES.txt", "\n for {{ .Release.Name }} \n\n"},
		file{"demo/templates/more/NOTES.txt", "deeper"},
		file{"demo/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"},
		file{"demo/charts/db/templates/NOTES.txt", "of db"}), `{}`)
	if got.Error != nil || got.Result.Notes != "\n for rel \n\n" || len(got.Result.Manifests) != 0 {
		t.Errorf("got %+v %+v", got.Error, got.Result)
	}
}

func TestTheChartOfAReleaseHasItsDependenciesProcessed(t *testing.T) {
	dependencies := "dependencies:\n- {name: db, version: 1.0.0, import-values: [shared]}\n- {name: gone, version: 1.0.0, condition: gone.wanted}\n"
	sub := func(name string) file {
		return file{"demo/charts/" + name + "/Chart.yaml", "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"}
	}
	got := ask(pack(t, file{"demo/Chart.yaml", chartYAML + dependencies}, file{"demo/values.yaml", "table: {a: 1}\ngone: {wanted: false}\n"}, sub("db"), sub("gone"),
		file{"demo/charts/db/values.yaml", "exports: {shared: {host: there}}\n"},
		file{"demo/templates/a.yaml", "# <first>"}, file{"demo/README.md", "read"}), `{"own":true}`)
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	var stored chart.Chart
	if err := json.Unmarshal([]byte(got.Result.ChartJSON), &stored); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"table": map[string]any{"a": 1.0}, "host": "there"}
	for key, value := range want {
		if !reflect.DeepEqual(stored.Values[key], value) {
			t.Errorf("%s: %v", key, stored.Values[key])
		}
	}
	if _, has := stored.Values["own"]; has {
		t.Error("the user's values are no values of the chart")
	}
	if needs := stored.Metadata.Dependencies; len(needs) != 1 || needs[0].Name != "db" || !needs[0].Enabled {
		t.Errorf("got %+v", needs)
	}
	if len(stored.Templates) != 1 || string(stored.Templates[0].Data) != "# <first>" || len(stored.Files) != 1 {
		t.Errorf("%d templates, %d files", len(stored.Templates), len(stored.Files))
	}
}

func TestAChartTooLargeForAReleaseComesWithoutFiles(t *testing.T) {
	data := make([]byte, 13<<20)
	source := rand.NewChaCha8([32]byte{})
	if _, err := source.Read(data); err != nil {
		t.Fatal(err)
	}
	ch := &chart.Chart{Metadata: &chart.Metadata{Name: "large"}, Files: []*common.File{{Name: "a.bin", Data: data}}}
	text, err := chartJSON(ch)
	if err != nil || !strings.Contains(text, `"name":"large"`) || !strings.Contains(text, `"files":[]`) || len(text) > 1000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if len(ch.Files) != 1 {
		t.Error("the chart itself was changed")
	}
}
