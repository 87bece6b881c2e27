"""Crowds at the listener while polls go on: stalled readers, heads that trickle in, two hundred scrapes at once.

What polling loses is read from the service's own journal, against a quiet time of the same run. Both are one whole interval,
in which every community is due once: any other time holds more or fewer of them by chance."""

import pathlib
import re
import socket
import threading
import time

from gauges import cpu_s, memory_bytes, report
from harness import Page, ReplayTest, main, until

COMMUNITIES, TOPICS, RATE = 400, 12, 40
INTERVAL_S = COMMUNITIES // RATE
PLACES, LOBBY = 128, 16  # web.max_connections; who comes later hears 503
IDLE_S = 10
ANSWER_S = 3 * IDLE_S  # the longest answer, see exporters/web/guest.c
SLACK_S = 4
READERS, SLOW_HEADS, SCRAPES = 1000, 400, 200
TIMEOUT_S = 10  # of a scrape
SOCKET_KIB = 400  # of the kernel's memory for one who is let in: the send buffer and what is around it
SCENARIO = f"""
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ]; quota = {{ get_topic = 0; }};
  communities = ( {{ count = {COMMUNITIES}; id = "@TGS#_@TGS#cCROWD{{4}}"; topics = {TOPICS}; messages_per_hour = 600; }} ); }} );
"""
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: %d\r\n\r\n"


def tcp_memory_kib():
    """Of all sockets of the machine."""
    text = pathlib.Path("/proc/net/sockstat").read_text(encoding="ascii")
    return 4 * int(re.search(r"(?m)^TCP: .* mem (\d+)", text).group(1))


class Guests:
    """Connections of one kind, and when the listener ended each."""

    def __init__(self, address, n, first, small=False):
        host, port = address.rsplit(":", 1)
        self.since, self.ended_s, self.heard = {}, [], {}
        self.refused = 0
        for _ in range(n):
            s = socket.socket()
            if small:
                # Loopback would hand the sender megabytes of buffer for its large segments.
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(20)
            s.connect((host, int(port)))
            self.since[s] = time.monotonic()
            try:
                s.sendall(first)
            except OSError:
                pass  # it heard 503 before it spoke
            s.setblocking(False)

    def look(self):
        """Who was hung up on leaves. A reader that takes nothing learns of its end by the reset alone, or by the 503 that is
        there whole."""
        for s in list(self.since):
            try:
                first = s.recv(4096, socket.MSG_PEEK)
                over = not first or b" 503 " in first[:16]
                self.refused += over and b" 503 " in first[:16]
            except BlockingIOError:
                over = False
            except OSError:
                over = True
            if not over and s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1:  # no longer ESTABLISHED
                over = True
            if over:
                self.ended_s.append(time.monotonic() - self.since.pop(s))
                s.close()

    def trickle(self, byte):
        for s in list(self.since):
            try:
                s.send(byte)
            except OSError:
                pass

    def close(self):
        for s in self.since:
            s.close()
        self.since = {}


