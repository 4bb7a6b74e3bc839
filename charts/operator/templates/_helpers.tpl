{{- define "strata.labels" -}}
app.kubernetes.io/name: strata
app.kubernetes.io/part-of: strata
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with omit .Values.commonLabels "app.kubernetes.io/name" "app.kubernetes.io/component" "app.kubernetes.io/part-of" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "strata.selector" -}}
app.kubernetes.io/name: strata
app.kubernetes.io/component: operator
{{- end }}

{{- define "strata.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}:{{ $tag }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}
{{- end }}

{{- /* What the chart sets, then what is given beside it. A variable twice would be refused by server-side apply, in words that nobody finds here. */ -}}
{{- define "strata.env" -}}
{{- $set := dict
  "STRATA_HTTP_PORT" "metrics.port"
  "STRATA_LOG_LEVEL" "log.level"
  "STRATA_CONCURRENCY_PER_CLUSTER" "concurrencyPerCluster"
  "STRATA_RENDER_PROCESSES" "renderProcesses"
  "STRATA_PLAIN_HTTP_REGISTRIES" "plainHttpRegistries"
  "STRATA_ALLOWED_NETWORKS" "allowedNetworks" -}}
{{- range $one := .Values.extraEnv }}
{{- with get $set $one.name }}
{{- fail (printf "extraEnv must not have %s: set the value %s" $one.name .) }}
{{- end }}
{{- if eq $one.name "UV_THREADPOOL_SIZE" }}
{{- fail "extraEnv must not have UV_THREADPOOL_SIZE: the chart sets it" }}
{{- end }}
{{- end }}
- name: STRATA_HTTP_PORT
  value: {{ .Values.metrics.port | quote }}
- name: STRATA_LOG_LEVEL
  value: {{ .Values.log.level | quote }}
- name: STRATA_CONCURRENCY_PER_CLUSTER
  value: {{ .Values.concurrencyPerCluster | quote }}
- name: STRATA_RENDER_PROCESSES
  value: {{ .Values.renderProcesses | quote }}
- name: STRATA_PLAIN_HTTP_REGISTRIES
  value: {{ join "," .Values.plainHttpRegistries | quote }}
- name: STRATA_ALLOWED_NETWORKS
  value: {{ join "," .Values.allowedNetworks | quote }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Replicas on one node, or in one zone, die together: they avoid each other, but rather run together than not at all. No
spread constraints: those of which a node lacks the label count for nothing there, and so do all others beside them. */ -}}
{{- define "strata.affinity" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    {{- range $key, $weight := dict "kubernetes.io/hostname" 100 "topology.kubernetes.io/zone" 50 }}
    - weight: {{ $weight }}
      podAffinityTerm:
        topologyKey: {{ $key }}
        labelSelector:
          matchLabels:
            {{- include "strata.selector" $ | nindent 12 }}
    {{- end }}
{{- end }}

{{- define "strata.spread" -}}
{{- $pods := dict "matchLabels" (include "strata.selector" . | fromYaml) -}}
{{- $constraints := list -}}
{{- range .Values.topologySpreadConstraints }}
{{- $constraints = append $constraints (merge (dict) . (dict "labelSelector" $pods)) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{- /* One binding of a ClusterRole to Strata: in all namespaces, or in each of those that are named. */ -}}
{{- define "strata.bind" -}}
{{- $labels := include "strata.labels" .root -}}
{{- $role := .role -}}
{{- range $namespace := (.namespaces | default (list "")) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (ne $namespace "") }}
metadata:
  name: {{ $role }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $role }}
subjects:
  - kind: ServiceAccount
    name: strata
    namespace: {{ $.root.Release.Namespace }}
{{- end }}
{{- end }}
