"""Communities larger than one answer may be: polled whole, or refused with the cure that works."""

from harness import ReplayTest, main

BIG = "@TGS#_@TGS#cBIG" + "x" * 25
NAME = "話題 {4} " + "n" * 138  # 150 bytes
FACTS = {
    "tencentchat_topic_created_timestamp_seconds": lambda t: t["CreateTime"],
    "tencentchat_topic_last_message_timestamp_seconds": lambda t: t["LastMsgTime"] or None,
    "tencentchat_topic_messages_total": lambda t: t["NextMsgSeq"] - 1,
    "tencentchat_topic_muted": lambda t: int(t["muted"]),
}
SCENARIO = """
seed = 11;
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( {{ id = "{id}"; name = "big"; topics = {topics}; topic_names = [ "{name}" ]; never_active = 0.05;
    silent = {{ share = 1.0; for = "2h"; }}; mutes = {{ share = 0.0; every = "1h"; for = "1m"; }}; }} ); }} );
"""


class Big(ReplayTest):
    def big(self, topics):
        """A world in which nothing moves by itself, so that each value is known; every third topic is muted."""
        path = self.directory / "big.scenario"
        path.write_text(SCENARIO.format(id=BIG, topics=topics, name=NAME), encoding="utf-8")
        chat = self.simulator(str(path))
        ids = [t["id"] for t in chat.world(BIG)["topics"]]
        for i in ids[::30]:
            chat.change(community=BIG, topic=i, set={"MuteAllMember": "On"})
        return chat, ids

    def values(self, page, name):
        """By topic id; the checker has seen to it that no series comes twice."""
        return {s.split('topic="', 1)[1].split('"', 1)[0]: v for s, v in page.family(name).items()}

    def assert_whole(self, page, chat):
        topics = [t for t in chat.world(BIG)["topics"] if not t["deleted"]]
        self.assertEqual({150}, {len(t["name"].encode()) for t in topics})
        for name, value in FACTS.items():
            wanted = {t["id"]: float(value(t)) for t in topics if value(t) is not None}
            self.assertEqual(wanted, self.values(page, name), name)
        infos = page.family("tencentchat_topic_info")
        self.assertEqual(len(topics), len(infos))
        names = {s.split('topic="', 1)[1].split('"', 1)[0]: s.split('topic_name="', 1)[1].split('"', 1)[0] for s in infos}
        self.assertEqual({t["id"]: t["name"] for t in topics}, names)
        self.assertEqual(len(topics), page.one("tencentchat_community_topics"))
        self.assertEqual(sum(t["muted"] for t in topics), page.one("tencentchat_community_topics_muted"))
        # A topic in error is known as well: nobody can tell whether it is muted.
        failed = page.one("tencentchat_community_topics_failed")
        self.assertEqual(failed, page.one("tencentchat_app_topics", muted="unknown"))
        self.assertEqual(len(topics) + failed, sum(page.family("tencentchat_app_topics").values()))

    def polled(self, exporter, after=0.0):
        return exporter.until(lambda p: (p.one("tencentchat_community_last_success_timestamp_seconds") or 0) > after,
                              "a complete poll")

    def test_4000_topics_are_polled_completely(self):
        chat, ids = self.big(4000)
        exporter = self.exporter(self.config(chat, poll='interval = "2s";', budget=100.0))
        page = self.polled(exporter)
        self.assert_whole(page, chat)
        first = chat.requests()
        self.assertEqual(10018, first[0]["code"], "all at once is too large, or this test shows nothing")
        asked = [r["topics_asked"] for r in first if r["topics_asked"] > 0]
        self.assertEqual(4000, sum(asked[:20]), "twenty batches, each topic once")
        self.assertEqual(0, page.one("tencentchat_community_topics_failed"))
        success = page.one("tencentchat_community_last_success_timestamp_seconds")
        # What a poll costs is learnt: the ids, then batches; and it is what the budget is told.
        page = self.polled(exporter, success)
        page = exporter.until(lambda p: p.one("tencentchat_quota_required_requests_per_second", command="get_topic") == 21 / 2,
                              "21 calls in 2 s")
        self.assert_whole(page, chat)

    def test_a_topic_deleted_between_batches_leaves_and_nobody_else(self):
        chat, ids = self.big(4000)
        victim, changed = ids[3900], ids[3950]
        # The first poll: everything, filtered, the ids, then batches; the world changes after the second of them.
        chat.fault(kind="change", after=4, count=1, body=[
            {"community": BIG, "topic": victim, "delete": True},
            {"community": BIG, "topic": changed, "set": {"NextMsgSeq": 777, "LastMsgTime": 1760000000}}])
        exporter = self.exporter(self.config(chat, poll='interval = "5s";', budget=100.0))
        page = self.polled(exporter)
        calls = chat.requests()
        self.assertEqual([0, 0, 0, 200, 200], [r["topics_asked"] for r in calls[:5]])
        self.assertEqual("change", calls[4]["fault"])
        self.assertEqual(1, page.one("tencentchat_community_up"))
        self.assertEqual(1, page.one("tencentchat_api_topic_errors_total", code="110003"))
        self.assertEqual(1, page.one("tencentchat_community_topics_failed"))
        self.assertEqual(1, page.one("tencentchat_topic_error_info", topic=victim, code="110003"))
        self.assertEqual(1, page.text.count(f'topic="{victim}"'), "no facts of it")
        self.assert_whole(page, chat)
        page = self.polled(exporter, page.one("tencentchat_community_last_success_timestamp_seconds"))
        self.assertNotIn(victim, page.text)
        self.assertEqual(0, page.one("tencentchat_community_topics_failed"))
        self.assert_whole(page, chat)
        self.assertEqual(0, chat.stats()["changes"]["failed"])
        self.assertNotIn("poll_failed", exporter.log())

    def test_6000_topics_are_refused_with_a_cure_that_works(self):
        chat, ids = self.big(6000)
        exporter = self.exporter(self.config(chat, poll='interval = "2s";', budget=100.0))
        page = exporter.until(lambda p: p.one("tencentchat_community_up") == 0, "refused")
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", reason="too_large"))
        self.assertEqual({}, page.family("tencentchat_topic_info"), "nothing half")
        line = next(l for l in exporter.log().splitlines() if "event=poll_failed" in l)
        self.assertIn("reason=too_large", line)
        self.assertIn(BIG, line)
        self.assertIn("topics = [", line.replace('\\"', '"'))
        self.assertEqual(200, exporter.get("/-/healthy")[0])
        exporter.stop()
        named = f'{{ id = "{BIG}"; topics = [ {", ".join(chr(34) + i + chr(34) for i in ids)} ]; }}'
        exporter = self.exporter(self.config(chat, communities=[named], poll='interval = "2s";', budget=100.0), name="named")
        page = self.polled(exporter)
        self.assert_whole(page, chat)
        self.assertEqual(0, page.one("tencentchat_community_topics_failed"))


if __name__ == "__main__":
    main()
