"""The simulator does what its README says. Run by ctest: simulator_test.py BINARY [unittest arguments]."""

import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from client import GET_TOPIC, GROUP_LIST, ControlError, Simulator, usersig

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = None
SMALL = "@TGS#_@TGS#cSMALL0001"
GENERAL = SMALL + "@TOPIC#_@TOPIC#cGENERAL"
MUTED = SMALL + "@TOPIC#_@TOPIC#cMUTED"
NEVER = SMALL + "@TOPIC#_@TOPIC#cNEVER"

# One app for each question that the small scenario cannot put.
KINDS = r"""
seed = 5;
lockout = { failures = 3; for = "700ms"; };
apps = (
  { sdkappid = 1; identifiers = [ "admin", "second" ];
    accounts = ( { id = "reader"; read_lag = 3; muted = true; }, { id = "sleeper"; } );
    communities = (
      { id = "old"; topics = ( { name = "t"; next_msg_seq = 10; last_msg_time = 1; muted = true; } );
        answer = { mute = "ShutUpAllFlag"; group_id = "GroupId"; error_info = ""; absent = [ "ActionStatus", "CreateTime" ];
                   extra = true; no_unread = true; unknown_topic = "missing"; }; },
      { id = "both"; topics = 1; answer = { mute = "both"; error_info = "OK"; }; },
      { id = "empty"; topics = 0; },
      { id = "absent"; topics = 0; answer = { empty = "absent"; }; },
      { id = "plain"; type = "Public"; topics_enabled = false; topics = 1; },
      { id = "denied"; topics = 1; error_code = 10007; },
      { id = "part"; topics = ( { name = "fine"; }, { name = "broken"; error_code = 10002; } ); },
      { id = "big"; topics = 300; custom_string = 4000; },
      { id = "names"; topics = ( { name = "quote \" backslash \\ tab \t 猫 🚀"; } ); }
    ); },
  { sdkappid = 2; identifiers = [ "admin" ]; quota = { get_topic = 5; get_topic_code = 10006; app = 8; app_code = 60018;
    get_appid_group_list = 100; };
    communities = ( { id = "c"; topics = 1; } ); },
  { sdkappid = 3; identifiers = [ "admin" ]; quota = { get_appid_group_list = 0; };
    communities = ( { count = 25; id = "page{3}"; }, { count = 2; id = "hall{}"; type = "Public"; } ); },
  { sdkappid = 5000000; identifiers = [ "admin" ];
    communities = (
      { id = "busy"; topics = 30; messages_per_hour = 400000; skew = 0.5; },
      { id = "churn"; topics = 2; churn = { per_hour = 7200; lifetime = "1s"; }; },
      { id = "mutes"; topics = 40; mutes = { share = 1.0; every = "1s"; for = "500ms"; }; },
      { id = "later"; topics = ( { id = "stays"; }, { id = "comes"; born_after = "1500ms"; },
                                 { id = "goes"; deleted_after = "1500ms"; } ); }
    ); }
);
"""


def scenario_file(name):
    return os.path.join(HERE, "scenarios", name + ".scenario")


class Scratch(unittest.TestCase):
    """A directory per class, and one simulator when `scenario` is set."""

    scenario = None
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="chat_simulator_")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        if cls.scenario is None:
            return
        path = cls.scenario
        if "\n" in path:
            path = os.path.join(cls.directory, "test.scenario")
            with open(path, "w", encoding="utf-8") as out:
                out.write(cls.scenario)
        cls.chat = Simulator(BINARY, path, os.path.join(cls.directory, "run"), *cls.flags).start()
        cls.addClassCleanup(cls.chat.stop)

    def tearDown(self):
        if self.scenario is not None:
            self.chat.clear()
            self.chat.shift_clock(0)

    def code(self, path=GET_TOPIC, body=None, **change):
        """ErrorCode of a call that the service refuses or not."""
        body = {"GroupId": SMALL, "From_Account": "administrator"} if body is None else body
        status, _, answer = self.chat.call(path, body, **change)
        self.assertEqual(status, 200)
        answer = json.loads(answer)
        self.assertEqual(answer["ActionStatus"], "OK" if answer["ErrorCode"] == 0 else "FAIL")
        return answer["ErrorCode"]


class Small(Scratch):
    scenario = scenario_file("small")

    def signed_at(self, offset_s, expire=86400, **change):
        key = self.chat.secret_key()
        return usersig(1400000001, "administrator", key, int(time.time()) + offset_s, expire, change=change)


