"""The mixin as data: what jsonnet makes of it, and what Debian's tools say about that."""

import functools
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
MIXIN = DEPLOY / "mixin"
CASES = pathlib.Path(__file__).resolve().parent / "rules"
sys.path.insert(0, str(MIXIN))
from render import evaluate, render, write  # noqa: E402,F401

MISSING = [tool for tool in ("jsonnet", "promtool") if shutil.which(tool) is None]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False, **options)


def jsonnet(*arguments):
    done = run("jsonnet", *arguments)
    if done.returncode != 0:
        raise AssertionError(f"jsonnet {arguments}: {done.stderr}")
    return done.stdout


@functools.lru_cache(maxsize=None)
def groups():
    return evaluate("local m = import 'mixin.libsonnet'; m.prometheusRules.groups + m.prometheusAlerts.groups")


def alerts():
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def records():
    return [rule for group in groups() for rule in group["rules"] if "record" in rule]


@functools.lru_cache(maxsize=None)
def dashboards():
    """By file name."""
    return {path.name: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((DEPLOY / "grafana/dashboards").glob("*.json"))}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries():
    """(where, panel, target) of every query of every dashboard."""
    return [(f"{name}: {panel['title']}: {target['refId']}", panel, target)
            for name, dashboard in dashboards().items() for panel in panels(dashboard) for target in panel["targets"]]
