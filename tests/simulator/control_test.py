"""What the control endpoint can do: faults, the journal, the world by hand.

    control_test.py BINARY [unittest arguments]
"""

import base64
import gzip
import http.client
import json
import os
import ssl
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from client import GET_TOPIC, ControlError, usersig
from scratch import GENERAL, MUTED, NEVER, SMALL, Small, main, until


class Faults(Small):
    def ask(self):
        return self.chat.call(GET_TOPIC, {"GroupId": SMALL, "From_Account": "a"})

    def test_delay(self):
        self.chat.fault(kind="delay", ms=300, count=1)
        began = time.monotonic()
        self.assertEqual(self.ask()[0], 200)
        self.assertGreater(time.monotonic() - began, 0.29)
        self.assertEqual(self.ask()[0], 200)
        self.assertEqual([r["fault"] for r in self.chat.requests()[-2:]], ["delay", ""])

    def test_status(self):
        self.chat.fault(kind="status", status=502, body="<html>", count=1)
        status, headers, body = self.ask()
        self.assertEqual((status, body), (502, b"<html>"))
        self.assertNotIn("Retry-After", headers)
        for code, wait in ((429, 7), (503, 0), (503, "Wed, 21 Oct 2015 07:28:00 GMT")):
            self.chat.fault(kind="status", status=code, retry_after=wait, count=1)
            status, headers, _ = self.ask()
            self.assertEqual((status, headers["Retry-After"]), (code, str(wait)))
        self.chat.fault(kind="status", status=302, location="https://example.com/", count=1)
        status, headers, body = self.ask()
        self.assertEqual((status, headers["Location"], body), (302, "https://example.com/", b""))

    def test_reset_and_close(self):
        self.chat.fault(kind="reset", count=1)
        with self.assertRaises(ConnectionResetError):
            self.ask()
        self.chat.fault(kind="close", count=1)
        with self.assertRaises((http.client.RemoteDisconnected, ssl.SSLEOFError)) as caught:
            self.ask()
        self.assertNotIsInstance(caught.exception, type(None))
        self.assertEqual([r["status"] for r in self.chat.requests()[-2:]], [0, 0])

    def test_truncate(self):
        whole = self.ask()[2]
        for at in (0, 1, 100, len(whole) - 1):
            self.chat.fault(kind="truncate", at=at, count=1)
            with self.assertRaises(http.client.IncompleteRead) as caught:
                self.ask()
            self.assertEqual(caught.exception.partial, whole[:at])
            self.assertEqual(caught.exception.expected, len(whole) - at)

    def test_slow(self):
        self.chat.fault(kind="slow", bytes_per_second=4000, count=1)
        began = time.monotonic()
        whole = self.ask()[2]
        self.assertGreater(time.monotonic() - began, len(whole) / 4000 * 0.9)

    def test_oversize(self):
        self.chat.fault(kind="oversize", bytes=3_000_000, count=1)
        status, headers, body = self.ask()
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        self.assertEqual(len(body), 3_000_000)
        self.assertTrue(body.startswith(b'{"ActionStatus":"OK"'))

    def test_an_oversize_answer_can_be_truncated(self):
        self.chat.fault(kind="oversize", bytes=100_000, count=1)
        self.chat.fault(kind="truncate", at=70_001, count=1)
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask()
        self.assertEqual(len(caught.exception.partial), 70_001)

    def test_body(self):
        self.chat.fault(kind="body", text="{not json", count=1)
        self.assertEqual(self.ask()[2], b"{not json")
        exact = bytes(range(256))
        self.chat.fault(kind="body", base64=base64.b64encode(exact).decode(), count=1)
        self.assertEqual(self.ask()[2], exact)
        bomb = gzip.compress(bytes(10_000_000))
        self.chat.fault(kind="body", base64=base64.b64encode(bomb).decode(), encoding="gzip", count=1)
        status, headers, body = self.ask()
        self.assertEqual((headers["Content-Encoding"], body), ("gzip", bomb))

    def test_error_at_the_top(self):
        self.chat.fault(kind="error", code=10002, count=1)
        answer = json.loads(self.ask()[2])
        self.assertEqual(answer["ErrorCode"], 10002)
        self.assertNotIn("TopicAndSelfInfo", answer)
        self.chat.fault(kind="error", code=10002, level="top", items=2, count=1)
        answer = json.loads(self.ask()[2])
        self.assertEqual((answer["ErrorCode"], answer["ActionStatus"]), (10002, "FAIL"))
        self.assertEqual([i["ErrorCode"] for i in answer["TopicAndSelfInfo"]], [0, 0])
        self.chat.fault(kind="error", code=10006, command="get_appid_group_list", count=1)
        self.assertEqual(self.chat.group_list()["ErrorCode"], 10006)

    def test_error_in_elements(self):
        self.chat.fault(kind="error", code=110003, level="item", topic=MUTED, count=1)
        items = json.loads(self.ask()[2])["TopicAndSelfInfo"]
        self.assertEqual([i["ErrorCode"] for i in items], [0, 110003, 0])
        self.assertEqual(items[1]["TopicInfo"]["TopicId"], MUTED)
        self.chat.fault(kind="error", code=10010, level="item", items=2, bare=True, count=1)
        items = json.loads(self.ask()[2])["TopicAndSelfInfo"]
        self.assertEqual([i["ErrorCode"] for i in items], [10010, 10010, 0])
        self.assertNotIn("TopicInfo", items[0])

    def test_shapes(self):
        self.chat.fault(kind="shape", shape="array_is_object", count=1)
        self.assertEqual(json.loads(self.ask()[2])["TopicAndSelfInfo"], {})
        self.chat.fault(kind="shape", shape="missing_array", count=1)
        self.assertNotIn("TopicAndSelfInfo", json.loads(self.ask()[2]))
        self.chat.fault(kind="shape", shape="null_items", count=1)
        self.assertEqual(json.loads(self.ask()[2])["TopicAndSelfInfo"], [None] * 3)
        self.chat.fault(kind="shape", shape="string_numbers", count=1)
        self.assertEqual(json.loads(self.ask()[2])["TopicAndSelfInfo"][0]["TopicInfo"]["NextMsgSeq"], "1234")

    def test_shapes_of_a_page(self):
        world = self.chat.world()["communities"]
        self.chat.quota("get_appid_group_list", per_s=0)
        for shape, seen in (("array_is_object", {}), ("missing_array", None), ("null_items", [None]),
                            ("string_numbers", [{"GroupId": SMALL}])):
            with self.subTest(shape):
                self.chat.fault(kind="shape", shape=shape, count=1)
                page = self.chat.group_list()
                self.assertEqual(page.get("GroupIdList"), seen)
        self.assertEqual(page["TotalCount"], str(len(world)))

    def test_hang_ends_when_the_client_leaves(self):
        self.chat.fault(kind="hang", count=1)
        connection = self.chat.connect(timeout=0.3)
        connection.request("POST", self.chat.target(GET_TOPIC), "{}")
        with self.assertRaises(TimeoutError):
            connection.getresponse()
        self.assertGreater(self.chat.stats()["connections"]["open"], 0)
        connection.close()
        until(lambda: self.chat.stats()["connections"]["open"] == 0, "the connection ends")

    def test_faults_are_aimed(self):
        self.chat.fault(kind="status", status=500, community="@TGS#_other")
        self.chat.fault(kind="status", status=500, sdkappid=7)
        self.chat.fault(kind="status", status=500, command="get_appid_group_list")
        self.chat.fault(kind="status", status=500, probability=0)
        self.assertEqual(self.ask()[0], 200)
        self.chat.fault(kind="status", status=500, community=SMALL, sdkappid=1400000001, command="get_topic")
        self.assertEqual(self.ask()[0], 500)

    def test_a_fault_can_come_later(self):
        self.chat.fault(kind="status", status=500, after=2, count=1)
        self.assertEqual(self.chat.faults()[0]["after"], 2)
        self.assertEqual([self.ask()[0] for _ in range(4)], [200, 200, 500, 200])

    def test_a_refused_call_does_not_use_up_an_error(self):
        self.chat.fault(kind="error", code=10002, count=1)
        self.assertEqual(self.code(random=None), 60008)
        self.assertEqual(self.code(), 10002)
        self.chat.fault(kind="error", code=60007, count=1)
        self.assertEqual(self.code(body={"GroupId": "@TGS#_none", "From_Account": "a"}), 60007)

    def test_faults_of_different_stages_combine(self):
        self.chat.fault(kind="delay", ms=100)
        self.chat.fault(kind="delay", ms=150)
        self.chat.fault(kind="body", text="x" * 50)
        self.chat.fault(kind="truncate", at=20)
        began = time.monotonic()
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask()
        self.assertGreater(time.monotonic() - began, 0.24)
        self.assertEqual(caught.exception.partial, b"x" * 20)

    def test_a_probability_is_met(self):
        self.chat.fault(kind="error", code=10002, probability=0.5)
        connection = self.chat.connect()
        codes = []
        target = self.chat.target(GET_TOPIC)
        for _ in range(100):
            connection.request("POST", target, json.dumps({"GroupId": SMALL, "From_Account": "a"}))
            codes.append(json.loads(connection.getresponse().read())["ErrorCode"])
        connection.close()
        self.assertTrue(25 < codes.count(10002) < 75, codes.count(10002))

    def test_faults_are_listed_counted_and_removed(self):
        first = self.chat.fault(kind="delay", ms=1, count=2)
        second = self.chat.fault(kind="slow", bytes_per_second=1000000)
        self.ask()
        faults = {f["id"]: f for f in self.chat.faults()}
        self.assertEqual([faults[first]["count"], faults[first]["hits"], faults[second]["kind"]], [1, 1, "slow"])
        self.ask()
        self.assertEqual([f["id"] for f in self.chat.faults()], [second])
        self.chat.clear(second)
        self.assertEqual(self.chat.faults(), [])
        with self.assertRaises(ControlError):
            self.chat.clear(second)

    def test_a_bad_fault_is_refused(self):
        for fault in ({"kind": "rain"}, {}, {"kind": "delay"}, {"kind": "delay", "ms": -1}, {"kind": "delay", "ms": 1, "x": 1},
                      {"kind": "status", "status": 99}, {"kind": "body"}, {"kind": "body", "base64": "a"},
                      {"kind": "error"}, {"kind": "error", "code": 1, "level": "side"}, {"kind": "shape", "shape": "round"},
                      {"kind": "slow", "bytes_per_second": 0}, {"kind": "reset", "probability": 2},
                      {"kind": "reset", "count": 0}, {"kind": "reset", "command": "none"},
                      {"kind": "error", "code": 1, "topic": "t"},
                      {"kind": "error", "code": 1, "level": "item", "command": "other"},
                      {"kind": "change"}, {"kind": "change", "path": "/faults", "body": {}},
                      {"kind": "delay", "ms": 1, "after": -1},
                      {"kind": "status", "status": 503, "retry_after": "a\r\nb: c"}, {"kind": "body", "text": "", "encoding": 5}):
            with self.subTest(fault), self.assertRaises(ControlError) as caught:
                self.chat.fault(**fault)
            self.assertEqual(caught.exception.status, 400)
        self.assertEqual(self.chat.faults(), [])


