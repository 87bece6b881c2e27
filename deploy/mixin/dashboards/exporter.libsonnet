// The process: versions, configuration, cost, schedule, who reads it.
local d = import '../lib/dashboard.libsonnet';
local p = import '../lib/panels.libsonnet';

local of(name, matchers='') = '%s{%s%s}' % [name, d.instance, matchers];
local each(name) = 'max by (instance) (%s)' % of(name);

function(config) d.new(
  config,
  'tencentchat-exporter',
  'Exporter internals',
  'The exporters themselves: versions, configuration, memory, series, schedule, requests.',
  'exporter',
  [
    ['At a glance', [[4, [
      p.stat('Answering', 'Targets that Prometheus can scrape.', 'short', 'sum(up{%s})' % d.instance, [{ color: 'red', value: 0 }, p.green(1)]),
      p.stat('Ready', 'Every app finished its first sweep.', 'short', 'min(%s)' % of('tencentchat_exporter_ready'), options=p.yes),
      p.stat('Configuration taken', 'The last reading of the configuration went well.', 'short', 'min(%s)' % of('tencentchat_exporter_config_last_reload_successful'), options=p.yes),
      p.stat('Sandboxed', 'Gave up what it does not need of the system.', 'short', 'min(%s)' % of('tencentchat_exporter_sandboxed'), options=p.yes { color: { mode: 'thresholds' } }),
      p.stat('Up since', 'The youngest process.', 's', 'time() - max(%s)' % of('process_start_time_seconds')),
      p.stat('Memory', 'Resident, the largest.', 'bytes', 'max(%s)' % of('process_resident_memory_bytes')),
      p.stat('Series', 'In the last full scrape.', 'short', 'sum(%s)' % of('tencentchat_exporter_series')),
      p.stat('Warnings and errors', 'Log lines in the last hour.', 'short', 'sum(increase(%s[1h]))' % of('tencentchat_exporter_log_messages_total', ', level=~"warn|error"'), [p.orange(1), p.red(60)]),
    ]]]],
    ['Processes', [[7, [
      p.table(
        'Processes',
        'Versions, configuration and share of the communities.',
        [
          p.rows_of('max by (instance, version, revision, compiler, libcurl, openssl, libmicrohttpd, cjson) (%s)' % of('tencentchat_exporter_build_info')),
          p.rows_of(each('tencentchat_exporter_config_hash')),
          p.rows_of('time() - %s' % each('tencentchat_exporter_config_last_reload_success_timestamp_seconds')),
          p.rows_of(each('tencentchat_exporter_shard')),
          p.rows_of(each('tencentchat_exporter_total_shards')),
        ],
        'instance',
        {
          instance: 'Instance',
          version: 'Version',
          revision: 'Revision',
          compiler: 'Compiler',
          'Value #B': 'Configuration',
          'Value #C': 'Taken',
          'Value #D': 'Shard',
          'Value #E': 'Shards',
        },
        ['Value #A'],
        [p.column('Configuration', { unit: 'none', decimals: 0 }), p.column_unit('Taken', 's')]
      ),
    ]]]],
    ['Schedule', [[8, [
      p.series('Lag', 'Lateness of the most overdue poll.', 's', [p.range('max by (instance, sdkappid) (%s)' % of('tencentchat_scheduler_lag_seconds'), '{{instance}} {{sdkappid}}')]),
      p.series('Sweep', 'Time in which every community was polled once.', 's', [p.range('max by (instance, sdkappid) (%s)' % of('tencentchat_scheduler_last_sweep_duration_seconds'), '{{instance}} {{sdkappid}}')]),
      p.series('Heartbeat', 'Time since a poll was started or finished, or none was due.', 's', [p.range('time() - min by (instance, sdkappid) (%s)' % of('tencentchat_scheduler_heartbeat_timestamp_seconds'), '{{instance}} {{sdkappid}}')], limit=p.red(config.heartbeatAge)),
    ]]]],
    ['Cost', [[8, [
      p.series('CPU', 'Cores used.', 'short', [p.range('sum by (instance) (rate(%s[$__rate_interval]))' % of('process_cpu_seconds_total'), '{{instance}}')]),
      p.series('Memory', 'Resident and virtual.', 'bytes', [
        p.range(each('process_resident_memory_bytes'), '{{instance}} resident'),
        p.range(each('process_virtual_memory_bytes'), '{{instance}} virtual'),
      ]),
      p.series('File descriptors', 'Open ones, as a share of what the process may open.', 'percentunit', [
        p.range('max by (instance) (%s / %s)' % [of('process_open_fds'), of('process_max_fds')], '{{instance}}'),
      ], limit=p.red(0.8)),
    ]]]],
    ['Pages', [
      [8, [
        p.series('Series by level', 'In the last full scrape.', 'short', [p.range('sum by (level) (%s)' % of('tencentchat_exporter_series'), '{{level}}')], true),
        p.series('Series left out', 'max_series: the quietest topics; level, disable: as configured.', 'short', [p.range('sum by (reason) (%s)' % of('tencentchat_exporter_series_suppressed'), '{{reason}}')], true),
        p.series('Room for topics', 'Series of topics, as a share of metrics.max_series.', 'percentunit', [p.range('sum by (instance) (%s) / sum by (instance) (%s)' % [of('tencentchat_exporter_series', ', level="topic"'), of('tencentchat_exporter_series_limit')], '{{instance}}')], limit=p.red(1)),
        p.series('Scrape', 'As Prometheus measures it.', 's', [p.range('max by (instance) (scrape_duration_seconds{%s})' % d.instance, '{{instance}}')]),
      ]],
      [8, [
        p.series('Requests', 'By path and status.', 'reqps', [p.range('sum by (handler, code) (rate(%s[$__rate_interval]))' % of('tencentchat_exporter_http_requests_total'), '{{handler}} {{code}}')]),
        p.series('Log lines', 'By level.', 'cps', [p.range('sum by (level) (rate(%s[$__rate_interval]))' % of('tencentchat_exporter_log_messages_total'), '{{level}}')]),
      ]],
    ]],
  ]
)
