"""Each thing the network and the service can do, by its reason and code on /metrics."""

import re

from harness import ReplayTest, main

# A fault of the simulator, and the reason and code it must be counted under.
CASES = [
    ("status 502", dict(kind="status", status=502), "http_status", "502"),
    ("status 429", dict(kind="status", status=429, retry_after=1), "http_status", "429"),
    ("a redirect is not followed", dict(kind="status", status=302, location="https://127.0.0.1:1/"), "http_status", "302"),
    ("reset", dict(kind="reset"), "reset", ""),
    ("closed without an answer", dict(kind="close"), "reset", ""),
    ("cut in the middle", dict(kind="truncate", at=100), "truncated", ""),
    ("never answered", dict(kind="hang"), "timeout", ""),
    ("answered too late", dict(kind="delay", ms=5000), "timeout", ""),
    ("a byte a second", dict(kind="slow", bytes_per_second=1), "timeout", ""),
    ("far too much", dict(kind="oversize", bytes=200 << 20), "too_large", ""),
    ("no JSON", dict(kind="body", text="<html>gateway</html>"), "json", ""),
    ("an empty answer", dict(kind="body", text=""), "truncated", ""),
    ("half an object", dict(kind="body", text='{"ErrorCode":0,"TopicAndSelfInfo":['), "truncated", ""),
    ("an array of wrong shape", dict(kind="shape", shape="array_is_object"), "schema", ""),
    ("another document", dict(kind="body", text='{"hello":"world"}'), "schema", ""),
    ("internal error", dict(kind="error", code=10002), "api_error", "10002"),
    ("no topics in this edition", dict(kind="error", code=11000), "api_error", "11000"),
    ("rights", dict(kind="error", code=10007), "auth", "10007"),
    ("frequency", dict(kind="error", code=60007), "throttled", "60007"),
    ("too big for the service", dict(kind="error", code=10018), "too_large", "10018"),
    ("deleted", dict(kind="error", code=10010), "gone", "10010"),
    ("a code nobody knows", dict(kind="error", code=65432), "api_error", "other"),
]


class Faults(ReplayTest):
    def test_each_fault_has_its_reason(self):
        for title, fault, reason, code in CASES:
            with self.subTest(title):
                self.one(fault, reason, code)

    def one(self, fault, reason, code):
        chat = self.simulator(name=f"chat-{id(fault)}")
        exporter = self.exporter(self.config(chat, poll='interval = "1s"; timeout = "1s";'), name=f"exporter-{id(fault)}")
        exporter.ready().until(lambda p: p.one("tencentchat_community_up") == 1, "healthy")
        chat.fault(**fault)
        page = exporter.until(lambda p: p.one("tencentchat_community_up") == 0, "down")
        self.assertEqual(
            1, page.one("tencentchat_community_last_error_info", reason=reason, code=code),
            page.family("tencentchat_community_last_error_info"))
        counted = {s: v for s, v in page.family("tencentchat_api_request_errors_total").items() if v > 0}
        self.assertEqual(1, len(counted), counted)
        series = next(iter(counted))
        self.assertIn(f'command="get_topic",reason="{reason}",code="{code}"', series)
        self.assertEqual(200, exporter.get("/-/healthy")[0])
        chat.clear()
        # Codes that mean "slow down" or "stop" have pauses of their own.
        page = exporter.until(lambda p: p.one("tencentchat_community_up") == 1, "up again", 90)
        self.assertEqual(3, len(page.family("tencentchat_topic_info")))
        self.assertEqual({}, page.family("tencentchat_community_last_error_info"))
        self.assertIsNone(re.search(r"usersig=(?!x)", exporter.log()))
        exporter.stop()
        chat.stop()


if __name__ == "__main__":
    main()
