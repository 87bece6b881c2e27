"""Allocations of the whole process fail, libraries included: it stays, says nothing broken, and is fine once memory is back."""

import http.client
import mmap
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import threading
import time

from gauges import report
from harness import DEADLINE_S, EXPORTER, Page, ReplayTest, main, until

COMMUNITIES = 40
INTERVAL_S = 1
GOOD_S = 15  # libcurl 7.88 may lose a URL's query, and what the service refuses for good rests ten intervals
LOST_MOST = 500  # blocks; connections and caches differ by some hundred of thousands
FDS_MOST = 20
IDLE_S = 60  # twice what an idle connection is kept
MOST = 3000  # allocations between two failures, when the sweep begins anew
GRANT, SWEEP, REFUSE = range(3)
SCENARIO = f"""
seed = 5;
gzip = true;
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( {{ count = {COMMUNITIES}; id = "@TGS#_memory{{2}}"; topics = 12; messages_per_hour = 7200;
    mutes = {{ share = 0.2; every = "20s"; for = "5s"; }}; }} ); }} );
"""


def sweep(most):
    """Failures in one sweep of memory.c: each distance up to 50 allocations, then longer ones by a fiftieth."""
    distance, failures = 1, 0
    while distance <= most:
        failures += 1
        distance += 1 + distance // 50
    return failures


class Memory:
    """The orders that memory.c reads, and what it counted."""

    fields = struct.Struct("=QQQQQQQq")
    names = ("mode", "most", "nth", "since", "asked", "refused", "sweeps", "live")

    def __init__(self, directory):
        source = pathlib.Path(__file__).with_name("memory.c")
        self.library = directory / "memory.so"
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-fPIC", "-shared", "-fno-builtin", source,
                        "-o", self.library], check=True)
        path = directory / "memory.orders"
        path.write_bytes(self.fields.pack(GRANT, MOST, 1, 0, 0, 0, 0, 0))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), self.fields.size)
        self.environment = {"LD_PRELOAD": str(self.library), "TCE_TEST_MEMORY": str(path)}

    def order(self, mode):
        struct.pack_into("=Q", self.map, 0, mode)

    def __getattr__(self, name):
        return self.fields.unpack_from(self.map)[self.names.index(name)]


class Scraper(threading.Thread):
    """Asks for pages without a break. Each is whole, or was refused, or its connection ended."""

    paths = ("/metrics", "/metrics", "/-/ready", "/metrics", "/", "/-/healthy", "/probe?community=%40TGS%23_memory07", "/sd",
             "/status", "/api/v1/status?sort=name", "/status/community?id=%40TGS%23_memory07")

    def __init__(self, exporter):
        super().__init__(daemon=True)
        self.exporter = exporter
        self.ending = False
        self.counts = {}
        self.broken = []

    def run(self):
        n = 0
        while not self.ending:
            n += 1
            path = self.paths[n % len(self.paths)]
            try:
                what = self.ask(path)
            except (http.client.HTTPException, OSError) as e:
                what = type(e).__name__
            except AssertionError as e:
                self.broken.append(f"{path}: {e}")
                what = "broken"
            self.counts[what] = self.counts.get(what, 0) + 1

    def ask(self, path):
        status, headers, body = self.exporter.get(path)
        if status == 200 and path == "/metrics":
            Page(body.decode("utf-8"))
        elif status == 200 and path.startswith("/probe"):
            Page(body.decode("utf-8"))
        elif status == 200:
            assert body.endswith(b"\n"), body[-100:]
        else:
            assert status == 503 or (status == 429 and path.startswith("/probe")), status
            assert path == "/-/ready" or status == 429 or headers["Retry-After"] == "1", headers
            assert body, path
        return status

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.ending = True
        self.join()


