"""More than is good for it: a service that fails three times in ten, and more work than the budget allows."""

import time

from fleet import SLACK_S, FewApps, Ward, gaps, longest_gap, names, of
from harness import main, until


class Load(FewApps):
    def test_three_of_ten_calls_fail(self):
        """Row 18: everybody is asked on time and as fresh as its luck, and no more than a tenth is asked twice."""
        n, interval_s = 24, 7
        chat = self.play(n, 3)
        app, other = Ward("app", 0, interval_s), Ward("other", 1, 1)
        self.start(self.block(chat, 0, n, interval=f"{interval_s}s"), self.block(chat, 1, 3, interval="1s"))
        self.wait(lambda look: self.up(look, app, names(n)) and self.up(look, other, names(3)), "all is well")
        mark, self.began = chat.last_request(), time.monotonic()
        chat.fault(kind="error", code=10002, probability=0.2, sdkappid=app.sdkappid)
        chat.fault(kind="status", status=500, probability=0.1, sdkappid=app.sdkappid)
        oldest_s = 0
        while time.monotonic() < self.began + 4 * interval_s:
            look = self.look()
            self.assertTrue(self.up(look, other, names(3)))
            oldest = min(look.value("community_last_success_timestamp_seconds", app, c) for c in names(n))
            oldest_s = max(oldest_s, time.time() - oldest)
            time.sleep(0.3)
        asked_s = time.monotonic() - self.began
        mine = self.since(chat, mark)[app.sdkappid]
        look = self.look()
        failed = sum(bool(r["fault"]) for r in mine)
        self.assertGreater(failed, len(mine) / 10, "the fault is there")
        self.assertLessEqual(set(look.errors(app)), {("api_error", "10002"), ("http_status", "500")})
        retries = look.value("api_retries_total", app, command="get_topic")
        self.assertGreaterEqual(retries, 2)
        self.assertLessEqual(retries, 2 + look.value("api_requests_total", app, command="get_topic") / 10)
        polls = 4 * n
        self.assertGreaterEqual(len(mine), polls - n, "the app was not closed")
        self.assertLessEqual(len(mine), polls + n + retries)
        every = self.since(chat, 0)[app.sdkappid]
        unlucky_s = 0  # one in a hundred fails four times in a row
        for community in names(n):
            self.assertLessEqual(longest_gap(of(mine, community), asked_s), 1.6 * interval_s + SLACK_S)
            good = [r for r in of(every, community) if not r["fault"] and r["s"] < asked_s]
            unlucky_s = max(unlucky_s, asked_s - good[-1]["s"], *gaps(good))
        self.assertLess(oldest_s, unlucky_s + SLACK_S, "nothing but the service's answers makes anybody old")
        chat.clear()
        self.wait(lambda look: self.up(look, app, names(n)), "all is well again", interval_s + SLACK_S)
        self.assertEqual(1, self.look().value("app_up", app))

    def test_more_work_than_budget(self):
        """Row 21: the oldest is next, nobody starves, and the page says how late everything is."""
        n, budget, interval_s = 60, 5, 2
        chat = self.play(n, 3)
        app, other = Ward("app", 0, interval_s), Ward("other", 1, 1)
        self.start(self.block(chat, 0, n, interval=f"{interval_s}s", budget=float(budget)),
                   self.block(chat, 1, 3, interval="1s"))
        self.wait(lambda look: self.up(look, app, names(n)), "everybody was asked once", n / budget * 1.5 + SLACK_S)
        mark, self.began = chat.last_request(), time.monotonic()
        until(lambda: time.monotonic() > self.began + 2 * n / budget, "two sweeps")
        look, calls = self.look(), self.since(chat, mark)
        self.assertTrue(self.up(look, app, names(n)))
        for community in names(n):
            gap_s = longest_gap(of(calls[app.sdkappid], community), 2 * n / budget)
            self.assertLessEqual(gap_s, 1.25 * n / budget + SLACK_S, "a sweep, and neighbours may change places")
        self.assertEqual(n / interval_s, look.value("quota_required_requests_per_second", app, command="get_topic"))
        self.assertEqual(budget, look.value("quota_budget_requests_per_second", app, command="get_topic"))
        self.assertGreater(look.value("scheduler_lag_seconds", app), n / budget - 2 * interval_s - SLACK_S)
        self.assertAlmostEqual(n / budget, look.value("scheduler_last_sweep_duration_seconds", app), delta=3)
        self.assertGreater(look.value("quota_wait_seconds_total", app, command="get_topic"), 0)
        self.assertEqual(n * 2, sum(len(look.all("topic_info", app, c)) for c in names(n)), "no series flaps")
        self.assertEqual(200, self.it.get("/-/healthy")[0])
        self.assertLess(look.value("scheduler_lag_seconds", other), 1 + SLACK_S)
        for community in names(3):
            self.assertLessEqual(longest_gap(of(calls[other.sdkappid], community), 2 * n / budget), 1.6 + SLACK_S)


if __name__ == "__main__":
    main()
