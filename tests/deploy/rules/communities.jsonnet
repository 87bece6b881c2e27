local t = import 'test.libsonnet';
local b = 'job="tencentchat",instance="b:10058"';
local up = t.app('app_up', '1+0x200');
local states(ok, failing, stale) = [
  t.app('app_communities', '%d+0x40' % ok, 'state="ok"'),
  t.app('app_communities', '%d+0x40' % failing, 'state="failing"'),
  t.app('app_communities', '%d+0x40' % stale, 'state="stale"'),
  t.app('app_communities', '0+0x40', 'state="pending"'),
  t.app('app_communities', '3+0x40', 'state="gone"'),
];

t.file('1m', [
  t.case('CommunityFailing', 'every poll', [
    up,
    t.named,
    t.community('up', '1+0x2 0+0x30 1+0x5'),
    t.community('consecutive_failures', '0+0x2 1+1x30 0+0x5'),
  ], [
    t.silent('18m'),
    t.rings('19m', 'Every poll of @TGS#_shop (shop) of app 1400000001 has failed for 15 minutes.', 'warning', t.in_shop),
    t.silent('34m'),
  ]),
  t.case('CommunityFailing', 'the exporter moves to another pod meanwhile', [
    up,
    t.app('app_up', '1+0x200', target=b),
    t.community('up', '0+0x10 stale'),
    t.community('consecutive_failures', '2+1x10 stale'),
    t.community('up', '_x11 0+0x20', b),
    t.community('consecutive_failures', '_x11 2+1x20', b),
  ], [t.rings('15m', 'Every poll of @TGS#_shop of app 1400000001 has failed for 15 minutes.', 'warning', t.in_app { community: '@TGS#_shop' })]),
  t.case('CommunityFailing', 'the app is down: that has an alert of its own', [
    t.app('app_up', '0+0x40'),
    t.named,
    t.community('up', '0+0x40'),
    t.community('consecutive_failures', '1+1x40'),
  ], [t.silent('30m')]),
  t.case('CommunityFailing', 'one failure of a long interval', [
    up,
    t.community('up', '0+0x40'),
    t.community('consecutive_failures', '1+0x40'),
  ], [t.silent('30m')]),
  t.case('CommunityFailing', 'the other of a pair reads it', [
    up,
    t.app('app_up', '1+0x200', target=b),
    t.community('up', '0+0x40'),
    t.community('consecutive_failures', '1+1x40'),
    t.community('up', '1+0x40', b),
    t.community('consecutive_failures', '0+0x40', b),
  ], [t.silent('30m')]),
  t.case('CommunityStale', 'nobody asks', [
    up,
    t.named,
    t.community('up', '1+0x40'),
    t.community('last_success_timestamp_seconds', '0+0x40'),
    t.community('poll_interval_seconds', '60+0x40'),
  ], [
    t.silent('12m'),
    t.rings('13m', 'The facts of @TGS#_shop (shop) of app 1400000001 are 13m 0s old, more than 2 intervals, although its polls do not fail.', 'warning', t.in_shop),
  ]),
  t.case('CommunityStale', 'a long interval that is kept', [
    up,
    t.community('up', '1+0x40'),
    t.community('last_success_timestamp_seconds', '0+0x40'),
    t.community('poll_interval_seconds', '900+0x40'),
  ], [t.silent('29m')]),
  t.case('CommunityStale', 'failing is another alert', [
    up,
    t.community('up', '0+0x40'),
    t.community('last_success_timestamp_seconds', '0+0x40'),
    t.community('poll_interval_seconds', '60+0x40'),
  ], [t.silent('30m')]),
  t.case('ManyFailing', 'six of sixteen', states(10, 5, 1) + [up], [
    t.silent('9m'),
    t.rings('10m', '37.5% of the communities of app 1400000001 fail or are stale, while other calls succeed.', 'critical', t.in_app),
  ]),
  t.case('ManyFailing', 'five of a hundred', states(95, 5, 0) + [up], [t.silent('30m')]),
  t.case('ManyFailing', 'two of three are no many', [
    up,
    t.app('app_communities', '1+0x40', 'state="ok"'),
    t.app('app_communities', '2+0x40', 'state="failing"'),
  ], [t.silent('30m')]),
  t.case('ManyFailing', 'the app is down', [
    t.app('app_up', '0+0x40'),
    t.app('app_communities', '0+0x40', 'state="ok"'),
    t.app('app_communities', '20+0x40', 'state="failing"'),
  ], [t.silent('30m')]),
  t.case('ManyFailing', 'shards are one app: half of a small one is few of all', [up, t.app('app_up', '1+0x200', target=b)] + states(10, 6, 0) + [
    t.app('app_communities', '80+0x40', 'state="ok"', b),
    t.app('app_communities', '0+0x40', 'state="failing"', b),
  ], [t.silent('30m')]),
  t.case('ManyFailing', 'shards are one app: four of each are many of all', [up, t.app('app_up', '1+0x200', target=b)] + states(28, 4, 0) + [
    t.app('app_communities', '28+0x40', 'state="ok"', b),
    t.app('app_communities', '4+0x40', 'state="failing"', b),
  ], [
    t.rings('10m', '12.5% of the communities of app 1400000001 fail or are stale, while other calls succeed.', 'critical', t.in_app),
  ]),
  t.case('TopicErrors', 'half an hour', [t.named, t.community('topics_failed', '0 2+0x40')], [
    t.silent('30m'),
    t.rings('31m', '2 topics of @TGS#_shop (shop) of app 1400000001 have been answered with an error of their own for 30 minutes.', 'warning', t.in_shop),
  ]),
  t.case('TopicErrors', 'it passes', [t.community('topics_failed', '2+0x20 0+0x40')], [t.silent('20m'), t.silent('40m')]),
  t.case('TopicsVanished', 'half of them', [
    t.named,
    t.community('topics', '20+0x70 10+0x80'),
    t.community('topics_failed', '1+0x150'),
  ], [
    t.silent('75m'),
    t.rings('76m', '@TGS#_shop (shop) of app 1400000001 has 10 topics fewer than an hour ago.', 'warning', t.in_shop),
    t.silent('140m'),
  ]),
  t.case('TopicsVanished', 'topics with an error are still there', [
    t.community('topics', '20+0x70 10+0x40'),
    t.community('topics_failed', '0+0x70 10+0x40'),
  ], [t.silent('90m')]),
  t.case('TopicsVanished', 'an outage that ends the facts', [
    t.community('topics', '20+0x70 stale _x30 20+0x30'),
    t.community('topics_failed', '0+0x70 stale _x30 0+0x30'),
  ], [t.silent('90m'), t.silent('110m')]),
  t.case('TopicsVanished', 'another shard has the community now', [
    t.community('topics', '20+0x70 stale'),
    t.community('topics_failed', '0+0x70 stale'),
    t.community('topics', '_x72 20+0x60', b),
    t.community('topics_failed', '_x72 0+0x60', b),
  ], [t.silent('72m'), t.silent('90m'), t.silent('131m')]),
  t.case('TopicsVanished', 'two of five are few', [
    t.community('topics', '5+0x70 3+0x40'),
    t.community('topics_failed', '0+0x150'),
  ], [t.silent('90m')]),
], ['tencentchat.rules.communities', 'tencentchat.alerts.communities'])
