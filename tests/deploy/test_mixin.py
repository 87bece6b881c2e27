"""The mixin against the tree and the program: what is committed is what it renders, and every name in it exists."""

import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import expressions
from mixin import CASES, DEPLOY, MISSING, MIXIN, alerts, dashboards, evaluate, panels, queries, records, render, run, write

RUNBOOKS = DEPLOY / "runbooks"
STYLE = ("--max-blank-lines", "1", "-n", "2", "--string-style", "s", "--comment-style", "s")


@unittest.skipIf(MISSING, f"not installed: {MISSING}")
class Mixin(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-mixin."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.metrics = {**expressions.catalogue(os.environ["TCE_EXPORTER"]), **expressions.SCRAPE}
        self.metrics.update(expressions.recorded(records(), self.metrics))

    # What is committed

    def test_what_is_committed_is_what_it_renders(self):
        files = render()
        for name, text in files.items():
            self.assertEqual(text, (DEPLOY / name).read_text(encoding="utf-8"),
                             f"deploy/{name} is not what it renders: deploy/mixin/render.py")
        there = [path.relative_to(DEPLOY).as_posix() for path in DEPLOY.glob("grafana/dashboards/*.json")]
        self.assertEqual(sorted(there), [name for name in sorted(files) if name.startswith("grafana/")])

    def test_it_is_formatted(self):
        for path in [*MIXIN.rglob("*sonnet"), *CASES.glob("*sonnet")]:
            done = run("jsonnetfmt", "--test", *STYLE, path)
            self.assertEqual(0, done.returncode, f"{path.name} is not as jsonnetfmt {' '.join(STYLE)} leaves it")

    def test_every_duration_is_divided(self):
        """By 60 minutes become seconds, and nothing else changes but thresholds that wait."""
        whole, divided = (evaluate("local m = (import 'mixin.libsonnet') + {_config+:: {divisor: %d}};"
                                   "m.prometheusRules.groups + m.prometheusAlerts.groups" % divisor) for divisor in (1, 60))
        seconds = {"d": 86400, "h": 3600, "m": 60, "s": 1}
        for before, after in zip(whole, divided):
            for one, other in zip([before, *before["rules"]], [after, *after["rules"]]):
                texts = [(one.get(key), other.get(key)) for key in ("for", "interval", "expr") if key in one]
                for a, b in texts:
                    lengths = [sorted(sum(int(n) * seconds[unit] for n, unit in re.findall(r"(\d+)([dhms])", text))
                                      for text in re.findall(r"\b(?:\d+[dhms])+\b", text)) for text in (a, b)]
                    self.assertEqual([length / 60 for length in lengths[0]], lengths[1], a)

    def test_it_can_do_without_topics_and_with_more_labels(self):
        write(self.directory, '{topicRules: false, scopeLabels: ["cluster", "job"], communityLabels: ["community_name", "team"]}')
        for name in ("rules", "alerts"):
            path = self.directory / "prometheus" / f"{name}.yaml"
            self.assertEqual(0, run("promtool", "check", "rules", path).returncode)
            self.assertNotIn("TopicSilent", path.read_text(encoding="utf-8"))
        self.assertIn("on (cluster, job, sdkappid, community) group_left (community_name, team)",
                      (self.directory / "prometheus/alerts.yaml").read_text(encoding="utf-8"))

    # Names

    def test_every_metric_and_label_exists(self):
        said = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in alerts() + records()]
        said += [(where, target["expr"]) for where, _, target in queries()]
        self.assertGreater(len(said), 100)
        for where, expression in said:
            self.assertEqual([], expressions.problems(expression, self.metrics), where)

    def test_a_wrong_name_is_noticed(self):
        for expression in ("rate(tencentchat_api_request_total[5m])", 'sum(up{job="a", sdkappid="1"})',
                           "sum by (topic) (tencentchat_app_up)", "tencentchat:no_such:rule > 1"):
            self.assertEqual(1, len(expressions.problems(expression, self.metrics)), expression)

    def test_legends_and_texts_name_labels_that_are_there(self):
        for where, _, target in queries():
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            self.assertEqual(set(), wanted - expressions.grouped(target["expr"]), where)
        for rule in alerts():
            have = set(rule["labels"]) | expressions.TARGET | {"community_name"}
            have = have.union(*(self.metrics[name] for name in expressions.selectors(rule["expr"])))
            wanted = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"]))
            self.assertEqual(set(), wanted - have, rule["alert"])

    # Texts

    def test_alerts_say_what_an_alert_must_say(self):
        for rule in alerts():
            notes = rule["annotations"]
            self.assertRegex(rule["alert"], r"^TencentChat([A-Z][a-z]+)+$")
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
            self.assertRegex(notes["summary"], r"^[A-Za-z].*\.$", rule["alert"])
            self.assertNotIn("{{", notes["summary"], "a summary is shared by a group of alerts")
            self.assertRegex(notes["description"], r"\.$", rule["alert"])
            self.assertTrue(notes["runbook_url"].endswith(f"/{rule['alert']}.md"))

    def test_every_alert_has_a_runbook_and_every_runbook_an_alert(self):
        names = {rule["alert"] for rule in alerts()}
        self.assertEqual(sorted(names), sorted(path.stem for path in RUNBOOKS.glob("TencentChat*.md")))
        for name in names:
            text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
            self.assertTrue(text.startswith(f"# {name}\n"))
            for heading in ("## What it means", "## What to look at", "## What to do"):
                self.assertIn(f"\n{heading}\n", text, name)
            self.assertIn("```promql", text, name)
            self.assertIn(f"({name}.md)", (RUNBOOKS / "README.md").read_text(encoding="utf-8"))

    def test_queries_of_runbooks_are_right(self):
        rules = []
        for path in sorted(RUNBOOKS.glob("*.md")):
            for block in re.findall(r"```promql\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
                for line in filter(None, (line.split(" # ")[0].strip() for line in block.splitlines())):
                    self.assertEqual([], expressions.problems(line, self.metrics), path.name)
                    rules.append({"record": f"runbook:{len(rules)}", "expr": line})
        path = self.directory / "runbooks.json"
        path.write_text(json.dumps({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8")
        done = run("promtool", "check", "rules", "--lint=none", path)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertGreater(len(rules), 40)


@unittest.skipIf(MISSING, f"not installed: {MISSING}")
class Dashboards(unittest.TestCase):
    """What Grafana's dashboard-linter asks for, and the sanity of the grid."""

    def each(self):
        self.assertEqual(4, len(dashboards()))
        for name, dashboard in dashboards().items():
            with self.subTest(name):
                yield dashboard

    def test_a_dashboard_is_provisioned_as_it_is(self):
        uids = [dashboard["uid"] for dashboard in self.each()]
        self.assertEqual(len(uids), len(set(uids)))
        for dashboard in self.each():
            self.assertIs(False, dashboard["editable"])
            self.assertNotIn("__inputs", dashboard)
            self.assertNotIn("${DS_", json.dumps(dashboard))
            self.assertEqual(["tencentchat"], dashboard["tags"])
            self.assertTrue(dashboard["description"])

    def test_variables_choose_source_job_and_instance(self):
        for dashboard in self.each():
            variables = {v["name"]: v for v in dashboard["templating"]["list"]}
            self.assertEqual("datasource", variables["datasource"]["type"])
            self.assertEqual(["datasource", "job", "instance"], list(variables)[:3])
            for name, variable in list(variables.items())[1:]:
                self.assertEqual((True, True, ".+", 2),
                                 tuple(variable[key] for key in ("multi", "includeAll", "allValue", "refresh")))
                self.assertRegex(variable["query"]["query"], rf"^label_values\(.*, {name}\)$")
                self.assertEqual("${datasource}", variable["datasource"]["uid"])

    def test_panels_are_told_and_have_their_place(self):
        for dashboard in self.each():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(list(range(1, len(ids) + 1)), ids)
            taken = set()
            for panel in dashboard["panels"]:
                grid = panel["gridPos"]
                cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"])
                         for y in range(grid["y"], grid["y"] + grid["h"])}
                self.assertLessEqual(grid["x"] + grid["w"], 24, panel["title"])
                self.assertEqual(set(), taken & cells, f"{panel['title']} lies on another panel")
                taken |= cells
            for panel in panels(dashboard):
                self.assertTrue(panel["title"] and panel["description"].endswith("."), panel["title"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["thresholds"]["steps"], panel["title"])
                self.assertEqual("${datasource}", panel["datasource"]["uid"])
                refs = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(refs), len(set(refs)))

    def test_queries_are_narrowed_by_job_and_instance(self):
        for where, _, target in queries():
            text = target["expr"]
            self.assertEqual("${datasource}", target["datasource"]["uid"])
            wanted = len(re.findall(r"\b(?:tencentchat|process|scrape)_\w+|\bup\{", text))
            self.assertEqual(wanted, text.count('job=~"$job", instance=~"$instance"'), where)

    def test_counters_are_read_as_rates(self):
        for where, _, target in queries():
            for name in re.findall(r"\b\w+_(?:total|bucket)\b", target["expr"]):
                self.assertRegex(target["expr"], rf"(?:rate|increase)\({name}\b", where)
            for window in re.findall(r"\brate\([^[]*\[([^\]]*)\]", target["expr"]):
                self.assertEqual("$__rate_interval", window, where)


if __name__ == "__main__":
    unittest.main(verbosity=2)
