"""The alert path, alive: simulator, exporter, Prometheus, Alertmanager, webhook. A fault rings within thirty seconds, and
its end resolves. The mixin is rendered with every duration divided by 60; promtool proves the real ones (test_rules.py).
"""

import re
import shutil
import time
import unittest

from mixin import DEPLOY, write
from servers import Alertmanager, Prometheus, Webhook

from harness import ReplayTest, main, until

TOOLS = [tool for tool in ("jsonnet", "prometheus", "prometheus-alertmanager") if shutil.which(tool) is None]
RINGS_S = 30

WORLD = """
seed = 1;
apps = ( { sdkappid = 1400000001; identifiers = [ "administrator" ];
           communities = ( { count = 8; id = "@TGS#_room{1}"; topics = 3; messages_per_hour = 3600; } ); } );
"""


@unittest.skipIf(TOOLS, f"not installed: {TOOLS}")
class Alerts(ReplayTest):
    def setUp(self):
        super().setUp()
        scenario = self.directory / "world.scenario"
        scenario.write_text(WORLD, encoding="utf-8")
        self.chat = self.simulator(scenario)
        rooms = [f'{{ id = "@TGS#_room{n}"; name = "room {n}"; }}' for n in range(1, 9)]
        self.it = self.exporter(self.config(self.chat, rooms)).ready()
        self.webhook = Webhook()
        self.stack.callback(self.webhook.stop)
        self.alertmanager = Alertmanager(self.directory / "alertmanager", self.routes())
        self.stack.callback(self.alertmanager.stop)
        write(self.directory, "{ divisor: 60 }")
        self.prometheus = Prometheus(self.directory / "prometheus.d", {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "tencentchat", "static_configs": [{"targets": [self.it.address]}]}],
            "rule_files": [str(self.directory / "prometheus" / name) for name in ("rules.yaml", "alerts.yaml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.alertmanager.address]}]}]},
        })
        self.stack.callback(self.prometheus.stop)
        until(lambda: len(self.prometheus.query("tencentchat_community_up == 1")) == 8, "eight communities are read", 60)

    def routes(self):
        """The example that is shipped, in a hurry, and to here."""
        text = (DEPLOY / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")
        text, waits = re.subn(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
        text, urls = re.subn(r"http://127\.0\.0\.1:9000", self.webhook.url, text)
        self.assertEqual((2, 3), (waits, urls))
        return text

    def hears(self, alert, status, **labels):
        started = time.monotonic()
        try:
            found = until(lambda: self.webhook.about(alert, status, **labels), f"{alert} is {status}", RINGS_S)
        except AssertionError as e:
            seen = [(r["metric"], r["value"][1]) for r in self.prometheus.query("ALERTS")]
            raise AssertionError(f"{e}\nheard: {self.webhook.heard}\nPrometheus has: {seen}") from None
        print(f"{alert} {status} after {time.monotonic() - started:.1f} s", flush=True)
        return found[0]

    def test_a_community_fails_then_a_whole_app_then_the_exporter(self):
        rules = [rule for group in self.prometheus.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
        self.assertEqual([], [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] == "err"])

        self.chat.fault(kind="error", code=10002, community="@TGS#_room3")
        receiver, _, labels, notes = self.hears("TencentChatCommunityFailing", "firing")
        self.assertEqual("tickets", receiver)
        self.assertEqual(("@TGS#_room3", "room 3", "1400000001", "warning"),
                         tuple(labels[name] for name in ("community", "community_name", "sdkappid", "severity")))
        self.assertIn("@TGS#_room3 (room 3)", notes["description"])
        self.assertTrue(notes["runbook_url"].endswith("/TencentChatCommunityFailing.md"))
        self.chat.clear()
        self.hears("TencentChatCommunityFailing", "resolved", community="@TGS#_room3")

        self.chat.fault(kind="reset")
        receiver, _, labels, _ = self.hears("TencentChatAppDown", "firing", sdkappid="1400000001")
        self.assertEqual(("pager", "critical"), (receiver, labels["severity"]))
        self.chat.clear()
        self.hears("TencentChatAppDown", "resolved")
        others = {one[2]["community"] for one in self.webhook.about("TencentChatCommunityFailing", "firing")}
        self.assertEqual({"@TGS#_room3"}, others, "an app that is down is told once, not once for each community")

        self.it.process.terminate()
        receiver, _, labels, _ = self.hears("TencentChatExporterDown", "firing")
        self.assertEqual(("pager", self.it.address), (receiver, labels["instance"]))


if __name__ == "__main__":
    main()
