local t = import 'test.libsonnet';

local polled = t.community('last_success_timestamp_seconds', '0+60x200');
local threshold = t.community('silent_after_seconds', '3600+0x200');

t.file('1m', [
  t.case('TopicSilent', 'an hour and a minute', [polled, threshold, t.topic('last_message_timestamp_seconds', '0+0x70 4260+0x60')], [
    t.silent('60m'),
    t.rings('61m', 'Topic @TGS#_shop@TOPIC#_orders in @TGS#_shop of app 1400000001 has had no message for 1h 1m 0s.', 'info', t.in_orders),
    t.silent('72m'),
  ]),
  t.case('TopicSilent', 'a late poll makes no topic silent', [
    threshold,
    t.community('last_success_timestamp_seconds', '0+0x200'),
    t.topic('last_message_timestamp_seconds', '0+0x200'),
  ], [t.silent('100m')]),
  t.case('TopicSilent', 'nobody may write', [polled, threshold, t.topic('last_message_timestamp_seconds', '0+0x200'), t.topic('muted', '1+0x200')], [t.silent('100m')]),
  t.case('TopicSilent', 'an archive', [polled, threshold, t.topic('last_message_timestamp_seconds', '-3456000+0x200')], [t.silent('100m')]),
  t.case('TopicSilent', 'a topic that is gone', [polled, threshold, t.topic('last_message_timestamp_seconds', '0+0x59 stale')], [t.silent('100m')]),
  t.case('ObserverBehind', 'fifteen minutes', [t.topic('observer_unread_messages', '150+0x30 0+0x5')], [
    t.silent('14m'),
    t.rings('15m', 'In topic @TGS#_shop@TOPIC#_orders in @TGS#_shop of app 1400000001 the configured from_account has 150 unread messages.', 'warning', t.in_orders),
    t.silent('31m'),
  ]),
  t.case('ObserverBehind', 'it keeps up', [t.topic('observer_unread_messages', '150+0x5 100+0x30')], [t.silent('30m')]),
], ['tencentchat.rules.topics', 'tencentchat.alerts.topics'])
