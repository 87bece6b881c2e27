local promql = import '../lib/promql.libsonnet';

{
  local config = $._config,
  local q = promql(config),
  local record(name, expr) = { record: 'tencentchat:' + name, expr: expr },
  local window(metric, seconds) = '%s[%s]' % [metric, q.d(seconds)],
  local rate(metric, seconds) = 'rate(%s)' % window(q.metric(metric), seconds),

  // Time since the last message, and messages a second. A topic that never had one has no age.
  local topics = [
    record('topic_idle:seconds', 'time() - ' + q.fact(q.metric('tencentchat_topic_last_message_timestamp_seconds'))),
    record('topic_messages:rate5m', q.fact(rate('tencentchat_topic_messages_total', 300))),
  ],

  // The names keep their windows when everything is divided.
  local communities = [
    record('community_messages:rate5m', q.fact(rate('tencentchat_community_messages_total', 300))),
    record('community_messages:rate1h', q.fact(rate('tencentchat_community_messages_total', 3600))),
    record('app_messages:rate5m', 'sum without (community) (tencentchat:community_messages:rate5m)'),
    record(
      'communities_failing:ratio',
      'sum without (%s, state) (%s)\n/\n(sum without (%s, state) (%s) > 0)' % [
        q.replicas,
        q.metric('tencentchat_app_communities', 'state=~"failing|stale"'),
        q.replicas,
        q.metric('tencentchat_app_communities', 'state!="gone"'),
      ]
    ),
  ],

  // Peaks of several processes are added: an upper bound, and the service counts all of them together.
  local quota = [
    record(
      'quota_use:ratio',
      'sum without (%s) (%s)\n/\nmax without (%s) (%s)' % [
        q.replicas,
        q.metric('tencentchat_quota_peak_requests_per_second'),
        q.replicas,
        q.metric('tencentchat_quota_limit_requests_per_second'),
      ]
    ),
    record(
      'quota_demand:ratio',
      '%s\n/\n%s' % [
        q.metric('tencentchat_quota_required_requests_per_second'),
        q.metric('tencentchat_quota_effective_requests_per_second'),
      ]
    ),
  ],

  // Ratios over long windows are made of the five-minute rates, one series an app: three days of every code would be
  // read again and again. This group has an interval of its own, which burn-rate alerts multiply by.
  local ratio(name, seconds) = record(
    'api_request_errors:ratio_rate' + name,
    'sum_over_time(%s)\n/\nsum_over_time(%s)' % [
      window('tencentchat:api_request_errors:rate5m', seconds),
      window('tencentchat:api_requests:rate5m', seconds),
    ]
  ),
  local api = [
    record('api_requests:rate5m', q.fact(rate('tencentchat_api_requests_total', 300), 'sum')),
    record(
      'api_request_errors:rate5m',
      'sum without (%s, reason, code) (rate(%s))' % [
        q.replicas,
        window(q.metric('tencentchat_api_request_errors_total', 'reason!="gone"'), 300),
      ]
    ),
    record('api_request_errors:ratio_rate5m', 'tencentchat:api_request_errors:rate5m\n/\ntencentchat:api_requests:rate5m'),
  ] + [ratio(w[0], w[1]) for w in [['30m', 1800], ['1h', 3600], ['2h', 7200], ['6h', 21600], ['1d', 86400], ['3d', 259200]]],

  prometheusRules:: {
    groups:
      [{ name: 'tencentchat.rules.communities', rules: communities }] +
      [{ name: 'tencentchat.rules.quota', rules: quota }] +
      [{ name: 'tencentchat.rules.api', interval: q.d(60), rules: api }] +
      (if config.topicRules then [{ name: 'tencentchat.rules.topics', rules: topics }] else []),
  },
}
