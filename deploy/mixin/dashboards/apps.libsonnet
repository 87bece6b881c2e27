// The first look: is every app read, and what goes on in it.
local d = import '../lib/dashboard.libsonnet';
local p = import '../lib/panels.libsonnet';

local app(name, matchers='') = 'tencentchat_%s{%s%s}' % [name, d.app, matchers];
local bad = ', state=~"failing|stale"';

function(config) d.new(
  config,
  'tencentchat-apps',
  'Apps overview',
  'Every app of Tencent Cloud Chat that the exporters read: availability, communities, topics, messages.',
  'app',
  [
    ['At a glance', [[4, [
      p.stat(
        'Exporters down',
        'Scrape targets that do not answer.',
        'short',
        'count(up{%s} == 0) or vector(0)' % d.instance,
        [p.red(1)]
      ),
      p.stat('Apps down', 'Apps of which no call succeeds.', 'short', 'count(max by (sdkappid) (%s) == 0) or vector(0)' % app('app_up'), [p.red(1)]),
      p.stat('Communities failing', 'Their latest poll failed, or their facts have ended.', 'short', 'sum(%s)' % app('app_communities', bad), [p.orange(1), p.red(10)]),
      p.stat('Communities', 'Configured and discovered.', 'short', 'sum(%s)' % app('app_communities')),
      p.stat('Topics', 'Known topics.', 'short', 'sum(%s)' % app('app_topics')),
      p.stat('Messages', 'Over all communities.', 'mps', 'sum(rate(%s[$__rate_interval]))' % app('community_messages_total')) { interval: '2m' },
      p.stat('Failed calls', 'Share of calls to the API that failed.', 'percentunit', 'sum(rate(%s[$__rate_interval])) / sum(rate(%s[$__rate_interval]))' % [app('api_request_errors_total'), app('api_requests_total')], [p.orange(0.01), p.red(0.05)]),
      p.stat('First signature ends in', 'A UserSig is renewed at half of its life.', 's', 'min(%s) - time()' % app('usersig_expiry_timestamp_seconds'), [{ color: 'red', value: 0 }, p.green(900)]),
    ]]]],
    ['Apps', [[8, [
      p.table(
        'Apps',
        'One line an app. Demand is calls needed over calls in force: above 100 % intervals are not kept.',
        [
          p.rows_of('max by (sdkappid, app_name, api_host) (%s)' % app('app_info')),
          p.rows_of('min by (sdkappid) (%s)' % app('app_up')),
          p.rows_of('sum by (sdkappid) (%s)' % app('app_communities')),
          p.rows_of('sum by (sdkappid) (%s)' % app('app_communities', bad)),
          p.rows_of('sum by (sdkappid) (%s)' % app('app_topics')),
          p.rows_of('sum by (sdkappid) (rate(%s[$__rate_interval]))' % app('community_messages_total')),
          p.rows_of('max by (sdkappid) (%s / %s)' % [
            app('quota_required_requests_per_second', ', command="get_topic"'),
            app('quota_effective_requests_per_second', ', command="get_topic"'),
          ]),
          p.rows_of('max by (sdkappid) (%s)' % app('scheduler_lag_seconds')),
        ],
        'sdkappid',
        {
          sdkappid: 'App',
          app_name: 'Name',
          api_host: 'API host',
          'Value #B': 'State',
          'Value #C': 'Communities',
          'Value #D': 'Failing',
          'Value #E': 'Topics',
          'Value #F': 'Messages',
          'Value #G': 'Demand',
          'Value #H': 'Lag',
        },
        ['Value #A'],
        [
          p.column('State', p.down { 'custom.cellOptions': { type: 'color-text' } }),
          p.column_unit('Messages', 'mps'),
          p.column_unit('Demand', 'percentunit'),
          p.column_unit('Lag', 's'),
        ]
      ),
    ]]]],
    ['Communities and topics', [
      [8, [
        p.series('Messages by app', 'Message sequence numbers used, group notices included. They arrive with the polls.', 'mps', [p.range('sum by (sdkappid) (rate(%s[$__rate_interval]))' % app('community_messages_total'), '{{sdkappid}}')]) { interval: '2m' },
        p.series('Communities by state', 'ok, failing (facts still shown), stale (facts ended), pending (never polled), gone (deleted).', 'short', [p.range('sum by (state) (%s)' % app('app_communities'), '{{state}}')], true),
      ]],
      [8, [
        p.series('Topics by time since the last message', 'As of the latest usable poll of each community.', 'short', [p.range('sum by (idle) (%s)' % app('app_topics_by_idle_time'), '{{idle}}')], true),
        p.series('Muted topics', 'Topics in which all members are muted.', 'short', [p.range('sum by (sdkappid) (%s)' % app('app_topics', ', muted="true"'), '{{sdkappid}}')]),
      ]],
    ]],
    ['Health', [[8, [
      p.series('Failed calls by reason', 'The code stands on the quota and API dashboard.', 'reqps', [p.range('sum by (reason) (rate(%s[$__rate_interval])) > 0 or label_replace(sum(rate(%s[$__rate_interval])) * 0, "reason", "none", "", "")' % [app('api_request_errors_total'), app('api_requests_total')], '{{reason}}')]),
      p.series('Latency, 99th percentile', 'Of get_topic, failed attempts too.', 's', [p.range('histogram_quantile(0.99, sum by (sdkappid, le) (rate(%s[$__rate_interval])))' % app('api_request_duration_seconds_bucket', ', command="get_topic"'), '{{sdkappid}}')]),
      p.series('Lag', 'Lateness of the most overdue poll.', 's', [p.range('max by (sdkappid) (%s)' % app('scheduler_lag_seconds'), '{{sdkappid}}')]),
    ]]]],
  ]
)
