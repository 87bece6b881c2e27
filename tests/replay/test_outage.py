"""The API goes away and comes back: nothing lies, nothing is lost, nothing is late."""

import time

from harness import ReplayTest, main, until

UP = "tencentchat_community_up"
SUCCESS = "tencentchat_community_last_success_timestamp_seconds"
POLL = "tencentchat_community_last_poll_timestamp_seconds"
TOPIC = "tencentchat_topic_info"


class Outage(ReplayTest):
    def assert_answers_fast(self, exporter):
        """The best of five: the machine may be busy, the program may not."""
        took = []
        for _ in range(5):
            started = time.monotonic()
            self.assertEqual(200, exporter.get()[0])
            took.append(time.monotonic() - started)
        self.assertLess(min(took), 0.05)

    def outage(self, exporter, begin, end):
        before = exporter.until(lambda p: p.one(UP) == 1, "healthy").one(SUCCESS)
        begin()
        down = exporter.until(lambda p: p.one(UP) == 0, "down")
        self.assert_answers_fast(exporter)
        self.assertEqual(3, len(down.family(TOPIC)), "facts stay until stale_after")
        self.assertGreaterEqual(down.one(SUCCESS), before)
        stale = exporter.until(lambda p: not p.family(TOPIC), "facts end after stale_after")
        self.assertEqual({}, stale.family("tencentchat_community_topics"))
        self.assertEqual({}, stale.family("tencentchat_community_messages_total"))
        self.assertEqual(down.one(SUCCESS), stale.one(SUCCESS), "the last success stays")
        self.assertGreater(stale.one("tencentchat_community_consecutive_failures"), 0)
        self.assertEqual(1, len(stale.family("tencentchat_community_last_error_info")))
        self.assertEqual(1, stale.one("tencentchat_app_communities", state="stale"))
        exporter.until(lambda p: p.one(POLL) >= before + 5, "it goes on asking", 60)
        exporter.until(lambda p: p.one("tencentchat_app_up") == 0, "the app is down")
        self.assert_answers_fast(exporter)
        self.assertEqual(200, exporter.get("/-/healthy")[0])
        end()
        back = exporter.until(lambda p: p.one(UP) == 1 and p.one(SUCCESS) > stale.one(SUCCESS), "back, within one interval", 3)
        self.assertEqual(3, len(back.family(TOPIC)))
        self.assertEqual({}, back.family("tencentchat_community_last_error_info"))
        self.assertEqual(0, back.one("tencentchat_community_consecutive_failures"))
        self.assertEqual(1, back.one("tencentchat_app_up"))
        return back

    def test_errors_then_recovery(self):
        chat = self.simulator()
        exporter = self.exporter(self.config(chat, poll='interval = "1s"; stale_after = "3s"; timeout = "1s";'))
        exporter.ready()
        self.outage(exporter, lambda: chat.fault(kind="status", status=502), chat.clear)

    def test_nobody_listens_then_recovery(self):
        chat = self.simulator()
        address = chat.api.removeprefix("https://")
        exporter = self.exporter(self.config(chat, poll='interval = "1s"; stale_after = "3s"; timeout = "1s";'))
        exporter.ready()

        def end():
            again = self.simulator("small.scenario", f"--listen={address}", name="chat")
            self.assertEqual(chat.api, again.api)

        # The second simulator writes a new CA and a new key over the first one's files: the exporter reads
        # both again by itself.
        self.outage(exporter, chat.stop, end)

    def test_started_while_the_api_is_down(self):
        chat = self.simulator()
        chat.fault(kind="reset")
        exporter = self.exporter(self.config(chat))
        page = exporter.until(lambda p: p.one(UP) == 0, "the first poll failed")
        self.assertEqual({}, page.family(TOPIC))
        self.assertEqual({}, page.family(SUCCESS))
        self.assertEqual(1, page.one("tencentchat_app_communities", state="stale") or 0 +
                         (page.one("tencentchat_app_communities", state="failing") or 0))
        until(lambda: exporter.get("/-/ready")[0] == 200, "ready after two intervals")
        chat.clear()
        exporter.until(lambda p: p.one(UP) == 1, "up")

    def test_one_sick_community_leaves_the_others_alone(self):
        chat = self.simulator("demo.scenario")
        ids = [c["community"] for c in chat.world()["communities"] if c["sdkappid"] == chat.app()["sdkappid"]]
        self.assertGreater(len(ids), 1)
        exporter = self.exporter(self.config(chat)).ready()
        chat.fault(kind="error", code=10004, community=ids[0])
        page = exporter.until(lambda p: p.one(UP, community=ids[0]) == 0, "one is down")
        for other in ids[1:]:
            self.assertEqual(1, page.one(UP, community=other))
        self.assertEqual(1, page.one("tencentchat_app_up"))
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", reason="api_error", code="10004"))


if __name__ == "__main__":
    main()
