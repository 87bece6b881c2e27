"""Hundreds of raw requests to the real program: never two answers to one of them, never 200 for what is no page.

All rows of raw.py in parallel, each in one piece and byte by byte; the answers are read by a parser of their own that
knows every byte's place.
"""

import functools
import re
import selectors
import socket
import subprocess
import time

import raw
from gauges import report
from harness import EXPORTER, ReplayTest, main

TOGETHER = 60
DEADLINE_S = 8  # of one connection; below the listener's own patience, so that whoever must be hung up on is
# libmicrohttpd does not see an end that comes together with the bytes before it; the listener's own patience ends that.
HALF_DEADLINE_S = 14
PIECES_MAX = 400
PROBE = raw.ask(b"/-/healthy", b"Connection: close\r\n")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9]) [ -~]+\Z")
FIELD = re.compile(rb"[A-Za-z-]+: [ -~]*\Z")
# What a request said must never come back.
ECHOES = (b"<script>", b"evil.example", b"/bin/true", b"yyyyyyyy")


class Broken(Exception):
    """An answer that is none."""


def chunks(text, at):
    """(the body, where it ends)"""
    body = b""
    while True:
        line, found, _ = text[at:at + 20].partition(b"\r\n")
        if not found or not re.fullmatch(rb"[0-9a-fA-F]{1,8}", line):
            raise Broken(f"no chunk: {text[at:at + 40]!r}")
        size, at = int(line, 16), at + len(line) + 2
        body += text[at:at + size]
        if text[at + size:at + size + 2] != b"\r\n":
            raise Broken("a chunk without its end")
        at += size + 2
        if size == 0:
            return body, at


def answers(text, want):
    """[(status, fields, body)] of all that came, to its last byte. `want` tells which are to a HEAD."""
    found, at = [], 0
    while at < len(text):
        end = text.find(b"\r\n\r\n", at)
        if end < 0:
            raise Broken(f"half a head, or more than one answer: {text[at:at + 200]!r}")
        first, *lines = text[at:end].split(b"\r\n")
        status = STATUS_LINE.match(first)
        if not status or not all(FIELD.match(line) for line in lines):
            raise Broken(f"a head that is none: {text[at:end]!r}")
        fields = [tuple(line.decode().split(": ", 1)) for line in lines]
        have = {name.lower(): value for name, value in fields}
        if len(have) != len(fields):
            raise Broken(f"a field twice: {fields}")
        at, body = end + 4, b""
        head = len(found) < len(want) and want[len(found)].endswith("h")
        if "content-length" in have and "transfer-encoding" in have:
            raise Broken(f"two framings: {fields}")
        if not head and have.get("transfer-encoding") == "chunked":
            body, at = chunks(text, at)
        elif not head:
            if "content-length" not in have:
                raise Broken(f"no framing: {fields}")
            at, body = at + int(have["content-length"]), text[at:at + int(have["content-length"])]
            if at > len(text):
                raise Broken("a body that is cut")
        found.append((int(status[1]), have, body))
    return found


