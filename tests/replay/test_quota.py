"""The exporter shares its quota with the owner's backend: the journal of the service says what it really sent."""

import collections

from harness import ReplayTest, main, until


def busiest(times, seconds):
    """The most calls in any window of that length."""
    window, most = collections.deque(), 0
    for t in times:
        window.append(t)
        while window[0] <= t - seconds:
            window.popleft()
        most = max(most, len(window))
    return most


class Quota(ReplayTest):
    def test_the_budget_is_never_exceeded_and_nobody_starves(self):
        chat = self.simulator("many.scenario")
        ids = [c["community"] for c in chat.world()["communities"]]
        self.assertGreaterEqual(len(ids), 50)
        self.exporter(self.config(chat, budget=10.0))
        asked = until(lambda: (r := chat.requests()) and len(r) >= 60 and r, "60 calls")
        times = [r["time"] for r in asked]
        # The bucket holds a tenth of the budget, one call here; the journal's clock is not the exporter's.
        self.assertLessEqual(busiest(times, 1.0), 10 + 1 + 1)
        counts = collections.Counter(r["community"] for r in asked)
        self.assertEqual(len(ids), len(set(counts) | set(ids)))
        self.assertLessEqual(max(counts.values()) - min(counts.get(i, 0) for i in ids), 1 + len(asked) // len(ids))

    def test_each_attempt_is_counted_once(self):
        chat = self.simulator()
        exporter = self.exporter(self.config(chat)).ready()
        exporter.until(lambda p: p.one("tencentchat_api_requests_total", command="get_topic") >= 3, "three calls")
        exporter.process.send_signal(19)  # SIGSTOP: nobody counts while the two are compared
        sent = chat.requests()
        exporter.process.send_signal(18)
        page = exporter.page()
        counted = page.one("tencentchat_api_requests_total", command="get_topic")
        self.assertGreaterEqual(counted, len(sent))
        self.assertLessEqual(counted, len(chat.requests()) + 1)
        self.assertEqual({"get_topic"}, {r["command"] for r in sent})
        self.assertEqual(1, len({r["connection"] for r in sent}), "one connection is kept alive")
        buckets = page.one("tencentchat_api_request_duration_seconds_count", command="get_topic")
        self.assertGreaterEqual(buckets, len(sent))

    def test_a_throttled_app_slows_down(self):
        chat = self.simulator("many.scenario")
        exporter = self.exporter(self.config(chat, budget=50.0))
        exporter.until(lambda p: p.one("tencentchat_api_requests_total", command="get_topic") >= 10, "ten calls")
        chat.fault(kind="error", code=60011)
        exporter.until(lambda p: p.one("tencentchat_api_request_errors_total", reason="throttled", code="60011"),
                       "throttled")
        mark = chat.last_request()
        first = chat.requests(since=mark)
        until(lambda: len(chat.requests(since=mark)) > len(first) + 2, "it goes on, slowly", 60)
        times = [r["time"] for r in chat.requests(since=mark)]
        self.assertLess(busiest(times, 1.0), 25, "half of the budget")


if __name__ == "__main__":
    main()
