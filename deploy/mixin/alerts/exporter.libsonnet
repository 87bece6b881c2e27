// The process itself: is it there, is its configuration the one on disk, does it leave anything out.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local alert = (import '../lib/alert.libsonnet')(config);
  [
    alert(
      'ExporterDown',
      'critical',
      'A Tencent Chat exporter does not answer scrapes.',
      'Prometheus has not been able to scrape {{ $labels.instance }} for 5 minutes: nothing is known about its apps.',
      '%s == 0' % q.metric('up'),
      300
    ),
    // A target that left service discovery has no `up` at all.
    alert(
      'ExporterMissing',
      'critical',
      'No Tencent Chat exporter is among the targets.',
      'Prometheus has had no target of this job for 10 minutes, up or down: it was removed, renamed or never discovered.',
      'absent(%s)' % q.metric('up'),
      600
    ),
    // A shard that is no target any more, or was never started. One that is a target and does not answer rings above, too.
    alert(
      'ShardMissing',
      'critical',
      'Some communities have no Tencent Chat exporter.',
      '{{ $value }} of the shards that share the communities do not run: nobody has polled theirs for 10 minutes.',
      'max by (%s) (%s)\n-\n%s > 0' % [
        q.scope,
        q.metric('tencentchat_exporter_total_shards'),
        q.distinct('tencentchat_exporter_shard'),
      ],
      600
    ),
    alert(
      'ShardsDisagree',
      'warning',
      'Tencent Chat exporters that share communities were told different things.',
      'For half an hour the shards have had different configurations, or different numbers of shards: some communities are polled twice or by nobody.',
      '%s > 1\nor\n%s > 1\nand on (%s)\nmax by (%s) (%s) > 1' % [
        q.distinct('tencentchat_exporter_total_shards'),
        q.distinct('tencentchat_exporter_config_hash'),
        q.scope,
        q.scope,
        q.metric('tencentchat_exporter_total_shards'),
      ],
      1800
    ),
    // Each start is too short for ExporterDown.
    alert(
      'ExporterRestarting',
      'warning',
      'A Tencent Chat exporter starts again and again.',
      '{{ $labels.instance }} has started {{ $value }} times within half an hour; after each start its apps are read anew.',
      'changes(%s[%s]) > 2' % [q.metric('process_start_time_seconds'), q.d(1800)]
    ),
    alert(
      'ConfigReloadFailed',
      'warning',
      'A Tencent Chat exporter refused its new configuration.',
      '{{ $labels.instance }} goes on with its old configuration and will not start again with the one on disk.',
      '%s == 0' % q.metric('tencentchat_exporter_config_last_reload_successful'),
      300
    ),
    alert(
      'SeriesFolded',
      'info',
      'Topics have no series of their own.',
      '{{ $labels.instance }} leaves out {{ $value }} series of the quietest topics, because of metrics.max_series.',
      '%s > 0' % q.metric('tencentchat_exporter_series_suppressed', 'reason="max_series"'),
      3600
    ),
  ]