@functools.cache
def library():
    """The version of libmicrohttpd, (0, 9, 75)."""
    printed = subprocess.run([EXPORTER, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return tuple(map(int, re.search(r"libmicrohttpd +(\d+)\.(\d+)\.(\d+)", printed).groups()))


def may_hang_up(row):
    """libmicrohttpd 1.0 says nothing to what does not begin like a request, nor where empty lines stand in front of one."""
    return library() >= (1, 0, 0) and (row.then == raw.ENDS or row.name == "empty lines in front")


class Visitor:
    """One row over one connection."""

    def __init__(self, address, row, piece):
        self.row, self.piece = row, piece
        self.left, self.got, self.problem = row.request, b"", None
        self.probed = False
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.deadline = time.monotonic() + (HALF_DEADLINE_S if row.then == raw.HALF else DEADLINE_S)
        if not self.left:
            self.socket.shutdown(socket.SHUT_WR)

    def events(self):
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.left else 0)

    def speak(self):
        try:
            n = self.socket.send(self.left[:self.piece])
        except BlockingIOError:
            return
        except OSError:  # it has heard enough; the answer may still be read
            self.left = b""
            return
        self.left = self.left[n:]
        if not self.left and (self.row.then == raw.HALF or self.probed):
            self.socket.shutdown(socket.SHUT_WR)

    def whole(self):
        try:
            return len(answers(self.got, self.row.want)) >= len(self.row.want)
        except Broken:
            return False

    def listen(self):
        """True at the end of the connection."""
        try:
            block = self.socket.recv(1 << 20)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        self.got += block
        if not self.probed and not self.left and self.row.then in (raw.STAYS, None) and self.whole():
            self.probed, self.left = True, PROBE
        return not block

    def judge(self):
        """What is wrong with what was heard; None: nothing."""
        row = self.row
        if not self.got and may_hang_up(row):
            return None
        try:
            found = answers(self.got, row.want)
        except Broken as e:
            return str(e)
        statuses = [status for status, _, _ in found]
        want = [set(map(int, w.rstrip("h").split("|"))) for w in row.want]
        if self.probed and (row.then == raw.STAYS or len(found) > len(want)):
            want.append({200})
        if len(statuses) != len(want) or not all(s in w for s, w in zip(statuses, want)):
            return f"answered {statuses}, allowed is {row.want} and then it {row.then}"
        for status, fields, body in found:
            if "text/html" in fields.get("content-type", "text/html") and any(word in body for word in ECHOES):
                return f"the request comes back: {body!r}"
            if any(word.decode() in value for word in ECHOES for value in fields.values()):
                return f"the request comes back: {fields}"
            if status == 405 and not fields.get("allow"):
                return "405 without Allow"
            if status >= 400 and body and not body.endswith((b"\n", b"</html>")):
                return f"a body without an end: {body!r}"
            body.decode("utf-8")
        if row.then == raw.ENDS and found and found[-1][0] >= 400 and found[-1][1].get("connection", "").lower() != "close":
            return f"the end is not told: {found[-1][1]}"
        return None


class Raw(ReplayTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator()

    def open(self, *flags, name="exporter"):
        return self.exporter(self.config(self.chat), "--web.max-requests=0", *flags, name=name).ready()

    def visit(self, it, rows):
        """Every row in one piece and byte by byte, TOGETHER at a time; {(name, bytes a piece): what was wrong}."""
        waiting = [(row, piece) for row in reversed(rows)
                   for piece in {max(1, len(row.request) // PIECES_MAX), max(1, len(row.request))}]
        waiting.sort(key=lambda w: w[0].then == raw.HALF)  # the last come first: these take their time
        problems, selector = {}, selectors.DefaultSelector()
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < TOGETHER:
                v = Visitor(it.address, *waiting.pop())
                selector.register(v.socket, v.events(), v)
            for key, events in selector.select(0.1):
                v = key.data
                if events & selectors.EVENT_WRITE and v.left:
                    v.speak()
                if events & selectors.EVENT_READ and v.listen():
                    selector.unregister(v.socket)
                    v.socket.close()
                    problems[v.row.name, v.piece] = v.judge()
                else:
                    selector.modify(v.socket, v.events(), v)
            for v in [key.data for key in selector.get_map().values()]:
                if time.monotonic() > v.deadline:
                    problems[v.row.name, v.piece] = f"nobody ended it; heard {v.got[:200]!r}, {len(v.left)} bytes left"
                    selector.unregister(v.socket)
                    v.socket.close()
        selector.close()
        return {name: problem for name, problem in problems.items() if problem}

    def check(self, it, rows):
        self.assertEqual(len(rows), len({row.name for row in rows}), "names")
        began = time.monotonic()
        problems = self.visit(it, rows)
        report("raw", rows=len(rows), took_s=time.monotonic() - began)
        self.assertEqual({}, problems, f"{len(problems)} of them")
        self.assertIsNone(it.process.poll(), it.log()[-3000:])
        self.assertEqual(200, it.get("/-/healthy")[0])
        it.page()

    def test_requests(self):
        self.assertGreaterEqual(len(raw.ROWS), 200)
        it = self.open()
        self.check(it, raw.ROWS)
        page = it.page()
        answered = page.family("tencentchat_exporter_http_requests_total")
        self.assertEqual(0, sum(v for s, v in answered.items() if 'handler="other"' in s and 'code="200"' in s))

    def test_reload_is_not_allowed(self):
        self.check(self.open(), raw.lifecycle(on=False))

    def test_reload_is_allowed(self):
        self.check(self.open("--web.enable-lifecycle"), raw.lifecycle(on=True))

    def test_the_reader_of_answers_notices(self):
        good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.assertEqual(2, len(answers(good * 2, ("200", "200"))))
        for bad in (good[:-1], good + b"x", good + b"HTTP/1.1 400 Bad\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
                    b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"):
            with self.assertRaises(Broken):
                answers(bad, ("200", "200"))


if __name__ == "__main__":
    main()
