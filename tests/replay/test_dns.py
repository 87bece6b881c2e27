"""The resolver is dead: the loop turns, pages are served, and whoever has an address goes on with it.

In a network namespace with a DNS server of the test's own; where none can be made, with a getaddrinfo of the test's own
(the short way of the same story is played there always, so that it does not rot). The simulator shows the certificate it
has for another host: that host's name is the one that only this resolver knows.
"""

import sys
import time
import unittest

from gauges import Machine, Prober, longest_turn_ms, report
from harness import SMALL, ReplayTest, main, until
from names import ALIVE, DEAD, DENYING, Server, Stub, namespace

NAME = "somewhere.else.example"
UP = "tencentchat_community_up"
SUCCESS = "tencentchat_community_last_success_timestamp_seconds"
TURN_MS = 250
SCRAPE_S = 0.05
IN_NAMESPACE = namespace()


class Dns(ReplayTest):
    def story(self, kind, dead_s):
        chat = self.simulator("small.scenario", "--certificate=wrong-host")
        resolver = self.stack.enter_context(kind(NAME, self.directory))
        resolver.say(DEAD)
        api = f"https://{NAME}:{chat.api.rsplit(':', 1)[1]}"
        exporter = self.exporter(self.config(chat, communities=[SMALL], api=api, poll='interval = "2s"; timeout = "4s";'),
                                 "--log.level=debug", *resolver.flags, environment=resolver.environment)
        with Machine() as machine, Prober(exporter, "/metrics", 0.02) as prober:
            self.dead_from_the_start(exporter)
            resolver.say(ALIVE)
            exporter.until(lambda p: p.one(UP) == 1, "up", 45)
            self.dead_after_good_days(exporter, chat, resolver, dead_s)
            resolver.say(DENYING)
            self.goes_on(exporter, 5)
            resolver.say(ALIVE)
            self.goes_on(exporter, 5)
        self.assertEqual(3, len(exporter.page().family("tencentchat_topic_info")))
        exporter.stop()
        log = exporter.log()
        report(f"dns_{kind.__name__.lower()}", dead_s=dead_s, lookups=resolver.asked, scrapes=prober.text(),
               slow_turn_ms=longest_turn_ms(log), machine_stall_ms=1000 * machine.worst_s)
        self.assertEqual([], prober.failed)
        stalled_s = max(machine.worst_s, *prober.waiting_s)
        self.assertLess(longest_turn_ms(log), TURN_MS + 1000 * stalled_s)
        self.assertLess(max(prober.took_s), SCRAPE_S + 2 * stalled_s, "the machine's own stalls left out, of both processes")

    def dead_from_the_start(self, exporter):
        page = exporter.until(lambda p: p.one(UP) == 0, "the first poll failed")
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", reason="dns", code=""))
        self.assertGreater(page.one("tencentchat_api_request_errors_total", command="get_topic", reason="dns", code=""), 0)
        self.assertEqual({}, page.family(SUCCESS))
        exporter.ready()
        exporter.until(lambda p: p.one("tencentchat_app_up") == 0, "the app is down")
        self.assertEqual(200, exporter.get("/-/healthy")[0])
        self.assertIn("reason=dns", exporter.log())

    def goes_on(self, exporter, seconds):
        """Polls succeed all the time, at their pace."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page = exporter.page()
            self.assertEqual(1, page.one(UP))
            self.assertLess(time.time() - page.one(SUCCESS), 5, "one interval, whole seconds, and a stall")
            time.sleep(0.2)

    def dead_after_good_days(self, exporter, chat, resolver, dead_s):
        """Connections are ended all the time, so that each few polls need the address anew."""
        resolver.say(DEAD)
        asked, opened, began = resolver.asked, chat.stats()["connections"]["opened"], time.monotonic()
        errors = exporter.page().family("tencentchat_api_request_errors_total")
        while time.monotonic() - began < dead_s:
            chat.certificate("wrong-host")
            self.goes_on(exporter, 3)
        self.assertGreater(chat.stats()["connections"]["opened"], opened + dead_s / 10, "new connections were needed")
        if dead_s >= 60:
            until(lambda: resolver.asked > asked, "the name was looked up again, in vain", 30)
            self.goes_on(exporter, 12)
        after = exporter.page().family("tencentchat_api_request_errors_total")
        self.assertEqual(sum(v for s, v in errors.items() if 'reason="dns"' in s),
                         sum(v for s, v in after.items() if 'reason="dns"' in s), "no call failed for the name")

    @unittest.skipUnless(IN_NAMESPACE, "no namespace can be made here")
    def test_dead_for_a_minute_in_a_namespace(self):
        self.story(Server, 60)

    @unittest.skipUnless(Stub.possible(), "no compiler here")
    def test_dead_with_a_resolver_of_our_own(self):
        self.story(Stub, 12 if IN_NAMESPACE else 60)


if __name__ == "__main__":
    if not IN_NAMESPACE and not Stub.possible():
        print("neither a namespace nor a compiler: skipped")
        sys.exit(77)
    main()
