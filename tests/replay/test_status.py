"""The operator's pages: what they say is what the service has, what /metrics says, and what happened."""

import http.client
import json
import os
import subprocess
import time
import urllib.parse

from harness import ReplayTest, app_block, main, quoted, until
from client import usersig  # behind harness, which knows where it is

JSON, TEXT, HTML = "application/json", "text/plain; charset=utf-8", "text/html; charset=utf-8"
MANY = 10000
HOSTILE = '\u202e"\\\u001b[31m<img src=x onerror=alert(1)>'

WORLD = """
seed = 5;
lockout = { failures = 0; };
apps = (
  { sdkappid = 1400000001; identifiers = [ "administrator" ]; communities = (
    { id = "@TGS#_well"; topics = 12; messages_per_hour = 36000; never_active = 0.2; },
    { id = "@TGS#_muted"; topics = ( { name = "a"; muted = true; }, { name = "b"; muted = true; }, { name = "c"; } ); },
    { id = "@TGS#_silent"; topics = ( { name = "old"; messages_per_hour = 3600.0; silent_for = "9d"; },
                                      { name = "new"; messages_per_hour = 3600.0; } ); },
    { id = "@TGS#_failing"; topics = 4; },
    { id = "@TGS#_gone"; topics = 2; },
    { id = "@TGS#_never"; topics = 1; error_code = 10007; },
    { id = "@TGS#_hostile"; topics = ( { id = "@TGS#_hostile@TOPIC#_x"; name = "x"; } ); }
  ); },
  { sdkappid = 1400000002; identifiers = [ "administrator" ]; communities = (
    { id = "@TGS#_well"; topics = 3; }
  ); }
);
"""


def query(**pairs):
    return "?" + urllib.parse.urlencode(pairs)