class Topics(Small):
    def test_the_answer_is_the_one_of_the_page(self):
        answer = self.chat.get_topic(SMALL)
        self.assertEqual([answer["ActionStatus"], answer["ErrorInfo"], answer["ErrorCode"]], ["OK", "ok", 0])
        items = answer["TopicAndSelfInfo"]
        self.assertEqual([i["TopicInfo"]["TopicId"] for i in items], [GENERAL, MUTED, NEVER])
        self.assertEqual(items[0], {
            "ErrorCode": 0, "ErrorInfo": "ok",
            "SelfInfo": {"ShutUpTime": 0, "MsgSeq": 0, "MsgFlag": "AcceptAndNotify"},
            "TopicInfo": {
                "TopicName": "general", "GroupID": SMALL, "TopicId": GENERAL,
                "FaceUrl": "https://faces.example/topic.png", "NextMsgSeq": 1234, "Notification": "Be kind.",
                "Introduction": "A place to talk.", "CreateTime": 1700000000, "LastMsgTime": 1760000000,
                "MuteAllMember": "Off", "CustomString": ""}})
        self.assertEqual(items[1]["TopicInfo"]["MuteAllMember"], "On")
        self.assertEqual([items[2]["TopicInfo"][k] for k in ("NextMsgSeq", "LastMsgTime")], [1, 0])

    def test_topics_can_be_named(self):
        asked = self.chat.get_topic(SMALL, TopicIdList=[MUTED, GENERAL])["TopicAndSelfInfo"]
        self.assertEqual([i["TopicInfo"]["TopicId"] for i in asked], [MUTED, GENERAL])
        self.assertEqual(len(self.chat.get_topic(SMALL, TopicIdList=[])["TopicAndSelfInfo"]), 3)

    def test_an_unknown_topic_is_an_element_with_110003(self):
        item = self.chat.get_topic(SMALL, TopicIdList=["nowhere"])["TopicAndSelfInfo"][0]
        self.assertEqual(item["ErrorCode"], 110003)
        self.assertEqual(item["TopicInfo"], {"GroupID": SMALL, "TopicId": "nowhere"})

    def test_a_filter_leaves_ids_and_self_info(self):
        items = self.chat.get_topic(SMALL, ResponseFilter=["TopicName", "NoSuchField"])["TopicAndSelfInfo"]
        self.assertEqual(set(items[0]["TopicInfo"]), {"TopicName", "GroupID", "TopicId"})
        self.assertIn("MsgSeq", items[0]["SelfInfo"])
        items = self.chat.get_topic(SMALL, ResponseFilter=["NextMsgSeq", "LastMsgTime", "MuteAllMember"])
        self.assertEqual(set(items["TopicAndSelfInfo"][0]["TopicInfo"]),
                         {"NextMsgSeq", "LastMsgTime", "MuteAllMember", "GroupID", "TopicId"})
        self.assertIn("CreateTime", self.chat.get_topic(SMALL, ResponseFilter=[])["TopicAndSelfInfo"][0]["TopicInfo"])

    def test_an_unknown_community_is_10010(self):
        self.assertEqual(self.code(body={"GroupId": "@TGS#_none", "From_Account": "x"}), 10010)

    def test_one_connection_serves_many_calls(self):
        connection = self.chat.connect()
        before = self.chat.stats()["connections"]["opened"]
        for _ in range(5):
            connection.request("POST", self.chat.target(GET_TOPIC), json.dumps({"GroupId": SMALL, "From_Account": "x"}))
            self.assertEqual(json.loads(connection.getresponse().read())["ErrorCode"], 0)
        connection.close()
        self.assertEqual(self.chat.stats()["connections"]["opened"], before + 1)

    def test_the_date_header_follows_the_clock(self):
        self.chat.shift_clock(-86400)
        date = self.chat.call(GET_TOPIC, {}, usersig=self.signed_at(-86400))[1]["Date"]
        seen = time.mktime(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
        self.assertAlmostEqual(seen, time.time() - 86400, delta=5)


class Refusals(Small):
    def test_the_query_needs_its_five_parameters(self):
        for name, code in (("sdkappid", 60012), ("identifier", 60004), ("usersig", 70002), ("random", 60008),
                           ("contenttype", 60008)):
            with self.subTest(name):
                self.assertEqual(self.code(**{name: None}), code)

    def test_parameter_names_and_values_are_case_sensitive(self):
        self.assertEqual(self.code(sdkappid=None, SdkAppId="1400000001"), 60012)
        self.assertEqual(self.code(contenttype="JSON"), 60002)

    def test_parameters_are_checked(self):
        self.assertEqual(self.code(sdkappid="14x"), 60002)
        self.assertEqual(self.code(random="4294967296"), 60002)
        self.assertEqual(self.code(random="-1"), 60002)
        self.assertEqual(self.code(random="4294967295"), 0)
        self.assertEqual(self.code(sdkappid="1400000009"), 70020)
        self.assertEqual(self.code(path=GET_TOPIC + "?random=1&", random="2"), 60002)

    def test_paths_and_methods(self):
        self.assertEqual(self.code(method="GET"), 60002)
        self.assertEqual(self.code(path="/"), 60009)
        self.assertEqual(self.code(path="/v4/nobody_svc/get_topic"), 60009)
        self.assertEqual(self.code(path="/v4/million_group_open_http_svc/fetch_topic"), 10003)
        self.assertEqual(self.code(path="/v4/million_group_open_http_svc/get_topic/"), 10003)

    def test_the_body_is_checked(self):
        for body in ("", "not json", '{"GroupId":', '{"a":1,"a":2}', '{"a":"\\ud800"}', '{"a":01}', b'{"a":"\xff"}',
                     "{} {}", "[" * 40 + "]" * 40, '{"a":"\x01"}', "{'a':1}", '{"a":1,}'):
            with self.subTest(body):
                self.assertEqual(self.code(body=body), 60003)
        self.assertEqual(self.code(body="[1]"), 10011)
        self.assertEqual(self.code(body=" " * (1 << 20) + "{}"), 60002)

    def test_missing_and_wrong_fields_are_named(self):
        good = {"GroupId": SMALL, "From_Account": "x"}
        for change in ({"GroupId": None}, {"From_Account": 5}, {"TopicIdList": "x"}, {"TopicIdList": [1]},
                       {"ResponseFilter": {}}, {"GroupId": ""}):
            body = {k: v for k, v in {**good, **change}.items() if v is not None}
            answer = json.loads(self.chat.call(GET_TOPIC, body)[2])
            self.assertEqual(answer["ErrorCode"], 10004, change)
            self.assertIn(next(iter(change)), answer["ErrorInfo"])


class Signatures(Small):
    def setUp(self):
        self.assertEqual(self.code(), 0)  # a good signature ends every row of bad ones

    def sign(self, **change):
        return self.signed_at(0, **change)

    def test_any_encoder_is_accepted(self):
        key = self.chat.secret_key()
        for level in (-1, 0, 1, 9):
            self.assertEqual(self.code(usersig=usersig(1400000001, "administrator", key, level=level)), 0)

    def test_the_text_is_taken_apart(self):
        good = self.sign()
        packed = base64.b64decode(good.translate(str.maketrans("*-_", "+/=")))
        plain = zlib.decompress(packed)
        remake = lambda b: base64.b64encode(b).decode().translate(str.maketrans("+/=", "*-_"))
        for bad in (good[:-4], good[:-1], "AAAA", "%", good + "AAAA", remake(packed + b"x"), remake(plain),
                    remake(zlib.compress(b"[]")), remake(zlib.compress(b" " * 100000 + plain)),
                    "_" + good[1:], good.replace("e", "+", 1)):
            with self.subTest(bad):
                self.assertEqual(self.code(), 0)
                self.assertEqual(self.code(usersig=bad), 70003)

    def test_each_field_counts(self):
        for code, change in ((70003, {"TLS.ver": "1.0"}), (70013, {"TLS.identifier": "other"}),
                             (70014, {"TLS.sdkappid": 1400000002}), (70009, {"TLS.expire": 86401}),
                             (70009, {"TLS.time": 1}), (70009, {"TLS.userbuf": "eA=="}), (70009, {"TLS.sig": "x"}),
                             (70003, {"TLS.sdkappid": "1400000001"}), (70003, {"TLS.expire": 1.5})):
            with self.subTest(change):
                self.assertEqual(self.code(), 0)
                self.assertEqual(self.code(usersig=self.sign(**change)), code)
        self.assertEqual(self.code(usersig=usersig(1400000001, "administrator", "another key")), 70009)
        self.assertEqual(self.code(usersig=""), 70002)

    def test_the_last_second_is_valid(self):
        self.assertEqual(self.code(usersig=self.signed_at(-100, 90)), 70001)
        self.assertEqual(self.code(usersig=self.signed_at(-100, 105)), 0)
        self.assertEqual(self.code(usersig=self.signed_at(+1000, 10)), 0)

    def test_the_clock_can_be_shifted(self):
        signed = self.sign()
        self.chat.shift_clock(86500)
        self.assertEqual(self.code(usersig=signed), 70001)
        self.chat.shift_clock(-86500)
        self.assertEqual(self.code(usersig=signed), 0)

    def test_only_administrators_may_call(self):
        key = self.chat.secret_key()
        self.assertEqual(self.code(identifier="mallory", usersig=usersig(1400000001, "mallory", key)), 60010)

    def test_a_rotated_key_ends_the_old_one(self):
        old = self.sign()
        self.chat.rotate_key()
        self.assertEqual(self.code(usersig=old), 70009)
        self.assertEqual(self.code(), 0)
        self.chat.rotate_key(secret_key="a fixed key")
        self.assertEqual(self.code(usersig=usersig(1400000001, "administrator", "a fixed key")), 0)
        self.assertEqual(os.stat(self.chat.app()["secret_key_file"]).st_mode & 0o777, 0o600)

    def test_the_shared_vectors_verify(self):
        # Key, user and time of the published samples; the token was made by the vendor's own code.
        token = ("eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM_NgUsUp2YkFBZkpQAlDEwMIMITKpVYUZBalAmUszIBSUMGSzFyQ"
                 "kKG5GUSxOcygzHSQ4cGOrhbauWaVlXm5HulFme4-6T6mJsVG-fpF5d7J6b5eru7piUYe6SW5JcW2SrUAAdkyZw==")
        self.assertEqual(self.code(usersig=token), 70003)  # the usual URL alphabet is another one


class Kinds(Scratch):
    scenario = KINDS

    def first(self, community, account="admin", **body):
        return self.chat.get_topic(community, account, 1, **body)["TopicAndSelfInfo"][0]

    def test_the_older_spelling(self):
        answer = self.chat.get_topic("old", "reader", 1)
        self.assertNotIn("ActionStatus", answer)
        self.assertEqual(answer["ErrorInfo"], "")
        item = answer["TopicAndSelfInfo"][0]
        self.assertEqual(item["TopicInfo"]["ShutUpAllFlag"], 1)
        self.assertEqual(item["TopicInfo"]["GroupId"], "old")
        for name in ("MuteAllMember", "GroupID", "CreateTime"):
            self.assertNotIn(name, item["TopicInfo"])
        self.assertEqual(item["TopicInfo"]["LastMsg"]["TopicId"], "not a topic")
        self.assertEqual(item["SelfInfo"]["NoUnreadSeqList"], [9, 8])
        self.assertEqual(self.chat.get_topic("old", "admin", 1, TopicIdList=["x"])["TopicAndSelfInfo"], [])
        self.assertIn("ShutUpAllFlag", self.first("old", ResponseFilter=["MuteAllMember"])["TopicInfo"])

    def test_other_spellings(self):
        info = self.first("both")
        self.assertEqual([info["TopicInfo"]["MuteAllMember"], info["TopicInfo"]["ShutUpAllFlag"]], ["Off", 0])
        self.assertEqual(info["ErrorInfo"], "OK")
        self.assertEqual(self.chat.get_topic("empty", "admin", 1)["TopicAndSelfInfo"], [])
        self.assertNotIn("TopicAndSelfInfo", self.chat.get_topic("absent", "admin", 1))

    def test_names_come_through(self):
        self.assertEqual(self.first("names")["TopicInfo"]["TopicName"], 'quote " backslash \\ tab \t 猫 🚀')

    def test_accounts_have_a_read_position(self):
        self.assertEqual(self.first("old", "reader")["SelfInfo"]["MsgSeq"], 6)
        self.assertGreater(self.first("old", "reader")["SelfInfo"]["ShutUpTime"], time.time())
        self.assertEqual(self.first("old", "sleeper")["SelfInfo"]["MsgSeq"], 0)
        self.assertEqual(self.chat.get_topic("old", "stranger", 1)["ErrorCode"], 10019)

    def test_communities_that_refuse(self):
        self.assertEqual(self.chat.get_topic("plain", "admin", 1)["ErrorCode"], 11000)
        self.assertEqual(self.chat.get_topic("denied", "admin", 1)["ErrorCode"], 10007)
        codes = [i["ErrorCode"] for i in self.chat.get_topic("part", "admin", 1)["TopicAndSelfInfo"]]
        self.assertEqual(codes, [0, 10002])

    def test_an_answer_ends_at_one_mebibyte(self):
        self.assertEqual(self.chat.get_topic("big", "admin", 1)["ErrorCode"], 10018)
        items = self.chat.get_topic("big", "admin", 1, ResponseFilter=["NextMsgSeq"])["TopicAndSelfInfo"]
        self.assertEqual(len(items), 300)
        ids = [i["TopicInfo"]["TopicId"] for i in items]
        self.assertEqual(len(set(ids)), 300)
        some = self.chat.get_topic("big", "admin", 1, TopicIdList=ids[100:300])["TopicAndSelfInfo"]
        self.assertEqual([i["TopicInfo"]["TopicId"] for i in some], ids[100:300])
        self.assertEqual(len(some[0]["TopicInfo"]["CustomString"]), 4000)

    def test_quotas_are_per_second(self):
        while time.time() % 1 > 0.1:
            time.sleep(0.01)
        connection = self.chat.connect()
        codes = []
        for _ in range(6):
            connection.request("POST", self.chat.target(GET_TOPIC, 2), '{"GroupId":"c","From_Account":"a"}')
            codes.append(json.loads(connection.getresponse().read())["ErrorCode"])
        for _ in range(3):
            connection.request("POST", self.chat.target(GROUP_LIST, 2), "{}")
            codes.append(json.loads(connection.getresponse().read())["ErrorCode"])
        connection.close()
        self.assertEqual(codes, [0] * 5 + [10006] + [0] * 2 + [60018])
        time.sleep(1)
        self.assertEqual(self.chat.get_topic("c", "a", 2)["ErrorCode"], 0)

    def test_the_group_list_is_slow_by_default(self):
        while time.time() % 1 > 0.2:
            time.sleep(0.01)
        self.assertEqual([self.chat.group_list(1)["ErrorCode"] for _ in range(2)], [0, 60007])

    def test_pages_need_all_64_bits(self):
        seen, cursor, pages = [], 0, 0
        while pages == 0 or cursor != 0:
            page = self.chat.group_list(3, Limit=4, Next=cursor, GroupType="Community")
            self.assertEqual(page["TotalCount"], 25)
            seen += [g["GroupId"] for g in page["GroupIdList"]]
            cursor, pages = page["Next"], pages + 1
            if cursor != 0:
                self.assertGreater(cursor, 1 << 63)
        self.assertEqual(seen, [f"page{n:03}" for n in range(1, 26)])
        self.assertEqual(pages, 7)
        self.assertEqual(self.chat.group_list(3)["TotalCount"], 27)
        rounded = int(float((1 << 63) + 5))
        self.assertEqual(self.chat.group_list(3, Next=rounded)["ErrorCode"], 10004)
        for bad in ({"Limit": 10001}, {"Limit": 0}, {"Limit": "5"}, {"Next": -1}, {"Next": 1.5}, {"GroupType": 1}):
            self.assertEqual(self.chat.group_list(3, **bad)["ErrorCode"], 10004, bad)

    def test_bad_signatures_in_a_row_lock_the_app(self):
        body = {"GroupId": "c", "From_Account": "a"}
        code = lambda **change: json.loads(self.chat.call(GET_TOPIC, body, 5000000, **change)[2])["ErrorCode"]
        self.assertEqual([code(usersig="AAAA") for _ in range(4)], [70003] * 3 + [70050])
        self.assertEqual(code(), 70050)
        time.sleep(0.8)
        self.assertEqual(code(), 10010)
        self.assertEqual([code(usersig="AAAA"), code(usersig="AAAA"), code(), code(usersig="AAAA"), code()],
                         [70003, 70003, 10010, 70003, 10010])

    def test_messages_arrive(self):
        def read():
            items = self.chat.get_topic("busy", "admin", 5000000)["TopicAndSelfInfo"]
            return {i["TopicInfo"]["TopicId"]: i["TopicInfo"] for i in items}

        before = read()
        moved = 0
        for _ in range(10):
            time.sleep(0.1)
            after = read()
            for name, info in after.items():
                old = before[name]
                self.assertGreaterEqual(info["NextMsgSeq"], old["NextMsgSeq"])
                self.assertGreaterEqual(info["LastMsgTime"], old["LastMsgTime"])
                self.assertLessEqual(info["LastMsgTime"], time.time())
                self.assertGreaterEqual(info["LastMsgTime"], info["CreateTime"])
                if info["LastMsgTime"] != old["LastMsgTime"]:
                    self.assertGreater(info["NextMsgSeq"], old["NextMsgSeq"])
                moved += info["NextMsgSeq"] - old["NextMsgSeq"]
            before = after
        self.assertGreater(moved, 40)  # about 111 a second

    def test_topics_are_born_and_deleted(self):
        ids = lambda: {i["TopicInfo"]["TopicId"] for i in self.chat.get_topic("churn", "admin", 5000000)["TopicAndSelfInfo"]}
        time.sleep(1.2)
        first = ids()
        time.sleep(2.2)
        second = ids()
        self.assertEqual(len(first & second), 2)
        self.assertGreater(len(second - first), 0)
        gone = next(iter(first - second))
        item = self.chat.get_topic("churn", "admin", 5000000, TopicIdList=[gone])["TopicAndSelfInfo"][0]
        self.assertEqual(item["ErrorCode"], 110003)

    def test_topics_appear_and_end_when_the_scenario_says(self):
        ids = lambda: [i["TopicInfo"]["TopicId"] for i in self.chat.get_topic("later", "admin", 5000000)["TopicAndSelfInfo"]]
        while self.chat.stats()["uptime_s"] < 1.6:
            time.sleep(0.1)
        self.assertEqual(ids(), ["stays", "comes"])

    def test_mutes_come_and_go(self):
        seen = set()
        for _ in range(8):
            for topic in self.chat.world("mutes")["topics"]:
                seen.add((topic["id"], topic["muted"]))
            time.sleep(0.13)
        self.assertGreater(len(seen), 60)


class Faults(Small):
    def ask(self):
        return self.chat.call(GET_TOPIC, {"GroupId": SMALL, "From_Account": "a"})

    def test_delay(self):
        self.chat.fault(kind="delay", ms=300, count=1)
        for expected in (True, False):
            began = time.monotonic()
            self.assertEqual(self.ask()[0], 200)
            self.assertEqual(time.monotonic() - began > 0.29, expected)

    def test_status(self):
        self.chat.fault(kind="status", status=502, body="<html>", count=1)
        status, headers, body = self.ask()
        self.assertEqual((status, body), (502, b"<html>"))
        self.chat.fault(kind="status", status=429, retry_after=7, count=1)
        self.assertEqual(self.ask()[1]["Retry-After"], "7")
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
        self.assertAlmostEqual(time.monotonic() - began, len(whole) / 4000, delta=0.25)

    def test_oversize(self):
        self.chat.fault(kind="oversize", bytes=3_000_000, count=1)
        status, headers, body = self.ask()
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        self.assertEqual(len(body), 3_000_000)
        self.assertTrue(body.startswith(b'{"ActionStatus":"OK"'))

    def test_body(self):
        self.chat.fault(kind="body", text="{not json", count=1)
        self.assertEqual(self.ask()[2], b"{not json")
        exact = bytes(range(256))
        self.chat.fault(kind="body", base64=base64.b64encode(exact).decode(), count=1)
        self.assertEqual(self.ask()[2], exact)

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

    def test_hang_ends_when_the_client_leaves(self):
        self.chat.fault(kind="hang", count=1)
        connection = self.chat.connect(timeout=0.3)
        connection.request("POST", self.chat.target(GET_TOPIC), "{}")
        with self.assertRaises(TimeoutError):
            connection.getresponse()
        self.assertGreater(self.chat.stats()["connections"]["open"], 0)
        connection.close()
        deadline = time.monotonic() + 5
        while self.chat.stats()["connections"]["open"] > 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.chat.stats()["connections"]["open"], 0)

    def test_faults_are_aimed(self):
        self.chat.fault(kind="status", status=500, community="@TGS#_other")
        self.chat.fault(kind="status", status=500, sdkappid=7)
        self.chat.fault(kind="status", status=500, command="get_appid_group_list")
        self.chat.fault(kind="status", status=500, probability=0)
        self.assertEqual(self.ask()[0], 200)
        self.chat.fault(kind="status", status=500, community=SMALL, sdkappid=1400000001, command="get_topic")
        self.assertEqual(self.ask()[0], 500)

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
                      {"kind": "error", "code": 1, "topic": "t"}):
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
        self.assertGreaterEqual(first["duration_ms"], 0)
        self.assertGreater(first["bytes"], 500)
        self.assertNotEqual(first["connection"], rows[1]["connection"])

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
        self.assertEqual([item["TopicInfo"][k] for k in ("NextMsgSeq", "LastMsgTime", "CreateTime", "MuteAllMember", "TopicName")],
                         [7, 1760000001, 1700000300, "On", "used now"])
        self.assertEqual([item["SelfInfo"]["MsgSeq"], item["SelfInfo"]["ShutUpTime"]], [4, 9])
        self.chat.change(community=SMALL, topic=NEVER, set={"messages_per_hour": 360000})
        time.sleep(0.4)
        moved = self.chat.get_topic(SMALL, TopicIdList=[NEVER])["TopicAndSelfInfo"][0]["TopicInfo"]
        self.assertGreater(moved["NextMsgSeq"], 20)
        self.assertAlmostEqual(moved["LastMsgTime"], time.time(), delta=3)
        self.chat.change(community=SMALL, topic=NEVER, set={
            "messages_per_hour": 0, "NextMsgSeq": 1, "LastMsgTime": 0, "MuteAllMember": False, "TopicName": "never used",
            "CreateTime": 1700000200, "ErrorCode": 10002})
        self.assertEqual(self.chat.get_topic(SMALL, TopicIdList=[NEVER])["TopicAndSelfInfo"][0]["ErrorCode"], 10002)
        self.chat.change(community=SMALL, topic=NEVER, set={"ErrorCode": 0, "MsgSeq": -1, "ShutUpTime": -1})

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
                ("POST", "/world", [], 400), ("GET", "/world?community=none", None, 400),
                ("POST", "/clock", {}, 400), ("POST", "/key", {"sdkappid": 9}, 400), ("DELETE", "/faults?id=0", None, 400)):
            with self.subTest(f"{method} {path} {body}"), self.assertRaises(ControlError) as caught:
                self.chat.ask(method, path, body)
            self.assertEqual(caught.exception.status, status)
        with self.assertRaises(ControlError):
            self.chat.ask("POST", "/faults", None)


