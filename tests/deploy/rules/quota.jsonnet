local t = import 'test.libsonnet';
local get_topic = 'command="get_topic"';
local b = 'job="tencentchat",instance="b:10058"';

t.file('1m', [
  t.case('SchedulerOverloaded', 'half as much again as is in force', [
    t.app('quota_required_requests_per_second', '30+0x30 20+0x10', get_topic),
    t.app('quota_effective_requests_per_second', '20+0x40', get_topic),
  ], [
    t.silent('14m'),
    t.rings('15m', 'App 1400000001 on a:10058 needs 1.5 times the get_topic calls a second in force: intervals are not kept.', 'warning', t.on_a + t.in_app { command: 'get_topic' }),
    t.silent('31m'),
  ]),
  t.case('SchedulerOverloaded', 'just as much as there is', [
    t.app('quota_required_requests_per_second', '20+0x30', get_topic),
    t.app('quota_effective_requests_per_second', '20+0x30', get_topic),
  ], [t.silent('30m')]),
  t.case('QuotaNearLimit', 'two processes share one limit', [
    t.app('quota_peak_requests_per_second', '100+0x30', get_topic),
    t.app('quota_peak_requests_per_second', '90+0x30', get_topic, b),
    t.app('quota_limit_requests_per_second', '200+0x30', get_topic),
    t.app('quota_limit_requests_per_second', '200+0x30', get_topic, b),
  ], [
    t.silent('4m'),
    t.rings('5m', 'App 1400000001 spends 95% of the get_topic calls a second that the service allows all callers together.', 'warning', t.in_app { command: 'get_topic' }),
  ]),
  t.case('QuotaNearLimit', 'discovery spends its one call a second, polls stay below', [
    t.app('quota_peak_requests_per_second', '1+0x30', 'command="get_appid_group_list"'),
    t.app('quota_limit_requests_per_second', '1+0x30', 'command="get_appid_group_list"'),
    t.app('quota_peak_requests_per_second', '180+0x30', get_topic),
    t.app('quota_limit_requests_per_second', '200+0x30', get_topic),
  ], [t.silent('30m')]),
  t.case('Throttled', 'again and again', [t.app('quota_throttled_total', '0+1x30', get_topic)], [
    t.silent('10m'),
    t.rings('20m', 'App 1400000001: 10 get_topic calls of a:10058 were refused as too fast in 10 minutes, and it goes on.', 'warning', t.on_a + t.in_app { command: 'get_topic' }),
  ]),
  t.case('Throttled', 'once', [t.app('quota_throttled_total', '0+0x5 5+0x30', get_topic)], [t.silent('15m'), t.silent('16m'), t.silent('30m')]),
  t.case('Throttled', 'a restart is no refusal', [t.app('quota_throttled_total', '7+0x5 0+0x30', get_topic)], [t.silent('16m')]),
], ['tencentchat.rules.quota', 'tencentchat.alerts.quota'])
