"""Readers that are slow and readers that vanish: what each costs ends with its own time, and nobody else notices.

A page of 20 MB is much more than the kernel buffers, so every such reader is met in the middle of a body."""

import pathlib
import re
import select
import socket
import struct
import time

from gauges import Machine, Prober, memory_bytes, report
from harness import Page, ReplayTest, main, opened, until

COMMUNITIES, TOPICS = 1300, 20
INTERVAL_S = 10
PLACES = 40
READERS = 200
PATIENCE_S = 5  # of a reader, in its scrape-timeout header
ABORTS = 1000
TOGETHER = 20  # aborts under way at the same time
SOON_S = 30
SCENARIO = f"""
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( {{ count = {COMMUNITIES}; id = "@TGS#_@TGS#cBIG{{4}}"; name = "big {{}}"; topics = {TOPICS};
                    messages_per_hour = 3000; mutes = {{ share = 0.1; }}; }} ); }} );
"""
NO_LINGER = struct.pack("ii", 1, 0)


class Reader:
    """One scrape over a socket that takes little at a time."""

    def __init__(self, address, coding):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        # Loopback would hand the sender megabytes of buffer for its large segments.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(SOON_S)
        self.socket.connect((host, int(port)))
        self.since = time.monotonic()
        self.socket.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: " + coding.encode() +
                            b"\r\nX-Prometheus-Scrape-Timeout-Seconds: " + str(PATIENCE_S).encode() + b"\r\n\r\n")
        self.head = b""
        while b"\r\n\r\n" not in self.head:
            block = self.socket.recv(256)
            if not block:
                raise AssertionError(f"no answer, only {self.head!r}")
            self.head += block
        self.status = int(self.head.split(b" ", 2)[1])
        self.socket.setblocking(False)

    def is_cut(self):
        """Takes one byte; true when the connection ended with a reset, whatever is left to read."""
        poll = select.poll()
        poll.register(self.socket, 0)
        if poll.poll(0):
            return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        try:
            self.socket.recv(1)
        except BlockingIOError:
            pass
        return False

    def vanish(self, reset):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        else:
            self.socket.shutdown(socket.SHUT_WR)
        self.socket.close()


def open_files(process):
    return len(list(pathlib.Path(f"/proc/{process.pid}/fd").iterdir()))


