// Calls and failures a minute; each burn is met by a ratio between its own factor and the next.
local t = import 'test.libsonnet';

local calls(values) = t.app('api_requests_total', values, 'command="get_topic"');
local failures(values, reason='timeout') = t.app('api_request_errors_total', values, 'code="",command="get_topic",reason="%s"' % reason);
local burn(severity, long, short, at, share, factor) = t.rings(
  at,
  '%s of the get_topic calls of app 1400000001 have failed for %s: %s times the rate that the objective of 99 %% allows.' % [share, long, factor],
  severity,
  t.in_app { command: 'get_topic', long_window: long, short_window: short }
);

t.file('1m', [
  t.case('ErrorBudgetBurn', 'half of the calls, ten minutes, then none', [calls('0+6x60'), failures('0+3x10 30+0x50')], [
    t.silent('3m'),
    burn('critical', '1h', '5m', '10m', '50%', '14.4'),
    t.silent('17m'),
  ]),
  t.case('ErrorBudgetBurn', 'a tenth', [calls('0+10x60'), failures('0+1x60')], [burn('critical', '6h', '30m', '40m', '10%', '6')]),
  t.case('ErrorBudgetBurn', 'one of twenty-five', [calls('0+25x120'), failures('0+1x120')], [burn('warning', '1d', '2h', '90m', '4%', '3')]),
  t.case('ErrorBudgetBurn', 'one of fifty', [calls('0+50x240'), failures('0+1x240')], [t.silent('180m'), burn('warning', '3d', '6h', '200m', '2%', '1')]),
  t.case('ErrorBudgetBurn', 'one of two hundred', [calls('0+200x400'), failures('0+1x400')], [t.silent('400m')]),
  t.case('ErrorBudgetBurn', 'two processes, one of them ill: half of a half', [
    calls('0+6x60'),
    failures('0+3x60'),
    t.app('api_requests_total', '0+6x60', 'command="get_topic"', 'job="tencentchat",instance="b:10058"'),
    t.app('api_request_errors_total', '0+0x60', 'code="",command="get_topic",reason="timeout"', 'job="tencentchat",instance="b:10058"'),
  ], [burn('critical', '1h', '5m', '10m', '25%', '14.4')]),
  t.case('ErrorBudgetBurn', 'the only three calls of a small app', [calls('0+0x10 1 2 3+0x50'), failures('0+0x10 1 2 3+0x50')], [t.silent('14m'), t.silent('40m')]),
  t.case('ErrorBudgetBurn', 'deleted communities', [calls('0+6x60'), failures('0+3x60', 'gone')], [t.silent('10m'), t.silent('50m')]),
], ['tencentchat.rules.api', 'tencentchat.alerts.burn'])
