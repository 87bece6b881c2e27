// Topics, where they have series of their own. What is always so is no news: archives, announcements.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local alert = (import '../lib/alert.libsonnet')(config);
  local fact(name) = q.fact(q.metric(name));
  local muted = fact('tencentchat_topic_muted');
  local who = '{{ $labels.topic }} in {{ $labels.community }} of app {{ $labels.sdkappid }}';
  // Silent at the time of the latest poll: a poll that is late makes no topic silent.
  local idleAtPoll =
    'tencentchat:topic_idle:seconds\n- on (%s) group_left ()\n(time() - %s)' % [
      q.community,
      fact('tencentchat_community_last_success_timestamp_seconds'),
    ];
  local threshold = fact('tencentchat_community_silent_after_seconds');
  [
    alert(
      'TopicSilent',
      'info',
      'A topic is silent for longer than its threshold.',
      'Topic %s has had no message for {{ $value | humanizeDuration }}.' % who,
      '(\n%s\n)\n> on (%s) group_left ()\n%s\nunless on (%s, topic)\n%s == 1\nunless on (%s, topic)\n(%s) > on (%s) group_left () (%s + %s)' % [
        idleAtPoll,
        q.community,
        threshold,
        q.community,
        muted,
        q.community,
        'tencentchat:topic_idle:seconds',
        q.community,
        threshold,
        q.seconds(config.silentForgotten),
      ]
    ),
    // At this hour a week ago it was open: nightly mutes and announcement topics do not ring.
    alert(
      'TopicMutedLong',
      'info',
      'A topic has been muted for hours.',
      'All members of topic %s have been muted for 6 hours; at this hour a week ago it was open.' % who,
      '%s == 1\nand\nmax without (%s) (%s offset %s) == 0' % [
        muted,
        q.replicas,
        q.metric('tencentchat_topic_muted'),
        q.d(7 * 86400),
      ],
      config.mutedFor
    ),
    alert(
      'ObserverBehind',
      'warning',
      'The configured account does not read a topic.',
      'In topic %s the configured from_account has {{ $value }} unread messages.' % who,
      '%s > %d' % [fact('tencentchat_topic_observer_unread_messages'), config.observerUnread],
      900
    ),
  ]
