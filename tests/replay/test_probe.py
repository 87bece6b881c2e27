"""One call now, for whoever waits for it: /probe, and /sd, which tells Prometheus whom to probe."""

import concurrent.futures
import json
import pathlib
import re
import shutil
import signal
import socket
import time
import unittest
import urllib.parse

from harness import GENERAL, OPENMETRICS, SMALL, Page, ReplayTest, TESTS, app_block, main, opened, until
from test_prometheus import Server

EXAMPLE = TESTS.parent / "deploy" / "prometheus" / "probe.yml"
TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
TWIN = '{ id = "@TGS#_twin%d"; name = "twin"; }'
# What a page says of its own call, and not of what the service answered.
OWN = ("probe_", "tencentchat_community_last_poll_", "tencentchat_community_last_success_",
       "tencentchat_community_poll_duration_")


def path_of(community, app=None):
    return "/probe?" + urllib.parse.urlencode({**({"app": app} if app else {}), "community": community})


def probe(it, community, app=None, **headers):
    """(status, headers, page; the body where there is none)"""
    status, fields, body = it.raw(path_of(community, app), headers={k.replace("_", "-"): v for k, v in headers.items()})
    return status, fields, Page(body.decode(), fields["Content-Type"]) if status == 200 else body.decode()


def facts(page, community):
    return {s: v for s, v in page.samples.items() if f'community="{community}"' in s and not s.startswith(OWN)}


class ProbeTest(ReplayTest):
    def many(self, n, topics=2):
        path = self.directory / "probe.scenario"
        path.write_text('seed = 5; apps = ( { sdkappid = 1400000001; identifiers = [ "administrator" ]; communities = ( '
                        f'{{ count = {n}; id = "@TGS#_p{{4}}"; name = "room {{}}"; topics = {topics}; }} ); }} );\n',
                        encoding="utf-8")
        return self.simulator(str(path))

    def quiet(self, chat, n, poll="1h", **options):
        """An exporter that polls nobody once all are known."""
        it = self.exporter(self.config(chat, [f"@TGS#_p{i:04}" for i in range(1, n + 1)],
                                       poll=f'interval = "{poll}";', **{"name": "prod", "budget": 100.0, **options}))
        it.until(lambda p: sum(p.family("tencentchat_community_up").values()) == n, "everybody was polled")
        return it


