package main

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

const (
	maxMessage  = 500
	minSecret   = 4
	replacement = "***"
)

// redact takes the request's values out of a message. Template errors repeat them in many ways: `fail` with printf,
// `tpl` of a value, YAML that does not parse. Every string of the values with at least four characters is replaced,
// line by line when it has several, word by word when it is a template, and also as Go quotes it. Kept are strings that the chart's own files contain:
// these are public words (`nginx`, `ClusterIP`), and without them the message would say nothing.
func redact(text string, values map[string]any, ch *chart.Chart) string {
	hidden := map[string]bool{}
	collectStrings(values, hidden)
	ordered := make([]string, 0, len(hidden))
	for s := range hidden {
		ordered = append(ordered, s)
	}
	// Longest first, so that a value inside another does not break the longer one apart.
	slices.SortFunc(ordered, func(a, b string) int { return len(b) - len(a) })
	for _, s := range ordered {
		if strings.Contains(text, s) && !isPublic(s, ch) {
			text = strings.ReplaceAll(text, s, replacement)
		}
	}
	return text
}

func collectStrings(v any, into map[string]bool) {
	switch value := v.(type) {
	case map[string]any:
		for _, below := range value {
			collectStrings(below, into)
		}
	case []any:
		for _, below := range value {
			collectStrings(below, into)
		}
	case string:
		for line := range strings.SplitSeq(value, "\n") {
			addHidden(oneLine(line), into)
		}
		addHidden(oneLine(value), into)
		if strings.Contains(value, "{{") {
			// A template in a value: errors of `tpl` repeat parts of it.
			for _, word := range words.FindAllString(value, -1) {
				addHidden(word, into)
			}
		}
	}
}

var words = regexp.MustCompile(`[^\s"'` + "`" + `(){}|,:=]+`)

func addHidden(s string, into map[string]bool) {
	if utf8.RuneCountInString(s) < minSecret {
		return
	}
	into[s] = true
	quoted := strconv.Quote(s)
	into[quoted[1:len(quoted)-1]] = true
}

func isPublic(s string, ch *chart.Chart) bool {
	if ch == nil {
		return false
	}
	needle := []byte(s)
	for _, file := range ch.Raw {
		if strings.Contains(ch.Name()+"/"+file.Name, s) || bytes.Contains(file.Data, needle) {
			return true
		}
	}
	return slices.ContainsFunc(ch.Dependencies(), func(sub *chart.Chart) bool { return isPublic(s, sub) })
}

var spaces = regexp.MustCompile(`\s+`)

func oneLine(text string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(text, " "))
}

func shorten(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	cut := maxMessage
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
