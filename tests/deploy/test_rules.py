"""promtool's word on the rules: they are well-formed, every alert fires when it should, and is silent when it should be."""

import functools
import json
import pathlib
import shutil
import tempfile
import unittest

from mixin import CASES, DEPLOY, MISSING, alerts, groups, jsonnet, run


@functools.lru_cache(maxsize=None)
def written():
    """The cases by the name of their file."""
    return {path.stem: json.loads(jsonnet(path)) for path in sorted(CASES.glob("*.jsonnet"))}


@unittest.skipIf(MISSING, f"not installed: {MISSING}")
class Rules(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-rules."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        for group in groups():
            (self.directory / f"{group['name']}.json").write_text(json.dumps({"groups": [group]}), encoding="utf-8")

    def promtool(self, name, cases):
        path = self.directory / f"{name}.test.json"
        path.write_text(json.dumps(cases), encoding="utf-8")
        return run("promtool", "test", "rules", path.name, cwd=self.directory)

    def test_the_committed_rules_are_well_formed(self):
        for name in ("rules", "alerts"):
            done = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", DEPLOY / "prometheus" / f"{name}.yaml")
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_every_case_holds(self):
        for name, cases in written().items():
            done = self.promtool(name, cases)
            self.assertEqual(0, done.returncode, f"{name}: {done.stdout}{done.stderr}")

    def test_a_wrong_expectation_is_noticed(self):
        cases = written()["exporter"]
        for change in (lambda check: check["exp_alerts"].clear(),
                       lambda check: check["exp_alerts"][0]["exp_annotations"].update(description="something else")):
            broken = json.loads(json.dumps(cases))
            change(next(c for case in broken["tests"] for c in case["alert_rule_test"] if c["exp_alerts"]))
            self.assertEqual(1, self.promtool("broken", broken).returncode)

    def test_every_alert_is_seen_firing_and_silent(self):
        fired, silent = set(), set()
        for cases in written().values():
            for check in (c for case in cases["tests"] for c in case["alert_rule_test"]):
                if not check["exp_alerts"]:
                    silent.add(check["alertname"])
                for alert in check["exp_alerts"]:
                    fired.add((check["alertname"], alert["exp_labels"]["severity"], alert["exp_labels"].get("long_window")))
        for rule in alerts():
            labels = rule["labels"]
            self.assertIn((rule["alert"], labels["severity"], labels.get("long_window")), fired, "no test sees it fire")
            self.assertIn(rule["alert"], silent, "no test sees it silent")


if __name__ == "__main__":
    unittest.main(verbosity=2)
