local t = import 'test.libsonnet';
local here = t.on_a + t.in_app;

t.file('1m', [
  t.case('AppDown', 'ten minutes', [t.app('app_up', '1+0x5 0+0x20 1+0x5')], [
    t.silent('15m'),
    t.rings('16m', 'No call of app 1400000001 has succeeded on a:10058: it cannot sign, is refused, or reaches nobody.', 'critical', here),
    t.silent('27m'),
  ]),
  t.case('AppDown', 'it recovers in between', [t.app('app_up', '0+0x8 1 0+0x8')], [t.silent('16m')]),
  t.case('AppDown', 'an app that left the configuration', [t.app('app_up', '0+0x8 stale')], [t.silent('20m')]),
  t.case('SignatureExpiring', 'not renewed', [t.app('usersig_expiry_timestamp_seconds', '7200+0x120')], [
    t.silent('110m'),
    t.rings('111m', 'The UserSig of app 1400000001 on a:10058 ends in 9m 0s; then every call is refused.', 'critical', here),
  ]),
  t.case('SignatureExpiring', 'renewed at the last moment', [t.app('usersig_expiry_timestamp_seconds', '7200+0x109 50400+0x20')], [
    t.silent('109m'),
    t.silent('120m'),
  ]),
  t.case('SchedulerStuck', 'no poll for minutes', [t.app('scheduler_heartbeat_timestamp_seconds', '0+60x10 600+0x10')], [
    t.silent('14m'),
    t.rings('15m', 'Polls of app 1400000001 are due on a:10058, and none was started or finished for 5m 0s.', 'critical', here),
  ]),
  t.case('SchedulerStuck', 'a process that is gone is not stuck', [t.app('scheduler_heartbeat_timestamp_seconds', '0+60x10 stale')], [t.silent('15m')]),
  t.case('SchedulerStuck', 'one late minute', [t.app('scheduler_heartbeat_timestamp_seconds', '0+60x10 600 600 600 780+60x10')], [t.silent('13m'), t.silent('20m')]),
  t.case('ClockSkew', 'behind', [t.app('api_clock_skew_seconds', '-6+0x30')], [
    t.silent('14m'),
    t.rings('15m', 'The clocks of a:10058 and of the service differ by 6 s (app 1400000001): ages are wrong by it, and signatures may be refused.', 'warning', here),
  ]),
  t.case('ClockSkew', 'within the limit, and one odd answer', [t.app('api_clock_skew_seconds', '4+0x10 90 5+0x30')], [t.silent('11m'), t.silent('30m')]),
], ['tencentchat.alerts.app'])
