// Communities, whichever exporter polls them. Those of an app that is down are left to AppDown.
function(config)
  local q = (import '../lib/promql.libsonnet')(config);
  local alert = (import '../lib/alert.libsonnet')(config);
  local fact(name, op='max') = q.fact(q.metric(name), op);
  local who = '{{ $labels.community }}{{ with $labels.community_name }} ({{ . }}){{ end }} of app {{ $labels.sdkappid }}';
  [
    // Two in a row: where the interval is long, one failure lasts longer than `for`.
    alert(
      'CommunityFailing',
      'warning',
      'Polls of a community fail.',
      'Every poll of %s has failed for 15 minutes.' % who,
      q.named('%s == 0\nand\n%s >= %d' % [
        q.fact(q.whileUp(q.metric('tencentchat_community_up'))),
        fact('tencentchat_community_consecutive_failures', 'min'),
        config.failuresInARow,
      ]),
      900
    ),
    // Facts end after three intervals; failing ones are told above.
    alert(
      'CommunityStale',
      'warning',
      'A community is polled too seldom.',
      'The facts of %s are {{ $value | humanizeDuration }} old, more than %g intervals, although its polls do not fail.' % [who, config.staleIntervals],
      q.named('%s > %g * %s\nand\n%s == 1' % [
        q.fact(q.age('tencentchat_community_last_success_timestamp_seconds'), 'min'),
        config.staleIntervals,
        fact('tencentchat_community_poll_interval_seconds'),
        q.fact(q.whileUp(q.metric('tencentchat_community_up'))),
      ]),
      600
    ),
    alert(
      'ManyFailing',
      'critical',
      'Many communities of an app fail at once.',
      '{{ $value | humanizePercentage }} of the communities of app {{ $labels.sdkappid }} fail or are stale, while other calls succeed.',
      'tencentchat:communities_failing:ratio > %g\nand\nsum without (%s, state) (%s) >= %d\nunless on (%s)\n%s == 0' % [
        config.failingRatio,
        q.replicas,
        q.metric('tencentchat_app_communities', 'state=~"failing|stale"'),
        config.failingCommunities,
        q.app,
        q.metric('tencentchat_app_up'),
      ],
      600
    ),
    alert(
      'TopicErrors',
      'warning',
      'Topics of a community cannot be read.',
      '{{ $value }} topics of %s have been answered with an error of their own for 30 minutes.' % who,
      q.named('%s > 0' % fact('tencentchat_community_topics_failed')),
      1800
    ),
    // Topics with an error are still there. No facts, no comparison: an outage is no loss.
    local now = '(%s + %s)' % [fact('tencentchat_community_topics'), fact('tencentchat_community_topics_failed')];
    local before =
      '(max without (%s) (%s offset %s) + max without (%s) (%s offset %s))' % [
        q.replicas,
        q.metric('tencentchat_community_topics'),
        q.d(3600),
        q.replicas,
        q.metric('tencentchat_community_topics_failed'),
        q.d(3600),
      ];
    alert(
      'TopicsVanished',
      'warning',
      'A community has lost many topics within an hour.',
      '%s has {{ $value }} topics fewer than an hour ago.' % who,
      q.named('%s - %s >= %d\nand\n%s < %g * %s' % [
        before,
        now,
        config.vanishedTopics,
        now,
        1 - config.vanishedRatio,
        before,
      ]),
      300
    ),
    // Fifteen minutes, so that one poll of a long interval is not taken for a burst. Nothing known of last week, no alert.
    local burst = q.fact('rate(%s[%s])' % [q.metric('tencentchat_community_messages_total'), q.d(900)]);
    alert(
      'MessageBurst',
      'warning',
      'A community is far more talkative than a week ago.',
      '%s has {{ $value | humanize }} messages a second, more than %g times those of the same hour last week.' % [who, config.burstFactor],
      q.named('%s > %g * tencentchat:community_messages:rate1h offset %s\nand\n%s > %g' % [
        burst,
        config.burstFactor,
        q.d(7 * 86400),
        burst,
        config.burstMessagesPerSecond,
      ]),
      300
    ),
  ]
