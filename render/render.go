package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

const (
	notesFile = "NOTES.txt"
	maxOutput = 64 << 20
	// A release is a Secret of at most 1 MiB, in which the chart is compressed.
	maxChartJSON = 16 << 20
)

// kinded is an error that knows whose fault it is.
type kinded struct {
	kind ErrorKind
	err  error
}

func (k kinded) Error() string { return k.err.Error() }

// answer never fails and never panics: whatever goes wrong is the answer.
func answer(req *Request) Answer {
	switch req.Op {
	case OpTemplate:
		return answerTemplates(req)
	case OpMacros:
		return answerMacros(req)
	default:
		return answerChart(req)
	}
}

func answerChart(req *Request) (ans Answer) {
	ans.ID = req.ID
	var ch *chart.Chart
	looked := newLookups(req.Lookup)
	defer func() {
		if r := recover(); r != nil {
			ans.Result = nil
			ans.Error = explain(fmt.Errorf("the chart broke the renderer: %v", r), secretsOf(req, looked), ch)
		}
		looked.report(&ans, req, ch)
	}()
	ch, err := load(req.Chart)
	if err == nil {
		ans.Chart = &Metadata{
			Name:        ch.Name(),
			Version:     ch.Metadata.Version,
			AppVersion:  ch.Metadata.AppVersion,
			KubeVersion: ch.Metadata.KubeVersion,
			Deprecated:  ch.Metadata.Deprecated,
		}
		ans.Result, err = render(ch, req, looked)
	}
	if looked.tooMany {
		ans.Result, err = nil, fmt.Errorf("it looks up more than %d things in the cluster", maxLookups)
	}
	if err != nil {
		ans.Error = explain(err, secretsOf(req, looked), ch)
	}
	return ans
}

// secretsOf are the strings that no message may hold.
func secretsOf(req *Request, looked *lookups) map[string]bool {
	hidden := map[string]bool{}
	collectStrings(req.Values, hidden)
	looked.strings(hidden)
	return hidden
}

func load(packed []byte) (*chart.Chart, error) {
	if err := checkArchive(packed); err != nil {
		return nil, kinded{ErrorChart, err}
	}
	ch, err := loader.LoadArchive(bytes.NewReader(packed))
	if err != nil {
		return nil, kinded{ErrorChart, err}
	}
	return ch, nil
}

// render does what `helm install` and `helm upgrade` do before they speak to a cluster, in the same order.
func render(ch *chart.Chart, req *Request, looked *lookups) (*Result, error) {
	if err := checkInstallable(ch); err != nil {
		return nil, kinded{ErrorChart, err}
	}
	if err := chartutil.ValidateReleaseName(req.Release.Name); err != nil {
		return nil, kinded{ErrorRelease, err}
	}
	values := req.Values
	if values == nil {
		values = map[string]any{}
	}
	if err := chartutil.ProcessDependencies(ch, values); err != nil {
		return nil, kinded{ErrorValues, wordMismatch(err)}
	}
	caps, err := capabilities(req.Capabilities)
	if err != nil {
		return nil, kinded{ErrorKubeVersion, err}
	}
	if req.OwnKinds {
		caps.APIVersions = append(caps.APIVersions, ownKinds(ch)...)
	}
	if wanted := ch.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, caps.KubeVersion.String()) {
		return nil, kinded{ErrorKubeVersion, fmt.Errorf("it supports Kubernetes %s, this cluster has %s", wanted, caps.KubeVersion.Version)}
	}
	scope, err := commonutil.ToRenderValuesWithSchemaValidation(ch, values, releaseOptions(req.Release), caps, true)
	if err != nil {
		return nil, kinded{ErrorValues, err}
	}
	if err := validateValues(ch, scope["Values"]); err != nil {
		return nil, kinded{ErrorValues, err}
	}
	// This engine has no cluster client, and EnableDNS is off.
	random := false
	functions := noticeRandom(&random)
	functions["lookup"] = looked.find
	files, err := engine.Engine{CustomTemplateFuncs: functions}.RenderWithContext(context.Background(), ch, scope)
	if err != nil {
		return nil, err
	}
	res, err := assemble(ch, files)
	if err != nil {
		return nil, err
	}
	res.Random = random
	res.ChartJSON, err = chartJSON(ch)
	return res, err
}

func releaseOptions(r Release) common.ReleaseOptions {
	return common.ReleaseOptions{
		Name:      r.Name,
		Namespace: r.Namespace,
		Revision:  r.Revision,
		IsInstall: !r.IsUpgrade,
		IsUpgrade: r.IsUpgrade,
	}
}

