"""The bars that need the whole program: polls at full quota, scrapes beside them, and what each does to the other.

10,000 communities of 20 topics that are always overdue, so that the budget of 200 calls a second is all that holds polls
back; answers take 150 ms. Times of calls are those of the simulator's journal, in milliseconds.
"""

import argparse
import contextlib
import http.client
import re
import signal
import statistics
import threading
import time

import program
from bars import Bars, Figures, Scrape, in_folder, percentile, say

BUDGET, INFLIGHT, ANSWER_MS = 200, 64, 150
WINDOW_MS = 950  # a second, less what a call may lose or gain on its way
WARM_S = 5
# What agent/schedule promises: the bucket holds a tenth of a second's calls, and no second has more than the budget.
BURST = BUDGET // 10
ROUNDS = 15
PROBE_S = 0.01


def call_times(chat, mark, began, seconds):
    return [ms for ms in chat.times(since=mark, command="get_topic")["ms"] if 0 <= ms / 1000 - began < seconds]


def busiest(times, window_ms):
    most = first = 0
    for i, t in enumerate(times):
        while times[first] <= t - window_ms:
            first += 1
        most = max(most, i - first + 1)
    return most


def lateness_ms(times):
    """How long after the pace allowed it each call came, when there is always a poll due: the bucket lets a call go when
    it holds a token, and the window when the call BUDGET places before is a second old."""
    apart_ms = 1000 / BUDGET
    slack_ms = (BURST - 1) * apart_ms
    late, token_ms = [], times[BUDGET - 1] + slack_ms + apart_ms
    for i in range(BUDGET, len(times)):
        due_ms = max(token_ms - slack_ms, times[i - BUDGET] + 1000)
        late.append(times[i] - due_ms)
        token_ms = max(token_ms, times[i]) + apart_ms
    return late[BUDGET:]  # the first second tells how full the bucket was


def peak(exporter):
    """Calls in the busiest second of the last minute, as the exporter counts what it sends."""
    body = exporter.get("/metrics?level=app")[2].decode("utf-8")
    found = re.search(r'^tencentchat_quota_peak_requests_per_second{.*command="get_topic".*} (\d+)$', body, re.M)
    return int(found.group(1))


def quota(bars, chat, exporter, seconds):
    time.sleep(WARM_S)
    mark, began = chat.last_request(), time.monotonic()
    time.sleep(seconds)
    times = call_times(chat, mark, began, seconds)
    bars.least(f"quota used over {seconds} s", 99, 100, 100 * len(times) / (BUDGET * seconds), " %")
    bars.most(f"calls in the busiest {WINDOW_MS / 1000:g} s, of a budget of {BUDGET}", BUDGET, BUDGET,
              busiest(times, WINDOW_MS), "")
    bars.told("calls in the busiest second, as the exporter counts them", peak(exporter), "")
    bars.told("poll start lateness p99, without scrapes", percentile(lateness_ms(times), 0.99), " ms")


@contextlib.contextmanager
def paused(chat, pid):
    """No polls: the service holds its breath. The exporter has as many calls under way as it may, and waits for them;
    its state stays what it is. Shorter than any timeout."""
    chat.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(INFLIGHT / BUDGET + 0.1)
        yield
    finally:
        chat.process.send_signal(signal.SIGCONT)


