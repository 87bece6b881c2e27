// Pieces of PromQL that rules and alerts share.
local time = import 'time.libsonnet';

function(config) {
  local list(labels) = std.join(', ', labels),

  // Duration of so many seconds; the same as a number.
  d(seconds):: time.text(seconds / config.divisor),
  seconds(n):: '%g' % (n / config.divisor),

  metric(name, matchers='')::
    local all = std.join(',', std.filter(function(m) m != '', [config.selector, matchers]));
    if all == '' then name else '%s{%s}' % [name, all],

  // At the time of the scrape: how often Prometheus scrapes makes nothing older.
  age(name):: 'timestamp(%s) - %s' % [self.metric(name), self.metric(name)],

  replicas:: list(config.replicaLabels),
  scope:: list(config.scopeLabels),
  app:: list(config.scopeLabels + ['sdkappid']),
  appInstance:: list(config.scopeLabels + ['instance', 'sdkappid']),
  community:: list(config.scopeLabels + ['sdkappid', 'community']),

  // How many different values an installation's exporters have.
  distinct(name):: 'count by (%s) (count_values by (%s) ("value", %s))' % [self.scope, self.scope, self.metric(name)],

  // A fact about the chat, whichever replica tells it.
  fact(expr, op='max'):: '%s without (%s) (%s)' % [op, self.replicas, expr],

  // Only what exporters say whose app is up; the others have an alert of their own.
  whileUp(expr):: '%s unless on (%s) %s == 0' % [expr, self.appInstance, self.metric('tencentchat_app_up')],

  // The same alerts, with the name from the configuration when there is one. `topk(1)`: replicas that disagree about a
  // name must not make the rule fail.
  named(expr)::
    '(\n%s\n)\n* on (%s) group_left (%s)\n  topk by (%s) (1, %s)\nor on (%s)\n(\n%s\n)' % [
      expr,
      self.community,
      list(config.communityLabels),
      self.community,
      self.metric('tencentchat_community_info'),
      self.community,
      expr,
    ],
}
