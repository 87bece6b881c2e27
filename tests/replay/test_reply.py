"""The sample reply of the API page, served over TLS, and what the exporter must make of it."""

import json
import re

from harness import SMALL, ReplayTest, main

TOPIC = SMALL + "@TOPIC#_@TOPIC#cRTE3HIM62C5"

# The page's sample, with the community of the test and without the page's comments.
SAMPLE = {
    "ActionStatus": "OK",
    "ErrorInfo": "ok",
    "ErrorCode": 0,
    "TopicAndSelfInfo": [
        {
            "ErrorCode": 0,
            "ErrorInfo": "ok",
            "SelfInfo": {"ShutUpTime": 0, "MsgSeq": 0, "MsgFlag": "AcceptAndNotify"},
            "TopicInfo": {
                "TopicName": "TestTopicName",
                "GroupID": SMALL,
                "FaceUrl": "http://this.is.new.face.url",
                "TopicId": TOPIC,
                "NextMsgSeq": 1,
                "Notification": "Notification",
                "Introduction": "Introduction",
                "CreateTime": 1658839448,
                "LastMsgTime": 0,
                "MuteAllMember": "Off",
                "CustomString": "This is a customs string.",
            },
        }
    ],
}

T = f'{{sdkappid="1400000001",community="{SMALL}",topic="{TOPIC}"'
C = f'{{sdkappid="1400000001",community="{SMALL}"'
# Every series of the topic and the community whose value does not depend on the clock.
WANTED = [
    f'tencentchat_topic_info{T},topic_name="TestTopicName"}} 1',
    f"tencentchat_topic_created_timestamp_seconds{T}}} 1658839448",
    f"tencentchat_topic_messages_total{T}}} 0",
    f"tencentchat_topic_muted{T}}} 0",
    f"tencentchat_community_up{C}}} 1",
    f'tencentchat_community_info{C},community_name=""}} 1',
    f"tencentchat_community_topics{C}}} 1",
    f"tencentchat_community_topics_muted{C}}} 0",
    f"tencentchat_community_topics_failed{C}}} 0",
    f"tencentchat_community_topics_never_active{C}}} 1",
    f"tencentchat_community_topics_silent{C}}} 0",
    f"tencentchat_community_topics_folded{C}}} 0",
    f"tencentchat_community_silent_after_seconds{C}}} 86400",
    f"tencentchat_community_messages_total{C}}} 0",
    f"tencentchat_community_poll_interval_seconds{C}}} 1",
    f"tencentchat_community_consecutive_failures{C}}} 0",
]
CLOCKED = {
    "tencentchat_community_last_poll_timestamp_seconds",
    "tencentchat_community_last_success_timestamp_seconds",
    "tencentchat_community_poll_duration_seconds",
}
PAGE_CODES = [10002, 10003, 10004, 10006, 10007, 10008, 10010, 11000, 110003]


class Reply(ReplayTest):
    def test_the_sample_of_the_page_gives_exactly_its_values(self):
        chat = self.simulator()
        chat.fault(kind="body", text=json.dumps(SAMPLE))
        exporter = self.exporter(self.config(chat)).ready()
        page = exporter.until(lambda p: p.family("tencentchat_topic_info"), "the topic of the sample")
        lines = [l for l in page.text.splitlines() if not l.startswith("#")]
        got = [l for l in lines if "community=" in l and l.split("{")[0] not in CLOCKED]
        self.assertEqual(sorted(WANTED), sorted(got))
        self.assertEqual(CLOCKED, {l.split("{")[0] for l in lines if "community=" in l} & CLOCKED)
        self.assertEqual({}, page.family("tencentchat_topic_last_message_timestamp_seconds"))
        self.assertEqual(1, page.one("tencentchat_app_topics", muted="false"))
        self.assertTrue(chat.api.startswith("https://"))

    def test_each_element_code_of_the_page_is_counted(self):
        for code in PAGE_CODES:
            with self.subTest(code=code):
                self.element_code(code)

    def element_code(self, code):
        chat = self.simulator(name=f"chat-{code}")
        exporter = self.exporter(self.config(chat), name=f"exporter-{code}").ready()
        before = exporter.page()
        self.assertEqual(0, before.one("tencentchat_api_topic_errors_total", code=str(code)))
        chat.fault(kind="error", code=code, level="item", items=1, count=1)
        page = exporter.until(lambda p: p.one("tencentchat_api_topic_errors_total", code=str(code)), f"{code} counted")
        self.assertEqual(1, page.one("tencentchat_api_topic_errors_total", code=str(code)))
        others = page.family("tencentchat_api_topic_errors_total")
        self.assertEqual(1, sum(others.values()))
        self.assertEqual(1, page.one("tencentchat_community_up"))
        exporter.stop()
        chat.stop()

    def test_a_reply_that_counts_from_the_future_is_shown_as_it_is(self):
        chat = self.simulator()
        reply = json.loads(json.dumps(SAMPLE))
        reply["TopicAndSelfInfo"][0]["TopicInfo"].update(NextMsgSeq=9007199254740991, LastMsgTime=4102444800)
        chat.fault(kind="body", text=json.dumps(reply))
        exporter = self.exporter(self.config(chat))
        page = exporter.until(lambda p: p.family("tencentchat_topic_messages_total"), "the topic")
        self.assertTrue(re.search(r"^tencentchat_topic_messages_total\{.*\} 9007199254740990$", page.text, re.M))
        self.assertEqual(4102444800, page.one("tencentchat_topic_last_message_timestamp_seconds"))


if __name__ == "__main__":
    main()
