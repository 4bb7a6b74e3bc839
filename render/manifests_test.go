package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func askTemplates(t *testing.T, files ...TemplateFile) Answer {
	t.Helper()
	return answer(&Request{
		ID: "1", Op: OpTemplate, Files: files,
		Metadata:     Metadata{Name: "storage", Version: "1.2.3"},
		Spectro:      map[string]any{"cluster": "edge-17", "apiServer": "10.0.0.1:6443"},
		Release:      Release{Name: "rel", Namespace: "ns", Revision: 1},
		Capabilities: Capabilities{KubeVersion: "v1.36.3", APIVersions: []string{"v1"}},
	})
}

func valuesOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestFilesAreTemplatesOfHelm(t *testing.T) {
	for name, tc := range map[string]struct{ template, values, want string }{
		"a value":                       {"a: {{ .Values.a }}", `{"a":"b"}`, "a: b"},
		"a missing value is empty":      {"a: {{ .Values.a.b }}{{ .Values.c }}", `{"a":{}}`, "a: "},
		"a switch over the whole file":  {"{{ if .Values.on }}a: 1{{ end }}", `{"on":false}`, ""},
		"Helm's functions":              {"a:\n{{ toYaml .Values.a | indent 2 }}\nb: {{ toJson .Values.a }}", `{"a":{"x":[1]}}`, "a:\n  x:\n  - 1\nb: {\"x\":[1]}"},
		"a named template":              {`{{ define "x" }}{{ .a }}{{ end }}a: {{ include "x" .Values }}`, `{"a":"b"}`, "a: b"},
		"a template in a value":         {`a: {{ tpl .Values.a . }}`, `{"a":"{{ .Release.Namespace }}"}`, "a: ns"},
		"a value is not a template":     {`a: {{ .Values.a }}`, `{"a":"{{ .Release.Name }}"}`, "a: {{ .Release.Name }}"},
		"release, chart, capabilities":  {`{{ .Release.Name }} {{ .Release.IsInstall }} {{ .Chart.Name }} {{ .Chart.Version }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.APIVersions.Has "v1" }}`, `{}`, "rel true storage 1.2.3 36 true"},
		"the old name of the cluster":   {"{{ define `x` }}{{ end }}{{ .Spectro.cluster | quote }} {{ hasPrefix \"https://\" .Spectro.apiServer }}", `{}`, `"edge-17" false`},
		"nothing of the cluster or DNS": {`{{ lookup "v1" "Secret" "kube-system" "x" | empty }}{{ getHostByName "localhost" }}`, `{}`, "true"},
	} {
		t.Run(name, func(t *testing.T) {
			got := askTemplates(t, TemplateFile{Path: "manifests/a.yaml", Content: tc.template, Values: valuesOf(t, tc.values)})
			if got.Error != nil || got.Files[0].Error != nil {
				t.Fatal(got.Error, got.Files[0].Error)
			}
			if got.Files[0].Content != tc.want {
				t.Errorf("got %q", got.Files[0].Content)
			}
		})
	}
}

func TestEachFileHasItsOwnValuesAndItsOwnError(t *testing.T) {
	got := askTemplates(t,
		TemplateFile{"manifests/a.yaml", "{{ .Values.x }}", map[string]any{"x": "one"}},
		TemplateFile{"manifests/b.yaml", "a: 1\nb: {{ fail .Values.x }}", map[string]any{"x": "c4n4ry-word"}},
		TemplateFile{"manifests/in/c.yaml", "{{ .Values.x }}{{ randAlpha 0 }}", map[string]any{"x": "three"}},
		TemplateFile{"manifests/d.yaml", "\n\n{{ if }}", nil},
		TemplateFile{"manifests/e.yaml", `{{ env "HOME" }}`, nil},
		TemplateFile{"manifests/_f.yaml", "a: 1", nil},
	)
	want := []struct{ path, content, message string }{
		{"manifests/a.yaml", "one", ""},
		{"manifests/b.yaml", "", "manifests/b.yaml:2:6: ***"},
		{"manifests/in/c.yaml", "three", ""},
		{"manifests/d.yaml", "", "manifests/d.yaml:3: missing value for if"},
		{"manifests/e.yaml", "", `manifests/e.yaml:1: function "env" not defined`},
		{"manifests/_f.yaml", "", "manifests/_f.yaml: a file whose name begins with _ makes nothing"},
	}
	if len(got.Files) != len(want) || !got.Random {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		file := got.Files[i]
		message := ""
		if file.Error != nil {
			message = file.Error.Message
		}
		if file.Path != w.path || file.Content != w.content || message != w.message {
			t.Errorf("%s: got %q %q", w.path, file.Content, message)
		}
	}
}

func TestTemplatesOfOneRequestMakeNoMoreThanAChartMay(t *testing.T) {
	large := TemplateFile{"manifests/a.yaml", `{{ repeat 33554433 "x" }}`, nil}
	if got := askTemplates(t, large, large); got.Error == nil || !strings.Contains(got.Error.Message, "more than 64 MiB") || got.Files != nil {
		t.Errorf("%+v", got.Error)
	}
}
