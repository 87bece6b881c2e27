// The four objects of a Prometheus mixin: _config, prometheusRules, prometheusAlerts, grafanaDashboards.
(import 'config.libsonnet') +
(import 'rules/rules.libsonnet') +
(import 'alerts/alerts.libsonnet') +
(import 'dashboards/dashboards.libsonnet')
