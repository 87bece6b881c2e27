"""What an answer can be: cut at every byte, larger than any memory, odd in every field. Nothing half-read is ever shown, what
can be read is, and the page stays whole.
"""

import base64
import gzip
import json
import pathlib
import re
import time

from fleet import FIRST_APP, SLACK_S, LookTest, Ward
from harness import EXPORTER, app_block, main, until

WORLD = """
seed = 6;
apps = ( {apps} );
"""
MIB = 1 << 20
REPLY_MAX = 8 * MIB  # of one decoded answer


class AnswerTest(LookTest):
    def world(self, *apps):
        path = self.directory / "answer.scenario"
        path.write_text(WORLD.format(apps=",\n".join(apps)), encoding="utf-8")
        return self.simulator(str(path))

    def app(self, n, communities, topics):
        ids = ", ".join(f'{{ id = "{c}"; topics = {topics}; messages_per_hour = 0; }}' for c in communities)
        return f'{{ sdkappid = {FIRST_APP + n}; identifiers = [ "administrator" ]; communities = ( {ids} ); }}'


class Cut(AnswerTest):
    """Row 8."""

    A_APP = 8  # too few calls for a breaker to have an opinion
    INTERVAL_S = 10

    def test_an_answer_cut_at_every_byte_leaves_everything_as_it_was(self):
        probe = self.world(self.app(0, ["@TGS#_c000"], 1))
        whole = len(json.dumps(probe.get_topic("@TGS#_c000"), separators=(",", ":"), ensure_ascii=False).encode())
        probe.stop()
        ids = [f"@TGS#_c{at:03}" for at in range(whole)]
        some = [ids[i:i + self.A_APP] for i in range(0, whole, self.A_APP)]
        self.assertLessEqual(len(some), 64, "a simulator plays no more apps")
        chat = self.world(*(self.app(i, c, 1) for i, c in enumerate(some)))
        wards = {c: Ward(c, i, self.INTERVAL_S) for i, mine in enumerate(some) for c in mine}
        blocks = (app_block(chat.app(FIRST_APP + i), chat.api, chat.ca_file, c) for i, c in enumerate(some))
        self.start(*blocks, poll=f'interval = "{self.INTERVAL_S}s";')
        well = self.wait(lambda look: all(look.value("community_up", w, c) == 1 for c, w in wards.items()), "all is well")
        self.assertEqual(1, len(well.all("topic_info", wards[ids[0]], ids[0])))
        for at, community in enumerate(ids):
            chat.fault(kind="truncate", at=at, community=community)
        for community in ids:  # a part of the new answer would show it
            topic = chat.world(community, sdkappid=wards[community].sdkappid)["topics"][0]["id"]
            chat.change(community=community, topic=topic, post=5, sdkappid=wards[community].sdkappid)
        look = self.wait(lambda look: all(look.value("community_up", w, c) == 0 for c, w in wards.items()),
                         "every answer was cut", 2 * self.INTERVAL_S + 5)
        for at, community in enumerate(ids):
            with self.subTest(at=at):
                ward = wards[community]
                self.assertEqual(("truncated", ""), look.last_error(ward, community))
                for name in ("topic_messages_total", "topic_last_message_timestamp_seconds", "topic_info",
                             "community_messages_total", "community_topics"):
                    self.assertEqual(well.all(name, ward, community), look.all(name, ward, community), name)
        chat.clear()
        self.wait(lambda look: all(look.value("community_messages_total", w, c) == 5 and look.value("community_up", w, c) == 1
                                   for c, w in wards.items()), "all is well again", 2 * self.INTERVAL_S + SLACK_S)


