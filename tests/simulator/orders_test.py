"""What can be changed while it runs: quotas, keys, certificates, compression, crowds of communities, changes between two calls.

    orders_test.py BINARY [unittest arguments]
"""

import gzip
import http.client
import json
import os
import ssl
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from client import GET_TOPIC, GROUP_LIST, ControlError, usersig
from scratch import MUTED, SMALL, Scratch, Small, main, scenario_file, until

APP = 1400000001


class Calls(Small):
    """Many calls on one kept connection."""

    def setUp(self):
        self.connection = self.chat.connect()
        self.addCleanup(self.connection.close)
        self.signed = self.chat.target(GET_TOPIC)

    def ask(self, body=None, path=None, **headers):
        body = {"GroupId": SMALL, "From_Account": "a"} if body is None else body
        self.connection.request("POST", path or self.signed, json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def codes(self, n, **options):
        return [json.loads(self.ask(**options)[2])["ErrorCode"] for _ in range(n)]


class Quota(Calls):
    def tearDown(self):
        for command, per_s, code in (("get_topic", 200, 60007), ("get_appid_group_list", 1, 60007), ("app", 0, 60011)):
            self.chat.quota(command, per_s=per_s, code=code)
        super().tearDown()

    def test_the_documented_limits_are_enforced_unless_told(self):
        self.assertEqual(self.chat.quotas(), [
            {"sdkappid": APP, "command": "get_topic", "per_s": 200, "code": 60007},
            {"sdkappid": APP, "command": "get_appid_group_list", "per_s": 1, "code": 60007},
            {"sdkappid": APP, "command": "app", "per_s": 0, "code": 60011}])

    def test_the_real_limit_may_be_lower_than_the_documented_one(self):
        self.chat.quota("get_topic", per_s=4, sdkappid=APP)
        self.assertEqual(self.in_one_second(lambda: self.codes(6)), [0] * 4 + [60007] * 2)
        self.chat.quota("get_topic", code=10006)
        self.assertEqual(self.in_one_second(lambda: self.codes(5)), [0] * 4 + [10006])
        self.chat.quota("get_topic", per_s=0)
        self.assertEqual(set(self.codes(30)), {0})

    def test_the_limit_of_the_app_counts_every_command(self):
        pages = self.chat.target(GROUP_LIST)
        self.chat.quota("get_appid_group_list", per_s=2)
        self.chat.quota("app", per_s=3, code=60018)
        seen = self.in_one_second(lambda: self.codes(2) + self.codes(2, body={}, path=pages) + self.codes(1))
        self.assertEqual(seen, [0, 0, 0, 60018, 60018])

    def test_bad_orders_are_refused(self):
        for order in ({}, {"command": "other", "per_s": 1}, {"command": "get_topic"}, {"command": "get_topic", "per_s": -1},
                      {"command": "get_topic", "per_s": 1, "sdkappid": 9}, {"command": "get_topic", "code": 0},
                      {"command": "get_topic", "per_s": 1, "typo": 1}, []):
            with self.subTest(order), self.assertRaises(ControlError) as caught:
                self.chat.ask("POST", "/quota", order)
            self.assertEqual(caught.exception.status, 400)
        for path in ("/clock", "/key", "/lockout", "/gzip", "/certificate"):
            for order in ([], {"typo": 1}, {"failures": -1}, {"on": 1}, {"kind": "nice"}, {"offset_s": 1.5}):
                with self.subTest(f"{path} {order}"), self.assertRaises(ControlError) as caught:
                    self.chat.ask("POST", path, order)
                self.assertEqual(caught.exception.status, 400)


class Times(Calls):
    def test_each_call_has_its_time(self):
        mark, began = self.chat.last_request(), time.monotonic() * 1000
        self.codes(3)
        ended = time.monotonic() * 1000
        told = self.chat.times(mark)
        self.assertEqual((told["last"], told["n"], told["lost"], len(told["ms"])), (mark + 3, 3, 0, 3))
        self.assertEqual(told["ms"], sorted(told["ms"]))
        self.assertEqual(told["ms"], [r["mono_ms"] for r in self.chat.requests(mark)])
        self.assertTrue(began - 1 <= told["ms"][0] and told["ms"][-1] <= ended, (began, told, ended))

    def test_the_busiest_window_is_the_one_of_the_list(self):
        mark = self.chat.last_request()
        self.chat.fault(kind="delay", ms=7, probability=0.5)
        self.codes(60)
        for window in (1, 10, 50, 950):
            told = self.chat.times(mark, window_ms=window)
            ms = told["ms"]
            most = max(sum(first <= t < first + window for t in ms) for first in ms)
            busiest = told["busiest"]
            self.assertEqual((busiest["n"], busiest["window_ms"]), (most, window))
            self.assertEqual(sum(busiest["from_ms"] <= t < busiest["from_ms"] + window for t in ms), most)
        counts = {}
        for t in ms:
            counts[t // 1000] = counts.get(t // 1000, 0) + 1
        self.assertEqual(told["per_second"], [list(pair) for pair in sorted(counts.items())])

    def test_times_can_be_chosen(self):
        mark = self.chat.last_request()
        self.codes(2)
        self.assertEqual(self.code(random=None), 60008)
        self.chat.group_list()
        n = lambda **wanted: self.chat.times(mark, **wanted)["n"]
        self.assertEqual([n(), n(command="get_topic"), n(command="get_appid_group_list"), n(command="other")], [4, 3, 1, 0])
        self.assertEqual([n(code=60008), n(command="get_topic", code=0), n(sdkappid=APP), n(sdkappid=9)], [1, 2, 4, 0])
        self.assertNotIn("ms", self.chat.times(mark, list=0))
        self.assertEqual(self.chat.times(mark + 4), {
            "last": mark + 4, "lost": 0, "n": 0, "busiest": {"window_ms": 1000, "n": 0, "from_ms": 0}, "per_second": [],
            "ms": []})
        for wrong in ({"command": "none"}, {"window_ms": 0}, {"code": "x"}):
            with self.assertRaises(ControlError):
                self.chat.times(mark, **wrong)


class Certificate(Small):
    def tearDown(self):
        self.chat.certificate("good")
        super().tearDown()

    def test_another_certificate_is_shown_at_the_same_address(self):
        for kind, words in (("expired", "expired"), ("wrong-host", "match"), ("unknown-ca", "issuer|self-signed|unable")):
            with self.subTest(kind):
                self.chat.certificate(kind)
                self.assertEqual(self.chat.ask("GET", "/certificate"), {"kind": kind})
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, words):
                    self.chat.get_topic(SMALL)
                self.chat.certificate("good")
                self.assertEqual(self.chat.get_topic(SMALL)["ErrorCode"], 0)

    def test_open_connections_end_even_those_that_wait(self):
        idle, hanging = self.chat.connect(), self.chat.connect()
        ask = lambda c: c.request("POST", self.chat.target(GET_TOPIC), json.dumps({"GroupId": SMALL, "From_Account": "a"}))
        ask(idle)
        idle.getresponse().read()
        self.chat.fault(kind="delay", ms=600000, count=1)
        mark = self.chat.last_request()
        ask(hanging)
        until(lambda: self.chat.last_request() == mark + 1, "it hangs")
        self.chat.certificate("good")
        self.assertEqual(self.chat.stats()["connections"]["open"], 0)
        with self.assertRaises((http.client.HTTPException, OSError)):
            hanging.getresponse()
        with self.assertRaises((http.client.HTTPException, OSError)):
            ask(idle)
            idle.getresponse()
        idle.close()
        hanging.close()

    def test_connections_are_counted_also_those_that_fail(self):
        before = self.chat.stats()["connections"]["opened"]
        self.chat.certificate("expired")
        with self.assertRaises(ssl.SSLError):
            self.chat.get_topic(SMALL)
        self.chat.certificate("good")
        self.chat.get_topic(SMALL)
        self.assertEqual(self.chat.stats()["connections"]["opened"], before + 2)


class Gzip(Calls):
    def tearDown(self):
        self.chat.gzip(False)
        super().tearDown()

    def encoding(self, accept):
        status, headers, body = self.ask(**{"Accept-Encoding": accept})
        body = gzip.decompress(body) if headers["Content-Encoding"] == "gzip" else body
        self.assertEqual((status, json.loads(body)["ErrorCode"]), (200, 0))
        return headers["Content-Encoding"]

    def test_answers_are_compressed_when_it_is_on_and_accepted(self):
        self.assertIsNone(self.encoding("gzip"))
        self.chat.gzip()
        for accept, wanted in (("gzip", True), ("deflate, GZIP;q=0.5", True), ("br,gzip ; q=1", True), ("gzip;q=0", False),
                               ("gzip; q=0.000", False), ("identity", False), ("xgzip, gzipx", False), ("", False)):
            with self.subTest(accept):
                self.assertEqual(self.encoding(accept), "gzip" if wanted else None)

    def test_a_compressed_answer_can_be_truncated_and_counted(self):
        self.chat.gzip()
        whole = self.ask(**{"Accept-Encoding": "gzip"})[2]
        until(lambda: self.chat.requests()[-1]["bytes"] == len(whole), "the bytes on the wire are counted")
        self.chat.fault(kind="truncate", at=50, count=1)
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask(**{"Accept-Encoding": "gzip"})
        self.assertEqual(caught.exception.partial, whole[:50])

    def test_it_is_off_unless_told(self):
        self.assertEqual(self.chat.ask("GET", "/gzip"), {"on": False})  # Crowds begins with it
        self.chat.gzip()
        self.assertEqual(self.chat.ask("GET", "/gzip"), {"on": True})


class Crowds(Scratch):
    """Fifty thousand communities by one order, big communities, and things that change between two calls."""

    scenario = """gzip = true;
apps = ( { sdkappid = 1; identifiers = [ "admin" ]; quota = { get_topic = 0; get_appid_group_list = 0; };
  communities = ( { id = "named"; topics = 6000; topic_names = [ "room {4} %s" ]; } ); },
  { sdkappid = 2; identifiers = [ "admin" ]; } );""" % ("n" * 140)

    def listed(self, sdkappid=1):
        seen, cursor = [], 0
        while True:
            page = self.chat.group_list(sdkappid, Next=cursor)
            self.assertEqual(page["ErrorCode"], 0)
            seen += [g["GroupId"] for g in page["GroupIdList"]]
            cursor = page["Next"]
            if cursor == 0:
                self.assertEqual(page["TotalCount"], len(seen))
                return seen

    def test_communities_come_and_go_by_the_fifty_thousand(self):
        began = time.monotonic()
        self.chat.change(community="crowd{5}", count=50000, create=True, topics=2)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(self.listed(), ["named"] + [f"crowd{n:05}" for n in range(1, 50001)])
        self.assertEqual(len(self.chat.get_topic("crowd50000", "a", 1)["TopicAndSelfInfo"]), 2)
        self.chat.change(community="crowd{5}", count=49000, first=501, delete=True)
        self.assertEqual(len(self.listed()), 1001)
        self.assertEqual(self.chat.get_topic("crowd00501", "a", 1)["ErrorCode"], 10010)
        self.chat.change(community="crowd{5}", count=300, first=501, create=True, topics=1)
        self.assertEqual(len(self.listed()), 1301)
        self.assertEqual(len(self.chat.get_topic("crowd00501", "a", 1)["TopicAndSelfInfo"]), 1)
        self.chat.change(community="crowd{5}", count=500, delete=True)
        self.chat.change(community="crowd{5}", count=300, first=501, delete=True)
        self.chat.change(community="crowd{5}", count=500, first=49501, delete=True)
        self.assertEqual(self.listed(), ["named"])

    def test_an_order_for_one_app_leaves_the_other_alone(self):
        self.chat.change(sdkappid=2, community="named", create=True)
        self.assertEqual(self.chat.get_topic("named", "a", 2)["TopicAndSelfInfo"], [])

    def test_several_changes_at_once(self):
        self.chat.ask("POST", "/world", [
            {"community": "list", "create": True}, {"community": "list", "topic": "t{}", "count": 3, "create": True, "post": 4},
            {"community": "list", "topic": "t2", "delete": True}])
        items = self.chat.get_topic("list", "a", 1)["TopicAndSelfInfo"]
        self.assertEqual([(i["TopicInfo"]["TopicId"], i["TopicInfo"]["NextMsgSeq"]) for i in items], [("t1", 5), ("t3", 5)])
        for wrong in ({"count": 0, "create": True}, {"first": 1, "create": True}, {"topics": 1, "delete": True},
                      {"topic": "t", "topics": 1, "create": True}, {"topic_name": "", "topics": 1, "create": True}):
            with self.subTest(wrong), self.assertRaises(ControlError):
                self.chat.change(community="none", **wrong)

    def check_big(self, community, n, all_fields_fit):
        """The cap counts what is left after ResponseFilter and TopicIdList."""
        ask = lambda **body: self.chat.get_topic(community, "a", 1, **body)
        self.assertEqual(ask()["ErrorCode"], 0 if all_fields_fit else 10018)
        ids = [t["id"] for t in self.chat.world(community)["topics"]]
        self.assertEqual(len(set(ids)), n)
        half = ask(TopicIdList=ids[: n // 4])["TopicAndSelfInfo"]
        self.assertEqual([i["TopicInfo"]["TopicId"] for i in half], ids[: n // 4])
        self.assertEqual({len(i["TopicInfo"]["TopicName"].encode()) for i in half}, {150})
        return ask

    def test_six_thousand_topics_with_names_of_150_bytes(self):
        ask = self.check_big("named", 6000, False)
        self.assertEqual(ask(ResponseFilter=["TopicName"])["ErrorCode"], 10018)

    def test_four_thousand_topics_fit_when_filtered(self):
        self.chat.change(community="big", create=True, topics=4000, topic_name="{5} " + "猫" * 48)
        ask = self.check_big("big", 4000, False)
        slim = self.chat.call(GET_TOPIC, {"GroupId": "big", "From_Account": "a", "ResponseFilter": ["NextMsgSeq"]}, 1)[2]
        self.assertEqual((len(json.loads(slim)["TopicAndSelfInfo"]), len(slim) <= 1 << 20), (4000, True))
        self.assertEqual(ask(ResponseFilter=["TopicName", "NextMsgSeq", "LastMsgTime"])["ErrorCode"], 10018)

    def test_the_cap_is_of_the_answer_before_compression(self):
        body = {"GroupId": "named", "From_Account": "a"}
        _, headers, answer = self.chat.call(GET_TOPIC, body, 1, headers={"Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(json.loads(gzip.decompress(answer))["ErrorCode"], 10018)


class Between(Calls):
    def test_a_topic_ends_between_two_calls(self):
        self.chat.change(community="@TGS#_between", create=True)
        self.chat.change(community="@TGS#_between", topic="t{}", count=3, create=True)
        self.chat.fault(kind="change", community="@TGS#_between", after=1, count=1,
                        body={"community": "@TGS#_between", "topic": "t2", "delete": True})
        self.ask()  # another community does not count
        ids = lambda: [i["TopicInfo"]["TopicId"] for i in self.chat.get_topic("@TGS#_between")["TopicAndSelfInfo"]]
        mark = self.chat.last_request()
        self.assertEqual([ids(), ids(), ids()], [["t1", "t2", "t3"], ["t1", "t2", "t3"], ["t1", "t3"]])
        self.assertEqual([r["fault"] for r in self.chat.requests(mark)], ["", "change", ""])
        self.assertEqual(self.chat.faults(), [])
        item = self.chat.get_topic("@TGS#_between", TopicIdList=["t2"])["TopicAndSelfInfo"][0]
        self.assertEqual(item["ErrorCode"], 110003)

    def test_several_changes_happen_at_once_and_again(self):
        made = self.chat.stats()["changes"]["made"]
        self.chat.change(community="@TGS#_posts", create=True)
        self.chat.change(community="@TGS#_posts", topic="t{}", count=2, create=True)
        self.chat.fault(kind="change", community="@TGS#_posts", count=2, body=[
            {"community": "@TGS#_posts", "topic": "t1", "post": 1}, {"community": "@TGS#_posts", "topic": "t2", "post": 10}])
        seqs = lambda: [i["TopicInfo"]["NextMsgSeq"] for i in self.chat.get_topic("@TGS#_posts")["TopicAndSelfInfo"]]
        self.assertEqual([seqs(), seqs(), seqs(), seqs()], [[1, 1], [2, 11], [3, 21], [3, 21]])
        self.assertEqual(self.chat.stats()["changes"]["made"], made + 2)

    def test_a_change_that_fails_is_told(self):
        self.chat.fault(kind="change", count=1, body={"community": "@TGS#_nobody", "delete": True})
        self.assertEqual(self.codes(1), [0])
        changes = self.chat.stats()["changes"]
        self.assertEqual((changes["failed"], "@TGS#_nobody" in changes["last_error"]), (1, True))

    def test_key_clock_and_quota_change_between_two_calls(self):
        self.chat.fault(kind="change", count=1, path="/key", body={"sdkappid": APP, "secret_key": "k", "write_file": False})
        self.assertEqual(self.codes(2), [0, 70009])
        self.assertNotEqual(self.chat.secret_key(), "k")
        self.signed = self.chat.target(GET_TOPIC, usersig=usersig(APP, "administrator", "k"))
        self.assertEqual(self.codes(1), [0])
        self.chat.fault(kind="change", count=1, path="/clock", body={"offset_s": 90000})
        self.assertEqual(self.codes(2), [0, 70001])
        self.chat.shift_clock(0)
        self.chat.fault(kind="change", count=1, path="/quota", body={"command": "get_topic", "per_s": 1})
        self.assertEqual(self.in_one_second(lambda: self.codes(3)), [0, 60007, 60007])
        self.chat.quota("get_topic", per_s=200)
        self.chat.rotate_key()


class Load(Scratch):
    scenario = scenario_file("small")
    flags = ("--plain",)

    def test_the_times_of_many_thousand_calls_are_cheap(self):
        self.chat.quota("get_topic", per_s=0)
        target, n = self.chat.target(GET_TOPIC), 3000
        body = json.dumps({"GroupId": SMALL, "From_Account": "a", "TopicIdList": [MUTED], "ResponseFilter": ["TopicName"]})
        connection = self.chat.connect()
        for _ in range(n):
            connection.request("POST", target, body)
            connection.getresponse().read()
        connection.close()
        began = time.monotonic()
        told = self.chat.times(window_ms=950)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual((told["n"], len(told["ms"]), sum(c for _, c in told["per_second"])), (n, n, n))
        self.assertLess(len(json.dumps(told["ms"])), n * 16)


if __name__ == "__main__":
    main()
