// The panels that the dashboards are made of. A panel is placed by `rows`, and gets its id there.
local datasource = { type: 'prometheus', uid: '${datasource}' };
local ids = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

local steps(thresholds) = {
  mode: 'absolute',
  steps: [{ color: 'green', value: null }] + thresholds,
};

local panel(type, title, description, unit, targets, thresholds=[]) = {
  type: type,
  title: title,
  description: description,
  datasource: datasource,
  targets: [target { refId: ids[i], datasource: datasource } for i in std.range(0, std.length(targets) - 1) for target in [targets[i]]],
  fieldConfig: {
    defaults: { unit: unit, thresholds: steps(thresholds), color: { mode: 'palette-classic' } },
    overrides: [],
  },
};

{
  // Queries.
  range(expr, legend):: { expr: expr, legendFormat: legend, range: true, instant: false },
  now(expr, legend=''):: { expr: expr, legendFormat: legend, range: false, instant: true },
  rows_of(expr):: { expr: expr, format: 'table', legendFormat: '__auto', range: false, instant: true },
  buckets(expr):: { expr: expr, format: 'heatmap', legendFormat: '{{le}}', range: true, instant: false },

  // Thresholds: green below the first.
  red(value):: { color: 'red', value: value },
  orange(value):: { color: 'orange', value: value },
  green(value):: { color: 'green', value: value },
  down: { mappings: [{ type: 'value', options: { '0': { text: 'down', color: 'red', index: 0 }, '1': { text: 'up', color: 'green', index: 1 } } }] },
  yes: { mappings: [{ type: 'value', options: { '0': { text: 'no', color: 'red', index: 0 }, '1': { text: 'yes', color: 'green', index: 1 } } }] },

  stat(title, description, unit, expr, thresholds=[], options={}):: panel('stat', title, description, unit, [$.now(expr)], thresholds) {
    fieldConfig+: { defaults+: { color: { mode: 'thresholds' } } + options },
    options: {
      colorMode: if std.length(thresholds) > 0 || options != {} then 'background' else 'value',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  },

  series(title, description, unit, targets, stacked=false, limit=null):: panel('timeseries', title, description, unit, targets, if limit == null then [] else [limit]) {
    fieldConfig+: {
      defaults+: {
        min: 0,
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: if stacked then 40 else 8,
          showPoints: 'never',
          spanNulls: false,
          stacking: { mode: if stacked then 'normal' else 'none', group: 'A' },
          thresholdsStyle: { mode: if limit == null then 'off' else 'dashed' },
        },
      },
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },

  // Columns are named, and joined by one label; `hidden` are labels that say nothing.
  table(title, description, targets, by, columns, hidden=[], overrides=[]):: panel('table', title, description, 'short', targets) {
    fieldConfig+: { defaults+: { custom: { align: 'auto', filterable: true } }, overrides: overrides },
    options: { showHeader: true, cellHeight: 'sm', footer: { show: false, reducer: ['sum'], fields: '' } },
    transformations:
      (if std.length(targets) > 1 then [{ id: 'joinByField', options: { byField: by, mode: 'outer' } }] else []) +
      [{
        id: 'organize',
        options: {
          excludeByName: { [name]: true for name in ['Time', '__name__'] + ['Time %d' % (i + 1) for i in std.range(0, std.length(targets) - 1)] + hidden },
          indexByName: {},
          renameByName: columns,
        },
      }],
  },
  column(name, properties):: {
    matcher: { id: 'byName', options: name },
    properties: [{ id: id, value: properties[id] } for id in std.objectFields(properties)],
  },
  column_unit(name, unit):: self.column(name, { unit: unit }),

  heatmap(title, description, unit, expr):: panel('heatmap', title, description, unit, [$.buckets(expr)]) {
    options: {
      calculate: false,
      cellGap: 1,
      color: { mode: 'scheme', scheme: 'Oranges', steps: 64, exponent: 0.5, fill: 'dark-orange', reverse: false },
      filterValues: { le: 1e-9 },
      legend: { show: true },
      rowsFrame: { layout: 'auto' },
      tooltip: { mode: 'single', show: true, yHistogram: false },
      yAxis: { axisPlacement: 'left', reverse: false, unit: unit },
    },
  },

  // [title, [[height, panels], ...]]: a heading, and lines of panels that share the 24 columns evenly unless they have a width.
  rows(sections)::
    local place(state, panels, height) =
      local even = std.floor(24 / std.length(panels));
      std.foldl(function(s, p) s {
        local width = if std.objectHasAll(p, 'width') then p.width else even,
        x: s.x + width,
        id: s.id + 1,
        panels: s.panels + [p { id: s.id, gridPos: { x: s.x, y: s.y, w: width, h: height } }],
      }, panels, state { x: 0 }) + { y: state.y + height };
    local heading(state, title) = state {
      id: state.id + 1,
      y: state.y + 1,
      panels: state.panels + [{ type: 'row', title: title, id: state.id, collapsed: false, panels: [], gridPos: { x: 0, y: state.y, w: 24, h: 1 } }],
    };
    std.foldl(
      function(state, section) std.foldl(
        function(s, line) place(s, line[1], line[0]), section[1], heading(state, section[0])
      ), sections, { id: 1, x: 0, y: 0, panels: [] }
    ).panels,
}
