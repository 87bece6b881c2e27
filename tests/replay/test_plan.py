"""--config.check: its plan against real pages, and what it refuses."""

import re
import subprocess

from harness import EXPORTER, ReplayTest, main, opened

KEY = "k" * 64


def run(*flags):
    return subprocess.run([EXPORTER, *map(str, flags)], capture_output=True, text=True, timeout=60, check=False)


class Plan(ReplayTest):
    def check(self, text, status=0):
        path = self.directory / "plan.cfg"
        path.write_text(text, encoding="utf-8")
        done = run(f"--config.file={path}", "--config.check")
        self.assertEqual(status, done.returncode, done.stderr)
        return done

    def made_up(self, communities, app="", root=""):
        ids = ", ".join(c if c.startswith("{") else f'"{c}"' for c in communities)
        return (f'{root}\napps = ( {{ name = "prod"; sdkappid = 1400000001; identifier = "administrator"; '
                f'secret_key = "{KEY}"; region = "singapore"; {app} communities = ( {ids} ); }} );\n')

    def figures(self, text, title):
        """The lines of one part of the plan, by their first word."""
        part = text.partition(f"# {title}\n")[2].partition("\n#\n")[0]
        self.assertTrue(part, text)
        return dict(re.findall(r"^#   (\S.*?) {2,}(.*)$", part, re.M))

    def size(self, text):
        number, unit = re.match(r"([\d.]+) (kB|MB)", text).groups()
        return float(number) * {"kB": 1e3, "MB": 1e6}[unit]

    def near(self, expected, real, what):
        self.assertLess(abs(expected - real), 0.25 * real, f"{what}: expected {expected}, in fact {real}")

    def compare(self, root="", **options):
        """The plan of a hundred simulated communities against the page that comes of them."""
        chat = self.simulator("many.scenario", name=f"chat{len(root)}")
        ids = [f"@TGS#_@TGS#cMANY{i:05d}" for i in range(100)]
        known = {c["community"] for c in chat.world()["communities"]}
        ids = [i for i in ids if i in known]
        self.assertGreater(len(ids), 90)
        config = self.config(chat, ids, poll='interval = "5s";', root=root, budget=100.0, **options)
        plan = self.check(config).stdout
        exporter = self.exporter(config, name=f"exporter{len(root)}").ready()
        page = exporter.page()
        for title in ("a scrape of all apps", f"app '{chat.app()['sdkappid']}'"):
            told = self.figures(plan, title)
            self.near(int(told["series"].split(":")[0]), len(page.samples), f"series, {title}")
            self.near(self.size(told["bytes"]), len(page.text.encode()), f"bytes, {title}")
            status, headers, body = exporter.raw(headers={"Accept-Encoding": "gzip"})
            self.assertEqual((200, "gzip"), (status, headers["Content-Encoding"]))
            self.assertTrue(opened(body))
            self.near(self.size(told["bytes"].partition("with gzip ")[2]), len(body), f"gzip, {title}")
            self.assertGreater(int(told["sample_limit"]), len(page.samples))
        required = page.one("tencentchat_quota_required_requests_per_second", command="get_topic")
        self.assertEqual(required, float(told_calls(self.figures(plan, f"app '{chat.app()['sdkappid']}'"))))
        return plan

    def test_it_is_near_the_pages_that_come(self):
        self.compare()

    def test_it_knows_levels_caps_and_disabled_metrics(self):
        self.compare(root='metrics: { level = "community"; };')
        self.compare(root='metrics: { disable = [ "tencentchat_topic_info", "tencentchat_community_up" ]; };')
        plan = self.compare(root="metrics: { max_series = 5000; };")
        self.assertIn("the quietest topics are folded", plan)

    def test_it_is_a_configuration_that_loads_and_says_the_same(self):
        labels = ('{ id = "@TGS#_b"; name = "a \\"b\\""; labels = { team = "x"; }; from_account = "mod"; '
                  'topics = [ "t1", "t2" ]; }')
        first = self.check(self.made_up(["@TGS#_a", labels], app='discovery = { enabled = true; };')).stdout
        self.assertNotIn(KEY, first)
        second = self.check(first).stdout
        self.assertEqual(first, second)
        self.assertIn("each discovered", first)

    def test_more_than_the_budget_is_refused_with_an_interval_that_fits(self):
        many = [f"@TGS#_{i}" for i in range(601)]
        text = self.made_up(many, app="budget = 5.0;")
        done = self.check(text, status=2)
        self.assertRegex(done.stderr, r"plan\.cfg:\d+: app 'prod': 601 communities need 10\.017 calls/s, and its budget is 5; "
                                      r'interval = "3m" for all of them fits, or budget = 11 does')
        self.assertIn("10.017/s of a budget of 5/s", done.stdout)
        self.check(self.made_up(many, app='budget = 5.0; interval = "3m";'))
        self.check(self.made_up(many, app="budget = 11.0;"))
        self.check(self.made_up(many[:300], app="budget = 5.0;"))

    def test_adaptive_intervals_may_be_too_short_but_not_too_long(self):
        many = [f"@TGS#_{i}" for i in range(600)]
        done = self.check(self.made_up(many, app='budget = 5.0; adaptive = { min = "10s"; max = "5m"; };'))
        self.assertIn("warning: app 'prod' needs 10.000 calls/s to begin with", done.stderr)
        self.assertIn("2.000/s when nobody talks, 60.000/s when everybody does", done.stdout)
        done = self.check(self.made_up(many, app='budget = 5.0; adaptive = { min = "10s"; max = "90s"; };'), status=2)
        self.assertIn('adaptive.max = "2m" for all of them fits', done.stderr)

    def test_calls_in_flight_that_do_not_suffice_are_a_warning(self):
        done = self.check(self.made_up(["@TGS#_a"], app="budget = 150.0;"))
        self.assertIn("its budget of 150/s needs 45 of them in flight; poll.max_inflight is 32", done.stderr)
        done = self.check(self.made_up(["@TGS#_a"], app="budget = 150.0;", root="poll: { max_inflight = 45; };"))
        self.assertNotIn("in flight", done.stderr)

    def test_flags_win_over_the_file(self):
        path = self.directory / "flags.cfg"
        path.write_text(self.made_up(["@TGS#_a"], root="web: { enable_lifecycle = true; };"))
        done = run(f"--config.file={path}", "--config.check", "--no-web.enable-lifecycle", "--web.max-requests=7",
                   "--log.level=debug", "--web.listen-address=:1", "--web.listen-address=:2")
        self.assertEqual(0, done.returncode, done.stderr)
        for line in ("enable_lifecycle = false;", "max_requests = 7;", 'level = "debug";', 'listen = [ ":1", ":2" ];'):
            self.assertIn(line, done.stdout)
        for flag in ("--web.max-requests=x", "--log.level=loud", "--log.format=xml", "--web.enable-lifecycle=1"):
            done = run(f"--config.file={path}", "--config.check", flag)
            self.assertEqual(2, done.returncode, flag)
            self.assertIn(flag.partition("=")[0], done.stderr)

    def test_the_listeners_own_file_is_checked_too(self):
        path = self.directory / "web.cfg"
        path.write_text(self.made_up(["@TGS#_a"]))
        missing = self.directory / "none.cfg"
        done = run(f"--config.file={path}", "--config.check", f"--web.config.file={missing}")
        self.assertEqual(2, done.returncode)
        self.assertIn(str(missing), done.stderr)


def told_calls(part):
    return part["calls"].partition("/s")[0]

    def test_communities_of_lists_are_counted_and_printed_once(self):
        (self.directory / "more.list").write_text("# shops\n@TGS#_c\n@TGS#_d\n")
        first = self.check(self.made_up(["@TGS#_a"], app='communities_files = [ "*.list" ];')).stdout
        self.assertIn("3 configured, 2 of them in 1 lists, discovery off", first)
        second = self.check(first).stdout
        self.assertIn("3 configured", second)
        self.assertEqual(self.figures(first, "app 'prod'")["series"], self.figures(second, "app 'prod'")["series"])


if __name__ == "__main__":
    main()
