"""Several exporters share the communities of one configuration: each community has one of them, all together keep the
budget, and one exporter more takes its part and disturbs nobody else. They are told their numbers and nothing else."""

import hashlib
import re
import subprocess
import time

from harness import EXPORTER, ReplayTest, main, until

SCENARIO = """
seed = 6;
apps = (
  { sdkappid = 1400000001; identifiers = [ "administrator" ];
    communities = ( { count = 150; id = "@TGS#_named{3}"; topics = 2; messages_per_hour = 0; } ); },
  { sdkappid = 1400000002; identifiers = [ "administrator" ];
    communities = ( { count = 90; id = "@TGS#_listed{3}"; topics = 2; messages_per_hour = 0; } ); }
);
"""
NAMED, LISTED = 1400000001, 1400000002
LIST = "get_appid_group_list"
BUDGET, INTERVAL_S = 23, 10  # three have 7 each, four have 5
# The journal tells when a call came, which may be later than it went by what the machine makes it wait.
WINDOW_MS = 950
SERIES = re.compile(r'sdkappid="(\d+)",community="([^"]*)"')


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def owner(community, total):
    """As agent/shard.h describes it."""
    sdkappid, name = community
    key = int.from_bytes(hashlib.sha256(f"{sdkappid}/{name}".encode()).digest()[:8], "big")
    return max(range(total), key=lambda shard: mix(key ^ mix(shard + 1)))


def has(page):
    """Who stands on a page: {(sdkappid, community)}."""
    return {(int(app), name) for app, name in (SERIES.search(s).groups() for s in page.family("tencentchat_community_info"))}


