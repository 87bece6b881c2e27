"""Communities that nobody configured: found, filtered, kept apart from the configured ones, and forgotten."""

import json
import time

from gauges import report
from harness import ReplayTest, main, until

SCENARIO = """
seed = 5;
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( {communities} ); }} );
"""
LIST = "get_appid_group_list"
UP = "tencentchat_community_up"
INTERVAL_S = 2
SHOPS = [f"@TGS#_shop{i:02}" for i in range(1, 41)]
STAFF = [f"@TGS#_shop{i:02}" for i in range(36, 41)]  # excluded
OWN = "@TGS#_shop01"  # configured as well
OUTSIDER = "@TGS#_shop40"  # configured, and excluded from discovery
BORN = [f"@TGS#_shopnew{i}" for i in range(1, 6)]
DEAD = SHOPS[10:15]
STAY = [i for i in SHOPS[:35] if i not in DEAD]


class DiscoveryTest(ReplayTest):
    def world(self, *communities):
        path = self.directory / "discovery.scenario"
        path.write_text(SCENARIO.format(communities=", ".join(communities)), encoding="utf-8")
        return self.simulator(str(path))

    def discover(self, chat, rules="", communities=(), poll=f'interval = "{INTERVAL_S}s";', **options):
        config = self.config(chat, communities=list(communities), poll=poll, **options)
        end = config.rindex("communities = (")
        return config[:end] + f'discovery = {{ enabled = true; interval = "60s"; {rules} }}; ' + config[end:]

    @staticmethod
    def communities(page):
        return {s.split('community="', 1)[1].split('"', 1)[0]: v for s, v in page.family(UP).items()}


