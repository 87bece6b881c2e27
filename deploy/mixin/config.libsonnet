// What an installation may want to change. Everything else follows from it.
{
  _config:: {
    // The scrape job, and the labels that tell one installation from another: add 'cluster' or 'namespace' here when
    // one Prometheus sees several. What a replica or a pod adds is named apart, so that alerts about the chat outlive it.
    selector: 'job="tencentchat"',
    scopeLabels: ['job'],
    replicaLabels: ['instance', 'pod'],
    // Labels of tencentchat_community_info that alerts carry; add your own `labels` of the configuration to route by them.
    communityLabels: ['community_name'],

    // Divides every duration: windows, `for`, evaluation, thresholds that wait. 1 outside of tests.
    divisor: 1,

    runbookUrl: 'https://example.com/tencentchat_exporter/runbooks/%s.md',  // where you publish deploy/runbooks
    dashboardTags: ['tencentchat'],
    dashboardRefresh: '1m',

    // Per-topic recording rules and alerts. Without them a page of 500,000 topics costs Prometheus no evaluation.
    topicRules: true,

    // Thresholds. Seconds, unless the name says otherwise.
    signatureLeft: 900,
    heartbeatAge: 120,
    quotaUseRatio: 0.9,
    failingRatio: 0.1,
    failingCommunities: 5,
    failuresInARow: 2,
    staleIntervals: 2,
    silentForgotten: 30 * 86400,  // this long after its threshold a silent topic is an archive
    mutedFor: 6 * 3600,
    vanishedRatio: 0.2,
    vanishedTopics: 3,
    burstFactor: 5,
    burstMessagesPerSecond: 1,
    observerUnread: 100,
    clockSkew: 5,  // of a clock, not a wait: never divided

    // The objective of get_topic: the share of attempts that give a usable answer, deleted communities left out.
    // A burn needs this many failed attempts in its long window, so that a lone community cannot page by one of them.
    objective: 0.99,
    burnMinimum: 10,
    burns: [
      { long: 3600, short: 300, factor: 14.4, 'for': 120, severity: 'critical' },
      { long: 6 * 3600, short: 1800, factor: 6, 'for': 900, severity: 'critical' },
      { long: 86400, short: 2 * 3600, factor: 3, 'for': 3600, severity: 'warning' },
      { long: 3 * 86400, short: 6 * 3600, factor: 1, 'for': 3 * 3600, severity: 'warning' },
    ],
  },
}
