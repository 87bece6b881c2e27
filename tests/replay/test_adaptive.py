"""Adaptive polling: who talks is asked more often, who is silent more rarely, and all of it inside the budget."""

from gauges import report
from harness import ReplayTest, main

PERIOD = "tencentchat_community_poll_interval_seconds"
REQUIRED = "tencentchat_quota_required_requests_per_second"
STEPS = (1, 2, 4, 8, 16)


class Adaptive(ReplayTest):
    def world(self, talkative, silent, budget):
        path = self.directory / "adaptive.scenario"
        path.write_text(f"""
seed = 9;
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( {{ count = {talkative}; id = "@TGS#_talk{{2}}"; topics = 3; messages_per_hour = 360000; }},
                  {{ count = {silent}; id = "@TGS#_quiet{{2}}"; topics = 3; messages_per_hour = 0; }} ); }} );
""", encoding="utf-8")
        chat = self.simulator(str(path))
        exporter = self.exporter(self.config(chat, poll='interval = "4s"; adaptive = { min = "1s"; max = "16s"; };',
                                             budget=float(budget)))
        return chat, exporter

    def test_the_steps_are_visible_and_real(self):
        chat, exporter = self.world(1, 1, 20)
        seen = {"@TGS#_talk01": [], "@TGS#_quiet01": []}

        def settled(page):
            for community, steps in seen.items():
                value = page.one(PERIOD, community=community)
                if value is not None and steps[-1:] != [value]:
                    steps.append(value)
            return page.one(PERIOD, community="@TGS#_talk01") == 1 and page.one(PERIOD, community="@TGS#_quiet01") == 16

        exporter.until(settled, "both at their ends", 60)
        self.assertEqual([4, 2, 1], seen["@TGS#_talk01"])
        self.assertEqual([4, 8, 16], seen["@TGS#_quiet01"])
        page = exporter.page()
        self.assertAlmostEqual(1 + 1 / 16, page.one(REQUIRED, command="get_topic"), places=2)
        mark = chat.last_request()
        exporter.until(lambda _: len(chat.requests(mark)) >= 17, "16 s of polls", 60)
        times = [r["mono_ms"] for r in chat.requests(mark) if r["community"] == "@TGS#_talk01"]
        gaps = [b - a for a, b in zip(times, times[1:])]
        report("adaptive", talkative_gap_ms_mean=sum(gaps) / len(gaps), silent=seen["@TGS#_quiet01"])
        self.assertTrue(900 < sum(gaps) / len(gaps) < 1100, gaps)
        # The silent one wakes up: the next poll that finds a message shortens its interval, step by step.
        chat.change(community="@TGS#_quiet01", topic=chat.world("@TGS#_quiet01")["topics"][0]["id"],
                    set={"messages_per_hour": 36000})
        exporter.until(lambda p: p.one(PERIOD, community="@TGS#_quiet01") == 1, "it talks", 60)

    def test_ten_talkative_ones_stay_inside_a_budget_for_five(self):
        chat, exporter = self.world(10, 2, 5)
        mark = chat.last_request()
        most, lag = [], []

        def settled(page):
            most.append(page.one(REQUIRED, command="get_topic"))
            lag.append(page.one("tencentchat_scheduler_lag_seconds"))
            return chat.times(mark, command="get_topic", list=0)["n"] > 120

        page = exporter.until(settled, "120 polls", 90)
        times = chat.times(mark, command="get_topic", list=0, window_ms=950)
        periods = {v for v in page.family(PERIOD).values()}
        report("adaptive_budget", required_most=max(most), lag_most=max(lag), busiest_950ms=times["busiest"]["n"],
               periods=sorted(periods))
        self.assertLessEqual(max(most), 5, "it never asks for more than the budget gives")
        self.assertGreater(max(most), 3, "and uses it")
        self.assertLessEqual(times["busiest"]["n"], 5)
        self.assertLess(max(lag), 2)
        self.assertLessEqual(periods, set(STEPS))
        self.assertEqual({1.0}, set(page.family("tencentchat_community_up").values()))


if __name__ == "__main__":
    main()
