"""Which metrics and labels a PromQL expression speaks of, and which of them the program has."""

import re
import subprocess

TARGET = {"job", "instance", "pod"}  # Prometheus adds them
SCRAPE = {"up": set(), "scrape_duration_seconds": set(), "scrape_samples_scraped": set()}
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool", "time"}
SELECTOR = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def catalogue(program):
    """Labels by name, from --metrics.list; histograms by what they consist of."""
    printed = subprocess.run([program, "--metrics.list"], capture_output=True, text=True, timeout=30, check=True).stdout
    found, own = {}, set()
    for line in printed.splitlines():
        if line.startswith("### "):
            own = set(re.findall(r"`(\w+)`", line))
        row = re.match(r"\| `(\w+)` \| (\w+) \| ([^|]*) \|", line)
        if not row:
            continue
        labels = own | set(re.findall(r"`(\w+)`", row[3]))
        if row[2] == "histogram":
            found.update({row[1] + "_bucket": labels | {"le"}, row[1] + "_sum": labels, row[1] + "_count": labels})
        else:
            found[row[1]] = labels
    return found


def recorded(rules, metrics):
    """Labels by name of what is recorded, at most."""
    found = {}
    for rule in rules:
        names = set(selectors(rule["expr"]))
        found[rule["record"]] = set().union(*({**metrics, **found}.get(name, set()) for name in names))
    return found


def bare(expression):
    """Without texts, variables and windows."""
    expression = re.sub(r'"(?:\\.|[^"\\])*"', '""', expression)
    return re.sub(r"\[[^\]]*\]|\boffset\s+\w+", "", expression)


def selectors(expression):
    """Labels asked for by name of metric."""
    text = GROUPING.sub("", bare(expression))
    found = {}
    for match in SELECTOR.finditer(text):
        name, matchers = match.groups()
        function = matchers is None and text[match.end():].lstrip().startswith("(")
        if name in WORDS or function or re.fullmatch(r"sum|min|max|count|topk|bottomk|abs|inf|nan", name, re.I) and not matchers:
            continue
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers or ""))
    return found


def grouped(expression):
    return {label.strip() for group in GROUPING.findall(bare(expression)) for label in group.split(",")} - {""}


def problems(expression, metrics):
    """What the expression says that `metrics` (labels by name) does not have."""
    said = []
    names = selectors(expression)
    have = set(TARGET)
    for name, labels in names.items():
        if name not in metrics:
            said.append(f"there is no metric {name}")
            continue
        have |= metrics[name]
        said += [f"{name} has no label {label}" for label in sorted(labels - metrics[name] - TARGET)]
    said += [f"no metric of it has the label {label}" for label in sorted(grouped(expression) - have)]
    return said if names else [f"no metric found in {expression!r}"]
