"""The way to the API breaks: nobody there, nobody answers, nobody to trust, slow lines, dead connections, no address. Nobody
else notices, what is asked meanwhile is counted, and all is well again as soon as promised.
"""

import contextlib
import socket
import time

from fleet import SLACK_S, Look, LookTest, Ward, longest_gap, of
from gauges import answered_in_s, report
from harness import SMALL, Page, app_block, main, until

INTERVAL_S = 5
COMMUNITIES = 12
TIMEOUT_S = 2
ROW = 5  # failures in a row that open the breaker
# Probes come after 1, 2, 4 and then every five seconds, give or take a fifth: that many in HOLE_S at most.
HOLE_S, PROBES = 16, 6
PAGE_S = 0.25
BUDGET = 20
BACK_S = INTERVAL_S + TIMEOUT_S + 2 * COMMUNITIES / BUDGET

WORLD = """
seed = 4;
apps = ( {{ sdkappid = {sdkappid}; identifiers = [ "administrator" ]; secret_key = "{key}";
  communities = ( {{ count = {n}; id = "@TGS#_c{{2}}"; topics = 2; }} ); }} );
"""


class App(Ward):
    """An app with a simulator of its own, which can be ended and started again at the same address."""

    def __init__(self, test, name, number, n=COMMUNITIES, interval_s=INTERVAL_S):
        super().__init__(name, number, interval_s)
        self.test, self.ids = test, [f"@TGS#_c{i + 1:02}" for i in range(n)]
        self.file = test.directory / f"{name}.scenario"
        self.rewrite(key="5e" * 32)
        self.chat = test.simulator(str(self.file), name=name)
        self.address = self.chat.api.removeprefix("https://")

    def rewrite(self, key):
        self.file.write_text(WORLD.format(sdkappid=self.sdkappid, n=len(self.ids), key=key), encoding="utf-8")

    def block(self, **options):
        api = options.pop("api", self.chat.api)
        return app_block(self.chat.app(), api, self.chat.ca_file, self.ids, interval=f"{self.interval_s}s", **options)

    def again(self):
        self.chat = self.test.simulator(str(self.file), f"--listen={self.address}", name=self.name)

    def all(self, look, name):
        return [look.value(name, self, c) for c in self.ids]

    def is_up(self, look):
        return set(self.all(look, "community_up")) == {1} and look.value("app_up", self) == 1

    def errors(self, look):
        return {reason for c in self.ids for reason in [look.last_error(self, c)]}


def refusing(_stack, _address):
    """Nobody listens."""


def silent(stack, address):
    """Connections are made, by the kernel alone; nobody ever says a word."""
    host, port = address.split(":")
    hole = stack.enter_context(socket.socket())
    hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    hole.bind((host, int(port)))
    hole.listen(1000)
    return hole


def full(stack, address):
    """Nothing comes back at all: the queue is full and packets are dropped."""
    host, port = address.split(":")
    hole = silent(stack, address)
    hole.listen(0)
    for _ in range(4):
        s = stack.enter_context(socket.socket())
        s.setblocking(False)
        s.connect_ex((host, int(port)))


HOLES = [("refused", refusing, "connect"), ("silent", silent, "timeout"), ("full", full, "timeout")]


class WireTest(LookTest):
    began = 0.0

    def start_well(self, *apps, blocks=()):
        self.start(*(a.block() for a in apps), *blocks, poll=f'timeout = "{TIMEOUT_S}s";')
        self.wait(lambda look: all(a.is_up(look) for a in apps), "all are up")

    def assert_undisturbed(self, app, since):
        """Asked at its usual rate all the time."""
        calls = app.chat.requests(since=since)
        for r in calls:
            r["s"] = r["mono_ms"] / 1000 - self.began
        for community in app.ids:
            mine = of(calls, community)
            self.assertEqual({0}, {r["code"] for r in mine})
            self.assertLessEqual(longest_gap(mine, time.monotonic() - self.began), app.interval_s * 1.6 + SLACK_S)


class Holes(WireTest):
    """Rows 1 and 2."""

    def test_nobody_there_and_nobody_answers(self):
        good = App(self, "good", 0)
        sick = [App(self, title, i + 1) for i, (title, _, _) in enumerate(HOLES)]
        self.start_well(good, *sick)
        before, mark, self.began = self.look(), good.chat.last_request(), time.monotonic()
        with contextlib.ExitStack() as stack:
            for app, (_, hole, _) in zip(sick, HOLES):
                app.chat.stop()
                hole(stack, app.address)
            slowest = self.watch(good)
            last = self.look()
        report("holes", slowest_page_s=slowest)
        self.assertLess(slowest, PAGE_S, "the page does not wait for anybody")
        for app, (title, _, reason) in zip(sick, HOLES):
            with self.subTest(title):
                self.ill(before, last, app, reason)
        self.assert_undisturbed(good, mark)
        sick[0].rewrite(key="a7" * 32)  # the first answer after the outage refuses the signature
        for app in sick:
            app.again()
        began = time.monotonic()
        for app in sick:
            self.wait(app.is_up, f"{app.name} is back", BACK_S + SLACK_S)
        self.assertLess(time.monotonic() - began, BACK_S + SLACK_S)

    def watch(self, good):
        """Until the hole's time is over. The slowest answer, without what the machine itself stalled."""
        slowest = 0.0
        while time.monotonic() < self.began + HOLE_S:
            body, took_s = answered_in_s(self.it)
            slowest = max(slowest, took_s)
            self.assertTrue(good.is_up(Look(Page(body.decode("utf-8")))), "the other app is well")
            time.sleep(0.3)
        return slowest

    def ill(self, before, look, app, reason):
        self.assertEqual({(reason, "")}, app.errors(look))
        self.assertEqual({0}, set(app.all(look, "community_up")))
        self.assertEqual(2 * COMMUNITIES, sum(len(look.all("topic_info", app, c)) for c in app.ids), "facts stay")
        self.assertEqual(0, look.value("app_up", app))
        self.assertEqual({(reason, "")}, set(look.errors(app)))
        asked = sum(look.errors(app).values())
        self.assertGreaterEqual(asked, ROW)
        # A call that hangs lets others begin: as many as come due in the time it takes.
        under_way = 0 if reason == "connect" else TIMEOUT_S * COMMUNITIES / INTERVAL_S + 1
        self.assertLessEqual(asked, ROW + under_way + PROBES)
        self.assertGreater(sum(app.all(look, "community_consecutive_failures")), asked, "who was not asked is not well either")
        if reason == "connect":
            self.assertLess(min(app.all(look, "community_poll_duration_seconds")), 0.1)
        self.assertAlmostEqual(look.value("api_requests_total", app, command="get_topic") -
                               before.value("api_requests_total", app, command="get_topic"), asked, delta=COMMUNITIES)