class WithoutMemory(ReplayTest):
    def setUp(self):
        super().setUp()
        path = self.directory / "memory.scenario"
        path.write_text(SCENARIO)
        self.chat = self.simulator(str(path))
        self.memory = Memory(self.directory)
        poll = f'interval = "{INTERVAL_S}s"; timeout = "2s"; max_inflight = 16;'
        self.running = self.exporter(self.config(self.chat, poll=poll, budget=200.0), environment=self.memory.environment).ready()
        self.pid = self.running.process.pid

    def hard_times(self, mode, seconds, sweeps=0):
        """At least so long, with pages asked for all the time; nothing else is demanded of them than to be no lies."""
        refused, asked = self.memory.refused, self.memory.asked
        self.chat.fault(kind="delay", ms=300)  # so that many calls are under way
        with Scraper(self.running) as a, Scraper(self.running) as b:
            self.memory.order(mode)
            end = time.monotonic() + seconds
            until(lambda: self.running.process.poll() is not None or
                  (time.monotonic() > end and self.memory.sweeps >= sweeps), "swept", seconds + DEADLINE_S)
            self.memory.order(GRANT)
        self.chat.clear()
        self.assertIsNone(self.running.process.poll(), f"it ended:\n{self.running.log()[-2000:]}")
        self.assertEqual([], (a.broken + b.broken)[:3])
        answers = {k: a.counts.get(k, 0) + b.counts.get(k, 0) for k in {**a.counts, **b.counts}}
        report("memory", mode=mode, asked=self.memory.asked - asked, refused=self.memory.refused - refused,
               sweeps=self.memory.sweeps, **{f"answer_{k}": n for k, n in answers.items()})
        return answers

    def good_times(self):
        """Everything is fresh and up, in the process that was started."""
        since = time.time()

        def fine(page):
            polled = page.family("tencentchat_community_last_success_timestamp_seconds").values()
            return (len(polled) == COMMUNITIES and min(polled) > since and page.one("tencentchat_app_up") == 1.0 and
                    set(page.family("tencentchat_community_up").values()) == {1.0})
        page = self.running.until(fine, "all communities are fresh and up", GOOD_S)
        report("memory", fine_after_s=round(time.time() - since, 1), open_fds=page.one("process_open_fds"), failed={
            s.split('reason="')[1].replace('",code="', " ").rstrip('"}'): int(n)
            for s, n in page.family("tencentchat_api_request_errors_total").items() if n})
        self.assertEqual(200, self.running.get("/-/ready")[0])
        self.assertEqual(self.pid, self.running.process.pid)
        return page

    def census(self):
        """Blocks in use at the quietest of some moments; connections are new, and as few as can be."""
        least = self.memory.live
        for _ in range(2):
            self.chat.certificate("good")
            end = time.monotonic() + 2.5 * INTERVAL_S
            while time.monotonic() < end:
                least = min(least, self.memory.live)
                time.sleep(0.002)
        return least

    def assert_nothing_lost(self, before, now, blocks):
        # A kept connection is many blocks, and how many are kept depends on how busy the machine was. Those go when they
        # are idle; what is lost stays lost.
        end = time.monotonic() + IDLE_S
        growth = self.census() - blocks
        while growth >= LOST_MOST and time.monotonic() < end:
            growth = min(growth, self.census() - blocks)
        report("memory", blocks=blocks, growth=growth)
        self.assertLess(growth, LOST_MOST)
        self.assertLess(now.one("process_open_fds"), before.one("process_open_fds") + FDS_MOST)

    def test_any_allocation_may_fail(self):
        answers = self.hard_times(GRANT, 2)
        self.assertEqual({200}, set(answers), "or the rest shows nothing")
        before, blocks = self.good_times(), self.census()
        answers = self.hard_times(SWEEP, 30, sweeps=1)
        self.assertGreater(answers.get(200, 0), 20)
        self.assertGreaterEqual(self.memory.refused, sweep(MOST), "each distance was there")
        now = self.good_times()
        self.assert_nothing_lost(before, now, blocks)

    def test_a_while_without_any_memory(self):
        self.hard_times(REFUSE, 3)  # what is made once and kept
        before, blocks = self.good_times(), self.census()
        self.hard_times(REFUSE, 5)
        now = self.good_times()
        self.assert_nothing_lost(before, now, blocks)


def libcurl_major():
    said = subprocess.run([EXPORTER, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    return int(re.search(r"libcurl\s+(\d+)\.", said).group(1))


if __name__ == "__main__":
    if shutil.which("gcc") is None or b"__asan_init" in pathlib.Path(EXPORTER).read_bytes():
        print("needs gcc and a program without sanitizers")
        sys.exit(77)
    if libcurl_major() >= 8:
        print("libcurl 8.14 itself ends the process when memory fails in a handshake (SSL_set0_rbio without an SSL); "
              "unit/poll_memory_test shows the program's own part")
        sys.exit(77)
    main()
