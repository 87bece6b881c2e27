#!/usr/bin/env python3
"""Draws the dashboards as HTML with SVG, from a Prometheus that has data: to look at them without a Grafana.

  tests/deploy/preview.py --prometheus http://127.0.0.1:9090 --directory DIR [--theme dark]

One page a dashboard. It is no Grafana: stat, timeseries, table and heatmap panels, thresholds, units, the grid.
"""

import argparse
import html
import json
import math
import pathlib
import re
import time
import urllib.parse
import urllib.request

DASHBOARDS = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/grafana/dashboards"
COLUMN, ROW, GAP = 60, 34, 6
PALETTE = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300")
NAMED = {"green": "#3f8f4f", "orange": "#d97a1d", "red": "#c4303f"}
THEMES = {"light": ("#f4f5f5", "#ffffff", "#24292e", "#d8d9da"), "dark": ("#111217", "#181b1f", "#ccccdc", "#2f3237")}


def shown(value, unit):
    """A number as people read it."""
    if value is None or not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.3g} s" if abs(value) >= 1 or value == 0 else f"{value * 1000:.3g} ms"
    if unit in ("bytes", "Bps"):
        for size, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.3g} B"
    if unit == "none":
        return f"{value:.0f}"
    text = f"{value / 1000:.3g} K" if abs(value) >= 10000 else f"{value:.4g}"
    return text + {"reqps": " req/s", "mps": " msg/s", "cps": " c/s"}.get(unit, "")


def colour(value, thresholds):
    name = "green"
    for step in thresholds["steps"]:
        if step["value"] is None or value >= step["value"]:
            name = step["color"]
    return NAMED.get(name, name)


class Source:
    def __init__(self, url, hours):
        self.url, self.hours, self.at = url, hours, time.time()

    def ask(self, target):
        text = re.sub(r"\$\w+", ".+", target["expr"].replace("$__rate_interval", "4m"))
        arguments, path = {"query": text, "time": self.at}, "query"
        if target["range"]:
            arguments, path = {"query": text, "start": self.at - self.hours * 3600, "end": self.at, "step": 60}, "query_range"
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}", timeout=60) as answer:
            return json.load(answer)["data"]["result"]


def named(target, metric):
    return re.sub(r"\{\{(\w+)\}\}", lambda m: metric.get(m[1], ""), target["legendFormat"]).strip() or "value"


def text(x, y, words, size=11, anchor="start", fill="currentColor", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" font-weight="{weight}">'
            f"{html.escape(str(words))}</text>")


def draw_stat(panel, source, width, height):
    result = source.ask(panel["targets"][0])
    if not result:
        return text(width / 2, height / 2, "no data", 16, "middle", "#c4303f")
    value, defaults = float(result[0]["value"][1]), panel["fieldConfig"]["defaults"]
    words = shown(value, defaults["unit"])
    filled = colour(value, defaults["thresholds"])
    for mapping in defaults.get("mappings", []):
        option = mapping["options"].get(f"{value:g}")
        if option:
            words, filled = option["text"], NAMED[option["color"]]
    plain = panel["options"]["colorMode"] == "value"
    back = "" if plain else f'<rect x="0" y="24" width="{width}" height="{height - 24}" fill="{filled}"/>'
    return back + text(width / 2, height / 2 + 22, words, 26, "middle", filled if plain else "#ffffff", "bold")


def draw_series(panel, source, width, height):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    lines = []
    for target in panel["targets"]:
        for one in source.ask(target):
            points = [(float(t), float(v)) for t, v in one["values"] if math.isfinite(float(v))]
            if points:
                lines.append((named(target, one["metric"]), points))
    if not lines:
        return text(width / 2, height / 2, "no data", 16, "middle", "#c4303f")
    left, right, top, bottom = 64, width - 10, 32, height - 44
    sums, drawn = {}, []
    for name, points in lines:
        if stacked:
            points = [(t, sums.setdefault(t, 0) + v) for t, v in points]
            sums.update(points)
        drawn.append((name, points))
    limits = [s["value"] for s in panel["fieldConfig"]["defaults"]["thresholds"]["steps"] if s["value"] is not None]
    high = max(max(v for _, v in points) for _, points in drawn) or 1
    low = min(0, min(v for _, points in drawn for _, v in points))
    start, end = source.at - source.hours * 3600, source.at

    def place(t, v):
        return left + (t - start) / (end - start) * (right - left), bottom - (v - low) / ((high - low) or 1) * (bottom - top)

    out = []
    for i in range(5):
        value = low + (high - low) * i / 4
        y = place(start, value)[1]
        out.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" stroke-opacity="0.15"/>')
        out.append(text(left - 6, y + 4, shown(value, unit), 10, "end"))
    for i in range(source.hours + 1):
        x = place(start + i * 3600, 0)[0]
        out.append(text(x, bottom + 14, time.strftime("%H:%M", time.gmtime(start + i * 3600)), 10, "middle"))
    for i, (name, points) in reversed(list(enumerate(drawn))):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        fill = "none"
        if stacked:
            ends = [place(points[-1][0], low), place(points[0][0], low)]
            path += " " + " ".join(f"{x:.1f},{y:.1f}" for x, y in ends)
            fill = PALETTE[i % len(PALETTE)]
        ink = PALETTE[i % len(PALETTE)]
        out.append(f'<polyline points="{path}" fill="{fill}" fill-opacity="0.5" stroke="{ink}" stroke-width="1.4"/>')
    for limit in limits:
        if low <= limit <= high:
            y = place(start, limit)[1]
            out.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{NAMED["red"]}" '
                       'stroke-dasharray="6 4"/>')
    x = left
    for i, (name, _) in enumerate(drawn):
        name = name if len(name) <= 26 else name[:25] + "…"
        if x + 20 + 6.5 * len(name) > width:
            out.append(text(x, height - 10, f"+{len(drawn) - i}"))
            break
        out.append(f'<rect x="{x}" y="{height - 18}" width="10" height="4" fill="{PALETTE[i % len(PALETTE)]}"/>')
        out.append(text(x + 14, height - 10, name))
        x += 28 + 6.5 * len(name)
    return "".join(out)