class Status(ReplayTest):
    def setUp(self):
        super().setUp()
        world = self.directory / "world.scenario"
        world.write_text(WORLD, encoding="utf-8")
        self.chat = self.simulator(str(world))

    def start(self, **options):
        ids = [c["community"] for c in self.chat.world(sdkappid=1400000001)["communities"]]
        named = f'{{ id = "@TGS#_well"; name = "The Well"; from_account = "administrator"; }}'
        first = app_block(self.chat.app(1400000001), self.chat.api, self.chat.ca_file,
                          [named, *(i for i in ids if i != "@TGS#_well")], name="prod", **options)
        second = app_block(self.chat.app(1400000002), self.chat.api, self.chat.ca_file, ["@TGS#_well"],
                           name='o"t"her', interval="2s")
        return self.exporter(f'poll: {{ interval = "1s"; }};\napps = ( {first}, {second} );\n').ready()

    def ask(self, it, path, status=200, **pairs):
        got, headers, body = it.raw(path + (query(**pairs) if pairs else ""))
        self.assertEqual(status, got, body)
        self.assertEqual(JSON, headers["Content-Type"])
        self.assertEqual("no-store", headers["Cache-Control"])
        self.assertEqual(len(body), int(headers["Content-Length"]))
        return json.loads(body.decode("utf-8"))

    def rows(self, it, **pairs):
        return {(r["app"], r["id"]): r for r in self.ask(it, "/api/v1/status", **pairs)["communities"]}

    def community(self, it, name, app="prod", **pairs):
        return self.ask(it, "/api/v1/status", app=app, id="@TGS#_" + name, **pairs)

    def trouble(self, it):
        """Some of the world falls ill, and the pages have seen it."""
        it.until(lambda p: p.one("tencentchat_app_communities", sdkappid="1400000001", state="ok") == 6, "all but one up")
        self.chat.change(community="@TGS#_failing", set={"ErrorCode": 10002})
        self.chat.change(community="@TGS#_gone", delete=True)
        def ill():
            rows = self.rows(it)
            return rows if (rows["prod", "@TGS#_failing"]["state"], rows["prod", "@TGS#_gone"]["state"]) == (
                "failing", "gone") and rows["prod", "@TGS#_failing"]["consecutive_failures"] > 1 else None
        return until(ill, "trouble")

    # What is told

    def test_the_json_is_what_the_service_has(self):
        it = self.start()
        it.until(lambda p: p.one("tencentchat_community_up", community="@TGS#_silent") == 1, "up")
        for name in ("well", "muted", "silent"):
            def look(name=name):
                truth = {t["id"]: t for t in self.chat.world("@TGS#_" + name, 1400000001)["topics"] if not t["deleted"]}
                told = {t["id"]: t for t in self.community(it, name)["topics"]}
                return told.keys() == truth.keys() and all(
                    t["name"] == truth[i]["name"] and t["created_timestamp_seconds"] == truth[i]["CreateTime"]
                    and t["muted"] == truth[i]["muted"] and 0 <= truth[i]["NextMsgSeq"] - 1 - t["messages_total"] < 3000
                    and ("last_message_timestamp_seconds" in t) == (truth[i]["LastMsgTime"] != 0)
                    and ("observer_unread_messages" in t) == (name == "well") for i, t in told.items())
            until(look, f"{name} as it is")
        rows = self.rows(it)
        self.assertEqual((3, 2), (rows["prod", "@TGS#_muted"]["topics"], rows["prod", "@TGS#_muted"]["topics_muted"]))
        self.assertEqual(1, rows["prod", "@TGS#_silent"]["topics_silent"], rows["prod", "@TGS#_silent"])
        self.assertAlmostEqual(9 * 86400, rows["prod", "@TGS#_silent"]["longest_idle_seconds"], delta=120)
        self.assertEqual("The Well", rows["prod", "@TGS#_well"]["name"])
        self.assertNotIn("name", rows["prod", "@TGS#_muted"])
        rate = until(lambda: (r := self.rows(it)["prod", "@TGS#_well"].get("messages_per_minute")) and r > 60 and r,
                     "a rate")
        self.assertLess(rate, 6000)  # 600 a minute, told from spans of a second

    def test_the_json_is_what_metrics_say(self):
        it = self.start()
        self.trouble(it)
        self.chat.change(community="@TGS#_well", delete=True, sdkappid=1400000001)
        self.chat.change(community="@TGS#_never", set={"ErrorCode": 0})
        names = {"topics": "community_topics", "topics_muted": "community_topics_muted",
                 "topics_silent": "community_topics_silent", "poll_interval_seconds": "community_poll_interval_seconds",
                 "last_poll_timestamp_seconds": "community_last_poll_timestamp_seconds",
                 "last_success_timestamp_seconds": "community_last_success_timestamp_seconds",
                 "consecutive_failures": "community_consecutive_failures"}
        def same():
            page, status = it.page(), self.ask(it, "/api/v1/status")
            for row in status["communities"]:
                at = {"sdkappid": row["sdkappid"], "community": row["id"]}
                told = {name: row.get(name) for name in names}
                wanted = {name: page.one("tencentchat_" + metric, **at) for name, metric in names.items()}
                if told != wanted:
                    return None  # a poll came in between
                self.assertEqual(row["state"] == "ok", page.one("tencentchat_community_up", **at) == 1)
                error = [s for s in page.family("tencentchat_community_last_error_info") if row["id"] in s
                         and row["sdkappid"] in s]
                self.assertEqual("reason" in row, bool(error))
                for s in error:
                    self.assertIn(f'reason="{row["reason"]}",code="{row.get("code", "")}"', s)
            for app in status["apps"]:
                for state, n in app["communities_by_state"].items():
                    self.assertEqual(n, page.one("tencentchat_app_communities", sdkappid=app["sdkappid"], state=state))
                self.assertEqual(app["quota"]["get_topic"]["budget_requests_per_second"],
                                 page.one("tencentchat_quota_budget_requests_per_second", sdkappid=app["sdkappid"],
                                          command="get_topic"))
            return status
        status = until(same, "the same on both")
        self.assertEqual(it.page().one("tencentchat_exporter_config_hash"), status["config"]["hash"])
        self.assertEqual(8, status["communities_total"])
        app = next(a for a in status["apps"] if a["name"] == "prod")
        self.assertGreater(app["quota"]["get_topic"]["failed_total"], 0)
        until(lambda: self.ask(it, "/api/v1/status", app="prod")["apps"][0]["quota"]["get_topic"]
              ["now_requests_per_second"] > 0.2, "calls now")

    def test_trouble_comes_first_with_its_reason_and_beginning(self):
        it = self.start()
        began = time.time()
        rows = list(self.trouble(it).values())
        self.assertEqual(["gone", "failing", "stale"], [r["state"] for r in rows[:3]])
        self.assertEqual({"ok"}, {r["state"] for r in rows[3:]})
        gone, failing, never = rows[:3]
        self.assertEqual(("gone", "10010"), (gone["reason"], gone["code"]))
        self.assertEqual(("api_error", "10002"), (failing["reason"], failing["code"]))
        self.assertEqual(("auth", "10007"), (never["reason"], never["code"]))
        self.assertTrue(began - 2 <= failing["since_timestamp_seconds"] <= time.time())
        self.assertLess(never["since_timestamp_seconds"], failing["since_timestamp_seconds"])
        self.assertRegex(failing["why"], r"^failing since [-0-9]+ [:0-9]+ UTC \(\d+ polls\): the service says 10002 ")
        self.assertEqual([], [r for r in rows[3:] if "since_timestamp_seconds" in r or "reason" in r])
        problems = self.rows(it, problems=1)
        self.assertEqual({"@TGS#_gone", "@TGS#_failing", "@TGS#_never"}, {i for _, i in problems})
        since = failing["since_timestamp_seconds"]
        later = until(lambda: (r := self.rows(it)["prod", "@TGS#_failing"])["consecutive_failures"] > 3 and r, "more")
        self.assertEqual(since, later["since_timestamp_seconds"])
        self.chat.change(community="@TGS#_failing", set={"ErrorCode": 0})
        well = until(lambda: (r := self.rows(it)["prod", "@TGS#_failing"])["state"] == "ok" and r, "well again")
        self.assertNotIn("since_timestamp_seconds", well)

    def test_attempts_have_their_times(self):
        it = self.start()
        self.trouble(it)
        attempts = self.community(it, "failing")["attempts"]
        self.assertLessEqual(len(attempts), 10)
        self.assertEqual(sorted((a["end_timestamp_seconds"] for a in attempts), reverse=True),
                         [a["end_timestamp_seconds"] for a in attempts])
        self.assertEqual(("api_error", "10002", 200), tuple(attempts[0][k] for k in ("result", "code", "http_status")))
        for name in ("well", "muted", "silent", "failing"):
            for a in self.community(it, name)["attempts"]:
                self.assertLessEqual(a["first_byte_seconds"], a["total_seconds"])
                self.assertEqual(1, a["requests"])
                self.assertNotIn("dns_seconds", a)  # the endpoint is an address
                self.assertEqual("tls_seconds" in a, "connect_seconds" in a)
                if "tls_seconds" in a:
                    self.assertTrue(0 < a["connect_seconds"] < a["tls_seconds"] <= a["first_byte_seconds"])
        self.assertTrue(any("tls_seconds" in a for app, i in self.rows(it)
                            for a in self.ask(it, "/api/v1/status", app=app, id=i)["attempts"]))
        fault = self.chat.fault(kind="delay", ms=150, community="@TGS#_muted")
        until(lambda: any(a["first_byte_seconds"] >= 0.15 for a in self.community(it, "muted")["attempts"]), "a slow one")
        self.chat.clear(fault)
        until(lambda: len(self.community(it, "well")["attempts"]) == 10, "ten attempts")
        self.chat.fault(kind="status", status=502, community="@TGS#_silent")
        last = until(lambda: (a := self.community(it, "silent")["attempts"][0])["result"] == "http_status" and a, "a 502")
        self.assertEqual((502, None), (last["http_status"], last.get("code")))

    def test_a_reload_keeps_what_happened(self):
        it = self.start()
        self.trouble(it)
        before = self.community(it, "failing")
        config = it.config.read_text(encoding="utf-8")
        it.config.write_text(config.replace('"@TGS#_muted", ', ""), encoding="utf-8")
        self.assertNotEqual(config, it.config.read_text(encoding="utf-8"))
        it.process.send_signal(1)
        until(lambda: len(self.rows(it)) == 7, "one fewer")
        after = self.community(it, "failing")
        self.assertEqual(before["community"]["since_timestamp_seconds"], after["community"]["since_timestamp_seconds"])
        self.assertIn(before["attempts"][0], after["attempts"])
        self.assertIn("error", self.ask(it, "/api/v1/status", 404, app="prod", id="@TGS#_muted"))

    # How it is asked for

    def test_forms_follow_accept(self):
        it = self.start()
        for path in ("/status", "/status/community" + query(app="prod", id="@TGS#_well")):
            for accept, kind in ((None, HTML), ("*/*", HTML), ("", HTML), ("image/png", HTML), ("text/*", HTML),
                                 ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
                                 ("application/json", JSON), ("application/*", JSON), ("APPLICATION/JSON;q=0.1", JSON),
                                 ("text/plain", TEXT), ("text/plain, */*", TEXT), ("text/plain;q=0.5, */*;q=0.4", TEXT),
                                 ("text/html;q=0.5, text/plain", TEXT), ("text/html;q=0, */*", JSON),
                                 ("application/json, text/html", HTML), ("text/plain;q=0.9, application/json", JSON)):
                status, headers, body = it.raw(path, headers={"Accept": accept} if accept is not None else {})
                self.assertEqual((200, kind), (status, headers["Content-Type"]), (path, accept))
                self.assertIn("Accept", headers["Vary"])
                self.assertEqual("no-store", headers["Cache-Control"])
                self.assertTrue(body)
                self.assertEqual(b"", it.raw(path, "HEAD", {"Accept": accept or "*/*"})[2])
        self.assertEqual(405, it.raw("/status", "POST")[0])
        self.assertGreater(it.page().one("tencentchat_exporter_http_requests_total", handler="/status", code="200"), 10)
        self.assertEqual(0, it.page().one("tencentchat_exporter_http_requests_total", handler="/api/v1/status", code="200"))

    def test_what_cannot_be_is_told(self):
        it = self.start()
        for path, status, word in (
                ("/api/v1/status?sort=size", 400, "none of trouble, name, topics"),
                ("/api/v1/status?page=x", 400, "page 'x' is no number from 0 to 1000000"),
                ("/api/v1/status?per_page=501", 400, "from 1 to 500"),
                ("/api/v1/status?app=nobody", 404, "no such app"),
                ("/api/v1/status?app=prod&id=nobody", 404, "no such community"),
                ("/api/v1/status?app=nobody&id=x", 404, "no such app"),
                ("/api/v1/status?id=%40TGS%23_well", 400, "must name an app"),
                ("/api/v1/status?app=prod&id=", 400, "must name"),
                ("/api/v1/status?app=prod&id=%40TGS%23_well&from=-1", 400, "number of a topic")):
            self.assertIn(word, self.ask(it, path, status)["error"], path)
            got, headers, body = it.raw(path.replace("/api/v1/status", "/status/community" if "id=" in path else "/status"))
            self.assertEqual((status, TEXT), (got, headers["Content-Type"]), path)
            self.assertIn(word, body.decode())
        self.assertEqual(400, it.raw("/status/community")[0])

    def test_text_reads_well_in_a_terminal(self):
        it = self.start()
        self.chat.change(community="@TGS#_hostile", topic="@TGS#_hostile@TOPIC#_x", set={"TopicName": HOSTILE})
        self.trouble(it)
        until(lambda: self.community(it, "hostile")["topics"][0]["name"] == HOSTILE, "the name")
        for path in ("/status", *("/status/community" + query(app=a, id=i) for a, i in self.rows(it))):
            text = it.raw(path, headers={"Accept": "text/plain"})[2].decode("utf-8")
            for line in text.splitlines():
                self.assertTrue(line.isprintable(), repr(line))
                if not line.startswith(("curl ", "state ")):
                    self.assertLessEqual(len(line), 120, line)
        text = it.raw("/status", headers={"Accept": "text/plain"})[2].decode("utf-8").splitlines()
        head = next(i for i, line in enumerate(text) if line.startswith("STATE"))
        self.assertEqual(["gone", "failing", "stale", "ok", "ok", "ok", "ok", "ok"],
                         [line.split()[0] for line in text[head + 1:]])
        at = text[head].index("COMMUNITY")
        self.assertEqual({"@TGS#_"}, {line[at:at + 6] for line in text[head + 1:]})
        one = it.raw("/status/community" + query(app="prod", id="@TGS#_hostile"), headers={"Accept": "text/plain"})[2]
        self.assertIn('<U+202E>"\\<U+001B>', one.decode("utf-8"))

    def test_the_line_for_a_shell_makes_the_call(self):
        it = self.start()
        self.trouble(it)
        app = self.chat.app(1400000001)
        signature = usersig(app["sdkappid"], app["identifier"], self.chat.secret_key(app["sdkappid"]))
        for name, code in (("well", 0), ("failing", 10002)):
            line = self.community(it, name)["curl"]
            mark = self.chat.last_request()
            done = subprocess.run(["sh", "-c", line], env={**os.environ, "USERSIG": signature}, capture_output=True,
                                  timeout=20, check=True)
            self.assertEqual(code, json.loads(done.stdout)["ErrorCode"])
            asked = [r for r in self.chat.requests(mark) if r["community"] == "@TGS#_" + name]
            self.assertTrue(asked and {r["account"] for r in asked} == {"administrator"})

    def test_no_signature_is_told(self):
        it = self.start()
        self.trouble(it)
        key = self.chat.secret_key(1400000001)
        for path in ("/status", "/api/v1/status", *("/status/community" + query(app=a, id=i) for a, i in self.rows(it))):
            for accept in ("text/html", "application/json", "text/plain"):
                body = it.raw(path, headers={"Accept": accept})[2].decode("utf-8")
                self.assertNotIn(key, body)
                self.assertNotIn("eJ", body)  # what every UserSig begins with: zlib's head in base64
        self.assertIn("USERSIG", it.raw("/status/community" + query(app="prod", id="@TGS#_well"))[2].decode("utf-8"))