class Size(AnswerTest):
    """Row 9."""

    COMMUNITIES = 8

    def peak_bytes(self):
        status = pathlib.Path(f"/proc/{self.it.process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status).group(1))

    def test_no_answer_is_larger_than_its_cap(self):
        ids = [f"@TGS#_c{i:03}" for i in range(self.COMMUNITIES)]
        chat = self.world(self.app(0, ids, 1))
        well = Ward("app", 0, 2)
        self.it = self.exporter(self.config(chat, communities=ids, poll='interval = "2s"; timeout = "5s";'))
        self.wait(lambda look: all(look.value("community_up", well, c) == 1 for c in ids), "all is well")
        before = self.peak_bytes()
        bomb = gzip.compress(b'{"ErrorCode":0,"TopicAndSelfInfo":[' + b" " * (100 * MIB) + b"]}", 9)
        faults = [
            dict(kind="oversize", bytes=1 << 40),  # chunks without end
            dict(kind="oversize", bytes=REPLY_MAX + 1),
            dict(kind="body", base64=base64.b64encode(bomb).decode(), encoding="gzip"),
        ]
        for i, community in enumerate(ids[:-1]):
            chat.fault(community=community, **faults[i % len(faults)])
        look = self.wait(lambda look: all(look.value("community_up", well, c) == 0 for c in ids[:-1]), "all are refused", 40)
        for community in ids[:-1]:
            self.assertEqual(("too_large", ""), look.last_error(well, community))
            self.assertEqual(1, len(look.all("topic_info", well, community)))
        self.assertEqual(1, look.value("community_up", well, ids[-1]))
        if b"__asan_init" not in pathlib.Path(EXPORTER).read_bytes():  # which keeps what was freed
            self.assertLess(self.peak_bytes() - before, self.COMMUNITIES * REPLY_MAX)
        chat.clear()
        # Whoever asked for less in vain rests.
        self.wait(lambda look: all(look.value("community_up", well, c) == 1 for c in ids), "all is well again",
                  2 * 10 * 1.5 + SLACK_S)


def topic(**fields):
    return json.dumps({"TopicId": "t", "TopicName": "n", "NextMsgSeq": 6, "CreateTime": 1700000000, "LastMsgTime": 1700000100,
                       "MuteAllMember": "Off", **fields}).encode()


def answer(info=None, element=b'"ErrorCode":0,', top=b'"ErrorCode":0,'):
    return b"{" + top + b'"TopicAndSelfInfo":[{' + element + b'"TopicInfo":' + (info or topic()) + b"}]}"


def swap(name, raw):
    """A good topic, but for the text of one field."""
    return answer(re.sub(rb'("%s": )("[^"]*"|\d+)' % name.encode(), lambda m: m.group(1) + raw, topic()))


MESSAGES, CREATED, LAST = "topic_messages_total", "topic_created_timestamp_seconds", "topic_last_message_timestamp_seconds"
NAME = "topic_name"
# (row, title, answer, what the page must say: values by metric, or the name; None is an absent series)
ODD = [
    (11, "a number twice", answer(topic()[:-1] + b',"NextMsgSeq":99}'), {MESSAGES: 5}),
    (11, "a name twice", answer(topic()[:-1] + b',"TopicName":"second"}'), {NAME: "n"}),
    (11, "the code twice", answer(element=b'"ErrorCode":0,"ErrorCode":10002,'), {MESSAGES: 5}),
    (11, "the list twice", answer()[:-1] + b',"TopicAndSelfInfo":[]}', {MESSAGES: 5}),
    (12, "no UTF-8", swap("TopicName", b'"caf\xe9"'), {NAME: "caf?"}),
    (12, "a cut character", swap("TopicName", b'"a\xf0\x9f\x92"'), {NAME: "a???"}),
    (12, "an overlong one", swap("TopicName", b'"\xc0\xaf"'), {NAME: "??"}),
    (12, "a raw NUL", swap("TopicName", b'"a\x00b"'), {NAME: "a?b"}),
    (12, "an escaped NUL", swap("TopicName", b'"a\\u0000b"'), {NAME: "a\ufffdb"}),
    (12, "half a surrogate", swap("TopicName", b'"a\\ud83d"'), {NAME: "a\ufffd"}),
    (12, "the other half", swap("TopicName", b'"\\udca9b"'), {NAME: "\ufffdb"}),
    (12, "a line's end", swap("TopicName", b'"a\\nb"'), {NAME: "a\\nb"}),
    (12, "quotes and slashes", swap("TopicName", b'"a\\"\\\\b"'), {NAME: 'a\\"\\\\b'}),
    (12, "something to inject", swap("TopicName", b'"\\"} 1\\n# TYPE x counter\\nx 1"'), {MESSAGES: 5}),
    (13, "beyond all numbers", swap("NextMsgSeq", b"1e400"), {MESSAGES: None, CREATED: 1700000000}),
    (13, "below zero", swap("NextMsgSeq", b"-6"), {MESSAGES: None, CREATED: 1700000000}),
    (13, "a fraction", swap("NextMsgSeq", b"6.5"), {MESSAGES: None, CREATED: 1700000000}),
    (13, "a text", swap("NextMsgSeq", b'"6"'), {MESSAGES: None, CREATED: 1700000000}),
    (13, "yes", swap("NextMsgSeq", b"true"), {MESSAGES: None, CREATED: 1700000000}),
    (13, "null", swap("NextMsgSeq", b"null"), {MESSAGES: None, CREATED: 1700000000}),
    (13, "an object", swap("NextMsgSeq", b'{"NextMsgSeq":6}'), {MESSAGES: None, CREATED: 1700000000}),
    (13, "a billion", swap("NextMsgSeq", b"4294967297"), {MESSAGES: 4294967296}),
    (13, "after 2038", swap("LastMsgTime", b"4102444800"), {LAST: 4102444800, MESSAGES: 5}),
    (13, "a time below zero", swap("LastMsgTime", b"-1"), {LAST: None, MESSAGES: 5}),
    (13, "never", swap("LastMsgTime", b"0"), {LAST: None, MESSAGES: 5}),
    (13, "a number for a name", swap("TopicName", b"7"), {MESSAGES: 5}),
    (14, "no topics", b'{"ErrorCode":0,"TopicAndSelfInfo":[]}', {MESSAGES: None, "community_topics": 0}),
    (15, "a code with elements means nothing", answer(top=b'"ErrorCode":10002,'), {MESSAGES: 5}),
    (15, "not even a refusal", answer(top=b'"ErrorCode":70001,'), {MESSAGES: 5}),
]


class Odd(AnswerTest):
    """Rows 11 to 15: what can be used is used."""

    def test_each_odd_answer(self):
        ids = [f"@TGS#_c{i:03}" for i in range(len(ODD))]
        chat = self.world(self.app(0, ids, 1))
        for community, (_, _, body, _) in zip(ids, ODD):
            chat.fault(kind="body", base64=base64.b64encode(body).decode(), community=community)
        self.it = self.exporter(self.config(chat, communities=ids, poll='interval = "2s";', budget=100.0)).ready()
        app, mark, began = Ward("app", 0, 2), chat.last_request(), time.monotonic()
        until(lambda: len(chat.requests(since=mark)) > 3 * len(ids), "three more answers each")
        look = self.look()
        for community, (row, title, _, wanted) in zip(ids, ODD):
            with self.subTest(row=row, title=title):
                self.assertEqual(1, look.value("community_up", app, community))
                self.assertIsNone(look.last_error(app, community))
                for name, value in wanted.items():
                    if name == NAME:
                        self.assertEqual([value], [have[NAME] for have, _ in look.all("topic_info", app, community)])
                    else:
                        self.assertEqual(value, look.value(name, app, community), name)
        self.assertEqual({}, look.errors(app))
        self.assertEqual(0, look.value("api_retries_total", app, command="get_topic"))
        self.assertLess(len(chat.requests(since=mark)) / (time.monotonic() - began), len(ids) / 2 * 1.3, "asked as usual")

    def test_one_topic_of_fifty(self):
        """Row 15: its own facts stay, and the other forty-nine go on."""
        chat = self.world(self.app(0, ["@TGS#_c000"], 50))
        self.it = self.exporter(self.config(chat)).ready()
        ids = [t["id"] for t in chat.world("@TGS#_c000")["topics"]]
        name = "tencentchat_topic_messages_total"
        before = self.it.until(lambda p: len(p.family(name)) == 50, "fifty topics")
        chat.fault(kind="error", code=10007, level="item", topic=ids[7])
        chat.ask("POST", "/world", [{"community": "@TGS#_c000", "topic": i, "post": 3} for i in ids])
        page = self.it.until(lambda p: p.one("tencentchat_community_topics_failed") == 1 and
                             p.one(name, topic=ids[8]) == before.one(name, topic=ids[8]) + 3, "one fails, the others go on")
        for i in ids:
            self.assertEqual(before.one(name, topic=i) + (0 if i == ids[7] else 3), page.one(name, topic=i))
        self.assertEqual(49, page.one("tencentchat_community_topics"))
        self.assertEqual(1, page.one("tencentchat_topic_error_info", topic=ids[7], code="10007"))
        self.assertEqual(1, page.one("tencentchat_community_up"))
        chat.clear()
        page = self.it.until(lambda p: p.one("tencentchat_community_topics") == 50, "all fifty", 3)
        self.assertEqual(before.one(name, topic=ids[7]) + 3, page.one(name, topic=ids[7]))


if __name__ == "__main__":
    main()
