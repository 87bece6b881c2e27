// One community, or several: its polls, its topics.
local d = import '../lib/dashboard.libsonnet';
local p = import '../lib/panels.libsonnet';

local of(name, matchers='') = 'tencentchat_%s{%s%s}' % [name, d.community, matchers];
local each(name) = 'max by (sdkappid, community) (%s)' % of('community_' + name);
local topic(expr) = 'max by (community, topic) (%s)' % expr;

function(config) d.new(
  config,
  'tencentchat-community',
  'Community drill-down',
  'Communities and their topics: when they were read, how much is said in them, which are silent or muted.',
  'community',
  [
    ['At a glance', [[4, [
      p.stat('Failing', 'Communities whose latest poll gave no usable answer.', 'short', 'count(%s == 0) or vector(0)' % each('up'), [p.red(1)]),
      p.stat('Oldest answer', 'Age of the oldest facts.', 's', 'time() - min(%s)' % of('community_last_success_timestamp_seconds'), [p.orange(180), p.red(600)]),
      p.stat('Topics', 'Returned without an error.', 'short', 'sum(%s)' % each('topics')),
      p.stat('Muted', 'All members are muted.', 'short', 'sum(%s)' % each('topics_muted')),
      p.stat('Silent', 'No message for longer than silent_after, at the latest poll.', 'short', 'sum(%s)' % each('topics_silent')),
      p.stat('Never active', 'Never had a message.', 'short', 'sum(%s)' % each('topics_never_active')),
      p.stat('Unreadable', 'Topics with an error of their own.', 'short', 'sum(%s)' % each('topics_failed'), [p.orange(1)]),
      p.stat('Messages', 'In the chosen communities.', 'mps', 'sum(max by (sdkappid, community) (rate(%s[$__rate_interval])))' % of('community_messages_total')) { interval: '2m' },
    ]]]],
    ['Communities', [[8, [
      p.table(
        'Communities',
        'One line a community. Reason and code are those of the latest poll, while it fails.',
        [
          p.rows_of('topk by (community) (1, max by (sdkappid, community, community_name) (%s))' % of('community_info')),
          p.rows_of('max by (community) (%s)' % of('community_up')),
          p.rows_of('topk by (community) (1, max by (community, reason, code) (%s))' % of('community_last_error_info')),
          p.rows_of('max by (community) (%s)' % of('community_topics')),
          p.rows_of('time() - max by (community) (%s)' % of('community_last_success_timestamp_seconds')),
          p.rows_of('max by (community) (%s)' % of('community_poll_interval_seconds')),
          p.rows_of('time() - max by (community) (%s)' % of('community_last_message_timestamp_seconds')),
          p.rows_of('max by (community) (%s)' % of('community_consecutive_failures')),
        ],
        'community',
        {
          sdkappid: 'App',
          community: 'Community',
          community_name: 'Name',
          reason: 'Reason',
          code: 'Code',
          'Value #B': 'State',
          'Value #D': 'Topics',
          'Value #E': 'Answer',
          'Value #F': 'Interval',
          'Value #G': 'Last message',
          'Value #H': 'Failures',
        },
        ['Value #A', 'Value #C'],
        [
          p.column('State', p.down { 'custom.cellOptions': { type: 'color-text' } }),
          p.column_unit('Answer', 's'),
          p.column_unit('Interval', 's'),
          p.column_unit('Last message', 's'),
        ]
      ),
    ]]]],
    ['Topics', [
      [10, [
        p.table(
          'Topics',
          'One line a topic. Empty where the community is exported without its topics.',
          [
            p.rows_of('topk by (topic) (1, max by (community, topic, topic_name) (%s))' % of('topic_info')),
            p.rows_of('time() - max by (topic) (%s)' % of('topic_last_message_timestamp_seconds')),
            p.rows_of('max by (topic) (rate(%s[$__rate_interval]))' % of('topic_messages_total')),
            p.rows_of('max by (topic) (%s)' % of('topic_muted')),
            p.rows_of('max by (topic) (%s)' % of('topic_observer_unread_messages')),
            p.rows_of('max by (topic) (%s)' % of('topic_observer_muted')),
            p.rows_of('time() - max by (topic) (%s)' % of('topic_created_timestamp_seconds')),
          ],
          'topic',
          {
            community: 'Community',
            topic: 'Topic',
            topic_name: 'Name',
            'Value #B': 'Last message',
            'Value #C': 'Messages',
            'Value #D': 'Muted',
            'Value #E': 'Unread',
            'Value #F': 'Observer muted',
            'Value #G': 'Age',
          },
          ['Value #A'],
          [
            p.column('Last message', { unit: 's', 'custom.cellOptions': { type: 'color-text' }, thresholds: {
              mode: 'absolute',
              steps: [{ color: 'green', value: null }, p.orange(86400), p.red(7 * 86400)],
            } }),
            p.column_unit('Messages', 'mps'),
            p.column('Muted', { mappings: [{ type: 'value', options: { '0': { text: '', index: 0 }, '1': { text: 'muted', color: 'orange', index: 1 } } }] }),
            p.column('Observer muted', { mappings: [{ type: 'value', options: { '0': { text: '', index: 0 }, '1': { text: 'muted', color: 'orange', index: 1 } } }] }),
            p.column_unit('Age', 's'),
          ]
        ),
      ]],
      [8, [
        p.series('Busiest topics', 'The ten with the most messages.', 'mps', [p.range('topk(10, %s)' % topic('rate(%s[$__rate_interval])' % of('topic_messages_total')), '{{topic}}')]) { interval: '2m' },
        p.series('Longest silence', 'The ten topics whose last message is the oldest.', 's', [p.range('topk(10, time() - %s)' % topic(of('topic_last_message_timestamp_seconds')), '{{topic}}')]),
        p.series('Unreadable topics', 'Topics with an error of their own, by its code.', 'short', [p.range('sum by (community, code) (%s) or sum by (community) (%s)' % [of('topic_error_info'), of('community_topics_failed')], '{{community}} {{code}}')]),
      ]],
    ]],
    ['Course', [
      [8, [
        p.series('Messages', 'By community.', 'mps', [p.range('max by (community) (rate(%s[$__rate_interval]))' % of('community_messages_total'), '{{community}}')]) { interval: '2m' },
        p.series('Topics', 'Returned without an error; folded ones have no series of their own.', 'short', [
          p.range('sum(%s)' % each('topics'), 'topics'),
          p.range('sum(%s)' % each('topics_muted'), 'muted'),
          p.range('sum(%s)' % each('topics_silent'), 'silent'),
          p.range('sum(%s)' % each('topics_folded'), 'folded'),
        ]),
      ]],
      [8, [
        p.series('Age of the latest answer', 'Facts end after stale_after, by default three intervals and at least five minutes.', 's', [p.range('time() - max by (community) (%s)' % of('community_last_success_timestamp_seconds'), '{{community}}')]),
        p.series('Duration of the latest poll', 'All its calls together.', 's', [p.range('max by (community) (%s)' % of('community_poll_duration_seconds'), '{{community}}')]),
        p.series('Failures in a row', 'Of polls.', 'short', [p.range('max by (community) (%s)' % of('community_consecutive_failures'), '{{community}}')]),
      ]],
    ]],
  ]
)
