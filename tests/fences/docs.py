"""Documents against the program: what it prints is what they say."""

import re
import subprocess

from tree import Problem

METRIC = re.compile(r"\btencentchat_[a-z0-9_]+\b")
# Names that begin like a metric and are none: the program, its files, its family prefix.
NO_METRIC = ("tencentchat_exporter",)


def ask(program, flag):
    return subprocess.run([program, flag], capture_output=True, text=True, timeout=30, check=True).stdout


def between(tree, name, mark, printed, flag, problems):
    text = tree.read(name) if name in tree.files else ""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", text, re.S)
    if not found:
        problems.append(Problem(name, 0, f"no <!-- {mark} --> ... <!-- /{mark} --> with what {flag} prints"))
    elif found.group(1).strip() != printed.strip():
        line = text.count("\n", 0, found.start(1)) + 1
        problems.append(Problem(name, line, f"differs from what {flag} prints; put it between the marks"))


def metric_names(printed):
    names = set()
    for name in re.findall(r"`((?:tencentchat|process)_\w+)`", printed):
        names |= {name, f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names


def check_metric_names(tree, printed, problems):
    known = metric_names(printed)
    names = [n for n in tree.files if n.endswith(".md") or n.startswith("deploy/") and not n.endswith(".png")]
    for name in names:
        for number, line in tree.lines(name):
            for metric in METRIC.findall(line):
                if metric in NO_METRIC or metric.endswith("_") or metric in known:
                    continue
                if not re.match(r"tencentchat_(topic|community|app|api|quota|usersig|scheduler|exporter)_", metric):
                    continue
                problems.append(Problem(name, number, f"{metric} is not in the catalogue"))


def check_sample(tree, printed, problems):
    """Every key of the sample exists, and every key of the table stands in the sample."""
    name = "config/tencentchat_exporter.cfg"
    keys = set(re.findall(r"^\| `([\w.]+)` \|", printed, re.M))
    known = {part for key in keys for part in key.split(".")} | {"apps", "communities", "labels"}
    text = tree.read(name)
    used = set()
    for number, line in enumerate(text.splitlines(), 1):
        # An option that is commented out counts; a sentence in a comment does not.
        code = re.sub(r"^\s*#\s*(?=[a-z_]+\s*=)", "", line)
        code = re.sub(r"labels\s*=\s*\{[^}]*\}", "labels", re.sub(r'"[^"]*"', '""', code)).split("#")[0]
        for key in re.findall(r"\b([a-z_]+)\s*[=:](?!=)", code):
            used.add(key)
            if key not in known:
                problems.append(Problem(name, number, f"{key} is no option"))
    for key in sorted(keys):
        if key.split(".")[-1] not in used and key.split(".")[-1] not in text:
            problems.append(Problem(name, 0, f"{key} is not shown"))


def check_flags(tree, printed, problems):
    """Every flag the documents name exists."""
    flags = set(re.findall(r"--[a-z][\w.-]*", printed))
    for name in tree.some(".md"):
        for number, line in tree.lines(name):
            for flag in re.findall(r"(?<![\w-])--(?:config|web|log|metrics)\.[\w-]+", line):
                if flag not in flags:
                    problems.append(Problem(name, number, f"{flag} is no flag of the program"))


def docs(tree, program):
    problems = []
    metrics, options, usage = (ask(program, f) for f in ("--metrics.list", "--config.list-options", "--help"))
    between(tree, "exporters/metric/README.md", "metrics", metrics, "--metrics.list", problems)
    between(tree, "config/README.md", "options", options, "--config.list-options", problems)
    check_metric_names(tree, metrics, problems)
    check_sample(tree, options, problems)
    check_flags(tree, usage, problems)
    return problems