func checkInstallable(ch *chart.Chart) error {
	if kind := ch.Metadata.Type; kind != "" && kind != "application" {
		return fmt.Errorf("%s charts cannot be installed", kind)
	}
	present := map[string]bool{}
	for _, sub := range ch.Dependencies() {
		present[sub.Name()] = true
	}
	var missing []string
	for _, wanted := range ch.Metadata.Dependencies {
		if !present[wanted.Name] {
			missing = append(missing, wanted.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("Chart.yaml lists dependencies that are not in its charts/ folder: %s", strings.Join(missing, ", "))
	}
	return nil
}

func capabilities(c Capabilities) (*common.Capabilities, error) {
	version, err := common.ParseKubeVersion(c.KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("%q is no version of Kubernetes", c.KubeVersion)
	}
	caps := common.DefaultCapabilities.Copy()
	caps.KubeVersion = *version
	caps.APIVersions = slices.Clone(common.VersionSet(c.APIVersions))
	if version := helmVersion(); version != "" {
		caps.HelmVersion.Version = version
	}
	return caps, nil
}

// helmVersion is the version of Helm's packages in this binary; Helm itself knows it only from its own release build.
func helmVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == "helm.sh/helm/v4" {
			return dep.Version
		}
	}
	return ""
}

// assemble takes the notes out and splits the rest into objects and hooks as Helm does.
func assemble(ch *chart.Chart, files map[string]string) (*Result, error) {
	res := &Result{Manifests: []Document{}, CRDs: []Document{}, Hooks: []Hook{}}
	size := 0
	for name, content := range files {
		size += len(content)
		if !strings.HasSuffix(name, notesFile) {
			continue
		}
		if name == path.Join(ch.Name(), "templates", notesFile) {
			res.Notes = content
		}
		delete(files, name)
	}
	if size > maxOutput {
		return nil, fmt.Errorf("its templates make %d MiB, the limit is %d MiB", size>>20, maxOutput>>20)
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	for _, m := range manifests {
		res.Manifests = append(res.Manifests, Document{Path: m.Name, Content: m.Content})
	}
	for _, h := range hooks {
		res.Hooks = append(res.Hooks, Hook{
			Name: h.Name, Kind: h.Kind, Path: h.Path, Weight: h.Weight, Content: h.Manifest,
			Events:            words(h.Events),
			DeletePolicies:    words(h.DeletePolicies),
			OutputLogPolicies: words(h.OutputLogPolicies),
		})
	}
	for _, crd := range ch.CRDObjects() {
		res.CRDs = append(res.CRDs, Document{Path: crd.Filename, Content: string(crd.File.Data)})
	}
	return res, nil
}

func words[T ~string](typed []T) []string {
	plain := make([]string, len(typed))
	for i, word := range typed {
		plain[i] = string(word)
	}
	return plain
}

// chartJSON is the chart as Helm puts it into a release: after its dependencies were processed and its templates ran. A
// chart that could never fit into a Secret comes without its files.
func chartJSON(ch *chart.Chart) (string, error) {
	text, err := json.Marshal(ch)
	if len(text) > maxChartJSON {
		lean := *ch
		lean.Templates, lean.Files = []*common.File{}, []*common.File{}
		text, err = json.Marshal(&lean)
	}
	if err != nil {
		return "", kinded{ErrorChart, fmt.Errorf("no release can hold it: %w", err)}
	}
	return string(text), nil
}

var mismatch = regexp.MustCompile(`^type mismatch on (\S+): `)

// wordMismatch replaces Helm's words for a value that stands where a subchart's table must be: they repeat the value.
func wordMismatch(err error) error {
	if found := mismatch.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Errorf("%s: must be a map, because a subchart has this name", found[1])
	}
	return err
}

// locate moves the place that Helm and Go name to the front: `shop/templates/a.yaml:4:17: size must be set`.
func locate(message string) string {
	if found := placed.FindStringSubmatch(message); found != nil {
		return found[1] + ": " + found[2]
	}
	return strings.TrimPrefix(message, "template: ")
}

var placed = regexp.MustCompile(`^(?:execution|parse) error (?:at|in) \(([^)]+)\): (.*)$`)

// explain makes the error of an answer: its kind, and a message of bounded length without the strings that are hidden.
func explain(err error, hidden map[string]bool, ch *chart.Chart) *Error {
	kind := ErrorTemplate
	var k kinded
	if errors.As(err, &k) {
		kind = k.kind
	}
	return &Error{Kind: kind, Message: shorten(redact(locate(oneLine(err.Error())), hidden, ch))}
}
