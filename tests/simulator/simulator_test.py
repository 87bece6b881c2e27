"""What the service answers: topics, refusals, spellings, quotas, a living world.

    simulator_test.py BINARY [unittest arguments]
"""

import calendar
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from client import GET_TOPIC, GROUP_LIST
from scratch import GENERAL, MUTED, NEVER, SMALL, Scratch, Small, main, until

TOP_FIELDS = ("ActionStatus", "ErrorInfo")
ITEM_FIELDS = ("SelfInfo",)
SELF_FIELDS = ("ShutUpTime", "MsgSeq", "MsgFlag")
INFO_FIELDS = ("TopicId", "GroupID", "TopicName", "FaceUrl", "Notification", "Introduction", "NextMsgSeq", "CreateTime",
               "LastMsgTime", "MuteAllMember", "CustomString")
FIELDS = TOP_FIELDS + ITEM_FIELDS + SELF_FIELDS + INFO_FIELDS

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
                   extra = true; no_unread = true; unknown_topic = "missing"; msg_flag = "NotReceiveMsgExceptAt"; }; },
      { id = "both"; topics = 1; answer = { mute = "both"; error_info = "OK"; }; },
      { id = "empty"; topics = 0; },
      { id = "absent"; topics = 0; answer = { empty = "absent"; }; },
      { id = "plain"; type = "Public"; topics_enabled = false; topics = 1; },
      { id = "denied"; topics = 1; error_code = 10007; },
      { id = "part"; topics = ( { name = "fine"; }, { name = "broken"; error_code = 10002; } ); },
      { id = "big"; topics = 300; custom_string = 4000; },
      { id = "huge"; topics = 100; custom_string = 1000000; },
      { id = "names"; topics = ( { name = "quote \" backslash \\ tab \t 猫 🚀"; } ); }
    ); },
  { sdkappid = 2; identifiers = [ "admin" ]; quota = { get_topic = 5; get_topic_code = 10006; app = 8; app_code = 60018;
    get_appid_group_list = 100; };
    communities = ( { id = "c"; topics = 1; } ); },
  { sdkappid = 3; identifiers = [ "admin" ]; quota = { get_appid_group_list = 0; };
    communities = ( { count = 25; id = "page{3}"; }, { count = 2; id = "hall{}"; type = "Public"; } ); },
  { sdkappid = 4; identifiers = [ "admin" ]; quota = { get_appid_group_list = 0; };
    communities = ( { count = 9000; id = "%s{}"; } ); },
  { sdkappid = 5; identifiers = [ "admin" ]; answer = { group_id = "GroupId"; };
    communities = (%s
      { id = "inherits"; topics = 1; }, { id = "overrides"; topics = 1; answer = { group_id = "GroupID"; }; } ); },
  { sdkappid = 5000000; identifiers = [ "admin" ];
    communities = (
      { id = "busy"; topics = 30; messages_per_hour = 400000; skew = 0.5; },
      { id = "churn"; topics = 2; churn = { per_hour = 7200; lifetime = "1s"; }; },
      { id = "mutes"; topics = 40; mutes = { share = 1.0; every = "1s"; for = "500ms"; }; },
      { id = "later"; topics = ( { id = "stays"; }, { id = "comes"; born_after = "1500ms"; },
                                 { id = "goes"; deleted_after = "1500ms"; } ); }
    ); }
);
""" % ("x" * 120, "".join(f'{{ id = "without {f}"; topics = 1; answer = {{ absent = [ "{f}" ]; }}; }},\n' for f in FIELDS))


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
        seen = calendar.timegm(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT"))
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
        self.assertEqual(item["SelfInfo"]["MsgFlag"], "NotReceiveMsgExceptAt")
        self.assertRegex(answer["RequestId"], "^Id-[0-9a-f]{32}-O-Seq-[0-9]+$")
        self.assertEqual(self.chat.get_topic("old", "admin", 1, TopicIdList=["x"])["TopicAndSelfInfo"], [])
        self.assertIn("ShutUpAllFlag", self.first("old", ResponseFilter=["MuteAllMember"])["TopicInfo"])

    def test_other_spellings(self):
        info = self.first("both")
        self.assertEqual([info["TopicInfo"]["MuteAllMember"], info["TopicInfo"]["ShutUpAllFlag"]], ["Off", 0])
        self.assertEqual(info["ErrorInfo"], "OK")
        self.assertEqual(self.chat.get_topic("empty", "admin", 1)["TopicAndSelfInfo"], [])
        self.assertNotIn("TopicAndSelfInfo", self.chat.get_topic("absent", "admin", 1))

    def test_every_field_can_be_absent(self):
        for field in FIELDS:
            with self.subTest(field):
                answer = self.chat.get_topic("without " + field, "admin", 5)
                item = answer["TopicAndSelfInfo"][0]
                # Another spelling of this app, so that one word stands for the field.
                seen = {"GroupID" if n == "GroupId" else n for n in
                        (*answer, *item, *item.get("SelfInfo", {}), *item["TopicInfo"])}
                lost = set(FIELDS) - seen
                self.assertEqual(lost, {"SelfInfo": {field, *SELF_FIELDS}}.get(field, {field}))
                if field == "ErrorInfo":
                    self.assertNotIn("ErrorInfo", item)

    def test_a_spelling_is_inherited(self):
        named = lambda community: self.chat.get_topic(community, "admin", 5)["TopicAndSelfInfo"][0]["TopicInfo"]
        self.assertIn("GroupId", named("inherits"))
        self.assertIn("GroupID", named("overrides"))

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
        self.assertEqual(self.chat.get_topic("huge", "admin", 1)["ErrorCode"], 10018)
        items = self.chat.get_topic("big", "admin", 1, ResponseFilter=["NextMsgSeq"])["TopicAndSelfInfo"]
        self.assertEqual(len(items), 300)
        ids = [i["TopicInfo"]["TopicId"] for i in items]
        self.assertEqual(len(set(ids)), 300)
        some = self.chat.get_topic("big", "admin", 1, TopicIdList=ids[100:300])["TopicAndSelfInfo"]
        self.assertEqual([i["TopicInfo"]["TopicId"] for i in some], ids[100:300])
        self.assertEqual(len(some[0]["TopicInfo"]["CustomString"]), 4000)

    def test_quotas_are_per_second(self):
        connection = self.chat.connect()

        def ask(path, body):
            connection.request("POST", self.chat.target(path, 2), body)
            return json.loads(connection.getresponse().read())["ErrorCode"]

        codes = self.in_one_second(lambda: [ask(GET_TOPIC, '{"GroupId":"c","From_Account":"a"}') for _ in range(6)] +
                                   [ask(GROUP_LIST, "{}") for _ in range(3)])
        connection.close()
        self.assertEqual(codes, [0] * 5 + [10006] + [0] * 2 + [60018])
        until(lambda: self.chat.get_topic("c", "a", 2)["ErrorCode"] == 0, "the next second")

    def test_the_group_list_is_slow_by_default(self):
        codes = self.in_one_second(lambda: [self.chat.group_list(1)["ErrorCode"] for _ in range(2)])
        self.assertEqual(codes, [0, 60007])

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

    def test_a_page_ends_at_one_mebibyte_too(self):
        self.assertEqual(self.chat.group_list(4)["ErrorCode"], 10018)
        self.assertEqual(len(self.chat.group_list(4, Limit=5000)["GroupIdList"]), 5000)

    def test_bad_signatures_in_a_row_lock_the_app(self):
        body = {"GroupId": "c", "From_Account": "a"}
        code = lambda **change: json.loads(self.chat.call(GET_TOPIC, body, 5000000, **change)[2])["ErrorCode"]
        said = self.chat.ask("GET", "/lockout")
        self.assertEqual((said["failures"], said["for_ms"], said["locked"]), (3, 700, []))  # as the scenario says
        self.chat.lockout(for_ms=600000)
        self.assertEqual([code(usersig="AAAA") for _ in range(4)], [70003] * 3 + [70050])
        self.assertEqual(code(), 70050)
        locked = self.chat.ask("GET", "/lockout")["locked"]
        self.assertEqual([a["sdkappid"] for a in locked], [5000000])
        self.assertGreater(locked[0]["left_ms"], 0)
        self.chat.lockout()  # lets everybody in
        self.assertEqual([code(usersig="AAAA"), code(usersig="AAAA"), code(), code(usersig="AAAA"), code()],
                         [70003, 70003, 10010, 70003, 10010])
        self.chat.lockout(for_ms=700)
        until(lambda: code(usersig="AAAA") == 70050, "locked")
        until(lambda: code() == 10010, "the lock ends by itself")

    def test_messages_arrive(self):
        def read():
            items = self.chat.get_topic("busy", "admin", 5000000)["TopicAndSelfInfo"]
            return {i["TopicInfo"]["TopicId"]: i["TopicInfo"] for i in items}

        def look():
            after = read()
            for name, info in after.items():
                old = self.seen[name]
                self.assertGreaterEqual(info["NextMsgSeq"], old["NextMsgSeq"])
                self.assertGreaterEqual(info["LastMsgTime"], old["LastMsgTime"])
                self.assertLessEqual(info["LastMsgTime"], time.time())
                self.assertGreaterEqual(info["LastMsgTime"], info["CreateTime"])
                if info["LastMsgTime"] != old["LastMsgTime"]:
                    self.assertGreater(info["NextMsgSeq"], old["NextMsgSeq"])
                self.moved += info["NextMsgSeq"] - old["NextMsgSeq"]
            self.seen = after
            return self.moved > 100

        self.seen, self.moved, began = read(), 0, time.monotonic()
        until(look, "about 111 messages a second")
        self.assertGreater(time.monotonic() - began, 0.5)

    def test_topics_are_born_and_deleted(self):
        ids = lambda: {i["TopicInfo"]["TopicId"] for i in self.chat.get_topic("churn", "admin", 5000000)["TopicAndSelfInfo"]}
        stay = {t["id"] for t in self.chat.world("churn")["topics"] if t["name"] in ("topic 1", "topic 2")}
        first = until(lambda: (now := ids()) > stay and now, "a topic of the churn")
        second = until(lambda: (now := ids()) - first and first - now and now, "one more, and one less")
        self.assertLessEqual(stay, first & second)
        gone = next(iter(first - second))
        item = self.chat.get_topic("churn", "admin", 5000000, TopicIdList=[gone])["TopicAndSelfInfo"][0]
        self.assertEqual(item["ErrorCode"], 110003)

    def test_topics_appear_and_end_when_the_scenario_says(self):
        ids = lambda: [i["TopicInfo"]["TopicId"] for i in self.chat.get_topic("later", "admin", 5000000)["TopicAndSelfInfo"]]
        until(lambda: self.chat.stats()["uptime_s"] > 1.6, "one and a half seconds")
        self.assertEqual(ids(), ["stays", "comes"])

    def test_mutes_come_and_go(self):
        seen = set()

        def look():
            seen.update((topic["id"], topic["muted"]) for topic in self.chat.world("mutes")["topics"])
            return len(seen) == 80

        until(look, "each of the 40 topics was seen in both states")


if __name__ == "__main__":
    main()
