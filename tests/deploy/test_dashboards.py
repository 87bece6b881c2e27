"""Every query of every dashboard returns data: hours that were made up behind a live Prometheus on the demo world."""

import math
import re
import shutil
import time
import unittest

from history import openmetrics
from mixin import DEPLOY, dashboards, queries, records, run
from servers import Prometheus

from harness import ReplayTest, app_block, free_port, main, quoted, until

TOOLS = [tool for tool in ("jsonnet", "prometheus", "promtool") if shutil.which(tool) is None]
HOURS = 6


def filled(expression, interval="4m"):
    """As Grafana sends it when everything is chosen."""
    text = expression.replace("$__rate_interval", interval)
    return re.sub(r"\$\w+", ".+", text)


def values(result):
    """The numbers of an answer that are some."""
    found = [float(value) for one in result for _, value in one.get("values") or [one["value"]]]
    return [value for value in found if math.isfinite(value)]


@unittest.skipIf(TOOLS, f"not installed: {TOOLS}")
class Dashboards(ReplayTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator("demo.scenario")
        blocks = []
        for app in self.chat.apps:
            ids = [f'{{ id = {quoted(c["community"])}; name = {quoted(c["name"])}; }}'
                   for c in self.chat.world(sdkappid=app["sdkappid"])["communities"]]
            observer = {"from_account": "moderator-bot"} if app["sdkappid"] == 1400000001 else {}
            blocks.append(app_block(app, self.chat.api, self.chat.ca_file, ids, name=f"demo-{app['sdkappid']}", **observer))
        address = f"127.0.0.1:{free_port()}"
        self.it = self.exporter(f'poll: {{ interval = "1s"; }};\napps = ( {", ".join(blocks)} );\n',
                                f"--web.listen-address={address}").ready()
        # One community is ill, so that there is an error to show.
        self.chat.fault(kind="error", code=10002, community="@TGS#_@TGS#cQUIETNOOK9")
        self.it.until(lambda p: p.family("tencentchat_community_last_error_info"), "an error is shown")
        self.prometheus = self.serve()

    def serve(self):
        directory = self.directory / "prometheus.d"
        directory.mkdir()
        self.now = time.time()
        past = directory / "past.txt"
        past.write_text(openmetrics(self.it.page(), "tencentchat", self.it.address, self.now, HOURS), encoding="utf-8")
        done = run("promtool", "tsdb", "create-blocks-from", "openmetrics", past, directory / "data")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        server = Prometheus(directory, {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "tencentchat", "static_configs": [{"targets": [self.it.address]}]}],
            "rule_files": [str(DEPLOY / "prometheus" / name) for name in ("rules.yaml", "alerts.yaml")],
        })
        self.stack.callback(server.stop)
        until(lambda: values(server.query(f"timestamp(tencentchat_exporter_ready) > {self.now}")), "a live scrape", 60)
        return server

    def test_every_query_returns_data(self):
        at = time.time()
        empty = []
        for where, _, target in queries():
            expression = filled(target["expr"])
            if target["range"]:
                result = self.prometheus.query(expression, start=at - HOURS * 3600, end=at, step=60)
                want = HOURS * 3600 / 60 * 0.9
            else:
                result, want = self.prometheus.query(expression, time=at), 1
            if len(values(result)) < want:
                empty.append((where, expression, len(values(result))))
        self.assertEqual([], empty)
        print(f"{len(queries())} queries of {len(dashboards())} dashboards", flush=True)

    def test_legends_and_columns_are_filled(self):
        at = time.time()
        for where, panel, target in queries():
            result = self.prometheus.query(filled(target["expr"]), time=at)
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            if panel["type"] == "table":
                by = next((t["options"]["byField"] for t in panel["transformations"] if t["id"] == "joinByField"), None)
                wanted = {by} if by else set()
                keys = [one["metric"].get(by) for one in result]
                self.assertEqual(len(keys), len(set(keys)), f"{where}: lines with the same {by} are joined wrongly")
            for label in wanted:
                self.assertTrue(any(label in one["metric"] for one in result), f"{where}: no {label}")

    def test_variables_have_values(self):
        for name, dashboard in dashboards().items():
            for variable in dashboard["templating"]["list"][1:]:
                query, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
                found = {one["metric"].get(label) for one in self.prometheus.query(filled(query))} - {None}
                self.assertTrue(found, f"{name}: {variable['name']}")

    def test_every_recording_rule_records(self):
        until(lambda: not self.unrecorded(), "every rule has recorded", 90)
        rules = [rule for group in self.prometheus.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
        self.assertEqual([], [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] == "err"])

    def unrecorded(self):
        return [rule["record"] for rule in records() if not values(self.prometheus.query(rule["record"]))]


if __name__ == "__main__":
    main()
