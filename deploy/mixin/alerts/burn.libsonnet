// Multi-window, multi-burn-rate, as in the SRE workbook: the long window says that it matters, the short one that it lasts.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local alert = (import '../lib/alert.libsonnet')(config);
  local names = { '300': '5m', '1800': '30m', '3600': '1h', '7200': '2h', '21600': '6h', '86400': '1d', '259200': '3d' };
  local name(seconds) = names['%d' % seconds];
  local ratio(seconds) = 'tencentchat:api_request_errors:ratio_rate%s{command="get_topic"}' % name(seconds);
  [
    local limit = '%g' % (burn.factor * (1 - config.objective));
    alert(
      'ErrorBudgetBurn',
      burn.severity,
      'get_topic calls of an app fail too often.',
      '{{ $value | humanizePercentage }} of the get_topic calls of app {{ $labels.sdkappid }} have failed for %s: %g times the rate that the objective of %g %% allows.' % [
        name(burn.long),
        burn.factor,
        config.objective * 100,
      ],
      // The group of these rates is evaluated once a minute: their sum times that is a number of attempts.
      '%s > %s\nand\n%s > %s\nand\nsum_over_time(tencentchat:api_request_errors:rate5m{command="get_topic"}[%s]) * %s >= %d' % [
        ratio(burn.long),
        limit,
        ratio(burn.short),
        limit,
        q.d(burn.long),
        q.seconds(60),
        config.burnMinimum,
      ],
      burn['for'],
      { long_window: name(burn.long), short_window: name(burn.short) }
    )
    for burn in config.burns
  ]
