"""A real Prometheus scrapes the exporter and has the same values; promtool has nothing to say."""

import json
import shutil
import subprocess
import unittest
import urllib.parse
import urllib.request

from harness import GENERAL, ReplayTest, free_port, main, until


class Server:
    """Debian's Prometheus on a port of its own."""

    def __init__(self, directory, target, more=None):
        """Scrapes `target`; or what the text `more`, another configuration, says."""
        self.directory = directory
        self.address = f"127.0.0.1:{free_port()}"
        directory.mkdir()
        config = directory / "prometheus.yml"
        config.write_text(more or json.dumps({  # YAML is a superset
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "tencentchat", "static_configs": [{"targets": [target]}]}],
        }))
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address={self.address}", "--storage.tsdb.min-block-duration=2h"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def query(self, expression):
        url = f"http://{self.address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@unittest.skipIf(shutil.which("prometheus") is None or shutil.which("promtool") is None, "prometheus is not installed")
class Prometheus(ReplayTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator()
        self.it = self.exporter(self.config(self.chat, from_account="administrator")).ready()
        self.it.until(lambda p: p.one("tencentchat_community_up") == 1, "up")

    def test_it_is_up_and_has_the_same_values(self):
        server = Server(self.directory / "prometheus", self.it.address)
        self.stack.callback(server.stop)
        until(lambda: [r["value"][1] for r in server.query('up{job="tencentchat"}')] == ["1"], "up == 1", 60)
        page = self.it.page()
        for name in ("tencentchat_topic_last_message_timestamp_seconds", "tencentchat_topic_messages_total",
                     "tencentchat_topic_muted", "tencentchat_topic_created_timestamp_seconds", "tencentchat_topic_info",
                     "tencentchat_community_topics", "tencentchat_community_topics_never_active",
                     "tencentchat_topic_observer_unread_messages", "tencentchat_app_topics"):
            got = {json.dumps(r["metric"], sort_keys=True): float(r["value"][1]) for r in server.query(name)}
            self.assertEqual(sorted(page.family(name).values()), sorted(got.values()), name)
            self.assertEqual(len(page.family(name)), len(got), name)
        self.chat.change(community=GENERAL.split("@TOPIC#")[0], topic=GENERAL, set={"NextMsgSeq": 2000})
        until(lambda: [float(r["value"][1]) for r in server.query(f'tencentchat_topic_messages_total{{topic="{GENERAL}"}}')]
              == [1999.0], "Prometheus sees the new messages", 60)
        series = server.query('scrape_samples_scraped{job="tencentchat"}')
        self.assertEqual(len(self.it.page().samples), int(float(series[0]["value"][1])))
        self.it.process.terminate()
        until(lambda: [r["value"][1] for r in server.query('up{job="tencentchat"}')] == ["0"], "its end is noticed", 60)
        until(lambda: server.query("tencentchat_topic_info") == [], "and no old value is shown", 60)

    def test_promtool_has_nothing_to_say(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.it.page().text, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))


if __name__ == "__main__":
    main()