class Readers(ReplayTest):
    def setUp(self):
        super().setUp()
        path = self.directory / "readers.scenario"
        path.write_text(SCENARIO)
        self.chat = self.simulator(str(path))
        # Few calls in flight: each connection to the service has a third of a MiB, and how many there are is chance.
        poll = f'interval = "{INTERVAL_S}s"; max_inflight = 2;'
        self.it = self.exporter(self.config(self.chat, poll=poll, budget=160.0), f"--web.max-requests={PLACES}").ready()

    def scrape(self, coding, path="/metrics", patience_s=SOON_S):
        """A whole body, as text; who is told to come again does, for a while."""
        end = time.monotonic() + patience_s
        while True:
            status, headers, body = self.it.raw(path, headers={"Accept-Encoding": coding})
            if status == 200:
                break
            self.assertEqual((503, "1"), (status, headers["Retry-After"]))
            self.assertLess(time.monotonic(), end, "never let in")
            time.sleep(0.1)
        self.assertEqual(coding if coding == "gzip" else None, headers.get("Content-Encoding"))
        body = opened(body) if coding == "gzip" else body
        if path != "/metrics":  # whole pages take seconds; one of each coding is checked
            Page(body.decode(), headers["Content-Type"])
        return body

    def lag_s(self):
        text = self.scrape("identity", "/metrics?level=app").decode()
        return max(float(n) for n in re.findall(r"(?m)^tencentchat_scheduler_lag_seconds\{.*\} (.*)$", text))

    def most_late_s(self, mark):
        """By the service's own journal: how much more than an interval lay between two polls of one community."""
        last, late = {}, 0.0
        for call in self.chat.requests(mark):
            before = last.get(call["community"])
            if before is not None:
                late = max(late, (call["mono_ms"] - before) / 1000 - INTERVAL_S)
            last[call["community"]] = call["mono_ms"]
        self.assertEqual(COMMUNITIES, len(last))
        return late

    def slow_readers(self, coding, come):
        """So many `come`; those who are let in read a byte a second. Seconds until the first and the last of them was cut."""
        inside = []
        for _ in range(come):
            r = Reader(self.it.address, coding)
            if r.status == 200:
                inside.append(r)
            else:
                self.assertEqual(503, r.status)
                self.assertIn(b"\r\nRetry-After: 1\r\n", r.head)
                r.vanish(reset=False)
        self.assertEqual(PLACES, len(inside))
        self.assertLess(time.monotonic() - inside[0].since, PATIENCE_S, "all of them came while the first was served")
        self.assertEqual(200, self.it.get("/-/healthy")[0])
        self.assertEqual(503, self.it.get()[0], "the house is full")
        had_s, end = [], time.monotonic() + SOON_S
        while inside:
            self.assertLess(time.monotonic(), end, "readers that nobody cut")
            for r in [r for r in inside if r.is_cut()]:
                had_s.append(time.monotonic() - r.since)
                r.socket.close()
                inside.remove(r)
            if len(had_s) == PLACES // 2:
                self.scrape(coding)  # others are let in as soon as there is room
            time.sleep(0.1 if had_s or time.monotonic() - inside[0].since > PATIENCE_S - 1 else 1)
        return min(had_s), max(had_s)

    def aborts(self, coding):
        """Readers that leave in the middle of a body, TOGETHER at a time."""
        left = refused = 0
        while left < ABORTS:
            readers = [Reader(self.it.address, coding) for _ in range(TOGETHER)]
            for i, r in enumerate(readers):
                left += r.status == 200
                refused += r.status != 200
                r.vanish(reset=i % 2 == 0)
            self.assertLess(refused, ABORTS, "who left still holds a place")
        return refused

    def usual_bytes(self, coding):
        """The least memory while every community is polled once, after scrapes."""
        for _ in range(2):
            self.scrape(coding)
        least, mark = memory_bytes(self.it.process), self.chat.last_request()
        while self.chat.last_request() < mark + COMMUNITIES:
            least = min(least, memory_bytes(self.it.process))
            time.sleep(0.05)
        return least

    def check(self, coding):
        for warm in ("identity", "gzip", coding):
            self.assertGreater(len(self.scrape(warm)), 20 << 20)
        fresh = memory_bytes(self.it.process)
        self.slow_readers(coding, PLACES)
        before, files, mark = self.usual_bytes(coding), open_files(self.it.process), self.chat.last_request()
        with Machine() as machine, Prober(self.it, "/-/healthy", 0.01) as prober:
            began = time.monotonic()
            first_s, last_s = self.slow_readers(coding, READERS)
            slow_took_s, lag_slow_s = time.monotonic() - began, self.lag_s()
            began = time.monotonic()
            refused = self.aborts(coding)
            aborts_took_s, lag_aborts_s = time.monotonic() - began, self.lag_s()
            Page(self.scrape(coding).decode())
            until(lambda: self.chat.last_request() > mark + 2 * COMMUNITIES, "two sweeps")
            late_s = self.most_late_s(mark)
        until(lambda: open_files(self.it.process) <= files, "descriptors are back")
        after = self.usual_bytes(coding)
        text = self.scrape(coding, "/metrics?level=app").decode()
        told = re.search(r'(?m)^tencentchat_exporter_http_requests_total\{handler="/metrics",code="503"\} (\d+)', text)
        self.assertGreaterEqual(int(told.group(1)), READERS - PLACES)
        stall_s = machine.worst_s
        report(f"readers_{coding}", rss_fresh_kib=fresh >> 10, rss_before_kib=before >> 10, rss_after_kib=after >> 10,
               cut_after_s=first_s, cut_last_s=last_s, slow_s=slow_took_s, aborts_s=aborts_took_s, refused=refused,
               late_s=late_s, lag_slow_s=lag_slow_s, lag_aborts_s=lag_aborts_s, machine_stall_s=stall_s,
               healthy=prober.text())
        # What is in use is the same to a percent; the pages it is spread over differ a little. With its holes kept the heap
        # would make this half as much again.
        self.assertLess(after, 1.05 * before, "memory is back")
        self.assertEqual([], prober.failed)
        self.assertLess(max(prober.on_cpu_s), 0.25, "no turn is long")
        self.assertGreater(first_s, PATIENCE_S - 0.1, "nobody is cut before its time")
        self.assertLess(last_s, PATIENCE_S + 3 + stall_s, "nobody stays behind its time")
        for late in (late_s, lag_slow_s, lag_aborts_s):
            self.assertLess(late, 1 + stall_s, "polls are on time")

    def test_plain(self):
        self.check("identity")

    def test_gzip(self):
        self.check("gzip")


if __name__ == "__main__":
    main()