class Many(ReplayTest):
    def setUp(self):
        super().setUp()
        world = self.directory / "many.scenario"
        world.write_text(f'seed = 3; apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ]; communities = (\n'
                         f'{{ count = {MANY}; id = "@TGS#_many{{5}}"; topics = 2; }} ); }} );\n', encoding="utf-8")
        self.chat = self.simulator(str(world), "--plain")
        ids = "\n".join(f"@TGS#_many{i:05d}" for i in range(1, MANY + 1))
        (self.directory / "all.list").write_text(ids + "\n", encoding="utf-8")
        block = app_block(self.chat.app(), self.chat.api, None, [], budget=200.0)
        block = block.replace("communities = (  );", f"communities_files = [ {quoted(self.directory / 'all.list')} ];")
        self.it = self.exporter(f'poll: {{ interval = "60s"; }};\napps = ( {block} );\n')

    def page(self, path):
        """One page; a list asked for too often is refused for a second, and that is told."""
        while True:
            status, headers, body = self.it.raw(path)
            if status != 503:
                self.assertEqual(200, status, body)
                return json.loads(body)
            self.assertEqual("1", headers["Retry-After"])
            time.sleep(0.1)

    def test_paging_shows_everybody_once(self):
        path, seen, bytes_most = "/api/v1/status?sort=name&per_page=500", [], 0
        while path:
            page = self.page(path)
            self.assertEqual(MANY, page["communities_total"])
            seen += [c["id"] for c in page["communities"]]
            path = page.get("next")
        self.assertEqual([f"@TGS#_many{i:05d}" for i in range(1, MANY + 1)], seen)
        last = self.page(f"/api/v1/status?sort=name&order=desc&page={MANY // 100 - 1}")["communities"]
        self.assertEqual(seen[99::-1], [c["id"] for c in last])
        self.assertEqual([], self.page(f"/api/v1/status?page={MANY}")["communities"])
        found = self.page("/api/v1/status?find=MANY0999&sort=name")
        self.assertEqual([f"@TGS#_many{i:05d}" for i in range(9990, 10000)], [c["id"] for c in found["communities"]])

    def test_a_flood_of_lists_leaves_the_polls_alone(self):
        until(lambda: self.page("/api/v1/status")["apps"][0]["communities_by_state"]["ok"] > 300, "polls")
        end, answers = time.monotonic() + 4, {200: 0, 503: 0}
        mark = self.chat.last_request()
        connection = http.client.HTTPConnection(self.it.address, timeout=20)
        while time.monotonic() < end:
            connection.request("GET", "/api/v1/status?sort=name&per_page=1")
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        connection.close()
        calls = self.chat.last_request() - mark
        print(f"figures status_flood: lists={answers[200]} refused={answers[503]} polls={calls}", flush=True)
        self.assertGreater(answers[200], 10)
        self.assertGreater(calls, 60)  # of 400, at half of the budget; how many exactly is for a quiet machine


if __name__ == "__main__":
    main()