class Life(Scratch):
    def run_once(self, *flags, scenario=scenario_file("small")):
        done = subprocess.run([BINARY, f"--scenario={scenario}", *flags], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def check(self, text):
        path = os.path.join(self.directory, "bad.scenario")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return self.run_once("--check", scenario=path)

    def start(self, *flags, scenario="small"):
        return Simulator(BINARY, scenario_file(scenario), os.path.join(self.directory, "life"), *flags)

    def test_every_shipped_scenario_is_right(self):
        for name in sorted(os.listdir(os.path.join(HERE, "scenarios"))):
            status, said = self.run_once("--check", scenario=os.path.join(HERE, "scenarios", name))
            self.assertEqual((status, name in said), (0, True), said)

    def test_mistakes_are_named_with_their_line(self):
        app = 'apps = (\n { sdkappid = 1; identifiers = [ "a" ];\n   %s } );'
        for text, line, words in (
                ("", 1, "empty"), ("seed = ;", 1, "syntax"), ("seed = 1;", 1, "apps"),
                ("seed = 99999999999999999999;", 1, "64 bits"), ("/* open", 1, "comment"), ("@include \"x\"", 1, "include"),
                ("\n\nseed = \"x\";", 3, "whole number"), (app % "colour = 1;", 3, "unknown key 'colour'"),
                (app % 'communities = ( { topics = 3; } );', 3, "'id'"),
                (app % 'communities = ( { id = "c"; age = "soon"; } );', 3, "duration"),
                (app % 'communities = ( { id = "c"; never_active = 2; } );', 3, "0 to 1"),
                (app % 'communities = ( { id = "c"; answer = { mute = "maybe"; }; } );', 3, "MuteAllMember"),
                (app % 'communities = ( { id = "c"; answer = { absent = [ "X" ]; }; } );', 3, "no field 'X'"),
                (app % 'communities = (\n { id = "c"; },\n { id = "c"; } );', 5, "exists already"),
                (app % 'communities = ( { count = 2; id = "c"; } );', 3, "exists already"),
                (app % 'communities = ( { id = "c"; topics = ( { id = "t"; }, { id = "t"; } ); } );', 3, "exists already"),
                ('apps = ( { sdkappid = 1; identifiers = [ "a"\n "b" ]; } );', 2, "comma is missing"),
                ('apps = ( { sdkappid = 5000000000; identifiers = [ "a" ]; } );', 1, "4294967295"),
                ('apps = ( { identifiers = [ "a" ]; } );', 1, "sdkappid"),
                ('profile = [ 1, 2 ];', 1, "24 numbers")):
            with self.subTest(text):
                status, said = self.check(text)
                self.assertEqual(status, 2, said)
                self.assertIn(f"bad.scenario:{line}: ", said)
                self.assertIn(words, said)
        self.assertEqual(self.run_once("--check", scenario="/nowhere")[0], 2)
        self.assertEqual(self.run_once("--check", scenario="/dev/null")[0], 2)

    def test_only_loopback_is_served(self):
        for address in ("0.0.0.0:0", "192.0.2.1:80", "[::]:0", "localhost:0", "127.0.0.1", "127.0.0.1:99999", ":0"):
            for flag in ("--listen", "--control"):
                status, said = self.run_once(f"{flag}={address}", f"--directory={self.directory}")
                self.assertEqual((status, "loopback" in said), (2, True), said)

    def test_flags_are_checked(self):
        for flags in (("--directory=/x", "--colour"), ("--directory=/x", "--duration=-1"), (), ("--directory",),
                      ("--directory=/x", "--certificate=nice"), ("--directory=/x", "word")):
            self.assertEqual(self.run_once(*flags)[0], 2, flags)
        self.assertEqual(self.run_once("--help")[0], 0)
        self.assertEqual(self.run_once("--directory=/proc/nowhere")[0], 1)

    def test_the_files_are_private_and_go_away(self):
        with self.start() as chat:
            self.assertEqual(os.stat(chat.apps[0]["secret_key_file"]).st_mode & 0o777, 0o600)
            self.assertRegex(chat.secret_key(), "^[0-9a-f]{64}$")
            self.assertEqual(chat.ready["pid"], chat.process.pid)
            with open(chat.ca_file, encoding="ascii") as text:
                self.assertNotIn("KEY", text.read())
        self.assertFalse(os.path.exists(os.path.join(self.directory, "life", "ready.json")))

    def test_sigterm_ends_it_at_once_whatever_hangs(self):
        chat = self.start().start()
        chat.fault(kind="hang")
        hanging = chat.connect()
        hanging.request("POST", chat.target(GET_TOPIC), "{}")
        chat.fault(kind="delay", ms=60000, command="get_appid_group_list")
        slow = chat.connect()
        slow.request("POST", chat.target(GROUP_LIST), "{}")
        while len(chat.requests()) < 2:
            time.sleep(0.01)
        began = time.monotonic()
        self.assertEqual(chat.stop(), 0)
        self.assertLess(time.monotonic() - began, 3)
        hanging.close()
        slow.close()

    def test_a_duration_ends_it(self):
        began = time.monotonic()
        self.assertEqual(self.run_once(f"--directory={self.directory}/d", "--duration=1")[0], 0)
        self.assertTrue(0.9 < time.monotonic() - began < 10)

    def test_it_ends_with_its_parent(self):
        script = (f"import subprocess,sys,time; p=subprocess.Popen([{BINARY!r}, '--scenario={scenario_file('small')}', "
                  f"'--directory={self.directory}/orphan']); print(p.pid, flush=True); time.sleep(60)")
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        pid = int(parent.stdout.readline())
        while not os.path.exists(f"{self.directory}/orphan/ready.json"):
            time.sleep(0.01)
        parent.kill()
        parent.wait()
        parent.stdout.close()
        deadline = time.monotonic() + 10
        while os.path.exists(f"{self.directory}/orphan/ready.json") and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(os.path.exists(f"{self.directory}/orphan/ready.json"))

    def test_bad_certificates_are_bad(self):
        for kind, words in (("expired", "expired"), ("wrong-host", "match"), ("unknown-ca", "issuer|self-signed|unable")):
            with self.start(f"--certificate={kind}") as chat:
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, words):
                    chat.get_topic(SMALL)

    def test_the_good_certificate_covers_every_loopback_name(self):
        with self.start() as chat:
            port = int(chat.api.rsplit(":", 1)[1])
            context = ssl.create_default_context(cafile=chat.ca_file)
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            for name in ("127.0.0.1", "::1", "localhost"):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
                    with context.wrap_socket(raw, server_hostname=name) as tls:
                        self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))
        with self.start("--listen=[::1]:0") as chat:
            self.assertTrue(chat.api.startswith("https://[::1]:"))
            self.assertEqual(chat.get_topic(SMALL)["ErrorCode"], 0)

    def test_plain_serves_http(self):
        with self.start("--plain") as chat:
            self.assertTrue(chat.api.startswith("http://127.0.0.1:"))
            self.assertEqual(chat.get_topic(SMALL)["ErrorCode"], 0)

    def test_the_demo_is_lively(self):
        with self.start(scenario="demo") as chat:
            read = lambda: {t["id"]: t for c in chat.world()["communities"] for t in chat.world(c["community"])["topics"]}
            before = read()
            time.sleep(2)
            after = read()
            changed = [i for i in before if before[i]["NextMsgSeq"] != after[i]["NextMsgSeq"]]
            self.assertGreater(len(changed), 5)
            self.assertTrue(45 <= len(before) <= 75, len(before))
            self.assertTrue(any(t["muted"] for t in after.values()))
            self.assertTrue(any(t["LastMsgTime"] == 0 for t in after.values()))
            self.assertTrue(any(0 < t["LastMsgTime"] < time.time() - 3 * 86400 for t in after.values()))
            self.assertEqual(sum(t["ErrorCode"] != 0 for t in after.values()), 1)
            names = "".join(t["name"] for t in after.values())
            for mark in ("猫" if "猫" in names else "雑", "🎨", '"', "\\"):
                self.assertIn(mark, names)

    def test_many_connections_at_once(self):
        with self.start(scenario="many") as chat:
            communities = [c["community"] for c in chat.world()["communities"]]
            self.assertEqual(len(communities), 1000)
            failed = []

            def work(first):
                connection = chat.connect()
                target = chat.target(GET_TOPIC)
                for i in range(5):
                    body = {"GroupId": communities[first * 5 + i], "From_Account": "a"}
                    connection.request("POST", target, json.dumps(body))
                    answer = json.loads(connection.getresponse().read())
                    if answer["ErrorCode"] not in (0, 60007) or (answer["ErrorCode"] == 0
                                                                 and len(answer["TopicAndSelfInfo"]) != 20):
                        failed.append(answer)
                connection.close()

            threads = [threading.Thread(target=work, args=(n,)) for n in range(30)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failed, [])
            self.assertEqual(chat.stats()["requests"], 150)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
