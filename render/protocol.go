package main

// Request is one chart to render.
type Request struct {
	ID           string         `json:"id"`
	Chart        []byte         `json:"chart"` // the packed chart, base64
	Values       map[string]any `json:"values"`
	Release      Release        `json:"release"`
	Capabilities Capabilities   `json:"capabilities"`
	DeadlineMs   int64          `json:"deadlineMs"`
}

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

// Answer is either the rendered chart or an error.
type Answer struct {
	ID     string    `json:"id"`
	Chart  *Metadata `json:"chart,omitempty"` // absent when the chart could not be read
	Result *Result   `json:"result,omitempty"`
	Error  *Error    `json:"error,omitempty"`
}

// Result is a rendered chart. Documents stand in the order in which Helm installs them.
type Result struct {
	Manifests []Document `json:"manifests"`
	CRDs      []Document `json:"crds"`
	Hooks     []Hook     `json:"hooks"`
	Notes     string     `json:"notes"`
	Random    bool       `json:"random"` // a template called a random function
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
	Name           string   `json:"name"`
	Kind           string   `json:"kind"`
	Path           string   `json:"path"`
	Events         []string `json:"events"`
	Weight         int      `json:"weight"`
	DeletePolicies []string `json:"deletePolicies"`
	Content        string   `json:"content"`
}

// ErrorKind says whose words the error answers.
type ErrorKind string

const (
	ErrorChart       ErrorKind = "Chart"       // the package cannot be used at all
	ErrorRelease     ErrorKind = "Release"     // the name of the release
	ErrorValues      ErrorKind = "Values"      // values that do not fit the chart's structure or schema
	ErrorKubeVersion ErrorKind = "KubeVersion" // the chart does not support this Kubernetes
	ErrorTemplate    ErrorKind = "Template"    // a template, or the YAML that it made
)

// Error is a failure in words for people. It holds no string of the request's values, see redact.go.
type Error struct {
	Kind    ErrorKind `json:"kind"`
	Message string    `json:"message"`
}