class Pages(ProbeTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator()
        self.it = self.exporter(self.config(
            self.chat, [f'{{ id = "{SMALL}"; name = "Shop & Co"; labels = {{ team = "emea"; }}; }}'], name="prod",
            from_account="administrator", poll='interval = "1h";'))
        self.it.until(lambda p: p.one("tencentchat_community_up") == 1, "polled")

    def test_a_page_has_what_metrics_has_of_the_community(self):
        want = facts(self.it.page(), SMALL)
        self.assertGreater(len(want), 25)
        for app, name in (("prod", SMALL), ("prod", "Shop & Co"), (None, SMALL)):
            status, _, page = probe(self.it, name, app)
            self.assertEqual(200, status)
            self.assertEqual(want, facts(page, SMALL))
            self.assertEqual(1, page.one("probe_success"))
            self.assertTrue(0 <= page.one("probe_duration_seconds") < 5)
            self.assertEqual([], [s for s in page.samples if not s.startswith(("probe_", "tencentchat_topic_",
                                                                               "tencentchat_community_"))])
        self.assertNotIn("probe_", self.it.page().text)

    def test_every_form(self):
        want = facts(self.it.page(), SMALL)
        for accept in ("text/plain", OPENMETRICS):
            for coding in ("identity", "gzip"):
                status, fields, body = self.it.raw(path_of(SMALL), headers={"Accept": accept, "Accept-Encoding": coding})
                self.assertEqual((200, None if coding == "identity" else "gzip"), (status, fields["Content-Encoding"]))
                body = opened(body) if coding == "gzip" else body
                page = Page(body.decode(), fields["Content-Type"])
                self.assertEqual(want, facts(page, SMALL))
                self.assertEqual(accept == OPENMETRICS, page.text.endswith("# EOF\n"))
        status, fields, body = self.it.raw(path_of(SMALL), method="HEAD")
        self.assertEqual((200, b""), (status, body))
        with socket.create_connection(self.it.address.rsplit(":", 1), 10) as s:
            s.sendall(f"GET {path_of(SMALL)} HTTP/1.0\r\n\r\n".encode())
            text = b"".join(iter(lambda: s.recv(65536), b""))
        head, _, body = text.partition(b"\r\n\r\n")
        self.assertIn(f"Content-Length: {len(body)}\r\n".encode(), head + b"\r\n")
        self.assertEqual(want, facts(Page(body.decode()), SMALL))

    def test_what_a_probe_finds_is_its_own(self):
        before = self.it.page()
        self.chat.change(community=SMALL, topic=GENERAL, set={"NextMsgSeq": 2000})
        _, _, page = probe(self.it, SMALL)
        self.assertEqual(1999, page.one("tencentchat_topic_messages_total", topic=GENERAL))
        self.assertEqual(1999 - 1233, page.one("tencentchat_community_messages_total"))
        after = self.it.page()
        self.assertEqual(1233, after.one("tencentchat_topic_messages_total", topic=GENERAL))
        for name in ("tencentchat_community_last_poll_timestamp_seconds", "tencentchat_community_messages_total"):
            self.assertEqual(before.one(name), after.one(name))
        # The call itself is counted: the quota is the app's.
        self.assertEqual(before.one("tencentchat_api_requests_total", command="get_topic") + 1,
                         after.one("tencentchat_api_requests_total", command="get_topic"))

    def test_what_cannot_be_asked(self):
        mark = self.chat.last_request()
        community = urllib.parse.quote(SMALL, safe="")
        for query, status in (("", 400), ("?app=prod", 400), ("?community=", 400), (f"?app=&community={community}", 400),
                              (f"?app=other&community={community}", 400), ("?app=prod&community=nobody", 404),
                              ("?community=http%3A%2F%2F127.0.0.1%2F", 404), (f"?app=prod&community={SMALL[:5]}", 404),
                              (f"?community={community}&community={community}", 400),
                              (f"?app=prod&app=prod&community={community}", 400),
                              ("?community=%3Cscript%3E", 404), ("?community=" + "a" * 3000, 404)):
            got, fields, body = self.it.raw("/probe" + query)
            self.assertEqual(status, got, query)
            self.assertEqual("text/plain; charset=utf-8", fields["Content-Type"])
            self.assertNotIn(b"script", body)
        self.assertEqual(405, self.it.raw(path_of(SMALL), method="POST")[0])
        self.assertEqual(mark, self.chat.last_request(), "nothing was sent")
        self.assertEqual(5, self.it.page().one("tencentchat_exporter_http_requests_total", handler="/probe", code="404"))

    def test_a_failing_community_is_told_with_its_reason_and_no_facts(self):
        self.chat.change(community=SMALL, set={"ErrorCode": 10007})
        status, _, page = probe(self.it, SMALL)
        self.assertEqual((200, 0, 0), (status, page.one("probe_success"), page.one("tencentchat_community_up")))
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", code="10007"))
        self.assertEqual({}, page.family("tencentchat_community_topics"))
        self.assertNotIn("tencentchat_topic_", page.text)
        page = self.it.page()
        self.assertEqual((1, 0), (page.one("tencentchat_community_up"), page.one("tencentchat_community_consecutive_failures")))

    def test_a_service_that_says_nothing_is_told_before_the_reader_gives_up(self):
        self.chat.fault(kind="hang", count=1)
        began = time.monotonic()
        status, _, page = probe(self.it, SMALL, **{TIMEOUT: "1.5"})
        took = time.monotonic() - began
        self.assertTrue(0.9 < took < 5, took)  # poll.timeout would be 10 s
        self.assertEqual((200, 0), (status, page.one("probe_success")))
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", reason="timeout", code=""))
        self.assertTrue(0.9 < page.one("probe_duration_seconds") < 5)
        self.assertEqual(1, probe(self.it, SMALL)[2].one("probe_success"))

    def test_who_asks_for_the_same_meanwhile_shares_the_call(self):
        mark = self.chat.last_request()
        self.chat.fault(kind="delay", ms=1000, count=1)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            pages = list(pool.map(lambda i: probe(self.it, SMALL, Accept=OPENMETRICS if i % 2 else "text/plain"), range(20)))
        self.assertEqual({(200, 1)}, {(status, page.one("probe_success")) for status, _, page in pages})
        self.assertEqual(1, len(self.chat.requests(since=mark)))

    def test_nothing_secret_is_said(self):
        with open(self.chat.app()["secret_key_file"], encoding="ascii") as f:
            key = f.read().strip()
        self.chat.fault(kind="status", status=503, count=1, body="usersig=" + key)
        text = "".join(str(p.text if isinstance(p, Page) else p) for p in
                       (probe(self.it, SMALL)[2], probe(self.it, SMALL)[2], probe(self.it, "x")[2]))
        text += self.it.raw("/sd")[2].decode() + self.it.log()
        self.assertNotIn(key, text)
        self.assertNotIn("usersig", text.replace("usersig_", ""))


class Budget(ProbeTest):
    def test_without_budget_before_the_deadline_nothing_is_sent(self):
        chat = self.many(10)
        polled = ", ".join(f'"@TGS#_p{i:04}"' for i in range(1, 10))
        rare = '{ id = "@TGS#_p0010"; interval = "1h"; }'
        block = app_block(chat.app(), chat.api, chat.ca_file, [], budget=2.0, name="prod")
        it = self.exporter('poll: { interval = "1s"; };\napps = ( '
                           + block.replace("communities = (  )", f"communities = ( {polled}, {rare} )") + " );\n")
        it.until(lambda p: len(p.family("tencentchat_community_up")) == 10, "everybody was polled once", 60)
        self.assertEqual(200, probe(it, "@TGS#_p0010", **{TIMEOUT: "30"})[0])
        mark = chat.last_request()
        for _ in range(3):  # a tenth of 2 a second, and that was it
            status, fields, text = probe(it, "@TGS#_p0010", **{TIMEOUT: "2"})
            self.assertEqual(429, status, text)
            self.assertTrue(1 <= int(fields["Retry-After"]) <= 60)
        self.assertEqual([], [r for r in chat.requests(since=mark) if r["community"] == "@TGS#_p0010"])

    def test_a_flood_gets_429_and_costs_its_tenth(self):
        polled, flooded, seconds = 60, 60, 6
        chat = self.many(polled + flooded)
        ids = [f"@TGS#_p{i:04}" for i in range(1, polled + flooded + 1)]
        rare = [f'{{ id = "{i}"; interval = "1h"; }}' for i in ids[polled:]]
        it = self.exporter(self.config(chat, ids[:polled] + rare, poll='interval = "5s";', name="prod", budget=20.0))
        it.until(lambda p: len(p.family("tencentchat_community_up")) == polled + flooded, "everybody was polled", 60)

        def polls(mark):
            return [r for r in chat.requests(since=mark) if r["community"] in set(ids[:polled])]

        mark, began = chat.last_request(), time.monotonic()
        until(lambda: time.monotonic() - began > seconds, "the quiet time")
        quiet = len(polls(mark)) / (time.monotonic() - began)
        mark, began = chat.last_request(), time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            asked = []
            for n in range(100 * seconds):
                until(lambda n=n: time.monotonic() - began >= n / 100, "its turn")
                asked.append(pool.submit(probe, it, ids[polled + n % flooded], "prod", **{TIMEOUT: "3"}))
            after = len(polls(mark)) / (time.monotonic() - began)
            statuses = [a.result()[0] for a in asked]
        took = time.monotonic() - began
        probed = [r for r in chat.requests(since=mark) if r["community"] in set(ids[polled:])]
        self.assertEqual({200, 429}, set(statuses), "two answers and no other")
        self.assertGreater(statuses.count(429), 300)
        self.assertLessEqual(len(probed), 2 * took + 3, "a tenth of 20 a second")
        self.assertGreaterEqual(len(probed), seconds)
        self.assertLessEqual(chat.times(since=mark, window_ms=950, list=0)["busiest"]["n"], 21)
        self.assertTrue(quiet * 0.75 <= after <= quiet * 1.25, f"{quiet:.2f} polls a second before, {after:.2f} in the flood")
        page = it.page()
        self.assertLess(page.one("tencentchat_scheduler_lag_seconds"), 5)
        self.assertEqual(polled + flooded, sum(page.family("tencentchat_community_up").values()))


class Ends(ProbeTest):
    def setUp(self):
        super().setUp()
        self.chat = self.many(40)
        self.it = self.quiet(self.chat, 40)

    def ask(self, community):
        """A request under way: its socket."""
        s = socket.create_connection(self.it.address.rsplit(":", 1), 10)
        s.sendall(f"GET {path_of(community)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return s

    def guests(self):
        """Connections that the listener has, also those that their client has closed."""
        port = f":{int(self.it.address.rsplit(':', 1)[1]):04X}"
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        return sum(row[1].endswith(port) and row[3] in ("01", "08") for row in rows)  # ESTABLISHED, CLOSE_WAIT

    def test_whoever_leaves_leaves_nothing_behind(self):
        self.chat.fault(kind="delay", ms=4000)
        for _ in range(3):
            waiting = [self.ask(f"@TGS#_p{i:04}") for i in range(1, 13)]
            until(lambda: self.guests() == 12, "they wait")
            for s in waiting:
                s.close()
            until(lambda: self.guests() == 0, "their connections are gone", 5)
        self.chat.clear()
        until(lambda: probe(self.it, "@TGS#_p0020")[0] == 200, "and others are served")
        self.assertEqual(1, probe(self.it, "@TGS#_p0020")[2].one("probe_success"))

    def test_a_reload_disturbs_nobody_and_an_app_that_goes_is_told(self):
        text = self.it.config.read_text(encoding="utf-8")
        self.chat.fault(kind="delay", ms=1500)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            asked = pool.submit(probe, self.it, "@TGS#_p0001")
            mark = self.chat.last_request()
            until(lambda: self.it.page().one("tencentchat_api_inflight_requests") == 1, "it is under way")
            self.it.config.write_text(text.replace('"@TGS#_p0001", ', ""), encoding="utf-8")
            self.it.process.send_signal(signal.SIGHUP)
            until(lambda: "reloaded" in self.it.log(), "reloaded")
            status, _, page = asked.result()
            self.assertEqual((200, 1), (status, page.one("probe_success")), mark)
            self.assertEqual(404, probe(self.it, "@TGS#_p0001")[0])
            asked = pool.submit(probe, self.it, "@TGS#_p0002")
            until(lambda: self.it.page().one("tencentchat_api_inflight_requests") == 1, "another is under way")
            other = text.replace("sdkappid = 1400000001", "sdkappid = 1400000002")
            self.it.config.write_text("allow_shrink = true;\n" + other, encoding="utf-8")
            self.it.process.send_signal(signal.SIGHUP)
            self.assertEqual(503, asked.result()[0])

    def test_the_end_of_the_program_is_told_to_who_waits(self):
        self.chat.fault(kind="delay", ms=4000)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(probe, self.it, "@TGS#_p0001")
            until(lambda: self.it.page().one("tencentchat_api_inflight_requests") == 1, "it is under way")
            self.it.stop()
            self.assertLess(self.it.took_s, 2)
            status, _, text = asked.result()
        self.assertEqual((503, "stopping\n"), (status, text))


class Discovery(ProbeTest):
    def sd(self, it, query="", **headers):
        status, fields, body = it.raw("/sd" + query, headers=headers)
        self.assertEqual((200, "application/json"), (status, fields["Content-Type"]), body[:200])
        return json.loads(body)

    def test_every_community_is_a_target_with_its_labels(self):
        chat = self.many(1000, topics=1)
        ids = [f"@TGS#_p{i:04}" for i in range(1, 1000)]
        odd = '{ id = "@TGS#_p1000"; name = "Shop \\"&\\" Co"; labels = { team = "emea"; tier = "gold"; }; }'
        it = self.exporter(self.config(chat, ids + [odd, TWIN % 1, TWIN % 2], name="prod", poll='interval = "1h";'))
        self.assertEqual(400, probe(it, "twin")[0], "the name of two")
        groups = self.sd(it)
        self.assertEqual(sorted(ids + ["@TGS#_p1000", "@TGS#_twin1", "@TGS#_twin2"]),
                         sorted(g["labels"]["__param_community"] for g in groups))
        self.assertEqual({it.address}, {t for g in groups for t in g["targets"]})
        found = next(g["labels"] for g in groups if g["labels"]["__param_community"] == "@TGS#_p1000")
        self.assertEqual({"__metrics_path__": "/probe", "__param_app": "prod", "__param_community": "@TGS#_p1000",
                          "__meta_tencentchat_app": "prod", "__meta_tencentchat_sdkappid": "1400000001",
                          "__meta_tencentchat_community": "@TGS#_p1000",
                          "__meta_tencentchat_community_name": 'Shop "&" Co', "__meta_tencentchat_label_team": "emea",
                          "__meta_tencentchat_label_tier": "gold"}, found)
        with socket.create_connection(it.address.rsplit(":", 1), 10) as s:
            s.sendall(b"GET /sd HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: s.recv(65536), b""))
        head, _, body = text.partition(b"\r\n\r\n")
        self.assertIn(f"Content-Length: {len(body)}\r\n".encode(), head + b"\r\n")
        self.assertEqual(groups, json.loads(body))

    def test_an_address_is_the_readers_own_unless_it_is_none(self):
        it = self.exporter(self.config(self.simulator(), name="prod"))
        for host, want in (("exporter.example:9", "exporter.example:9"), ("[::1]:10058", "[::1]:10058"), ("a", "a"),
                           ('a","x":"', it.address), ("a/b", it.address), ("a@b", it.address), ("a:0", it.address),
                           ("<script>", it.address), ("a:99999", it.address)):
            status, _, body = it.raw("/sd", headers={"Host": host})
            if status == 400:  # the listener takes it for no host at all
                self.assertEqual(want, it.address)
                continue
            self.assertEqual([[want]], [g["targets"] for g in json.loads(body)], host)
        self.assertEqual(1, len(self.sd(it, "?app=prod")))
        for query in ("?app=other", "?app=", "?app=prod&app=prod"):
            self.assertEqual(400, it.raw("/sd" + query)[0], query)
        self.assertEqual((200, b""), it.raw("/sd", method="HEAD")[0::2])

    @unittest.skipIf(shutil.which("prometheus") is None, "prometheus is not installed")
    def test_prometheus_probes_everybody_as_the_example_says(self):
        chat = self.many(25)
        it = self.quiet(chat, 25)
        chat.change(community="@TGS#_p0007", set={"ErrorCode": 10007})
        example = EXAMPLE.read_text(encoding="utf-8").replace("localhost:10058", it.address)
        example = re.sub(r"scrape_interval: \S+", "scrape_interval: 5s", example)
        example = re.sub(r"scrape_timeout: \S+", "scrape_timeout: 4s", example)
        server = Server(self.directory / "prometheus", it.address, example)
        self.stack.callback(server.stop)

        def values(name):
            found = server.query(f'{name}{{job="tencentchat_probe"}}')
            return {r["metric"]["instance"]: float(r["value"][1]) for r in found}

        want = {f"prod/@TGS#_p{i:04}": float(i != 7) for i in range(1, 26)}
        until(lambda: values("probe_success") == want, "probe_success of everybody", 60)
        self.assertEqual(dict.fromkeys(want, 1.0), values("up"))
        self.assertEqual([], server.query('tencentchat_community_up{job="tencentchat_probe"}'))


if __name__ == "__main__":
    main()
