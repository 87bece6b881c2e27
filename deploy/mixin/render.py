#!/usr/bin/env python3
"""Renders the mixin into the files that are committed: rules and alerts as YAML, dashboards as JSON.

  deploy/mixin/render.py                                  into deploy/
  deploy/mixin/render.py --directory DIR --config '{scopeLabels: ["cluster", "job"]}'

The configuration is jsonnet, and replaces values of config.libsonnet. Needs jsonnet (Debian: `apt install jsonnet`).
"""

import argparse
import json
import pathlib
import subprocess
import sys

MIXIN = pathlib.Path(__file__).resolve().parent
HEAD = "# Rendered from deploy/mixin by its render.py. Change it there.\n"
ORDER = ("name", "interval", "record", "alert", "expr", "for", "labels", "annotations", "rules")


def evaluate(expression):
    done = subprocess.run(["jsonnet", "-J", str(MIXIN), "-e", expression], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"render: {done.stderr.strip()}")
    return json.loads(done.stdout)


def yaml(value, indent=""):
    """Objects, lists and texts, one key a line; texts of several lines as blocks."""
    if isinstance(value, list):
        return "".join(f"{indent}- {yaml(item, indent + '  ').lstrip()}" for item in value)
    lines = []
    for key in sorted(value, key=lambda k: (ORDER.index(k) if k in ORDER else len(ORDER), k)):
        item = value[key]
        if isinstance(item, (dict, list)):
            lines.append(f"{indent}{key}:\n{yaml(item, indent + '  ')}")
        elif "\n" in item:
            lines.append(f"{indent}{key}: |-\n" + "".join(f"{indent}  {line}\n" for line in item.split("\n")))
        else:
            lines.append(f"{indent}{key}: {json.dumps(item, ensure_ascii=False)}\n")
    return "".join(lines)


def render(config="{}"):
    """Text by file name, below deploy/."""
    mixin = evaluate(f"local m = (import 'mixin.libsonnet') + {{ _config+:: {config} }};"
                     "{ rules: m.prometheusRules, alerts: m.prometheusAlerts, dashboards: m.grafanaDashboards }")
    files = {f"prometheus/{name}.yaml": HEAD + yaml(mixin[name]) for name in ("rules", "alerts")}
    for name, dashboard in mixin["dashboards"].items():
        files[f"grafana/dashboards/{name}"] = json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"
    return files


def write(directory, config="{}"):
    files = render(config)
    for name, text in files.items():
        path = pathlib.Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", default=MIXIN.parent)
    parser.add_argument("--config", default="{}")
    arguments = parser.parse_args()
    print("\n".join(write(arguments.directory, arguments.config)))


if __name__ == "__main__":
    sys.exit(main())
