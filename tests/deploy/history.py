"""Hours that never were: a page of the exporter, told backwards as OpenMetrics for `promtool tsdb create-blocks-from`."""

import math

STEP_S = 60


def value_at(name, value, now, time):
    """Counters grow, times move, the rest sways a little; facts of 0 or 1 stay."""
    age = now - time
    if name.endswith(("_total", "_count", "_sum", "_bucket")):
        hours = age / 3600
        return max(0.0, value * (1 - hours / 12)) + (1000 if value else 0) * (6 - hours) * (1.2 + math.sin(hours * 2) * 0.05)
    if name.endswith("_timestamp_seconds"):
        return value - age
    if value in (0, 1) or value == math.floor(value) and value < 50:
        return value
    return value * (1 + 0.1 * math.sin(age / 1800))


def openmetrics(page, job, instance, now, hours):
    """Lines from `hours` ago until two minutes before `now`, with the labels that a scrape adds."""
    lines = []
    samples = {**page.samples, "up": 1.0, "scrape_duration_seconds": 0.004, "scrape_samples_scraped": float(len(page.samples))}
    target = f'job="{job}",instance="{instance}"'
    for series, value in samples.items():
        name, _, labels = series.partition("{")
        labelled = f"{name}{{{target},{labels}" if labels else f"{name}{{{target}}}"
        for time in range(int(now - hours * 3600), int(now - 120), STEP_S):
            lines.append(f"{labelled} {value_at(name, value, now, time)!r} {time}")
    return "\n".join(lines) + "\n# EOF\n"