class Discovery(DiscoveryTest):
    """One world of two list pages and three lists, a minute apart: a whole one, one that breaks off, a whole one."""

    def setUp(self):
        super().setUp()
        # The shops stand on the first page but for those born later, which the second one has.
        self.chat = self.world(
            '{ count = 40; id = "@TGS#_shop{2}"; name = "shop {}"; topics = 2; messages_per_hour = 7200; }',
            '{ count = 9990; id = "@TGS#_else{5}"; topics = 1; }')
        own = f'{{ id = "{OWN}"; name = "ours"; labels = {{ team = "emea"; }}; }}'
        self.it = self.exporter(self.discover(
            self.chat, 'include = [ "@TGS#_shop*" ]; exclude = [ "@TGS#_shop3[6-9]", "*40" ];',
            [own, f'{{ id = "{OUTSIDER}"; }}'], budget=100.0))

    def lists(self, since=0):
        return [r for r in self.chat.requests(since) if r["command"] == LIST]

    def phases_ms(self, since):
        """Where in the interval each community was asked, on average; by the service's clock, which is ours."""
        period_ms, found = 1000 * INTERVAL_S, {}
        for r in self.chat.requests(since):
            if r["command"] == "get_topic":
                found.setdefault(r["community"], []).append(r["mono_ms"] % period_ms)
        # Around the first value, so that a phase near the end of the interval is not averaged with one near its start.
        return {i: (p[0] + sorted((x - p[0] + period_ms / 2) % period_ms - period_ms / 2 for x in p)[len(p) // 2]) % period_ms
                for i, p in found.items()}

    def assert_same_phases(self, before, after):
        period_ms = 1000 * INTERVAL_S
        moved = {i: abs((after[i] - before[i] + period_ms / 2) % period_ms - period_ms / 2) for i in STAY}
        report("discovery", phase_moved_most_ms=max(moved.values()))
        self.assertLess(max(moved.values()), 100, "1 % of jitter, and the way there")

    def all_polled(self, wanted):
        return self.it.until(lambda p: set(self.communities(p)) == set(wanted) and
                             sum(p.family("tencentchat_app_communities").values()) == len(wanted), f"{len(wanted)} polled", 90)

    def test_they_appear_and_vanish_and_nobody_else_notices(self):
        expected = set(SHOPS[:35]) | {OUTSIDER}
        page = self.all_polled(expected)
        self.it.ready()
        self.check_first_list(page)
        mark = self.chat.last_request()
        first = self.it.until(lambda p: len(self.phases_ms(mark)) == len(expected), "everybody asked again")
        until(lambda: len(self.chat.requests(mark)) > 4 * len(expected), "four polls of each")
        before = self.phases_ms(mark)
        mark = self.chat.last_request()
        for i in DEAD:
            self.chat.change(community=i, delete=True)
        for i in BORN:
            self.chat.change(community=i, create=True, topics=1)
        self.check_broken_list(mark, len(expected))
        mark = self.chat.last_request()
        page = self.all_polled((expected - set(DEAD)) | set(BORN))
        self.assertEqual({}, {i: v for i, v in self.communities(page).items() if v != 1})
        self.assertEqual(0, page.one("tencentchat_app_communities", state="gone"))
        for i in DEAD:
            self.assertNotIn(f'community="{i}"', page.text)
        mark = self.chat.last_request()
        until(lambda: len(self.chat.requests(mark)) > 4 * len(expected), "four polls of each")
        self.assert_same_phases(before, self.phases_ms(mark))
        self.check_facts_of_others(first)
        self.check_configured_stays()

    def check_first_list(self, page):
        lists = self.lists()
        self.assertEqual([0, 0], [r["code"] for r in lists], "two pages")
        self.assertGreater(json.loads(lists[1]["question"])["Next"], 2**63, "a cursor beyond every signed integer")
        for i in STAFF[:-1]:
            self.assertNotIn(i, page.text)
        self.assertEqual(1, page.one("tencentchat_community_info", community=OWN, community_name="ours", team="emea"))
        self.assertEqual(36, len(page.family("tencentchat_community_info")))
        self.assertEqual(1, page.one("tencentchat_community_topics", community=OWN) / 2)

    def check_broken_list(self, mark, known):
        """The second page of the next list says 10006, and again: the list ends, nothing is removed, get_topic keeps its pace."""
        self.chat.fault(kind="error", code=10006, command=LIST, after=1, count=2)
        until(lambda: [r["code"] for r in self.lists(mark)] == [0, 10006, 10006], "a list that breaks off", 90)
        broke_ms = self.lists(mark)[-1]["mono_ms"]
        page = self.it.until(lambda p: p.one("tencentchat_quota_throttled_total", command=LIST) == 2, "10006 counted")
        self.assertEqual(0, page.one("tencentchat_quota_throttled_total", command="get_topic"))
        end = time.monotonic() + 5
        while time.monotonic() < end:
            page = self.it.page()
            self.assertEqual(100, page.one("tencentchat_quota_effective_requests_per_second", command="get_topic"))
            self.assertEqual(known, sum(page.family("tencentchat_app_communities").values()), "nothing was removed")
            time.sleep(0.2)
        self.assertEqual(1, page.one("tencentchat_app_up"))
        self.assertEqual(len(DEAD), page.one("tencentchat_app_communities", state="gone"))
        for i in BORN:
            self.assertNotIn(i, page.text)
        asked = [r for r in self.chat.requests(mark) if r["command"] == "get_topic" and r["mono_ms"] > broke_ms]
        times = {i: [r["mono_ms"] for r in asked if r["community"] == i] for i in STAY}
        self.assertGreaterEqual(min(map(len, times.values())), 2, "nobody was asked more rarely")
        self.assertRegex(self.it.log(), r"event=discovery_failed .*code=10006")

    def check_facts_of_others(self, first):
        """What was counted goes on from where it was."""
        page = self.it.page()
        for i in STAY:
            name = "tencentchat_community_messages_total"
            seen = sum(t["NextMsgSeq"] - 1 for t in self.chat.world(i)["topics"])
            facts = sum(v for s, v in page.family("tencentchat_topic_messages_total").items() if f'community="{i}"' in s)
            self.assertGreaterEqual(page.one(name, community=i), first.one(name, community=i) + 100, "two minutes, 2 a second")
            self.assertLess(seen - facts, 40, "facts are fresh")

    def check_configured_stays(self):
        """A community of the file is not the list's to remove."""
        self.chat.change(community=OWN, delete=True)
        mark = self.chat.last_request()
        until(lambda: len(self.lists(mark)) == 2, "another list", 90)
        page = self.it.until(lambda p: p.one("tencentchat_app_communities", state="gone") == 1, "gone, and still here")
        self.assertEqual(1, page.one("tencentchat_community_info", community=OWN, team="emea"))
        self.assertEqual(0, page.one(UP, community=OWN))
        self.chat.change(community=OWN, create=True)
        self.it.until(lambda p: p.one(UP, community=OWN) == 1, "and back", 60)


if __name__ == "__main__":
    main()
