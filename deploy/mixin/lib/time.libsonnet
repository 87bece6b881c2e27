// Durations are written in seconds and printed as Prometheus reads them: 5400 is 1h30m.
local units = [['d', 86400000], ['h', 3600000], ['m', 60000], ['s', 1000], ['ms', 1]];

local text(ms, i) =
  if ms == 0 then ''
  else
    local n = std.floor(ms / units[i][1]);
    (if n > 0 then '%d%s' % [n, units[i][0]] else '') + text(ms - n * units[i][1], i + 1);

{
  text(seconds)::
    local ms = std.floor(seconds * 1000 + 0.5);
    assert ms > 0 : 'no duration: %g s' % seconds;
    text(ms, 0),
}
