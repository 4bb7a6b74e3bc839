package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const chartYAML = "apiVersion: v2\nname: demo\nversion: 1.2.3\n"

type file struct{ name, content string }

func pack(t *testing.T, files ...file) []byte {
	t.Helper()
	var headers []tar.Header
	var bodies []string
	for _, f := range files {
		headers = append(headers, tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Typeflag: tar.TypeReg})
		bodies = append(bodies, f.content)
	}
	return packRaw(t, headers, bodies)
}

func packRaw(t *testing.T, headers []tar.Header, bodies []string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for i := range headers {
		if err := archive.WriteHeader(&headers[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(bodies[i])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func demo(t *testing.T, template string, more ...file) []byte {
	return pack(t, append([]file{{"demo/Chart.yaml", chartYAML}, {"demo/templates/a.yaml", template}}, more...)...)
}

func ask(chart []byte, values string) Answer {
	req := request(chart, values)
	return answer(&req)
}

func request(chart []byte, values string) Request {
	req := Request{
		ID: "1", Chart: chart,
		Release:      Release{Name: "rel", Namespace: "ns", Revision: 3, IsUpgrade: true},
		Capabilities: Capabilities{KubeVersion: "v1.36.3", APIVersions: []string{"v1"}},
	}
	if err := json.Unmarshal([]byte(values), &req.Values); err != nil {
		panic(err)
	}
	return req
}

func TestErrors(t *testing.T) {
	const canary = "c4n4ry-word"
	schema := func(s string) file { return file{"demo/values.schema.json", s} }
	for name, tc := range map[string]struct {
		chart       []byte
		values      string
		wantKind    ErrorKind
		wantMessage string
	}{
		"required": {
			demo(t, `a: {{ required "size must be set" .Values.size }}`), `{}`,
			ErrorTemplate, "demo/templates/a.yaml:1:6: size must be set"},
		"fail with a value": {
			demo(t, `a: {{ fail (printf "no such type %q" .Values.type) }}`), `{"type":"c4n4ry-word"}`,
			ErrorTemplate, `demo/templates/a.yaml:1:6: no such type "***"`},
		"a public word stays": {
			demo(t, `a: {{ fail (printf "no such type %q" .Values.type) }} {{/* NodePort */}}`), `{"type":"NodePort"}`,
			ErrorTemplate, `demo/templates/a.yaml:1:6: no such type "NodePort"`},
		"fail with a number": {
			demo(t, `a: {{ fail (printf "%v, %d, %s" .Values.pin (int .Values.pin) (.Values.pin | toJson)) }}`), `{"pin":48151623}`,
			ErrorTemplate, `demo/templates/a.yaml:1:6: ***, ***, ***`},
		"fail with a number of a port": {
			demo(t, `a: {{ fail (printf "port %v" .Values.port) }} {{/* 8080 */}}`), `{"port":8080}`,
			ErrorTemplate, `demo/templates/a.yaml:1:6: port 8080`},
		"fail with a value in base64": {
			demo(t, `a: {{ fail (printf "%s and %s" (b64enc .Values.one) (b64enc .Values.file)) }}`),
			`{"one":"c4n4ry-word","file":"a: b\nc4n4ry-word\n"}`,
			ErrorTemplate, `demo/templates/a.yaml:1:6: ***= and ***`},
		"a template in a value": {
			demo(t, `a: {{ tpl .Values.text . }}`), `{"text":"{{ c4n4ry-word }}"}`, ErrorTemplate, "error calling tpl"},
		"fail inside a template in a value": {
			demo(t, `a: {{ tpl .Values.text . }}`), `{"text":"{{ fail \"c4n4ry-word\" }}"}`, ErrorTemplate, "***"},
		"parse error": {
			demo(t, `a: {{ if }}`), `{}`, ErrorTemplate, "demo/templates/a.yaml:1: missing value for if"},
		"YAML that does not parse": {
			demo(t, "a: {{ .Values.x }}"), `{"x":"b: c4n4ry-word: d"}`,
			ErrorTemplate, "YAML parse error on demo/templates/a.yaml"},
		"type": {
			demo(t, "", schema(`{"properties":{"n":{"type":"integer"}}}`)), `{"n":"c4n4ry-word"}`,
			ErrorValues, "n: got string, want integer"},
		"pattern": {
			demo(t, "", schema(`{"properties":{"n":{"pattern":"^a+$"}}}`)), `{"n":"c4n4ry-word"}`,
			ErrorValues, "n: must match the pattern ^a+$"},
		"every violation": {
			demo(t, "", schema(`{"properties":{"n":{"minimum":3},"m":{"enum":["a","b"]}},"required":["k"]}`)),
			`{"n":1,"m":"c4n4ry-word"}`, ErrorValues, "m: value must be one of 'a', 'b'; n: must be at least 3; the values: missing property 'k'"},
		"unsupported Kubernetes": {
			pack(t, file{"demo/Chart.yaml", chartYAML + "kubeVersion: '>=1.99'\n"}), `{}`,
			ErrorKubeVersion, "it supports Kubernetes >=1.99, this cluster has v1.36.3"},
		"library": {
			pack(t, file{"demo/Chart.yaml", chartYAML + "type: library\n"}), `{}`, ErrorChart, "library charts cannot be installed"},
		"missing dependency": {
			pack(t, file{"demo/Chart.yaml", chartYAML + "dependencies: [{name: db, version: 1.0.0, repository: ''}]\n"}), `{}`,
			ErrorChart, "charts/ folder: db"},
		"value in a subchart's place": {
			pack(t, file{"demo/Chart.yaml", chartYAML + "dependencies: [{name: db, version: 1.0.0, condition: db.on}]\n"},
				file{"demo/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"}), `{"db":"c4n4ry-word"}`,
			ErrorValues, "db: must be a map"},
		"no archive":     {[]byte("c4n4ry-word"), `{}`, ErrorChart, "not a gzip archive"},
		"no chart":       {pack(t, file{"demo/README.md", "x"}), `{}`, ErrorChart, "Chart.yaml file is missing"},
		"outside folder": {pack(t, file{"demo/../../etc/x", "x"}), `{}`, ErrorChart, "parent directory"},
		"symbolic link": {
			packRaw(t, []tar.Header{{Name: "demo/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}}, []string{""}), `{}`,
			ErrorChart, "link or a device"},
		"one name twice": {
			pack(t, file{"demo/values.yaml", "a: 1"}, file{"demo/./values.yaml", "a: 2"}), `{}`,
			ErrorChart, `holds one file twice, "demo/values.yaml" and "demo/./values.yaml"`},
		"names that differ in letters' case": {
			pack(t, file{"demo/templates/a.yaml", "a: 1"}, file{"demo/templates/A.yaml", "a: 2"}), `{}`,
			ErrorChart, `holds one file twice, "demo/templates/a.yaml" and "demo/templates/A.yaml"`},
		"bomb": {
			pack(t, file{"demo/zeros", string(make([]byte, 11<<20))}), `{}`, ErrorChart, "100 times its packed size"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(tc.chart, tc.values)
			if got.Error == nil {
				t.Fatal("no error")
			}
			if got.Error.Kind != tc.wantKind || !strings.Contains(got.Error.Message, tc.wantMessage) {
				t.Errorf("got %s %q", got.Error.Kind, got.Error.Message)
			}
			if strings.Contains(got.Error.Message, canary) || len(got.Error.Message) > maxMessage+4 {
				t.Errorf("message %q", got.Error.Message)
			}
		})
	}
}

func TestNothingOutsideTheRequestIsRead(t *testing.T) {
	template := `
found: {{ lookup "v1" "Secret" "kube-system" "x" | empty }}
address: "{{ getHostByName "localhost" }}"
revision: {{ .Release.Revision }} {{ .Release.IsUpgrade }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.HelmVersion.Version | hasPrefix "v4." }}`
	got := ask(demo(t, template), `{}`)
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	want := "found: true\naddress: \"\"\nrevision: 3 true 36 "
	if content := got.Result.Manifests[0].Content; !strings.HasPrefix(content, want) {
		t.Error(content)
	}
	for _, function := range []string{"env", "expandenv"} {
		got := ask(demo(t, fmt.Sprintf(`a: {{ %s "HOME" }}`, function)), `{}`)
		if got.Error == nil || !strings.Contains(got.Error.Message, fmt.Sprintf("function %q not defined", function)) {
			t.Errorf("%s: %+v", function, got.Error)
		}
	}
}

func TestSchemaReferencesAreNotFetched(t *testing.T) {
	for _, reference := range []string{
		"http://127.0.0.1:1/x.json", "file:///etc/hostname", "urn:x",
		"http://127.0.0.1:1/x.json#/definitions/io.k8s.Pod/properties/tolerations", "x.json#/$defs/a~1b%20c", "x.json#/oneOf/0",
	} {
		schema := fmt.Sprintf(`{"properties":{"a":{"$ref":%q},"b":{"type":"string"}}}`, reference)
		got := ask(demo(t, "", file{"demo/values.schema.json", schema}), `{"a":1,"b":2}`)
		if got.Error == nil || got.Error.Message != "b: got number, want string" {
			t.Errorf("%s: %+v", reference, got.Error)
		}
	}
}

func TestSchemaReferencesToItselfAreFollowed(t *testing.T) {
	for _, reference := range []string{"#/$defs/word", "https://example.com/s.json#/$defs/word", "s.json#/$defs/word"} {
		schema := fmt.Sprintf(
			`{"$id":"https://example.com/s.json","$defs":{"word":{"type":"string"}},"properties":{"b":{"$ref":%q}}}`, reference,
		)
		got := ask(demo(t, "", file{"demo/values.schema.json", schema}), `{"b":2}`)
		if got.Error == nil || got.Error.Message != "b: got number, want string" {
			t.Errorf("%s: %+v", reference, got.Error)
		}
	}
}

func TestServeAnswersInOrderAndSurvivesBadCharts(t *testing.T) {
	var in bytes.Buffer
	for i, chart := range [][]byte{[]byte("x"), demo(t, "a: 1"), nil, demo(t, "a: 2")} {
		line, err := json.Marshal(Request{ID: fmt.Sprint(i), Chart: chart, Release: Release{Name: "r"}, Capabilities: Capabilities{KubeVersion: "1.36"}, DeadlineMs: 60_000})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	var out bytes.Buffer
	if err := serve(&in, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, wantError := range []bool{true, false, true, false} {
		var got Answer
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if got.ID != fmt.Sprint(i) || (got.Error != nil) != wantError {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

func TestRandomFunctionsAreNoticedOnlyWhenTheyRun(t *testing.T) {
	for template, want := range map[string]bool{
		`a: {{ randAlphaNum 20 }}`:                         true,
		`a: {{ (genCA "x" 1).Cert | b64enc }}`:             true,
		`a: {{ if .Values.on }}{{ randInt 1 9 }}{{ end }}`: false,
		`a: {{ now | date "2006" }}`:                       false,
	} {
		got := ask(demo(t, template), `{}`)
		if got.Error != nil || got.Result.Random != want {
			t.Errorf("%s: %+v", template, got)
		}
	}
	for _, name := range randomFunctions {
		if noticeRandom(new(bool))[name] == nil {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestTemplatesSeeTheKindsOfTheChartsOwnCRDs(t *testing.T) {
	template := `{{ range list "a.example/v1" "a.example/v1/Thing" "a.example/v0/Thing" "b.example/v1/Other" -}}
{{ . }}: {{ $.Capabilities.APIVersions.Has . }}
{{ end }}`
	crds := `spec: {group: a.example, names: {kind: Thing}, versions: [{name: v1, served: true}, {name: v0, served: false}]}
---
spec: {group: b.example, names: {kind: Other}, versions: [{name: v1, served: true}]}
---
{{ no: yaml`
	chart := demo(t, template, file{"demo/crds/things.yaml", crds})
	if got := ask(chart, `{}`); got.Error != nil || strings.Contains(got.Result.Manifests[0].Content, "true") {
		t.Errorf("not asked for: %+v", got)
	}
	req := request(chart, `{}`)
	req.OwnKinds = true
	got := answer(&req)
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	if content := got.Result.Manifests[0].Content; strings.Count(content, "true") != 3 || !strings.Contains(content, "a.example/v0/Thing: false") {
		t.Error(content)
	}
}
