"""Row 20: a host with two addresses. One swallows packets, refuses, shows a certificate that is none, and at last the name
moves. Calls go where they are answered: the program's own counters and the journals of both addresses have to agree.

In a network namespace with a DNS server of the test's own. The simulators show the certificate they have for another
host, whose name only that server knows. The two addresses are equally near to 127.0.0.1, so that the resolver keeps their order.
"""

import contextlib
import pathlib
import sys
import time

from fleet import SLACK_S
from gauges import report
from harness import ReplayTest, app_block, main, until
from names import Server, namespace
from test_rows_wire import full

NAME = "somewhere.else.example"
FIRST, SECOND = "127.0.0.2", "127.0.0.3"
COMMUNITIES = [f"@TGS#_c{n}" for n in range(2)]
INTERVAL_S = 2
REST_S = LOOKUP_S = 60
WORLD = """
seed = 4;
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ]; secret_key = "{key}";
  communities = ( {communities} ); }} );
"""


class Addresses(ReplayTest):
    def setUp(self):
        super().setUp()
        self.world = self.directory / "world.scenario"
        ids = ", ".join(f'{{ id = "{c}"; topics = 2; }}' for c in COMMUNITIES)
        self.world.write_text(WORLD.format(key="5e" * 32, communities=ids), encoding="utf-8")
        self.trusted = self.directory / "both.pem"
        self.at = {}
        self.resolver = self.stack.enter_context(Server(NAME, self.directory))
        self.resolver.addresses = [FIRST, SECOND]

    def open(self, address, certificate="wrong-host", port=0):
        """A simulator there; the exporter trusts it half a minute later at the latest."""
        self.at[address] = self.simulator(str(self.world), f"--listen={address}:{port}", f"--certificate={certificate}",
                                          name=address)
        new = self.trusted.with_suffix(".new")
        new.write_text("".join(pathlib.Path(s.ca_file).read_text(encoding="ascii") for s in self.at.values()), encoding="ascii")
        new.rename(self.trusted)

    def calls(self, address):
        return [r["mono_ms"] / 1000 for r in self.at[address].requests()]

    def errors(self):
        """{reason: failed calls}."""
        found = {}
        for series, n in self.it.page().family("tencentchat_api_request_errors_total").items():
            if n:
                reason = series.split('reason="')[1].split('"')[0]
                found[reason] = found.get(reason, 0) + n
        return found

    def all_up(self):
        page = self.it.page()
        return [page.one("tencentchat_community_up", community=c) for c in COMMUNITIES] == [1] * len(COMMUNITIES)

    def stays_up(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertTrue(self.all_up())
            time.sleep(0.2)

    def end_connections(self, address):
        """In the middle of the longest time between two calls, so that none of them is cut off."""
        phases = sorted(t % INTERVAL_S for t in self.calls(address)[-len(COMMUNITIES):])
        pauses = [(b - a, a) for a, b in zip(phases, [*phases[1:], phases[0] + INTERVAL_S])]
        pause_s, began = max(pauses)
        time.sleep((began + pause_s / 2 - time.monotonic()) % INTERVAL_S)
        self.at[address].certificate("wrong-host")

    def until_new_ones_fare(self, check, what, seconds):
        """The first true value of check(); meanwhile calls need new connections all the time."""
        end = time.monotonic() + seconds
        while not (value := check()):
            self.assertLess(time.monotonic(), end, what)
            self.end_connections(SECOND)
            time.sleep(0.2)
        return value

    def test_calls_go_where_they_are_answered(self):
        self.open(SECOND)
        port = int(self.at[SECOND].api.rsplit(":", 1)[1])
        block = app_block(self.at[SECOND].app(), f"https://{NAME}:{port}", str(self.trusted), COMMUNITIES)
        with contextlib.ExitStack() as hole:
            full(hole, f"{FIRST}:{port}")
            began = time.monotonic()
            self.it = self.exporter(f'poll: {{ interval = "{INTERVAL_S}s"; timeout = "6s"; }};\napps = (\n{block}\n);\n')
            self.swallowed()
        self.again(began, port)
        stopped = self.refused(port)
        self.distrusted(stopped)
        self.moved()

    def swallowed(self):
        """Those who come first wait for half of the time to connect, and nobody else; nobody's call is lost."""
        self.it.until(lambda p: len(p.family("tencentchat_community_up")) == len(COMMUNITIES), "polled", 10)
        self.stays_up(2 * INTERVAL_S)
        self.assertEqual({}, self.errors())
        page = self.it.page()
        took = page.family("tencentchat_community_poll_duration_seconds").values()
        self.assertLess(max(took), 1, "the address that swallows is left alone")

    def again(self, began, port):
        """A minute after it failed the first address is used again, and not before."""
        self.open(FIRST, port=port)
        used = self.until_new_ones_fare(lambda: self.calls(FIRST), "used again", REST_S + 20)[0]
        report("addresses", swallowing_used_again_s=used - began)
        self.assertGreaterEqual(used - began, REST_S + 1, "it failed a second after the start at the earliest")
        self.assertLess(used - began, REST_S + 3 + 3 * INTERVAL_S + SLACK_S)
        self.assertEqual({}, self.errors())

    def refused(self, port):
        """Nobody listens any more: all calls are answered by the other one."""
        n = len(self.calls(SECOND))
        stopped = time.monotonic()
        self.at[FIRST].stop()
        until(lambda: len(self.calls(SECOND)) > n + 2 * len(COMMUNITIES), "the other one answers", 10 * INTERVAL_S)
        self.assertTrue(self.all_up())
        self.assertEqual({}, {k: n for k, n in self.errors().items() if k != "reset"})
        self.assertLessEqual(sum(self.errors().values()), 1, "an answer may have been under way")
        self.open(FIRST, certificate="expired", port=port)
        return stopped

    def distrusted(self, stopped):
        """What is there now is not trusted: the calls that find out fail, and nothing is said to it."""
        first, second = self.at[FIRST], self.at[SECOND]
        self.until_new_ones_fare(lambda: self.errors().get("tls"), "tried again", REST_S + 20)
        self.assertGreaterEqual(time.monotonic() - stopped, REST_S, "not tried before its minute was over")
        opened = first.stats()["connections"]["opened"]
        until(self.all_up, "all are up again", 2 * INTERVAL_S + SLACK_S)
        failed = self.errors()["tls"]
        report("addresses", distrusted_after_s=time.monotonic() - stopped, failed=failed, opened=opened)
        self.assertLessEqual(failed, len(COMMUNITIES), "as many as were under way")
        self.end_connections(SECOND)  # everybody needs a new one
        self.stays_up(3 * INTERVAL_S)
        self.assertEqual(failed, self.errors()["tls"])
        self.assertEqual(failed, first.stats()["connections"]["opened"], "one connection a failed call, and no more")
        self.assertEqual([], first.requests(), "nothing is said to a stranger")

    def moved(self):
        """The name has one address now, although that one has just failed; the other one may be somebody else's."""
        first, second = self.at[FIRST], self.at[SECOND]
        before = self.errors()
        first.certificate("wrong-host")
        self.resolver.addresses = [FIRST]
        asked = time.monotonic()
        until(first.requests, "the new address is used", LOOKUP_S + 10)
        moved = time.monotonic()
        mark = second.last_request()
        self.stays_up(4 * INTERVAL_S)
        last = self.calls(SECOND)[-1]
        report("addresses", moved_after_s=moved - asked)
        self.assertLess(self.calls(FIRST)[0] - asked, LOOKUP_S + 2 * INTERVAL_S + SLACK_S)
        self.assertEqual([], [r["mono_ms"] / 1000 - moved for r in second.requests(since=mark)], "the old one is left alone")
        self.assertLess(last, self.calls(FIRST)[0] + 0.2, "kept connections to it too")
        self.assertGreaterEqual(len(first.requests()), 3 * len(COMMUNITIES))
        self.assertEqual(before, self.errors(), "no call was lost")


if __name__ == "__main__":
    if not namespace():
        print("no namespace can be made here: skipped")
        sys.exit(77)
    main()
