// The service's limit of calls a second, which all callers of an app share, and our part of it.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local alert = (import '../lib/alert.libsonnet')(config);
  [
    alert(
      'SchedulerOverloaded',
      'warning',
      'Polls need more calls than may be spent.',
      'App {{ $labels.sdkappid }} on {{ $labels.instance }} needs {{ $value | humanize }} times the {{ $labels.command }} calls a second in force: intervals are not kept.',
      'tencentchat:quota_demand:ratio > 1',
      900
    ),
    alert(
      'QuotaNearLimit',
      'warning',
      'Calls come close to the limit of Tencent Chat.',
      'App {{ $labels.sdkappid }} spends {{ $value | humanizePercentage }} of the {{ $labels.command }} calls a second that the service allows all callers together.',
      'tencentchat:quota_use:ratio{command="get_topic"} > %g' % config.quotaUseRatio,
      300
    ),
    alert(
      'Throttled',
      'warning',
      'Tencent Chat refuses calls as too fast.',
      'App {{ $labels.sdkappid }}: {{ $value | humanize }} {{ $labels.command }} calls of {{ $labels.instance }} were refused as too fast in 10 minutes, and it goes on.',
      'increase(%s[%s]) > 0' % [q.metric('tencentchat_quota_throttled_total'), q.d(600)],
      600
    ),
  ]
