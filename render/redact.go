package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
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

// redact takes hidden strings out of a message: the request's values, and what was looked up. Template errors repeat them
// in many ways: `fail` with printf, `tpl` of a value, YAML that does not parse. Every string of at least four characters is
// replaced, line by line when it has several, word by word when it is a template, and also as Go quotes it and in base64;
// so is every number of as many digits, in both ways in which templates print it. Kept are strings that the chart's own files contain: these are public words (`nginx`, `ClusterIP`), and without them the message
// would say nothing.
func redact(text string, hidden map[string]bool, ch *chart.Chart) string {
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
		addEncoded(value, into)
		if strings.Contains(value, "{{") {
			// A template in a value: errors of `tpl` repeat parts of it.
			for _, word := range templateWords.FindAllString(value, -1) {
				addHidden(word, into)
			}
		}
	case float64:
		addHidden(strconv.FormatFloat(value, 'f', -1, 64), into)
	}
}

// maxWrapping is how often base64 is taken off: a Secret's data, and the `auth` of a registry's password inside of it.
const maxWrapping = 2

// collectObject collects the strings of an object that was looked up, or of the items of a list: all but what it is called
// and what it is. Charts decode what a Secret holds, and read files in it: there all words count, also of texts in base64.
func collectObject(object map[string]any, isSecret bool, into map[string]bool) {
	collect := collectStrings
	if isSecret {
		collect = collectWords
	}
	for field, below := range object {
		switch field {
		case "apiVersion", "kind", "type":
		case "metadata":
			if metadata, ok := below.(map[string]any); ok {
				collect(metadata["annotations"], into)
			}
		case "items":
			items, _ := below.([]any)
			for _, item := range items {
				if one, ok := item.(map[string]any); ok {
					collectObject(one, isSecret, into)
				}
			}
		default:
			collect(below, into)
		}
	}
}

func collectWords(v any, into map[string]bool) {
	switch value := v.(type) {
	case map[string]any:
		for _, below := range value {
			collectWords(below, into)
		}
	case []any:
		for _, below := range value {
			collectWords(below, into)
		}
	case string:
		unwrap(value, maxWrapping, into)
	}
}

func unwrap(text string, depth int, into map[string]bool) {
	collectStrings(text, into)
	for _, word := range append(templateWords.FindAllString(text, -1), text) {
		addHidden(word, into)
		decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(word, "="))
		if depth > 0 && err == nil && len(decoded) >= minSecret && utf8.Valid(decoded) {
			unwrap(string(decoded), depth-1, into)
		}
	}
}

var templateWords = regexp.MustCompile(`[^\s"'` + "`" + `(){}|,:=]+`)

func addHidden(s string, into map[string]bool) {
	if utf8.RuneCountInString(s) < minSecret {
		return
	}
	into[s] = true
	quoted := strconv.Quote(s)
	into[quoted[1:len(quoted)-1]] = true
	addEncoded(s, into)
	if number, err := strconv.ParseFloat(s, 64); err == nil && len(fmt.Sprint(number)) >= minSecret {
		into[fmt.Sprint(number)] = true
	}
}

// addEncoded adds a string as `b64enc` prints it; the padding tells nothing.
func addEncoded(s string, into map[string]bool) {
	if utf8.RuneCountInString(s) >= minSecret {
		into[base64.RawStdEncoding.EncodeToString([]byte(s))] = true
	}
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
