package main

import (
	chart "helm.sh/helm/v4/pkg/chart/v2"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"
)

type crd struct {
	Spec struct {
		Group string `json:"group"`
		Names struct {
			Kind string `json:"kind"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Served bool   `json:"served"`
		} `json:"versions"`
	} `json:"spec"`
}

// ownKinds are the API versions and kinds that the chart's own `crds/` bring: Helm has installed them by the time it asks
// the cluster what it serves. What does not parse is found when it is applied.
func ownKinds(ch *chart.Chart) []string {
	var kinds []string
	for _, object := range ch.CRDObjects() {
		for _, document := range releaseutil.SplitManifests(string(object.File.Data)) {
			var parsed crd
			if yaml.Unmarshal([]byte(document), &parsed) != nil {
				continue
			}
			for _, version := range parsed.Spec.Versions {
				if version.Served {
					group := parsed.Spec.Group + "/" + version.Name
					kinds = append(kinds, group, group+"/"+parsed.Spec.Names.Kind)
				}
			}
		}
	}
	return kinds
}
