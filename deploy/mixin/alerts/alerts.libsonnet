{
  local groups = [
    ['exporter', import 'exporter.libsonnet'],
    ['app', import 'app.libsonnet'],
    ['quota', import 'quota.libsonnet'],
    ['communities', import 'communities.libsonnet'],
    ['burn', import 'burn.libsonnet'],
  ] + (if $._config.topicRules then [['topics', import 'topics.libsonnet']] else []),

  prometheusAlerts:: {
    groups: [{ name: 'tencentchat.alerts.' + group[0], rules: group[1]($._config) } for group in groups],
  },
}
