package main

import (
	"strings"
	"testing"

	"github.com/Masterminds/sprig/v3"
)

const (
	mark    = "\uF8F0065c10d0c888830d.0\uF8F1"
	another = "\uE001065c10d0c888830d.12\uF8F1"
	changed = "a macro stands where a template function changes it; move it out of there"
)

// withMacro renders a template that includes a text with a macro as "it", and with two as "both".
func withMacro(t *testing.T, template string) RenderedFile {
	t.Helper()
	content := `{{ define "it" }}x-` + mark + `{{ end }}{{ define "both" }}` + mark + `, ` + another + `{{ end }}` + template
	got := askTemplates(t, TemplateFile{"manifests/a.yaml", content, valuesOf(t, `{"a":"b","list":["x","y"],"map":{"k":"v"},"off":""}`)})
	if got.Error != nil {
		t.Fatal(got.Error)
	}
	return got.Files[0]
}

func TestAFunctionThatWouldChangeAMacroFails(t *testing.T) {
	for _, expression := range []string{
		`include "it" . | b64enc`, `include "it" . | sha256sum`, `include "it" . | adler32sum`, `include "it" . | b32enc`,
		`include "it" . | trunc 63`, `include "it" . | upper`, `include "it" . | lower`, `include "it" . | title`,
		`include "it" . | replace "." "-"`, `regexReplaceAll "[^a-z0-9-]" (include "it" .) "-"`, `regexMatch "^x" (include "it" .)`,
		`include "it" . | trimPrefix "x"`, `include "it" . | trimSuffix "-"`, `include "it" . | substr 1 100`, `include "it" . | nospace`, `include "it" . | int`,
		`printf "%.9s" (include "it" .)`, `printf "%x" (include "it" .)`, `include "it" . | repeat 0`, `include "it" . | splitList "-" | join "+"`,
		`derivePassword 1 "long" (include "it" .) "user" "site"`, `genSelfSignedCert (include "it" .) nil nil 1 | toJson`, `htpasswd "me" (include "it" .)`,
		`list (include "it" .) "a" | sortAlpha | join ","`, `list (include "it" .) | uniq | join ","`, `has "x-1" (list (include "it" .))`,
		`eq (include "it" .) "x-1"`, `ne (include "it" .) "x-1"`, `lt "a" (include "it" .)`, `include "it" . | len`, `index (include "it" .) 0`, `index .Values.map (include "it" .)`,
		`get .Values.map (include "it" .)`, `hasKey .Values.map (include "it" .)`, `contains "x" (include "it" .)`, `hasPrefix "x" (include "it" .)`,
		`semverCompare ">1" (include "it" .)`, `include "it" . | html`, `include "it" . | js`, `include "it" . | urlquery`, `include "it" . | durationSeconds`, `tpl "{{ .x | upper }}" (dict "x" (include "it" .))`,
		`dict "x" (include "it" .) | toJson | sha256sum`, `include "it" . | quote | b64enc`, `include "both" . | printf "%.25s"`,
	} {
		got := withMacro(t, "a: 1\nb: {{ "+expression+" }}")
		if got.Error == nil || !strings.HasSuffix(got.Error.Message, changed) || !strings.HasPrefix(got.Error.Message, "manifests/a.yaml:2:") {
			t.Errorf("%s: got %q %+v", expression, got.Content, got.Error)
		}
	}
}