class Crowd(ReplayTest):
    def setUp(self):
        super().setUp()
        path = self.directory / "crowd.scenario"
        path.write_text(SCENARIO, encoding="utf-8")
        self.chat = self.simulator(str(path))
        poll = f'interval = "{INTERVAL_S}s"; max_inflight = 4;'
        self.it = self.exporter(self.config(self.chat, poll=poll, budget=160.0), "--web.max-requests=40").ready()
        self.quiet = until(self.full_rate, "a quiet time at the full rate", 60)

    def full_rate(self):
        """Calls a second of the interval that begins now; None when the machine is too busy for them."""
        rate = self.rate_since(time.monotonic())
        return rate if rate > 0.9 * RATE else None

    def expect_rate(self, rate):
        """Less than 5 % is lost, and what the machine took: the share of time in which the loop waited for a CPU."""
        waited = (cpu_s(self.it.process)[1] - self.waited_s) / (time.monotonic() - self.began)
        self.assertGreater(rate, (0.95 - waited) * self.quiet, f"polling goes on; the loop waited {waited:.2f} of the time")

    def rate_since(self, began):
        """Calls a second of one interval, which is waited for."""
        end = began + INTERVAL_S
        time.sleep(max(0.0, end - time.monotonic()))
        return sum(began <= ms / 1000 < end for ms in self.chat.times(command="get_topic")["ms"]) / INTERVAL_S

    def scrape(self):
        """One with a timeout of its own: (status, seconds, bytes)."""
        began = time.monotonic()
        status, _, body = self.it.raw(headers={"X-Prometheus-Scrape-Timeout-Seconds": str(TIMEOUT_S)})
        return status, time.monotonic() - began, body

    def watch(self, guests, patience_s, trickle=None):
        """Until all of them are gone: (most memory, most kernel memory in KiB, statuses of a scrape now and then)."""
        most, most_tcp, statuses, began, asked = 0, 0, [], time.monotonic(), 0.0
        while guests.since:
            self.assertLess(time.monotonic() - began, patience_s, f"{len(guests.since)} that nobody ended")
            most, most_tcp = max(most, memory_bytes(self.it.process)), max(most_tcp, tcp_memory_kib())
            guests.look()
            if trickle:
                guests.trickle(trickle)
            if time.monotonic() - asked > 3:
                asked = time.monotonic()
                try:
                    status, took_s, _ = self.scrape()
                    statuses.append(status)
                    self.assertLess(took_s, TIMEOUT_S)
                except OSError as e:
                    statuses.append(repr(e))
            time.sleep(1.0)
        return most, most_tcp, statuses

    def check(self, name, guests, limit_s, trickle=None):
        before, before_tcp, began = self.before, self.before_tcp, self.began
        most, most_tcp, statuses = self.watch(guests, limit_s + SLACK_S + 5, trickle)
        rate = self.rate_since(began)
        status, took_s, body = self.scrape()
        self.assertEqual(200, status)
        Page(body.decode())
        report(f"crowd_{name}", guests=len(guests.ended_s), refused=guests.refused, rate_quiet=self.quiet, rate=rate,
               rss_before_kib=before >> 10, rss_most_kib=most >> 10, tcp_before_kib=before_tcp, tcp_most_kib=most_tcp,
               last_ended_s=max(guests.ended_s), scrapes="/".join(map(str, statuses)), fresh_scrape_s=took_s)
        self.expect_rate(rate)
        self.assertLess(max(guests.ended_s), limit_s + SLACK_S, "nobody stays behind its time")
        self.assertLess(most_tcp - before_tcp, (PLACES + LOBBY) * SOCKET_KIB)
        self.assertLess(most - before, 96 << 20)
        self.assertLessEqual(set(statuses), {200, 503}, "a scrape is served or refused")
        until(lambda: self.it.get("/-/healthy")[0] == 200, "healthy")

    def begin(self):
        self.scrape()
        self.waited_s = cpu_s(self.it.process)[1]
        self.before, self.before_tcp, self.began = memory_bytes(self.it.process), tcp_memory_kib(), time.monotonic()

    def test_stalled_readers(self):
        self.begin()
        guests = Guests(self.it.address, READERS, SCRAPE % TIMEOUT_S, small=True)
        self.stack.callback(guests.close)
        self.check("stalled", guests, TIMEOUT_S + 2)
        self.assertGreaterEqual(guests.refused, READERS - PLACES - LOBBY)

    def test_heads_that_trickle_in(self):
        self.begin()
        guests = Guests(self.it.address, SLOW_HEADS, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
        self.stack.callback(guests.close)
        self.check("trickle", guests, IDLE_S + 1, trickle=b"y")

    def test_two_hundred_scrapes_at_once(self):
        self.begin()
        statuses, bodies, lock = [], [], threading.Lock()

        def work():
            status, took_s, body = self.scrape()
            with lock:
                statuses.append((status, took_s))
                bodies.append(body if status == 200 else None)

        threads = [threading.Thread(target=work) for _ in range(SCRAPES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        rate = self.rate_since(self.began)
        served = [took_s for status, took_s in statuses if status == 200]
        report("crowd_scrapes", served=len(served), refused=len(statuses) - len(served), slowest_s=max(t for _, t in statuses),
               rate_quiet=self.quiet, rate=rate, rss_before_kib=self.before >> 10,
               rss_after_kib=memory_bytes(self.it.process) >> 10)
        self.assertEqual(SCRAPES, len(statuses))
        for body in [b for b in bodies if b][:3]:  # a cut one would have raised; parsing all of them takes a minute
            Page(body.decode())
        self.assertLessEqual({status for status, _ in statuses}, {200, 503})
        self.assertGreater(len(served), 0)
        self.expect_rate(rate)


if __name__ == "__main__":
    main()
