package main

import "encoding/json"

// Op says what a request wants.
type Op string

const (
	OpChart    Op = ""         // render a chart
	OpTemplate Op = "template" // render files that are templates by themselves, as the manifests of a pack are
	OpMacros   Op = "macros"   // evaluate pipelines
)

// Request is one chart to render, or what its Op says.
type Request struct {
	ID           string         `json:"id"`
	Op           Op             `json:"op"`
	Chart        []byte         `json:"chart"` // the packed chart, base64
	Values       map[string]any `json:"values"`
	Release      Release        `json:"release"`
	Capabilities Capabilities   `json:"capabilities"`
	Lookup       LookupRequest  `json:"lookup"`
	OwnKinds     bool           `json:"ownKinds"` // templates see the kinds of the chart's own crds/ as served
	DeadlineMs   int64          `json:"deadlineMs"`
	// For OpTemplate; templates see Metadata as .Chart.
	Metadata Metadata       `json:"metadata"`
	Files    []TemplateFile `json:"files"`
	Spectro  map[string]any `json:"spectro"` // what the templates of old packs see as .Spectro
	// For OpMacros.
	Macros []Macro `json:"macros"`
}

// TemplateFile is a text that is rendered with values of its own, apart from the other files.
type TemplateFile struct {
	Path    string         `json:"path"`
	Content string         `json:"content"`
	Values  map[string]any `json:"values"`
}

// Macro is one pipeline, the inside of an action, and the data that it starts from.
type Macro struct {
	Expression string          `json:"expression"`
	Data       json.RawMessage `json:"data"`
}

// LookupRequest is what the function `lookup` may find, and what is known of it so far.
type LookupRequest struct {
	Allowed []LookupRule   `json:"allowed"`
	Known   []LookupResult `json:"known"`
}

// LookupRule allows to look up one kind; an empty namespace or name means any.
type LookupRule LookupKey

// LookupKey is what a template looks up: an object, or a list when the name is empty.
type LookupKey struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// WantedLookup is a lookup with the words in which people may be told of it.
type WantedLookup struct {
	LookupKey
	Told LookupKey `json:"told"`
}

// LookupResult is what the cluster has.
type LookupResult struct {
	LookupKey
	State  LookupState     `json:"state"`
	Object json.RawMessage `json:"object,omitempty"` // when it was found
}

// LookupState says what became of a lookup.
type LookupState string

const (
	LookupFound    LookupState = "Found"
	LookupAbsent   LookupState = "Absent"
	LookupUnserved LookupState = "Unserved" // the cluster does not serve the group and version
)

// Release is what templates see as .Release.
type Release struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Revision  int    `json:"revision"`
	IsUpgrade bool   `json:"isUpgrade"`
}

// Capabilities is what templates see as .Capabilities.
type Capabilities struct {
	KubeVersion string   `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions"`
}

// Answer is the rendered chart, or an error, or what the request must know before there can be one of them.
type Answer struct {
	ID     string    `json:"id"`
	Chart  *Metadata `json:"chart,omitempty"` // absent when the chart could not be read
	Result *Result   `json:"result,omitempty"`
	Error  *Error    `json:"error,omitempty"`
	// Lookups that are allowed and not known yet.
	Wanted []WantedLookup `json:"wanted,omitempty"`
	// Lookups that are not allowed, and so found nothing: for a result and for an error.
	Refused []LookupKey `json:"refused,omitempty"`
	// For OpTemplate: the texts, in the order of the request.
	Files []RenderedFile `json:"files,omitempty"`
	// Whether one of the files called a random function.
	Random bool `json:"random,omitempty"`
	// For OpMacros: in the order of the request.
	Macros []MacroResult `json:"macros,omitempty"`
}

// RenderedFile is what a template made, or why it made nothing.
type RenderedFile struct {
	Path    string `json:"path"`
	Content string `json:"content"`
	Error   *Error `json:"error,omitempty"`
}

// MacroResult is the value of a pipeline with its type, or why there is none.
type MacroResult struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error *Error          `json:"error,omitempty"`
}

// Result is a rendered chart. Documents stand in the order in which Helm installs them.
type Result struct {
	Manifests []Document `json:"manifests"`
	CRDs      []Document `json:"crds"`
	Hooks     []Hook     `json:"hooks"`
	Notes     string     `json:"notes"`
	ChartJSON string     `json:"chartJson"` // the chart as Helm stores it in a release
	Random    bool       `json:"random"`    // a template called a random function
}

// Metadata is the part of Chart.yaml that people are told.
type Metadata struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	AppVersion  string `json:"appVersion,omitempty"`
	KubeVersion string `json:"kubeVersion,omitempty"`
	Deprecated  bool   `json:"deprecated,omitempty"`
}

// Document is YAML with the file of the chart that it comes from.
type Document struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// Hook is a document that Helm runs at moments of a release.
type Hook struct {
	Name              string   `json:"name"`
	Kind              string   `json:"kind"`
	Path              string   `json:"path"`
	Events            []string `json:"events"`
	Weight            int      `json:"weight"`
	DeletePolicies    []string `json:"deletePolicies"`
	OutputLogPolicies []string `json:"outputLogPolicies"`
	Content           string   `json:"content"`
}

// ErrorKind says whose words the error answers.
type ErrorKind string

const (
	ErrorChart       ErrorKind = "Chart"       // the package cannot be used at all
	ErrorRelease     ErrorKind = "Release"     // the name of the release
	ErrorValues      ErrorKind = "Values"      // values that do not fit the chart's structure or schema
	ErrorKubeVersion ErrorKind = "KubeVersion" // the chart does not support this Kubernetes
	ErrorTemplate    ErrorKind = "Template"    // a template, or the YAML that it made, or a macro
)

// Error is a failure in words for people. It holds no string of the request's values, see redact.go.
type Error struct {
	Kind    ErrorKind `json:"kind"`
	Message string    `json:"message"`
}