WORDS = {"expired": "certificate expired", "wrong-host": "certificate of another host", "unknown-ca": "unknown issuer",
         "old-tls": "protocol version below TLS 1.2"}


class Certificates(WireTest):
    """Row 4: what was trusted is not any more."""

    def test_a_certificate_that_goes_bad_and_is_replaced(self):
        app, good = App(self, "chat", 0, n=6, interval_s=2), App(self, "good", 1, n=2, interval_s=2)
        self.start_well(app, good)
        other, self.began = good.chat.last_request(), time.monotonic()
        for kind, words in WORDS.items():
            with self.subTest(kind):
                app.chat.certificate(kind)
                mark, opened = app.chat.last_request(), app.chat.stats()["connections"]["opened"]
                look = self.wait(lambda look: app.errors(look) == {("tls", "")}, "refused")
                self.assertEqual({0}, set(app.all(look, "community_up")))
                self.assertTrue(good.is_up(look))
                self.wait(lambda look: look.value("community_consecutive_failures", app, app.ids[0]) >= 3, "goes on")
                self.assertEqual([], app.chat.requests(since=mark), "nothing is said to a stranger")
                # Never more than one a community and interval, and no second try.
                self.assertLessEqual(app.chat.stats()["connections"]["opened"] - opened, ROW + 3 + 6)
                self.assertEqual(0, look.value("api_retries_total", app, command="get_topic"))
                self.assertIn(words, self.it.log())
                app.chat.certificate("good")
                self.wait(app.is_up, "trusted again", 2 + 6 / BUDGET * 2 + 2 + SLACK_S)
        self.assert_undisturbed(good, other)


class Lines(WireTest):
    def test_slow_calls_do_not_hold_up_the_others(self):
        """Row 5: four of ten communities get a few bytes a second; with more the app counts as sick."""
        app = App(self, "chat", 0, n=10, interval_s=3)
        self.start_well(app)
        slow, fast = app.ids[::3], [c for i, c in enumerate(app.ids) if i % 3]
        mark, self.began = app.chat.last_request(), time.monotonic()
        for community in slow:
            app.chat.fault(kind="slow", bytes_per_second=20, community=community)
        self.wait(lambda look: all(look.last_error(app, c) == ("timeout", "") for c in slow), "the slow ones fail")
        while time.monotonic() < self.began + 15:
            look = self.look()
            self.assertEqual({1}, {look.value("community_up", app, c) for c in fast})
            time.sleep(0.3)
        app.ids = fast
        self.assert_undisturbed(app, mark)
        app.ids = slow + fast
        app.chat.clear()
        self.wait(app.is_up, "all are up", 3 + TIMEOUT_S + SLACK_S)

    def test_what_libcurl_sends_again_by_itself_is_counted(self):
        """Row 6: a kept connection dies under a question. The poll succeeds, and the second request is no secret."""
        chat = self.simulator()
        it = self.it = self.exporter(self.config(chat)).ready()
        it.until(lambda p: p.one("tencentchat_community_up") == 1, "up")
        for kind in ("close", "reset", "close", "close", "reset"):
            chat.fault(kind=kind, count=1)
            until(lambda: chat.faults() == [], "one connection dies")
            it.until(lambda p: p.one("tencentchat_api_requests_total", command="get_topic") == len(chat.requests()),
                     "every request is counted")
            self.assertEqual(1, it.page().one("tencentchat_community_up"))
        page = it.page()
        self.assertEqual(0, sum(page.family("tencentchat_api_request_errors_total").values()))
        self.assertEqual(0, page.one("tencentchat_api_retries_total", command="get_topic"))
        self.assertEqual(5, sum(bool(r["fault"]) for r in chat.requests()))

    def test_a_name_without_an_address(self):
        """Row 3: no resolver has to be asked to know that a part of 64 letters cannot be."""
        good = App(self, "good", 0, n=2, interval_s=2)
        name = "https://" + "n" * 64 + ".invalid"
        lost = app_block({**good.chat.app(), "sdkappid": 1400000009}, name, None, [SMALL], interval="2s")
        self.start_well(good, blocks=[lost])
        page = self.it.until(lambda p: p.one("tencentchat_community_last_error_info", reason="dns", code=""), "no address")
        self.assertEqual(0, page.one("tencentchat_community_up", sdkappid="1400000009"))
        mark, self.began = good.chat.last_request(), time.monotonic()
        self.it.until(lambda p: p.one("tencentchat_community_consecutive_failures", sdkappid="1400000009") >= 4, "goes on")
        self.assert_undisturbed(good, mark)


if __name__ == "__main__":
    main()
