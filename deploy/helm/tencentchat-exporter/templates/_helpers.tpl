{{- define "tce.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "tce.fullname" -}}
{{- $name := include "tce.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "tce.selector" -}}
app.kubernetes.io/name: {{ include "tce.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tce.labels" -}}
{{ include "tce.selector" . }}
app.kubernetes.io/part-of: monitoring
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "tce.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "tce.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "tce.secret" -}}
{{- if .Values.existingSecret }}
{{- if .Values.secretKeys }}{{ fail "either existingSecret or secretKeys" }}{{ end }}
{{- .Values.existingSecret }}
{{- else }}
{{- include "tce.fullname" . }}
{{- end }}
{{- end }}

{{/* What a probe asks, by its path. */}}
{{- define "tce.probe" -}}
httpGet:
  path: {{ .path }}
  port: http-metrics
  {{- if ne .root.Values.web.scheme "HTTP" }}
  scheme: {{ .root.Values.web.scheme }}
  {{- end }}
  {{- with .root.Values.web.probeHeaders }}
  httpHeaders:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* What a ServiceMonitor and a PodMonitor say of the one port. */}}
{{- define "tce.endpoint" -}}
- port: http-metrics
  path: /metrics
  interval: {{ .Values.monitor.interval }}
  scrapeTimeout: {{ .Values.monitor.scrapeTimeout }}
  honorLabels: false
  {{- if ne .Values.web.scheme "HTTP" }}
  scheme: {{ lower .Values.web.scheme }}
  {{- end }}
  {{- with .Values.monitor.tlsConfig }}
  tlsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.monitor.basicAuth }}
  basicAuth:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  relabelings:
    - targetLabel: job
      replacement: {{ .Values.monitor.job }}
{{- end }}
