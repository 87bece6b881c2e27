// Cases for `promtool test rules`. Labels and descriptions are written out; summary and runbook are looked up, because
// promtool compares every annotation.
local mixin = import '../../../deploy/mixin/mixin.libsonnet';

{
  local alerts = [rule for group in mixin.prometheusAlerts.groups for rule in group.rules],
  local known(alert) = [rule for rule in alerts if rule.alert == alert][0].annotations,

  // A series, its labels after those that all have.
  series(metric, values, labels='', target='job="tencentchat",instance="a:10058"'):: {
    series: '%s{%s}' % [metric, std.join(',', std.filter(function(l) l != '', [target, labels]))],
    values: values,
  },
  app(metric, values, labels='', target='job="tencentchat",instance="a:10058"')::
    self.series('tencentchat_' + metric, values, std.join(',', ['sdkappid="1400000001"'] + (if labels == '' then [] else [labels])), target),
  community(metric, values, target='job="tencentchat",instance="a:10058"')::
    self.app('community_' + metric, values, 'community="@TGS#_shop"', target),
  named: self.community('info', '1+0x20000') { series: std.strReplace(super.series, '}', ',community_name="shop"}') },
  topic(metric, values)::
    self.app('topic_' + metric, values, 'community="@TGS#_shop",topic="@TGS#_shop@TOPIC#_orders"'),

  // Two of the processes that share communities, a and b, and what they say of their configurations.
  b: 'job="tencentchat",instance="b:10058"',
  c: 'job="tencentchat",instance="c:10058"',
  shards(total):: [
    self.series('tencentchat_exporter_shard', '0+0x90'),
    self.series('tencentchat_exporter_shard', '1+0x90', target=self.b),
    self.series('tencentchat_exporter_total_shards', total),
    self.series('tencentchat_exporter_total_shards', total, target=self.b),
  ],
  hashes(a, b):: [
    self.series('tencentchat_exporter_config_hash', a),
    self.series('tencentchat_exporter_config_hash', b, target=self.b),
  ],
  disagree: 'For half an hour the shards have had different configurations, or different numbers of shards: some communities are polled twice or by nobody.',

  // What is expected at a time.
  silent(at):: { at: at, alerts: [] },
  rings(at, description, severity, labels):: { at: at, alerts: [{ labels: { job: 'tencentchat', severity: severity } + labels, description: description }] },

  in_app: { sdkappid: '1400000001' },
  on_a: { instance: 'a:10058' },
  in_shop: self.in_app { community: '@TGS#_shop', community_name: 'shop' },
  in_orders: self.in_app { community: '@TGS#_shop', topic: '@TGS#_shop@TOPIC#_orders' },

  case(alert, why, series, checks, interval='1m'):: {
    name: '%s: %s' % [alert, why],
    interval: interval,
    input_series: series,
    alert_rule_test: [
      {
        local name = 'TencentChat' + alert,
        eval_time: check.at,
        alertname: name,
        exp_alerts: [
          {
            exp_labels: expected.labels,
            exp_annotations: known(name) { description: expected.description },
          }
          for expected in check.alerts
        ],
      }
      for check in checks
    ],
  },

  // A file a group, only those in question, in this order: alerts see what was recorded in the same minute.
  file(interval, cases, groups):: {
    rule_files: [name + '.json' for name in groups],
    evaluation_interval: interval,
    group_eval_order: groups,
    tests: cases,
  },
}
