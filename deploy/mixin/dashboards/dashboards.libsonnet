{
  grafanaDashboards:: {
    'tencentchat-apps.json': (import 'apps.libsonnet')($._config),
    'tencentchat-community.json': (import 'community.libsonnet')($._config),
    'tencentchat-quota.json': (import 'quota.libsonnet')($._config),
    'tencentchat-exporter.json': (import 'exporter.libsonnet')($._config),
  },
}
