"""The budget is above what the service takes, and nobody told us: the rate in force finds the hidden limit and stays there."""

import re
import time

from gauges import report
from harness import ReplayTest, main

COMMUNITIES = 1000
BUDGET = 100
HIDDEN = 50
WARM_S = 60
MEASURE_S = 90
EFFECTIVE = re.compile(r'(?m)^tencentchat_quota_effective_requests_per_second\{.*command="get_topic"\} (.*)$')
SWEEP = re.compile(r"(?m)^tencentchat_scheduler_last_sweep_duration_seconds\{.*\} (.*)$")
SCENARIO = f"""
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( {{ count = {COMMUNITIES}; id = "@TGS#_many{{4}}"; topics = 1; }} ); }} );
"""


class Pressure(ReplayTest):
    def sample(self, exporter, seconds):
        """(time, effective rate, duration of the last sweep), five times a second."""
        samples, end = [], time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            text = exporter.get("/metrics?level=app")[2].decode()
            sweep = SWEEP.search(text)
            samples.append((now, float(EFFECTIVE.search(text).group(1)), sweep and float(sweep.group(1))))
            time.sleep(max(0.0, now + 0.2 - time.monotonic()))
        return samples

    @staticmethod
    def sweeps(samples):
        """(duration, mean effective rate while it lasted) of each sweep that lies within the samples."""
        for (_, _, before), (at, _, took) in zip(samples, samples[1:]):
            if took == before or at - took < samples[0][0]:
                continue
            rates = [rate for t, rate, _ in samples if at - took <= t <= at]
            yield took, sum(rates) / len(rates)

    def test_a_hidden_limit_is_found_and_kept(self):
        path = self.directory / "pressure.scenario"
        path.write_text(SCENARIO)
        chat = self.simulator(str(path))
        chat.quota("get_topic", HIDDEN, 60007)
        exporter = self.exporter(self.config(chat, poll='interval = "5s";', budget=float(BUDGET)))
        exporter.until(lambda p: p.one("tencentchat_quota_throttled_total", command="get_topic") > 0, "throttled once")
        self.sample(exporter, WARM_S)
        mark, began = chat.last_request(), time.monotonic()
        samples = self.sample(exporter, MEASURE_S)
        took_s = time.monotonic() - began
        sent = chat.times(mark, command="get_topic", list=0)["n"]
        throttled = chat.times(mark, command="get_topic", code=60007, list=0)["n"]
        busiest = chat.times(0, command="get_topic", window_ms=950, list=0)["busiest"]["n"]
        mean = sum(rate for _, rate, _ in samples) / len(samples)
        sweeps = list(self.sweeps(samples))
        off = [took / (COMMUNITIES / rate) - 1 for took, rate in sweeps]
        report("pressure", throttled_share=throttled / sent, accepted_per_s=(sent - throttled) / took_s, effective_mean=mean,
               effective_least=min(r for _, r, _ in samples), effective_most=max(r for _, r, _ in samples),
               busiest_950ms=busiest, sweeps=[round(t, 2) for t, _ in sweeps], off=[round(o, 4) for o in off])
        self.assertLess(throttled / sent, 0.01)
        self.assertGreaterEqual(mean, 0.75 * HIDDEN)
        self.assertGreaterEqual((sent - throttled) / took_s, 0.75 * HIDDEN, "what the service really took")
        self.assertGreaterEqual(len(sweeps), 2)
        self.assertLessEqual(max(map(abs, off)), 0.05)
        self.assertLessEqual(busiest, BUDGET, "also in the first seconds")


if __name__ == "__main__":
    main()