class Shards(ReplayTest):
    def world(self):
        path = self.directory / "shards.scenario"
        path.write_text(SCENARIO, encoding="utf-8")
        return self.simulator(str(path))

    def text(self, chat, more=(), budget=BUDGET):
        """One configuration for all of them: an app with its communities, one that looks for them."""
        named = [f"@TGS#_named{i:03}" for i in range(1, 151)] + list(more)
        one = self.config(chat, named, poll=f'interval = "{INTERVAL_S}s";', sdkappid=NAMED, budget=float(budget))
        two = self.config(chat, [], sdkappid=LISTED, budget=float(budget)).partition("apps = ( { ")[2]
        return one.removesuffix(" );\n") + ', { discovery = { enabled = true; interval = "60s"; }; ' + two

    def start(self, text, total, word="{}"):
        return [self.exporter(text, f"--shard={word.format(n)}", f"--total-shards={total}", name=f"{n}of{total}")
                for n in range(total)]

    def all_up(self, exporters, n):
        """Their pages, when all n communities were read by somebody."""
        def look():
            pages = [e.page() for e in exporters]
            up = sum(v for page in pages for v in page.family("tencentchat_community_up").values())
            return pages if up == n else None
        return until(look, f"{n} communities are up", 60)

    def assert_shared(self, pages):
        """Each community is on the page of its owner and on no other. {community: shard}"""
        found = {}
        for shard, page in enumerate(pages):
            self.assertEqual((shard, len(pages)), (page.one("tencentchat_exporter_shard"),
                                                   page.one("tencentchat_exporter_total_shards")))
            for community in has(page):
                self.assertNotIn(community, found, "two shards have it")
                found[community] = shard
        self.assertEqual({c: owner(c, len(pages)) for c in found}, found)
        self.assertEqual(1, len({page.one("tencentchat_exporter_config_hash") for page in pages}))
        return found

    def assert_asked_by_its_owner(self, chat, since, shared):
        """A connection belongs to one process, so it carries communities of one shard; and nobody is asked too often."""
        shards, calls, times = {}, chat.requests(since), {}
        for r in calls:
            if r["command"] == "get_topic":
                community = r["sdkappid"], r["community"]
                shards.setdefault(r["connection"], set()).add(shared[community])
                times.setdefault(community, []).append(r["mono_ms"])
        self.assertEqual({1}, {len(who) for who in shards.values()})
        self.assertEqual(set(shared), set(times))
        for community, ms in times.items():
            gaps = [b - a for a, b in zip(ms, ms[1:])]
            self.assertGreater(min(gaps, default=1e9), 400 * INTERVAL_S, f"{community} at {ms}")

    def assert_within_budget(self, chat, since):
        for app in (NAMED, LISTED):
            busiest = chat.times(since, sdkappid=app, command="get_topic", window_ms=WINDOW_MS, list=0)["busiest"]["n"]
            self.assertLessEqual(busiest, BUDGET, app)
            self.assertGreaterEqual(busiest, 2, "there was something to count")
        lists = [r for r in chat.requests(since) if r["command"] == LIST]
        self.assertEqual({0}, {r["code"] for r in lists}, "no list is refused as too fast")
        self.assertEqual(1, chat.times(since, command=LIST, window_ms=WINDOW_MS, list=0)["busiest"]["n"])
        self.assertEqual({0}, {r["code"] for r in chat.requests(since)})

    def test_each_community_has_one_of_them_and_a_fourth_takes_its_part(self):
        chat = self.world()
        text = self.text(chat)
        three = self.start(text, 3)
        before = self.assert_shared(self.all_up(three, 240))
        for it in three:
            it.ready()
        mark, end = chat.last_request(), time.monotonic() + 2.2 * INTERVAL_S
        until(lambda: time.monotonic() > end, "two rounds", 60)
        self.assert_asked_by_its_owner(chat, mark, before)
        self.assert_within_budget(chat, 0)
        for shard, it in enumerate(three):
            page = it.page()
            self.assertEqual(BUDGET // 3, page.one("tencentchat_quota_budget_requests_per_second",
                                                   sdkappid=NAMED, command="get_topic"))
            own = sum(1 for app, _ in has(page) if app == NAMED)
            self.assertRegex(it.log(), rf"event=sharded shard={shard} total_shards=3 communities={own} configured=150")
            it.stop()
        mark = chat.last_request()
        four = self.start(text, 4, "tencentchat-exporter-{}")
        after = self.assert_shared(self.all_up(four, 240))
        moved = {c for c in before if before[c] != after[c]}
        self.assertEqual(set(before), set(after))
        self.assertEqual({3}, {after[c] for c in moved}, "to the new one only")
        self.assertTrue(0.15 * len(after) < len(moved) < 0.35 * len(after), len(moved))
        print(f"figures shards: {len(moved)} of {len(after)} moved; {[list(after.values()).count(n) for n in range(4)]}")
        self.assert_within_budget(chat, mark)
        self.reload(chat, four, after)

    def reload(self, chat, four, before):
        """Twenty communities more and another budget: everybody takes his own, and nobody else moves."""
        more = [f"@TGS#_more{i:02}" for i in range(20)]
        chat.change(community="@TGS#_more{2}", sdkappid=NAMED, count=20, first=0, create=True, topics=2)
        for it in four:
            it.config.write_text(self.text(chat, more, budget=41), encoding="utf-8")
            it.process.send_signal(1)  # SIGHUP
        after = self.assert_shared(self.all_up(four, 260))
        self.assertEqual(before, {c: shard for c, shard in after.items() if c in before})
        self.assertEqual(set(after) - set(before), {(NAMED, name) for name in more})
        for it in four:
            self.assertEqual(10, it.page().one("tencentchat_quota_budget_requests_per_second",
                                               sdkappid=NAMED, command="get_topic"))
            self.assertNotIn("restart_needed", it.log())

    def test_no_second_holds_more_than_the_budget_however_much_there_is_to_do(self):
        chat = self.world()
        config = self.config(chat, [f"@TGS#_named{i:03}" for i in range(1, 91)], sdkappid=NAMED, budget=float(BUDGET))
        shards = self.start(config, 3)
        self.assert_shared(self.all_up(shards, 90))
        mark, end = chat.last_request(), time.monotonic() + 10
        until(lambda: time.monotonic() > end, "ten seconds", 60)
        told = chat.times(mark, command="get_topic", window_ms=WINDOW_MS, list=0)
        self.assertLessEqual(chat.times(0, command="get_topic", window_ms=WINDOW_MS, list=0)["busiest"]["n"], BUDGET)
        self.assertGreater(told["n"], 10 * 3 * (BUDGET // 3) * 0.8, "and it is spent")
        print(f"figures shards: {told['n'] / 10:.1f} calls/s of {BUDGET}, busiest second {told['busiest']['n']}")

    def test_a_list_refused_because_of_somebody_elses_is_read_soon(self):
        """Shards on several machines, and the backend, share the one call a second without knowing of each other."""
        chat = self.world()
        chat.fault(kind="error", code=60007, command=LIST, count=1)
        config = self.config(chat, [], sdkappid=LISTED, budget=float(BUDGET))
        config = config.replace("communities = (", 'discovery = { enabled = true; interval = "1h"; }; communities = (')
        it = self.start(config, 3)[0]
        mine = {c for c in ((LISTED, f"@TGS#_listed{i:03}") for i in range(1, 91)) if owner(c, 3) == 0}
        page = it.until(lambda p: sum(p.family("tencentchat_community_up").values()) == len(mine), "the list is read", 60)
        self.assertEqual(mine, has(page))
        self.assertEqual(1, page.one("tencentchat_quota_throttled_total", command=LIST))

    def test_a_shard_without_communities_is_ready_and_well(self):
        chat = self.simulator()
        config = self.config(chat)
        community = (chat.app()["sdkappid"], chat.world()["communities"][0]["community"])
        self.assertEqual(1, len(chat.world()["communities"]))
        for shard, it in enumerate(self.start(config, 3)):
            it.ready()
            page = it.page()
            self.assertEqual({community} if shard == owner(community, 3) else set(), has(page))
            self.assertEqual(1, page.one("tencentchat_exporter_ready"))
            self.assertEqual(200, it.get("/-/healthy")[0])
            self.assertEqual(shard == owner(community, 3), sum(page.family("tencentchat_app_communities").values()))
            self.assertNotEqual(0, page.one("tencentchat_app_up"))

    # Without a service

    def run_it(self, text, *flags, status=0):
        path = self.directory / "shard.cfg"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([EXPORTER, f"--config.file={path}", *flags], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(status, done.returncode, done.stderr)
        return done

    def made_up(self, n, budget):
        ids = ", ".join(f'"@TGS#_{i:04}"' for i in range(n))
        return ('apps = ( { name = "prod"; sdkappid = 1400000001; identifier = "administrator"; secret_key = "k"; '
                f'region = "singapore"; budget = {budget:.1f}; communities = ( {ids} ); }} );\n')

    def test_the_plan_is_that_of_the_shard(self):
        text = self.made_up(900, 20)
        own = [sum(owner((1400000001, f"@TGS#_{i:04}"), 3) == n for i in range(900)) for n in range(3)]
        for n in range(3):
            done = self.run_it(text, "--config.check", f"--shard={n}", "--total-shards=3")
            self.assertIn(f"# The plan of shard {n}, one of 3 counted from 0:", done.stdout)
            self.assertIn(f"#   communities      {own[n]} of 900 configured, discovery off\n", done.stdout)
            self.assertIn(f"#   calls            {own[n] / 60:.3f}/s of a budget of 6/s, its part of 20/s\n", done.stdout)
            self.assertEqual(900, len(re.findall(r'id = "@TGS#_\d+"', done.stdout)), "the configuration is the whole")
            self.assertIn("budget = 20", done.stdout)
            again = self.run_it(done.stdout, "--config.check", f"--shard={n}", "--total-shards=3").stdout
            self.assertEqual(done.stdout, again)

    def test_a_part_that_does_not_suffice_is_told_with_a_budget_that_does(self):
        text = self.made_up(900, 9)
        told = self.run_it(text, "--config.check", "--shard=0", "--total-shards=3", status=2).stderr
        own = sum(owner((1400000001, f"@TGS#_{i:04}"), 3) == 0 for i in range(900))
        self.assertIn(f"app 'prod': {own} communities need {own / 60:.3f} calls/s, and its budget is 3; ", told)
        self.assertIn("(shard 0 of 3 has 3 of a budget of 9)", told)
        budget = int(re.search(r"or budget = (\d+) does", told).group(1))
        self.run_it(self.made_up(900, budget), "--config.check", "--shard=0", "--total-shards=3")
        self.run_it(self.made_up(900, budget - 1), "--config.check", "--shard=0", "--total-shards=3", status=2)
        told = self.run_it(self.made_up(9, 2), "--config.check", "--shard=0", "--total-shards=3").stderr
        self.assertIn("its budget of 2/s is 0.666/s for each of 3 shards", told)
        self.assertIn("budget = 3 or fewer shards keep them apart", told)
        self.assertNotIn("for each of", self.run_it(self.made_up(9, 3), "--config.check", "--shard=0", "--total-shards=3").stderr)

    def test_once_polls_its_part(self):
        chat = self.simulator("many.scenario")
        ids = [c["community"] for c in chat.world()["communities"]][:60]
        config = self.config(chat, ids, budget=200.0)
        seen = []
        for n in range(3):
            page = self.run_it(config, "--once", f"--shard={n}", "--total-shards=3").stdout
            seen += re.findall(r'^tencentchat_community_up\{.*community="([^"]*)"\} 1$', page, re.M)
        self.assertEqual(sorted(ids), sorted(seen))
        self.assertEqual(60, len([r for r in chat.requests() if r["command"] == "get_topic"]))

    def test_wrong_flags_are_usage_errors(self):
        text = self.made_up(1, 20)
        for flags, why in ((["--shard=0"], "flag '--shard' needs '--total-shards' as well"),
                           (["--total-shards=3"], "flag '--total-shards' needs '--shard' as well"),
                           (["--shard=3", "--total-shards=3"], "'3' is not below '--total-shards', 3"),
                           (["--shard=pod", "--total-shards=3"], "'pod' is neither a number nor the name of a pod"),
                           (["--shard=0", "--total-shards=0"], "'0' is not a number from 1 to 1024")):
            for mode in ([], ["--config.check"], ["--once"]):
                told = self.run_it(text, *flags, *mode, status=2).stderr
                self.assertIn(why, told)


if __name__ == "__main__":
    main()
