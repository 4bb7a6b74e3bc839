package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

// answerTemplates renders each file alone: the manifests of a pack have values of their own, and one that fails hides
// none of the others' mistakes.
func answerTemplates(req *Request) Answer {
	ans := Answer{ID: req.ID, Files: []RenderedFile{}}
	caps, err := capabilities(req.Capabilities)
	if err != nil {
		ans.Files, ans.Error = nil, explain(kinded{ErrorKubeVersion, err}, map[string]bool{}, nil)
		return ans
	}
	size := 0
	for _, file := range req.Files {
		rendered := renderFile(&file, req, caps, &ans.Random)
		size += len(rendered.Content)
		if size > maxOutput {
			ans.Files, ans.Error = nil, explain(fmt.Errorf("its templates make more than %d MiB", maxOutput>>20), map[string]bool{}, nil)
			return ans
		}
		ans.Files = append(ans.Files, rendered)
	}
	return ans
}

// renderFile renders a chart that has the file as its only template.
func renderFile(file *TemplateFile, req *Request, caps *common.Capabilities, random *bool) (rendered RenderedFile) {
	rendered.Path = file.Path
	ch := chartOf(file, req)
	fail := func(err error) {
		hidden := map[string]bool{}
		collectStrings(file.Values, hidden)
		rendered.Content, rendered.Error = "", explain(err, hidden, ch)
		// Helm puts the chart's name before every path.
		rendered.Error.Message = strings.ReplaceAll(rendered.Error.Message, templateName(ch), file.Path)
	}
	defer func() {
		if r := recover(); r != nil {
			fail(fmt.Errorf("%s broke the renderer: %v", file.Path, r))
		}
	}()
	if strings.HasPrefix(path.Base(file.Path), "_") {
		fail(fmt.Errorf("%s: a file whose name begins with _ makes nothing", file.Path))
		return rendered
	}
	values := file.Values
	if values == nil {
		values = map[string]any{}
	}
	scope, err := commonutil.ToRenderValuesWithSchemaValidation(ch, values, releaseOptions(req.Release), caps, true)
	if err != nil {
		fail(kinded{ErrorValues, err})
		return rendered
	}
	functions := noticeRandom(random)
	functions["lookup"] = newLookups(LookupRequest{}).find
	functions[spectroFunction] = func() map[string]any { return req.Spectro }
	guardTokens(functions, file.Content)
	files, err := engine.Engine{CustomTemplateFuncs: functions}.RenderWithContext(context.Background(), ch, scope)
	if err != nil {
		fail(err)
		return rendered
	}
	content, ok := files[templateName(ch)]
	if !ok {
		fail(errors.New("its path is not one that a template can have"))
		return rendered
	}
	rendered.Content = content
	return rendered
}

const (
	spectroFunction = "strataSpectro"
	// Helm's engine hands templates nothing but what charts know.
	setSpectro = `{{ $_ := set . "Spectro" ` + spectroFunction + ` }}`
)

func chartOf(file *TemplateFile, req *Request) *chart.Chart {
	content := file.Content
	if req.Spectro != nil && strings.Contains(content, ".Spectro") {
		content = setSpectro + content
	}
	return &chart.Chart{
		Metadata: &chart.Metadata{
			APIVersion: chart.APIVersionV2,
			Name:       req.Metadata.Name,
			Version:    req.Metadata.Version,
			AppVersion: req.Metadata.AppVersion,
		},
		Templates: []*common.File{{Name: file.Path, Data: []byte(content)}},
		Raw:       []*common.File{{Name: file.Path, Data: []byte(file.Content)}},
	}
}

func templateName(ch *chart.Chart) string {
	return path.Join(ch.Name(), ch.Templates[0].Name)
}
