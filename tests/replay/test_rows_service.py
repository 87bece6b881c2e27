"""What the service says no to: too fast, too often, not you, not there. The calls that are made meanwhile, the time to stay
away, and the way back.
"""

import time

from fleet import FIRST_APP, SLACK_S, FewApps, Ward, gaps, longest_gap, names, of
from harness import main, until

class Http(FewApps):
    """Row 7."""

    WAIT_S = 4

    def test_a_redirect_is_not_followed_and_retry_after_is_kept(self):
        lure = self.simulator(name="lure")
        # (status, what else, whether it means too fast)
        rows = [
            (302, dict(location=lure.api + "/v4/million_group_open_http_svc/get_topic"), False),
            (307, dict(location=lure.api + "/v4/million_group_open_http_svc/get_topic"), False),
            (429, dict(retry_after=self.WAIT_S), True),
            (503, dict(retry_after=self.WAIT_S), True),
            (503, {}, True),
        ]
        chat = self.play(*[3] * (len(rows) + 1))
        apps = [Ward(f"{status} {more}", i, 1) for i, (status, more, _) in enumerate(rows)]
        control = Ward("control", len(rows), 1)
        self.start(*(self.block(chat, i, 3, interval="1s") for i in range(len(rows) + 1)))
        self.wait(lambda look: all(self.up(look, a, names(3)) for a in [*apps, control]), "all is well")
        mark, self.began = chat.last_request(), time.monotonic()
        for app, (status, more, _) in zip(apps, rows):
            chat.fault(kind="status", status=status, sdkappid=app.sdkappid, body="<html></html>", **more)
        until(lambda: time.monotonic() > self.began + 2.5 * self.WAIT_S, "the time to stay away passes twice")
        calls, look = self.since(chat, mark), self.look()
        self.assertEqual([], lure.requests(), "nobody followed")
        for app, (status, more, too_fast) in zip(apps, rows):
            with self.subTest(app.name):
                mine = [r for r in calls[app.sdkappid] if r["fault"]]
                self.assertEqual({0}, {look.value("community_up", app, c) for c in names(3)})
                self.assertEqual({("http_status", str(status))}, set(look.errors(app)))
                self.assertEqual({("http_status", str(status))}, {look.last_error(app, c) for c in names(3)})
                self.assertGreaterEqual(len(mine), 2)
                if "retry_after" in more:
                    self.assertGreaterEqual(max(gaps(mine)), self.WAIT_S - 0.2)
                    self.assertLessEqual(len([r for r in mine if r["s"] < mine[0]["s"] + self.WAIT_S - 0.2]), 2)
                effective = look.value("quota_effective_requests_per_second", app, command="get_topic")
                self.assertEqual(too_fast, effective < 20)
                throttled = look.value("quota_throttled_total", app, command="get_topic")
                self.assertEqual(status == 429, throttled > 0)
        self.assertTrue(self.up(look, control, names(3)))
        for community in names(3):
            self.assertLessEqual(longest_gap(of(calls[control.sdkappid], community), 2 * self.WAIT_S), 1.6 + SLACK_S)
        chat.clear()
        self.wait(lambda look: all(self.up(look, a, names(3)) for a in apps), "all are back", self.WAIT_S + 2 + SLACK_S)


