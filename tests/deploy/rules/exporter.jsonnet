local t = import 'test.libsonnet';

t.file('1m', [
  t.case('ExporterDown', 'five minutes without an answer, then it is back', [
    t.series('up', '1+0x5 0+0x20 1+0x10'),
    t.series('up', '1+0x40', target='job="tencentchat",instance="b:10058"'),
  ], [
    t.silent('10m'),
    t.rings('11m', 'Prometheus has not been able to scrape a:10058 for 5 minutes: nothing is known about its apps.', 'critical', t.on_a),
    t.silent('27m'),
  ]),
  t.case('ExporterDown', 'a restart, and another job', [
    t.series('up', '1+0x5 0+0x3 1+0x20'),
    t.series('up', '0+0x40', target='job="node",instance="a:9100"'),
  ], [t.silent('8m'), t.silent('20m')]),
  t.case('ExporterMissing', 'no target at all', [t.series('up', '1+0x40', target='job="node",instance="a:9100"')], [
    t.silent('9m'),
    t.rings('10m', 'Prometheus has had no target of this job for 10 minutes, up or down: it was removed, renamed or never discovered.', 'critical', {}),
  ]),
  t.case('ExporterMissing', 'a target that is down is not missing', [t.series('up', '0+0x40')], [t.silent('30m')]),
  t.case('ExporterMissing', 'a pod replaced by another', [
    t.series('up', '1+0x10 stale'),
    t.series('up', '_x12 1+0x30', target='job="tencentchat",instance="b:10058"'),
  ], [t.silent('12m'), t.silent('30m')]),
  t.case('ExporterRestarting', 'every four minutes, without an answer in between', [
    t.series('process_start_time_seconds', '0+0x2 stale 240+0x2 stale 480+0x2 stale 720+0x60'),
  ], [
    t.silent('10m'),
    t.rings('12m', 'a:10058 has started 3 times within half an hour; after each start its apps are read anew.', 'warning', t.on_a),
    t.silent('50m'),
  ]),
  t.case('ExporterRestarting', 'an upgrade, and another one', [t.series('process_start_time_seconds', '0+0x10 660+0x10 1320+0x40')], [t.silent('25m')]),
  t.case('ShardMissing', 'one of three left the targets, then it is back', t.shards('3+0x40') + [
    t.series('tencentchat_exporter_shard', '2+0x5 stale _x19 2+0x10', target=t.c),
  ], [
    t.silent('15m'),
    t.rings('16m', '1 of the shards that share the communities do not run: nobody has polled theirs for 10 minutes.', 'critical', {}),
    t.silent('27m'),
  ]),
  t.case('ShardMissing', 'two processes have one number', t.shards('3+0x40') + [t.series('tencentchat_exporter_shard', '1+0x40', target=t.c)], [
    t.rings('11m', '1 of the shards that share the communities do not run: nobody has polled theirs for 10 minutes.', 'critical', {}),
  ]),
  t.case('ShardMissing', 'processes of their own, and a restart', [
    t.series('tencentchat_exporter_shard', '0+0x10 stale _x4 0+0x20'),
    t.series('tencentchat_exporter_shard', '0+0x40', target=t.b),
    t.series('tencentchat_exporter_total_shards', '1+0x40'),
    t.series('tencentchat_exporter_total_shards', '1+0x40', target=t.b),
  ], [t.silent('13m'), t.silent('30m')]),
  t.case('ShardsDisagree', 'a third knows of four', t.shards('3+0x90') + [t.series('tencentchat_exporter_total_shards', '3+0x10 4+0x80', target=t.c)], [
    t.silent('40m'),
    t.rings('41m', t.disagree, 'warning', {}),
  ]),
  t.case('ShardsDisagree', 'one has another configuration', t.shards('3+0x90') + t.hashes('274+0x90', '275+0x60 274+0x30'), [
    t.silent('29m'),
    t.rings('30m', t.disagree, 'warning', {}),
    t.silent('61m'),
  ]),
  t.case('ShardsDisagree', 'a change that goes round, and processes of their own', t.shards('1+0x90') + t.hashes('274+0x90', '275+0x90'), [
    t.silent('60m'),
  ]),
  t.case('ConfigReloadFailed', 'refused, then mended', [t.series('tencentchat_exporter_config_last_reload_successful', '1 0+0x10 1+0x10')], [
    t.silent('5m'),
    t.rings('6m', 'a:10058 goes on with its old configuration and will not start again with the one on disk.', 'warning', t.on_a),
    t.silent('12m'),
  ]),
  t.case('SeriesFolded', 'the cap', [t.series('tencentchat_exporter_series_suppressed', '40+0x90', 'reason="max_series"')], [
    t.silent('59m'),
    t.rings('60m', 'a:10058 leaves out 40 series of the quietest topics, because of metrics.max_series.', 'info', t.on_a { reason: 'max_series' }),
  ]),
  t.case('SeriesFolded', 'what the configuration asked for', [
    t.series('tencentchat_exporter_series_suppressed', '500+0x90', 'reason="level"'),
    t.series('tencentchat_exporter_series_suppressed', '500+0x90', 'reason="disable"'),
    t.series('tencentchat_exporter_series_suppressed', '0+0x90', 'reason="max_series"'),
  ], [t.silent('80m')]),
], ['tencentchat.alerts.exporter'])
