// What the calls cost, and how the service answers them.
local d = import '../lib/dashboard.libsonnet';
local p = import '../lib/panels.libsonnet';

local app(name, matchers='') = 'tencentchat_%s{%s%s}' % [name, d.app, matchers];
local get_topic = ', command="get_topic"';
local rate(name, matchers='') = 'rate(%s[$__rate_interval])' % app(name, matchers);
local quantile(q) = p.range('histogram_quantile(%g, sum by (le) (%s))' % [q, rate('api_request_duration_seconds_bucket', get_topic)], 'p%g' % (q * 100));

function(config) d.new(
  config,
  'tencentchat-quota',
  'Quota and API',
  'Calls a second against the limits of Tencent Cloud Chat, latency, errors, signatures.',
  'app',
  [
    ['At a glance', [[4, [
      p.stat('Calls', 'HTTP attempts a second, retries included.', 'reqps', 'sum(%s)' % rate('api_requests_total')),
      p.stat('Quota use', 'Busiest second of the last minute over the limit that all callers share; the fullest app.', 'percentunit', 'max(sum by (sdkappid) (%s) / max by (sdkappid) (%s))' % [app('quota_peak_requests_per_second', get_topic), app('quota_limit_requests_per_second', get_topic)], [p.orange(0.7), p.red(0.9)]),
      p.stat('Demand', 'Calls needed over calls in force; the fullest app. Above 100 % intervals are not kept.', 'percentunit', 'max(%s / %s)' % [app('quota_required_requests_per_second', get_topic), app('quota_effective_requests_per_second', get_topic)], [p.orange(0.8), p.red(1)]),
      p.stat('Throttled', 'Answers that mean too fast, in the last hour.', 'short', 'sum(increase(%s[1h]))' % app('quota_throttled_total'), [p.orange(1), p.red(60)]),
      p.stat('Failed calls', 'Share of the calls.', 'percentunit', 'sum(%s) / sum(%s)' % [rate('api_request_errors_total'), rate('api_requests_total')], [p.orange(0.01), p.red(0.05)]),
      p.stat('In flight', 'Calls under way.', 'short', 'sum(%s)' % app('api_inflight_requests')),
      p.stat('Clock skew', "The service's clock minus ours, the largest.", 's', 'max(abs(%s))' % app('api_clock_skew_seconds'), [p.orange(2), p.red(5)]),
      p.stat('First signature ends in', 'A UserSig is renewed at half of its life.', 's', 'min(%s) - time()' % app('usersig_expiry_timestamp_seconds'), [{ color: 'red', value: 0 }, p.green(900)]),
    ]]]],
    ['Quota', [
      [8, [
        p.series('get_topic calls a second', 'Peak is the busiest second of the last minute, budget is what we may spend, in force what throttling and outages left of it, needed what the intervals ask for. Processes are added.', 'reqps', [
          p.range('max(%s)' % app('quota_limit_requests_per_second', get_topic), 'limit'),
          p.range('sum(%s)' % app('quota_budget_requests_per_second', get_topic), 'budget'),
          p.range('sum(%s)' % app('quota_effective_requests_per_second', get_topic), 'in force'),
          p.range('sum(%s)' % app('quota_required_requests_per_second', get_topic), 'needed'),
          p.range('sum(%s)' % app('quota_peak_requests_per_second', get_topic), 'peak'),
        ]),
        p.series('Quota use by app', 'Peak over the limit of the service.', 'percentunit', [p.range('sum by (sdkappid) (%s) / max by (sdkappid) (%s)' % [app('quota_peak_requests_per_second', get_topic), app('quota_limit_requests_per_second', get_topic)], '{{sdkappid}}')], limit=p.red(0.9)),
      ]],
      [8, [
        p.series('Calls by command', 'HTTP attempts, retries included.', 'reqps', [p.range('sum by (command) (%s)' % rate('api_requests_total'), '{{command}}')], true),
        p.series('Throttled and retried', 'Answers that mean too fast; attempts that repeated a failed one.', 'reqps', [
          p.range('sum by (command) (%s)' % rate('quota_throttled_total'), 'throttled {{command}}'),
          p.range('sum by (command) (%s)' % rate('api_retries_total'), 'retried {{command}}'),
        ]),
        p.series('Waiting for budget', 'Seconds that polls waited, a second; above the calls in flight it is a queue.', 's', [p.range('sum by (sdkappid) (%s)' % rate('quota_wait_seconds_total'), '{{sdkappid}}')]),
      ]],
    ]],
    ['Answers', [
      [8, [
        p.heatmap('Latency of get_topic', 'Finished attempts, failed ones too.', 's', 'sum by (le) (increase(%s[$__rate_interval]))' % app('api_request_duration_seconds_bucket', get_topic)),
        p.series('Latency quantiles of get_topic', 'Estimated from the buckets. The service gives up after 3 s.', 's', [quantile(0.5), quantile(0.9), quantile(0.99)], limit=p.red(3)),
      ]],
      [8, [
        p.series('Failed calls by reason and code', 'The code is the HTTP status or the ErrorCode.', 'reqps', [p.range('sum by (reason, code) (%s) > 0 or label_replace(sum(%s) * 0, "reason", "none", "", "")' % [rate('api_request_errors_total'), rate('api_requests_total')], '{{reason}} {{code}}')], true),
        p.series('Topic errors by code', 'Topics answered with an ErrorCode of their own.', 'cps', [p.range('sum by (code) (%s) > 0 or label_replace(sum(%s) * 0, "code", "none", "", "")' % [rate('api_topic_errors_total'), rate('api_requests_total')], '{{code}}')], true),
        p.series('Bytes received', 'Bodies of answers.', 'Bps', [p.range('sum by (command) (%s)' % rate('api_response_bytes_total'), '{{command}}')]),
      ]],
      [8, [
        p.series('Share of failed get_topic calls', 'Deleted communities left out. The line is what the objective of %g %% allows.' % (config.objective * 100), 'percentunit', [p.range('sum by (sdkappid) (%s) / sum by (sdkappid) (%s)' % [rate('api_request_errors_total', get_topic + ', reason!="gone"'), rate('api_requests_total', get_topic)], '{{sdkappid}}')], limit=p.red(1 - config.objective)),
        p.series('Signature ends in', 'Renewed at half of its life.', 's', [p.range('min by (sdkappid) (%s) - time()' % app('usersig_expiry_timestamp_seconds'), '{{sdkappid}}')]),
        p.series('Signatures made', 'In an hour; more than a few mean that the service refuses them.', 'short', [p.range('sum by (sdkappid) (increase(%s[1h]))' % app('usersig_renewals_total'), '{{sdkappid}}')]),
      ]],
    ]],
  ]
)
