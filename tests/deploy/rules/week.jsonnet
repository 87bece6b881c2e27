// What is compared with a week ago: a sample every ten minutes, 1008 of them a week. One case, because a week of
// evaluations costs seconds.
local t = import 'test.libsonnet';

local messages(community, values) = t.app('community_messages_total', values, 'community="%s"' % community);
local muted(topic, values) = t.app('topic_muted', values, 'community="@TGS#_shop",topic="%s"' % topic);
local burst = t.rings('10250m', '@TGS#_shop (shop) of app 1400000001 has 20 messages a second, more than 5 times those of the same hour last week.', 'warning', t.in_shop);
local mute = t.rings('10450m', 'All members of topic @TGS#_shop@TOPIC#_orders in @TGS#_shop of app 1400000001 have been muted for 6 hours; at this hour a week ago it was open.', 'info', t.in_orders);

local both = t.case('MessageBurst', 'one community and one topic of several', [
  t.named,
  messages('@TGS#_shop', '0+1200x1020 1236000+12000x10'),
  messages('@TGS#_four_times_as_many', '0+1200x1020 1228800+4800x10'),
  messages('@TGS#_a_whisper_becomes_a_murmur', '0+6x1020 6420+300x10'),
  messages('@TGS#_nothing_is_known_of_last_week', '_x1010 0+12000x20'),
  messages('@TGS#_another_shard_counts_on', '0+1200x1021 stale'),
  messages('@TGS#_another_shard_counts_on', '_x1022 0+1200x20') { series: std.strReplace(super.series, 'a:10058', 'b:10058') },
  muted('@TGS#_shop@TOPIC#_orders', '0+0x1008 1+0x60'),
  muted('always', '1+0x1100'),
  muted('nothing_is_known_of_last_week', '_x1000 1+0x100'),
  muted('every_night', '0+0x36 1+0x42 0+0x928 1+0x80'),
], [t.silent('10210m'), burst], '10m');

local mutes = t.case('TopicMutedLong', '', [], [t.silent('10440m'), mute]);

t.file('10m', [both { alert_rule_test+: mutes.alert_rule_test }], [
  'tencentchat.rules.communities',
  'tencentchat.alerts.communities',
  'tencentchat.alerts.topics',
])