def beside_polls(bars, chat, exporter):
    """Scrapes with and without polls, in turns; same process, same state."""
    url, pid = program.metrics(exporter), exporter.process.pid
    figures = {(what, packed): Figures() for what in ("idle", "polling") for packed in (False, True)}
    for number in range(ROUNDS):
        say(f"scrapes with and without polls, {number + 1} of {ROUNDS}")
        with paused(chat, pid):
            Scrape(url, pid, gzip=True)  # what was polled before this is encoded now
            for packed in (False, True):
                figures["idle", packed].scrapes.append(Scrape(url, pid, packed))
        mark = chat.last_request()
        # What hung came at once; as many calls again as a second holds, and the pace is even.
        program.until(lambda: chat.last_request() >= mark + INFLIGHT + BUDGET, "polls go on", 20)
        for packed in (False, True):
            figures["polling", packed].scrapes.append(Scrape(url, pid, packed))
    for packed, name in ((False, "identity"), (True, "gzip")):
        idle, polling = (statistics.median(s.wall_ms for s in figures[what, packed].scrapes) for what in ("idle", "polling"))
        if packed:
            bars.told("gzip scrape, wall: while polling, encoding included, against idle", polling / idle)
        else:
            bars.most(f"{name} scrape, wall: while polling at {BUDGET} calls/s, against idle", 1.15, 1.05, polling / idle)


class Probe(threading.Thread):
    """Asks /-/healthy all the time, on one connection. `overslept_ms`: what the machine itself adds to any time."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.stopping, self.took_ms, self.overslept_ms = address, threading.Event(), [], []

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=20)
        asleep = time.perf_counter()
        while not self.stopping.wait(PROBE_S):
            began = time.perf_counter()
            self.overslept_ms.append((began - asleep - PROBE_S) * 1e3)
            connection.request("GET", "/-/healthy")
            answer = connection.getresponse()
            answer.read()
            self.took_ms.append((time.perf_counter() - began) * 1e3)
            if answer.status != 200:
                raise RuntimeError(f"/-/healthy answered {answer.status}")
            asleep = time.perf_counter()
        connection.close()

    def p99(self):
        self.stopping.set()
        self.join()
        return percentile(self.took_ms, 0.99), percentile(self.overslept_ms, 0.99)


def under_scrapes(bars, chat, exporter, seconds):
    probe = Probe(exporter.address)
    probe.start()
    time.sleep(seconds / 4)
    bars.told("/-/healthy p99, without scrapes", probe.p99()[0], " ms")
    probe = Probe(exporter.address)
    mark, began, n = chat.last_request(), time.monotonic(), 0
    probe.start()
    while time.monotonic() < began + seconds:
        Scrape(program.metrics(exporter), exporter.process.pid, gzip=n % 2 == 1, settle_s=0)
        n += 1
    (healthy_ms, overslept_ms), times = probe.p99(), call_times(chat, mark, began, seconds)
    bars.most(f"/-/healthy p99 during {n} scrapes in a row", 10, 3, healthy_ms, " ms")
    bars.most("poll start lateness p99 during them", 10, 3, percentile(lateness_ms(times), 0.99), " ms")
    bars.told("how late the machine wakes a sleeper meanwhile, p99", overslept_ms, " ms")


def run(options, directory, stack):
    communities, quota_s, scrapes_s = (1000, 15, 8) if options.quick else (10_000, 60, 20)
    bars = Bars(options.bars)
    say(f"the exporter with {communities:,} communities of {program.TOPICS} topics at {BUDGET} calls/s")
    chat = program.play(stack, directory, [communities])
    chat.fault(kind="delay", ms=ANSWER_MS)
    chat.quota(per_s=0)  # a window that is overfull is told below, not punished
    # A tenth of the time that a sweep takes: polls are always overdue.
    interval = f"{max(1, communities // BUDGET // 10)}s"
    exporter = program.start(stack, directory, chat, 0, f"poll: {{ max_inflight = {INFLIGHT}; }};", interval=interval)
    say(f"quota over {quota_s} s")
    quota(bars, chat, exporter, quota_s)
    program.ready(exporter, 2 * communities / BUDGET + 30)
    beside_polls(bars, chat, exporter)
    say(f"scrapes in a row for {scrapes_s} s")
    under_scrapes(bars, chat, exporter, scrapes_s)
    bars.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", help="append the rows of the table to this file")
    parser.add_argument("--quick", action="store_true", help="1,000 communities, to see that it works")
    options = parser.parse_args()
    in_folder(run, options)


if __name__ == "__main__":
    main()
