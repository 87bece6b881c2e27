"""What the configuration leaves out of a page: levels, the cap on series, disabled metrics. Both formats."""

import re

from harness import OPENMETRICS, Page, ReplayTest, main

SCENARIO = """
seed = 7;
apps = ( { sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( { count = 6; id = "@TGS#_level{2}"; name = "level {}"; topics = 20; never_active = 0.2; } ); } );
"""
TOPIC = "tencentchat_topic_messages_total"
FOLDED = "tencentchat_community_topics_folded"


class Levels(ReplayTest):
    def setUp(self):
        super().setUp()
        path = self.directory / "levels.scenario"
        path.write_text(SCENARIO, encoding="utf-8")
        self.chat = self.simulator(str(path))
        self.communities = [c["community"] for c in self.chat.world()["communities"]]

    def both(self, it, path="/metrics"):
        """The page in the text format, once it was seen that OpenMetrics has the same series."""
        text, other = it.page(path), it.page(path, "application/openmetrics-text")
        self.assertEqual(set(text.samples), set(other.samples))
        return text

    def started(self, root="", **options):
        it = self.exporter(self.config(self.chat, root=root, **options)).ready()
        it.until(lambda p: p.one("tencentchat_app_communities", state="ok") == len(self.communities), "all are polled")
        return it

    def test_a_level_of_the_whole(self):
        page = self.both(self.started('metrics: { level = "community"; };'))
        self.assertFalse(page.family(TOPIC))
        for community in self.communities:
            topics = page.one("tencentchat_community_topics", community=community)
            failed = page.one("tencentchat_community_topics_failed", community=community)
            self.assertEqual(topics + failed, page.one(FOLDED, community=community), community)
        self.assertGreater(page.one("tencentchat_exporter_series_suppressed", reason="level"), 0)
        self.assertEqual(0, page.one("tencentchat_exporter_series", level="topic") or 0)

    def test_the_nearest_level_wins(self):
        first = self.communities[0]
        it = self.started('metrics: { level = "topic"; };', level="app",
                          communities=[f'{{ id = "{first}"; level = "topic"; }}', *self.communities[1:]])
        page = self.both(it)
        self.assertEqual({first}, {re.search(r'community="([^"]*)"', s).group(1) for s in page.family(TOPIC)})
        self.assertEqual(1, len(page.family("tencentchat_community_up")))
        self.assertEqual(0, page.one(FOLDED, community=first))
        self.assertFalse(self.both(it, "/metrics?level=community").family(TOPIC))
        self.assertFalse(self.both(it, "/metrics?level=app").family("tencentchat_community_up"))

    def test_what_is_disabled_is_gone(self):
        it = self.started('metrics: { disable = [ "tencentchat_topic_messages", "process_open_fds" ]; };')
        page = self.both(it)
        self.assertFalse(page.family(TOPIC) or page.family("process_open_fds"))
        self.assertTrue(page.family("tencentchat_topic_muted"))
        self.assertGreater(page.one("tencentchat_exporter_series_suppressed", reason="disable"), 0)
        self.assertEqual({}, self.both(it, "/metrics?name[]=" + TOPIC).samples)

    def test_above_the_cap_the_quietest_fold_and_the_log_says_so_once(self):
        whole = self.both(self.started())
        series = [s for s in whole.samples if s.startswith("tencentchat_topic_")]
        cap = len(series) // 2
        it = self.exporter(self.config(self.chat, root=f"metrics: {{ max_series = {cap}; }};"), name="capped").ready()
        it.until(lambda p: p.one("tencentchat_app_communities", state="ok") == len(self.communities), "all are polled")
        for _ in range(5):
            page = self.both(it)
            shown = [s for s in page.samples if s.startswith("tencentchat_topic_")]
            self.assertLessEqual(len(shown), cap)
            self.assertGreater(len(shown), 0)
            suppressed = page.one("tencentchat_exporter_series_suppressed", reason="max_series")
            self.assertEqual(len(series), len(shown) + suppressed)
            self.assertEqual(len(whole.family("tencentchat_topic_muted")) - len(page.family("tencentchat_topic_muted")),
                             sum(page.family(FOLDED).values()))
        self.assertEqual(cap, page.one("tencentchat_exporter_series_limit"))
        times = {self.identity(s): v for s, v in whole.family("tencentchat_topic_last_message_timestamp_seconds").items()}
        kept = {self.identity(s) for s in page.family("tencentchat_topic_muted")}
        gone = {self.identity(s) for s in whole.family("tencentchat_topic_muted")} - kept
        self.assertGreaterEqual(min(times.get(i, 0) for i in kept), max(times.get(i, 0) for i in gone))
        self.assertEqual(1, it.log().count("event=topics_folded"))
        self.assertEqual(1, page.one("tencentchat_exporter_log_messages_total", level="warn"))

    @staticmethod
    def identity(series):
        return re.search(r'topic="([^"]*)"', series).group(1)

    def test_every_kind_of_page_passes_in_both_forms(self):
        it = self.started("metrics: { max_series = 200; };", from_account="administrator")
        for query in ("", "?level=community", "?level=app", "?level=topic&name[]=tencentchat_topic", "?name[]=process_max_fds"):
            self.both(it, "/metrics" + query)
        status, headers, body = it.get("/metrics?name[]=tencentchat_topic_error", headers={"Accept": OPENMETRICS})
        self.assertEqual(200, status)
        self.assertEqual(b"# EOF\n", body)
        Page(body.decode(), headers["Content-Type"])


if __name__ == "__main__":
    main()