def draw_table(panel, source, width, height):
    by = panel["transformations"][0]["options"]["byField"]
    organize = panel["transformations"][-1]["options"]
    rows, columns = {}, [by]
    for target in panel["targets"]:
        for one in source.ask(target):
            row = rows.setdefault(one["metric"].get(by), {by: one["metric"].get(by)})
            cells = {**one["metric"], f"Value #{target['refId']}": float(one["value"][1])}
            for name, value in cells.items():
                row.setdefault(name, value)
                if name not in columns:
                    columns.append(name)
    columns = [c for c in columns if c not in organize["excludeByName"] and c in organize["renameByName"]]
    if not rows:
        return text(width / 2, height / 2, "no data", 16, "middle", "#c4303f")
    overrides = {o["matcher"]["options"]: {p["id"]: p["value"] for p in o["properties"]}
                 for o in panel["fieldConfig"]["overrides"]}
    step, out = (width - 20) / len(columns), []
    for i, column in enumerate(columns):
        out.append(text(10 + i * step, 42, organize["renameByName"][column], 11, weight="bold"))
    for n, row in enumerate(list(rows.values())[:int((height - 54) / 20)]):
        for i, column in enumerate(columns):
            own = overrides.get(organize["renameByName"][column], {})
            value = row.get(column, "")
            fill, words = "currentColor", value
            if isinstance(value, float):
                words = shown(value, own.get("unit", "short"))
                for mapping in own.get("mappings", []):
                    option = mapping["options"].get(f"{value:g}")
                    if option:
                        words, fill = option["text"], NAMED.get(option.get("color"), fill)
                if "thresholds" in own:
                    fill = colour(value, own["thresholds"])
            words = words if len(words) <= step / 6.6 else words[:int(step / 6.6) - 1] + "…"
            out.append(text(10 + i * step, 62 + n * 20, words, 11, fill=fill))
    return "".join(out)


def draw_heatmap(panel, source, width, height):
    result = sorted(source.ask(panel["targets"][0]), key=lambda one: float(one["metric"]["le"]))
    left, top, bottom, below, out = 64, 32, height - 26, {}, []
    cell = (bottom - top) / (len(result) or 1)
    high = max((float(v) for one in result for _, v in one["values"]), default=1) or 1
    start = source.at - source.hours * 3600
    wide = (width - left - 10) / (source.hours * 60)
    for i, one in enumerate(result):
        y = bottom - (i + 1) * cell
        out.append(text(left - 6, y + cell / 2 + 4, one["metric"]["le"], 10, "end"))
        for t, v in one["values"]:
            count = float(v) - below.get(t, 0)
            below[t] = float(v)
            if count > high * 0.001:
                x = left + (float(t) - start) / 60 * wide
                out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide + 0.2:.1f}" height="{cell - 1:.1f}" fill="#e0671e" '
                           f'fill-opacity="{math.sqrt(count / high):.2f}"/>')
    return "".join(out)


DRAW = {"stat": draw_stat, "timeseries": draw_series, "table": draw_table, "heatmap": draw_heatmap}


def page(dashboard, source, theme):
    back, card, ink, edge = THEMES[theme]
    out, bottom = [], 0
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        x, y = grid["x"] * COLUMN + GAP, grid["y"] * ROW + 50
        width, height = grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP
        bottom = max(bottom, y + height)
        if panel["type"] == "row":
            out.append(text(x, y + 22, panel["title"], 15, weight="bold"))
            continue
        out.append(f'<g transform="translate({x},{y})">'
                   f'<rect width="{width}" height="{height}" rx="2" fill="{card}" stroke="{edge}"/>'
                   f'{text(8, 17, panel["title"], 12, weight="bold")}{DRAW[panel["type"]](panel, source, width, height)}</g>')
    size = f'width="{24 * COLUMN + 2 * GAP}" height="{bottom + 10}"'
    return (f'<!doctype html><meta charset="utf-8"><title>{html.escape(dashboard["title"])}</title>'
            f'<body style="margin:0;background:{back};color:{ink};font-family:sans-serif">'
            f'<svg {size} xmlns="http://www.w3.org/2000/svg">'
            f'{text(GAP, 30, dashboard["title"], 20, weight="bold")}{"".join(out)}</svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--directory", required=True, type=pathlib.Path)
    parser.add_argument("--theme", choices=sorted(THEMES), default="light")
    parser.add_argument("--hours", type=int, default=6)
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    source = Source(arguments.prometheus, arguments.hours)
    for path in sorted(DASHBOARDS.glob("*.json")):
        out = arguments.directory / f"{path.stem}-{arguments.theme}.html"
        out.write_text(page(json.loads(path.read_text(encoding="utf-8")), source, arguments.theme), encoding="utf-8")
        print(out)


if __name__ == "__main__":
    main()
