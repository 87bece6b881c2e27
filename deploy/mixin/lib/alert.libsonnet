// One alert. The summary is a sentence that a whole group of alerts can share, the description is about this one.
local promql = import 'promql.libsonnet';

function(config)
  local q = promql(config);
  function(name, severity, summary, description, expr, after=0, labels={}) {
    alert: 'TencentChat' + name,
    expr: expr,
    labels: { severity: severity } + labels,
    annotations: {
      summary: summary,
      description: description,
      runbook_url: config.runbookUrl % ('TencentChat' + name),
    },
  } + (if after > 0 then { 'for': q.d(after) } else {})