class Control(Small):
    def tearDown(self):
        pass

    def test_the_journal_tells_every_call(self):
        mark = self.chat.last_request()
        self.chat.get_topic(SMALL, "watcher", TopicIdList=[GENERAL, MUTED])
        self.chat.get_topic("@TGS#_none")
        self.chat.group_list()
        self.chat.call("/v4/x", {}, usersig="bad")
        rows = self.chat.requests(mark)
        self.assertEqual([r["id"] for r in rows], [mark + 1, mark + 2, mark + 3, mark + 4])
        self.assertEqual([r["command"] for r in rows], ["get_topic", "get_topic", "get_appid_group_list", "other"])
        self.assertEqual([r["code"] for r in rows], [0, 10010, 0, 60009])
        first = rows[0]
        self.assertEqual([first[k] for k in ("sdkappid", "community", "account", "topics_asked", "status", "fault")],
                         [1400000001, SMALL, "watcher", 2, 200, ""])
        self.assertAlmostEqual(first["time"], time.time(), delta=5)
        self.assertAlmostEqual(first["mono_ms"] / 1000, time.monotonic(), delta=5)
        self.assertGreaterEqual(first["duration_ms"], 0)
        self.assertGreater(first["bytes"], 500)
        self.assertNotEqual(first["connection"], rows[1]["connection"])

    def test_the_journal_keeps_the_question(self):
        mark = self.chat.last_request()
        self.chat.get_topic(SMALL, "猫", TopicIdList=[GENERAL], ResponseFilter=["TopicName"])
        self.chat.call(GET_TOPIC, "not json")
        self.chat.call(GET_TOPIC, {"GroupId": "x" * 20000})
        asked = [r["question"] for r in self.chat.requests(mark)]
        self.assertEqual(json.loads(asked[0]), {"GroupId": SMALL, "From_Account": "猫", "TopicIdList": [GENERAL],
                                                "ResponseFilter": ["TopicName"]})
        self.assertEqual(asked[1], "")
        self.assertEqual(len(asked[2]), 16384)

    def test_no_signature_and_no_key_is_ever_told(self):
        app = self.chat.app()
        signed = usersig(app["sdkappid"], app["identifier"], self.chat.secret_key())
        self.chat.call(GET_TOPIC, {"GroupId": signed, "From_Account": signed, "x": signed}, usersig=signed)
        self.chat.call(GET_TOPIC + "/" + signed, {"GroupId": SMALL}, usersig=signed)
        told = json.dumps([self.chat.ask("GET", path) for path in ("/requests", "/stats", "/faults", "/world", "/clock")])
        self.assertNotIn(signed, told)
        self.assertNotIn(self.chat.secret_key(), told)
        with open(os.path.join(self.chat.directory, "simulator.log"), encoding="utf-8") as log:
            self.assertEqual(log.read(), "")

    def test_the_stats_count(self):
        before = self.chat.stats()
        for _ in range(3):
            self.chat.get_topic(SMALL)
        after = self.chat.stats()
        count = lambda s: sum(c["codes"].get("0", 0) for c in s["commands"] if c["command"] == "get_topic")
        self.assertEqual(count(after) - count(before), 3)
        self.assertEqual(after["requests"] - before["requests"], 3)
        self.assertGreaterEqual(max(c["peak_per_second"] for c in after["commands"]), 1)
        self.assertEqual(after["http_status"]["200"] - before["http_status"].get("200", 0), 3)

    def test_the_world_is_the_truth(self):
        listed = self.chat.world()["communities"]
        self.assertIn(SMALL, [c["community"] for c in listed])
        topics = {t["id"]: t for t in self.chat.world(SMALL)["topics"]}
        for item in self.chat.get_topic(SMALL)["TopicAndSelfInfo"]:
            info, truth = item["TopicInfo"], topics[item["TopicInfo"]["TopicId"]]
            self.assertEqual([info["TopicName"], info["NextMsgSeq"], info["LastMsgTime"], info["CreateTime"]],
                             [truth["name"], truth["NextMsgSeq"], truth["LastMsgTime"], truth["CreateTime"]])
            self.assertEqual(info["MuteAllMember"] == "On", truth["muted"])

    def test_a_topic_can_be_changed_by_hand(self):
        self.chat.change(community=SMALL, topic=NEVER, set={
            "NextMsgSeq": 7, "LastMsgTime": 1760000001, "CreateTime": 1700000300, "MuteAllMember": "On",
            "TopicName": "used now", "MsgSeq": 4, "ShutUpTime": 9})
        item = self.chat.get_topic(SMALL, TopicIdList=[NEVER])["TopicAndSelfInfo"][0]
        names = ("NextMsgSeq", "LastMsgTime", "CreateTime", "MuteAllMember", "TopicName")
        self.assertEqual([item["TopicInfo"][k] for k in names],
                         [7, 1760000001, 1700000300, "On", "used now"])
        self.assertEqual([item["SelfInfo"]["MsgSeq"], item["SelfInfo"]["ShutUpTime"]], [4, 9])
        self.chat.change(community=SMALL, topic=NEVER, set={"messages_per_hour": 360000})
        read = lambda: self.chat.get_topic(SMALL, TopicIdList=[NEVER])["TopicAndSelfInfo"][0]["TopicInfo"]
        moved = until(lambda: (info := read())["NextMsgSeq"] > 20 and info, "a hundred messages a second")
        self.assertAlmostEqual(moved["LastMsgTime"], time.time(), delta=5)
        self.chat.change(community=SMALL, topic=NEVER, set={
            "messages_per_hour": 0, "NextMsgSeq": 1, "LastMsgTime": 0, "MuteAllMember": False, "TopicName": "never used",
            "CreateTime": 1700000200, "ErrorCode": 10002})
        self.assertEqual(self.chat.get_topic(SMALL, TopicIdList=[NEVER])["TopicAndSelfInfo"][0]["ErrorCode"], 10002)
        self.chat.change(community=SMALL, topic=NEVER, set={"ErrorCode": 0, "MsgSeq": -1, "ShutUpTime": -1})

    def test_messages_are_posted_by_hand(self):
        self.chat.change(community="@TGS#_talk", create=True)
        self.chat.change(community="@TGS#_talk", topic="t", create=True, post=2)
        read = lambda: self.chat.get_topic("@TGS#_talk")["TopicAndSelfInfo"][0]["TopicInfo"]
        self.assertEqual(read()["NextMsgSeq"], 3)
        self.assertAlmostEqual(read()["LastMsgTime"], time.time(), delta=2)
        self.chat.change(community="@TGS#_talk", topic="t", set={"LastMsgTime": 5})
        self.chat.change(community="@TGS#_talk", topic="t", post=1)
        self.assertEqual(read()["NextMsgSeq"], 4)
        self.assertGreater(read()["LastMsgTime"], 5)
        for change in ({"post": 0}, {"post": "x"}, {"post": 1, "delete": True}):
            with self.subTest(change), self.assertRaises(ControlError):
                self.chat.change(community="@TGS#_talk", topic="t", **change)
        with self.assertRaises(ControlError):
            self.chat.change(community="@TGS#_talk", post=1)
        self.chat.change(community="@TGS#_talk", topic="t", delete=True)
        with self.assertRaises(ControlError):
            self.chat.change(community="@TGS#_talk", topic="t", post=1)

    def test_topics_and_communities_come_and_go_by_hand(self):
        self.chat.change(community="@TGS#_new", create=True, topics=2)
        self.assertEqual(len(self.chat.get_topic("@TGS#_new")["TopicAndSelfInfo"]), 2)
        self.chat.change(community="@TGS#_new", topic="extra", create=True, set={"NextMsgSeq": 5})
        asked = self.chat.get_topic("@TGS#_new", TopicIdList=["extra"])["TopicAndSelfInfo"]
        self.assertEqual(asked[0]["TopicInfo"]["NextMsgSeq"], 5)
        self.chat.change(community="@TGS#_new", topic="extra", delete=True)
        self.assertEqual(len(self.chat.get_topic("@TGS#_new")["TopicAndSelfInfo"]), 2)
        self.assertTrue(next(t for t in self.chat.world("@TGS#_new")["topics"] if t["id"] == "extra")["deleted"])
        self.chat.change(community="@TGS#_new", topic="extra", create=True)
        again = self.chat.get_topic("@TGS#_new", TopicIdList=["extra"])["TopicAndSelfInfo"][0]
        self.assertEqual(again["TopicInfo"]["NextMsgSeq"], 1)
        self.assertAlmostEqual(again["TopicInfo"]["CreateTime"], time.time(), delta=3)
        self.chat.change(community="@TGS#_new", set={"ErrorCode": 10007})
        self.assertEqual(self.chat.get_topic("@TGS#_new")["ErrorCode"], 10007)
        self.chat.change(community="@TGS#_new", delete=True)
        self.assertEqual(self.chat.get_topic("@TGS#_new")["ErrorCode"], 10010)
        self.chat.change(community="@TGS#_new", create=True)
        self.assertEqual(self.chat.get_topic("@TGS#_new")["ErrorCode"], 10007)
        self.chat.change(community="@TGS#_new", delete=True)

    def test_what_it_does_not_know_it_refuses(self):
        for method, path, body, status in (
                ("GET", "/nowhere", None, 404), ("POST", "/requests", {}, 405), ("GET", "/requests?since=x", None, 400),
                ("POST", "/world", {"community": SMALL}, 400), ("POST", "/world", {"community": SMALL, "typo": 1}, 400),
                ("POST", "/world", {"community": "none", "delete": True}, 400),
                ("POST", "/world", {"community": SMALL, "topic": "none", "delete": True}, 400),
                ("POST", "/world", {"community": SMALL, "topic": GENERAL, "set": {"Colour": 1}}, 400),
                ("POST", "/world", {"community": SMALL, "topic": GENERAL, "create": True}, 400),
                ("POST", "/world", [], 400), ("POST", "/world", [5], 400), ("GET", "/world?community=none", None, 400),
                ("POST", "/clock", {}, 400), ("POST", "/key", {"sdkappid": 9}, 400), ("DELETE", "/faults?id=0", None, 400)):
            with self.subTest(f"{method} {path} {body}"), self.assertRaises(ControlError) as caught:
                self.chat.ask(method, path, body)
            self.assertEqual(caught.exception.status, status)
        with self.assertRaises(ControlError):
            self.chat.ask("POST", "/faults", None)


if __name__ == "__main__":
    main()
