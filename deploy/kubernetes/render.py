#!/usr/bin/env python3
"""Writes what is rendered below deploy/kubernetes and deploy/helm; --check compares instead, and exits 1 on a difference.

The rules as a PrometheusRule, for kustomize and for the chart, need nothing. Each overlay as one file below rendered/ needs
kustomize, or a kubectl of 1.27 or later; without one they are left alone, and that is said. They are without the PrometheusRule,
which is that of its component word for word.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parent
NOTE = "# Rendered by deploy/kubernetes/render.py. Change what it is made of.\n"
RULE = """apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tencentchat-exporter
  labels:
    app.kubernetes.io/name: tencentchat-exporter
spec:
"""


def groups():
    """`groups:` of both files of deploy/prometheus, as they stand."""
    texts = ((DEPLOY / "prometheus" / name).read_text(encoding="utf-8") for name in ("rules.yaml", "alerts.yaml"))
    return "groups:\n" + "".join(text.partition("\ngroups:\n")[2] for text in texts)


def indented(text):
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def kustomize():
    """The command that renders a folder; None where there is none that knows components and replacements of numbers."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        asked = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True, check=False)
        if '"kustomizeVersion": "v5' in asked.stdout:
            return ["kubectl", "kustomize"]
    return None


def overlays():
    return sorted(path.parent for path in (HERE / "overlays").glob("*/kustomization.yaml"))


def rendered():
    """Every rendered file, by its path."""
    files = {HERE / "components/prometheusrule/prometheusrule.yaml": NOTE + RULE + indented(groups()),
             DEPLOY / "helm/tencentchat-exporter/files/groups.yaml": NOTE + groups()}
    command = kustomize()
    if command is None:
        print("render: neither kustomize nor a kubectl with kustomize 5: overlays are left alone", file=sys.stderr)
        return files
    rule = HERE / "components/prometheusrule/prometheusrule.yaml"
    if "--check" not in sys.argv:
        rule.write_text(files[rule], encoding="utf-8")
    for overlay in overlays():
        done = subprocess.run([*command, str(overlay)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"render: {overlay.name}: {done.stderr.strip()}")
        objects = (text for text in done.stdout.split("---\n") if "\nkind: PrometheusRule\n" not in text)
        files[HERE / "rendered" / f"{overlay.name}.yaml"] = NOTE + "---\n".join(objects)
    return files


def main():
    stale = []
    for path, text in rendered().items():
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(DEPLOY)))
    if stale:
        sys.exit(f"render: not what deploy/kubernetes/render.py writes: {' '.join(stale)}")


if __name__ == "__main__":
    main()
