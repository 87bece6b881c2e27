// One dashboard: its variables, its links to the others, and nothing that names a data source of somebody's own.
local panels = import 'panels.libsonnet';

local variable(name, label, query) = {
  name: name,
  label: label,
  type: 'query',
  datasource: { type: 'prometheus', uid: '${datasource}' },
  definition: query,
  query: { query: query, refId: 'variable-' + name },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: '.+',
  current: { selected: true, text: ['All'], value: ['$__all'] },
  options: [],
  hide: 0,
  regex: '',
  skipUrlSync: false,
};

{
  // What every query is narrowed by.
  instance: 'job=~"$job", instance=~"$instance"',
  app: self.instance + ', sdkappid=~"$sdkappid"',
  community: self.app + ', community=~"$community"',

  variables(level)::
    [{
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      current: {},
      options: [],
      refresh: 1,
      regex: '',
      hide: 0,
      multi: false,
      includeAll: false,
      skipUrlSync: false,
    }] +
    [
      variable('job', 'Job', 'label_values(tencentchat_exporter_build_info, job)'),
      variable('instance', 'Instance', 'label_values(tencentchat_exporter_build_info{job=~"$job"}, instance)'),
    ] +
    (if level == 'exporter' then []
     else [variable('sdkappid', 'App', 'label_values(tencentchat_app_up{%s}, sdkappid)' % self.instance)]) +
    (if level != 'community' then []
     else [variable('community', 'Community', 'label_values(tencentchat_community_up{%s}, community)' % self.app)]),

  new(config, uid, title, description, level, sections):: {
    uid: uid,
    title: 'Tencent Chat / ' + title,
    description: description,
    tags: config.dashboardTags,
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from: 'now-6h', to: 'now' },
    refresh: config.dashboardRefresh,
    links: [{
      type: 'dashboards',
      title: 'Tencent Chat',
      tags: config.dashboardTags,
      asDropdown: true,
      includeVars: true,
      keepTime: true,
      targetBlank: false,
      icon: 'external link',
      tooltip: '',
      url: '',
    }],
    annotations: { list: [] },
    templating: { list: $.variables(level) },
    panels: panels.rows(sections),
  },
}