class Refusals(FewApps):
    """Row 19, by a service that really checks; every code of it is in test_codes.py."""

    WINDOW_S = 20

    def test_whatever_is_wrong_about_us_is_tried_twice_at_most(self):
        wrong = [
            ("key", 70009, 2, dict(secret_key_file=self.directory / "wrong.key")),
            ("administrator", 60010, 1, dict(identifier="nobody")),
            ("app", 70020, 1, dict(sdkappid=1400000999)),
            ("lockout", 70050, 1, {}),
        ]
        (self.directory / "wrong.key").write_text("0f" * 32, encoding="ascii")
        (self.directory / "wrong.key").chmod(0o600)
        chat = self.play(*[3] * (len(wrong) + 1))
        chat.lockout(failures=0)
        chat.fault(kind="error", code=70050, sdkappid=FIRST_APP + 3)
        blocks = [self.block(chat, i, 3, interval="1s", **options) for i, (_, _, _, options) in enumerate(wrong)]
        self.start(*blocks, self.block(chat, len(wrong), 3, interval="1s"))
        apps = [Ward(title, options.get("sdkappid", FIRST_APP + i) - FIRST_APP, 1)
                for i, (title, _, _, options) in enumerate(wrong)]
        well = Ward("well", len(wrong), 1)
        self.wait(lambda look: self.up(look, well, names(3)), "the right one is well")
        mark, self.began = chat.last_request(), time.monotonic()
        while time.monotonic() < self.began + self.WINDOW_S:
            look = self.look()
            self.assertTrue(self.up(look, well, names(3)))
            time.sleep(0.3)
        calls = self.since(chat, 0)
        for app, (title, code, tries, _) in zip(apps, wrong):
            with self.subTest(title):
                mine = calls[0 if title == "app" else app.sdkappid]
                self.assertEqual([code] * tries, [r["code"] for r in mine])
                self.assertEqual({("auth", str(code))}, {look.last_error(app, c) for c in names(3)})
                self.assertEqual({("auth", str(code)): tries}, look.errors(app))
                self.assertEqual(0, look.value("app_up", app))
        for community in names(3):
            self.assertLessEqual(longest_gap(of(self.since(chat, mark)[well.sdkappid], community), self.WINDOW_S), 1.6 + SLACK_S)


class Gone(FewApps):
    """Row 16."""

    def test_a_community_and_a_topic_go_and_come_back(self):
        chat = self.play(4)
        self.start(self.block(chat, 0, 4, interval="1s"))
        app = Ward("app", 0, 1)
        gone, poorer, *others = names(4)
        well = self.wait(lambda look: self.up(look, app, names(4)), "well")
        success = well.value("community_last_success_timestamp_seconds", app, gone)
        topic = chat.world(poorer)["topics"][0]["id"]
        mark, self.began = chat.last_request(), time.monotonic()
        chat.change(community=gone, delete=True)
        chat.change(community=poorer, topic=topic, delete=True)
        look = self.wait(lambda look: look.value("community_up", app, gone) == 0 and
                         look.value("community_topics", app, poorer) == 1, "both are noticed", 2 + SLACK_S)
        self.assertEqual(("gone", "10010"), look.last_error(app, gone))
        self.assertEqual([], look.all("topic_info", app, gone))
        self.assertEqual([], look.all("community_topics", app, gone))
        self.assertGreaterEqual(look.value("community_last_success_timestamp_seconds", app, gone), success)
        self.assertEqual(1, len(look.all("topic_info", app, poorer)))
        self.assertEqual(1, look.value("app_communities", app, state="gone"))
        until(lambda: len(of(self.since(chat, mark)[app.sdkappid], gone)) >= 3, "it is asked again", 40)
        calls = self.since(chat, mark)[app.sdkappid]
        asked = [r for r in of(calls, gone) if r["code"] == 10010]
        self.assertGreaterEqual(asked[2]["s"] - asked[0]["s"], 2 * 5 - 1, "ten times its interval, give or take a half")
        for community in others:
            self.assertLessEqual(longest_gap(of(calls, community), asked[2]["s"]), 1.6 + SLACK_S)
        chat.change(community=gone, create=True, topics=2)
        chat.change(community=poorer, topic=topic, create=True)
        look = self.wait(lambda look: self.up(look, app, names(4)), "it comes back by itself", 15 + SLACK_S)
        self.assertEqual({2}, {len(look.all("topic_info", app, c)) for c in names(4)})
        self.assertEqual(0, look.value("app_communities", app, state="gone"))
        self.assertEqual(1, look.value("community_poll_interval_seconds", app, gone))


if __name__ == "__main__":
    main()