func TestAMacroPassesFunctionsThatKeepItWhole(t *testing.T) {
	it := "x-" + mark
	for expression, want := range map[string]string{
		`include "it" .`:                                          it,
		`include "it" . | quote`:                                  `"` + it + `"`,
		`include "it" . | quote | quote`:                          `"\"` + it + `\""`,
		`include "it" . | squote`:                                 "'" + it + "'",
		`include "it" . | printf "%s%q" .Values.a`:                "b\"" + it + "\"",
		`print (include "it" .) (include "both" .)`:               it + mark + ", " + another,
		`include "it" . | nindent 2 | indent 1 | trim`:            it,
		`include "it" . | default "x"`:                            it,
		`.Values.off | default (include "it" .)`:                  it,
		`coalesce .Values.off (include "it" .)`:                   it,
		`ternary (include "it" .) "x" true`:                       it,
		`required "no" (include "it" .)`:                          it,
		`cat (include "it" .) .Values.a`:                          it + " b",
		`list (include "it" .) .Values.a | join ","`:              it + ",b",
		`dict "k" (include "it" .) | toJson`:                      `{"k":"` + it + `"}`,
		`dict "k" (include "it" .) | toYaml`:                      "k: " + it,
		`(printf "k: %s" (include "it" .) | fromYaml).k`:          it,
		`merge (dict "k" (include "it" .)) .Values.map | toYaml`:  "k: " + it,
		`index (dict "k" (include "it" .)) "k"`:                   it,
		`index (list (include "it" .)) 0`:                         it,
		`get (dict "k" (include "it" .)) "k"`:                     it,
		`tpl "{{ .k }}" (dict "k" (include "it" .))`:              it,
		`tpl (include "it" .) .`:                                  it,
		`if kindIs "string" (include "it" .) }}{{ include "it" .`: it,
		`with include "it" . }}{{ .`:                              it,
	} {
		suffix := " }}"
		if strings.HasPrefix(expression, "if ") || strings.HasPrefix(expression, "with ") {
			suffix = " }}{{ end }}"
		}
		if got := withMacro(t, "{{ "+expression+suffix); got.Error != nil || got.Content != want {
			t.Errorf("%s: got %q %+v", expression, got.Content, got.Error)
		}
	}
}

func TestFunctionsOfAFileWithMacrosDoWhatTheyDoForTheRest(t *testing.T) {
	for _, template := range []string{
		`{{ if and (eq .Values.a "b") (ne .Values.a "c") (eq .Values.a "x" "b") (not .Values.off) (lt 1 2) (le 1.5 1.5) (gt "b" "a") (ge 2 2) }}yes{{ end }}`,
		`{{ eq .Values.missing nil }}{{ eq .Values.missing "x" }}`, `{{ eq .Values.a 1 }}`, `{{ eq 1 }}`, `{{ lt .Values.map .Values.map }}`,
		`{{ index .Values.list 1 }}{{ index .Values.map "k" }}{{ index .Values.map "missing" }}{{ index .Values.map }}`, `{{ index .Values.list 7 }}`, `{{ index .Values.a "k" }}`,
		`{{ len .Values.list }}{{ len .Values.a }}`, `{{ len 3 }}`, `{{ printf "%d-%s" 3 .Values.a }}{{ print 1 2 "x" }}{{ println .Values.map }}`,
		`{{ html "<" }}{{ js "'" }}{{ urlquery "a b" }}`, `{{ .Values.a | upper | b64enc | quote }}{{ sha256sum "x" }}{{ sortAlpha .Values.list }}{{ has "x" .Values.list }}`,
		`{{ slice .Values.list 1 }}{{ hasKey .Values.map "k" }}{{ .Values.map | toJson }}{{ getHostByName "localhost" }}`, `{{ durationSeconds "90s" }} {{ durationRoundTo "90m" "1h" }} {{ mustToDuration "5m" }} {{ durationMinutes .Values.missing }}`, `{{ fail "no" }}`, `{{ required "must be" .Values.missing }}`, `{{ env "HOME" }}`,
	} {
		got := withMacro(t, template)
		want := askTemplates(t, TemplateFile{"manifests/a.yaml", template, valuesOf(t, `{"a":"b","list":["x","y"],"map":{"k":"v"},"off":""}`)}).Files[0]
		message := func(file RenderedFile) string {
			if file.Error == nil {
				return ""
			}
			// Where it stands differs, because of the definitions before it.
			_, said, _ := strings.Cut(file.Error.Message, " ")
			return said
		}
		if got.Content != want.Content || message(got) != message(want) {
			t.Errorf("%s: got %q %q, want %q %q", template, got.Content, message(got), want.Content, message(want))
		}
	}
}

func TestEveryFunctionThatIsTreatedApartExists(t *testing.T) {
	known := sprig.TxtFuncMap()
	helms := []string{"required", "include", "tpl", "lookup"}
	for _, name := range append(append(append([]string{}, carriers...), writers...), ofTexts...) {
		if known[name] == nil && builtins()[name] == nil && !strings.Contains(strings.Join(helms, " "), name) {
			t.Errorf("%s does not exist", name)
		}
	}
}
