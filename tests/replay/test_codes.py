"""Every ErrorCode of the service, and some that no page has, at the top of an answer and in one of its elements.

codes.tsv says what is expected; it is not made from the program's own table.
"""

import collections
import csv
import json
import pathlib
import time

from fleet import SLACK_S, TOPICS, WELL_S, Fleet, LookTest, Ward, gaps, longest_gap, of
from harness import ReplayTest, main

WINDOW_S = 50  # shorter than the minute in which nothing of a stopped app is asked
MINUTE_S = 60
REST = 10
RETRY_S, QUICK_S = 7, 1  # who is polled more often than every six seconds is not retried
CALLS_A_POLL = collections.defaultdict(lambda: 1, retry=2, resign=2, more=4)


class Case:
    def __init__(self, row):
        self.code, self.wait_s = int(row["code"]), int(row["wait"])
        self.verdict, self.reason, self.scope = row["verdict"], row["reason"], row["scope"]
        self.known, self.on_page = row["class"] != "unknown", row["page"] == "page"
        self.in_items = row["level"] != "top"
        self.label = str(self.code) if self.known else "other"
        self.whole = self.scope == "app" and self.verdict in ("stop", "resign")
        self.interval_s = RETRY_S if self.verdict == "retry" else QUICK_S

    def fault(self, **more):
        if self.code >= 0:
            return {"kind": "error", "code": self.code, **more}
        return {"kind": "body", "text": json.dumps({"ActionStatus": "FAIL", "ErrorInfo": "no", "ErrorCode": self.code})}


def table():
    path = pathlib.Path(__file__).with_name("codes.tsv")
    with open(path, encoding="utf-8", newline="") as text:
        return [Case(row) for row in csv.DictReader((l for l in text if not l.startswith("#")), delimiter="\t")]


class Top(ReplayTest):
    """The code stands at the top of the answer."""

    def setUp(self):
        super().setUp()
        self.wards = [Ward(str(c.code), i, c.interval_s, c) for i, c in enumerate(table())]
        self.fleet = Fleet(self, self.wards)

    def test_each_code_costs_and_says_what_the_table_says(self):
        before = self.fleet.healthy()
        self.fleet.begin()
        for ward in self.wards:
            self.fleet.fault(ward, ward.case.whole, **ward.case.fault())
        last = self.fleet.watch(WINDOW_S, self.look_after_bystanders)
        calls = self.fleet.calls()
        for ward in self.wards:
            with self.subTest(code=ward.case.code, verdict=ward.case.verdict):
                self.assertEqual([], self.fleet.ill[ward.name], "others were ill")
                self.counted_from_the_start(before, ward)
                self.said(last, ward)
                getattr(self, "asked_" + ward.case.verdict)(last, ward, calls[ward.sdkappid])
                if not ward.case.whole:
                    self.others_were_asked(ward, calls[ward.sdkappid])
        self.fleet.cure()
        self.recover()

    def look_after_bystanders(self, look):
        for ward in self.wards:
            if not ward.case.whole:
                self.fleet.note_ill(ward, look, ward.well)

    def counted_from_the_start(self, before, ward):
        if ward.case.on_page:
            self.assertEqual(0, before.value("api_request_errors_total", ward, command="get_topic", reason=ward.case.reason,
                                             code=ward.case.label))

    def said(self, look, ward):
        case = ward.case
        for community in ward.communities if case.whole else [ward.sick]:
            self.assertEqual(0, look.value("community_up", ward, community))
            self.assertEqual((case.reason, case.label), look.last_error(ward, community))
        self.assertEqual({(case.reason, case.label)}, set(look.errors(ward)))
        facts = 0 if case.verdict == "gone" else TOPICS
        self.assertEqual(facts, len(look.all("topic_info", ward, ward.sick)), "facts of the sick community")
        self.assertEqual(TOPICS, len(look.all("topic_info", ward, ward.well[0])))
        self.assertEqual(1 if case.verdict == "gone" else 0, look.value("app_communities", ward, state="gone"))
        if case.verdict != "slow":  # which keeps an app silent for longer than its interval
            self.assertEqual(0 if case.whole else 1, look.value("app_up", ward))

    def counted(self, look, ward, calls):
        """Each refusal once. Nobody is refused any more, so that the page and the journal, which cannot be read at once,
        have to agree."""
        refused = sum(bool(r["fault"]) for r in calls)
        self.assertEqual(refused, look.errors(ward)[ward.case.reason, ward.case.label])
        self.assertEqual(refused if ward.case.verdict == "slow" else 0,
                         look.value("quota_throttled_total", ward, command="get_topic"))

    def retries(self, look, ward):
        return look.value("api_retries_total", ward, command="get_topic")

    @staticmethod
    def refused(ward, calls):
        return [r for r in of(calls, ward.sick) if r["fault"]]  # not those before the fault was there

    def asked_retry(self, look, ward, calls):
        sick = self.refused(ward, calls)
        retries = self.retries(look, ward)
        polls = WINDOW_S / RETRY_S + 2
        self.assertGreaterEqual(len(sick), WINDOW_S / RETRY_S - 2)
        self.assertLessEqual(len(sick), polls + retries)
        self.assertGreaterEqual(retries, 1)
        self.assertLessEqual(retries, 2 + len(calls) / 10, "a tenth of the calls")
        self.assertGreaterEqual(min(gaps(sick)), 1 - 0.1, "a retry comes after a second at the earliest")
        self.assertLessEqual(gaps(sick)[0], 3 + SLACK_S, "and after three at the latest")

    def asked_slow(self, look, ward, calls):
        refused = [r for r in calls if r["fault"]]
        self.assertGreaterEqual(len(refused), 2, "it goes on asking")
        for r in refused:
            soon = [o["s"] - r["s"] for o in calls if 0.3 < o["s"] - r["s"] < ward.case.wait_s - 0.1]
            self.assertEqual([], soon, f"asked again within {ward.case.wait_s} s")
        self.assertEqual(0, self.retries(look, ward))
        self.assertLess(look.value("quota_effective_requests_per_second", ward, command="get_topic"),
                        look.value("quota_budget_requests_per_second", ward, command="get_topic"))

    def asked_once(self, calls, tries):
        calls = [r for r in calls if r["fault"]]
        self.assertLessEqual(len(calls), tries)
        self.assertGreaterEqual(len(calls), 1)
        late = [r["s"] for r in calls if r["s"] > calls[0]["s"] + SLACK_S]
        self.assertEqual([], late, "asked after it was stopped")

    def asked_stop(self, look, ward, calls):
        self.asked_once(calls, 2)  # one may have been under way
        self.assertEqual(0, self.retries(look, ward))

    def asked_resign(self, look, ward, calls):
        self.asked_once(calls, 3)
        self.assertGreaterEqual(look.value("usersig_renewals_total", ward), 1 if ward.case.wait_s else 2)

    def asked_rest(self, look, ward, calls):
        rest_s, calls_a_poll = ward.interval_s * REST, CALLS_A_POLL[ward.case.verdict]
        sick = self.refused(ward, calls)
        self.assertGreaterEqual(len(sick), WINDOW_S / rest_s - 2, "it goes on asking")
        self.assertLessEqual(len(sick), (WINDOW_S / rest_s + 2) * calls_a_poll)
        polls = [g for g in gaps(sick) if calls_a_poll == 1 or g > rest_s / 2 - 1]
        self.assertGreaterEqual(min(polls), rest_s / 2 - 1)
        self.assertEqual(rest_s, look.value("community_poll_interval_seconds", ward, ward.sick))
        self.assertEqual(0, self.retries(look, ward))

    asked_gone = asked_more = asked_rest

    def others_were_asked(self, ward, calls):
        allowed_s = WELL_S * 2 + SLACK_S + 2 * (ward.case.wait_s if ward.case.verdict == "slow" else 0)
        for community in ward.well:
            mine = of(calls, community)
            self.assertEqual({0}, {r["code"] for r in mine})
            self.assertLessEqual(longest_gap(mine, WINDOW_S), allowed_s)

    def promised_s(self, ward):
        """From the cure to the first good sample of the sick community."""
        case = ward.case
        if case.whole:
            return self.fleet.began + MINUTE_S - self.fleet.cured + WELL_S
        if case.verdict == "slow":
            return 2 * case.wait_s + WELL_S
        return case.interval_s if case.verdict == "retry" else case.interval_s * REST * 1.5

    def recover(self):
        """Who has to stay away for minutes is not asked; everybody else is well in time."""
        away = [w for w in self.wards if w.case.whole and w.case.wait_s > MINUTE_S]
        waiting = {w.name: w for w in self.wards if w not in away}
        while waiting:
            look = self.fleet.look()
            passed_s = time.monotonic() - self.fleet.cured
            for ward in list(waiting.values()):
                if self.fleet.up(ward, look):
                    del waiting[ward.name]
                elif passed_s > self.promised_s(ward) + 2 * SLACK_S:
                    del waiting[ward.name]
                    with self.subTest(code=ward.case.code, verdict=ward.case.verdict):
                        self.fail(f"not well {passed_s:.1f} s after the cure, promised {self.promised_s(ward):.1f}: " +
                                  str([look.last_error(ward, c) for c in ward.communities]))
        last, calls = self.fleet.look(), self.fleet.calls()
        for ward in self.wards:
            with self.subTest(code=ward.case.code):
                self.counted(last, ward, calls[ward.sdkappid])
                if ward in away:
                    self.assertLessEqual(len(calls[ward.sdkappid]), 2, "asked too early")
                    continue
                self.assertEqual(1, last.value("app_up", ward))
                self.assertEqual(len(ward.communities) * TOPICS, sum(len(last.all("topic_info", ward, c))
                                                                     for c in ward.communities))
                self.assertEqual(ward.interval_s, last.value("community_poll_interval_seconds", ward, ward.sick))


WORLD = """
seed = 9;
apps = ( {{ sdkappid = 1400000001; identifiers = [ "administrator" ]; communities = ( {communities} ); }} );
"""
ENDS = (10010, 110003)
ITEMS_S = 3
APP = Ward("the app", 0, ITEMS_S)


class Element(LookTest):
    """The code stands in one element of three; one app, a community for each code."""

    def setUp(self):
        super().setUp()
        self.cases = table()
        path = self.directory / "items.scenario"
        path.write_text(WORLD.format(communities=", ".join(
            f'{{ id = "{self.community(c)}"; topics = ( ' +
            ", ".join(f'{{ id = "{self.topic(c, n)}"; next_msg_seq = 5; }}' for n in range(3)) + " ); }"
            for c in self.cases)), encoding="utf-8")
        self.chat = self.simulator(str(path))
        self.it = self.exporter(self.config(self.chat, poll=f'interval = "{ITEMS_S}s";', budget=100.0)).ready()

    @staticmethod
    def community(case):
        return f"@TGS#_c{case.code}"

    def topic(self, case, n):
        return f"{self.community(case)}@TOPIC#_t{n}"

    def value(self, look, name, case, topic=None, **labels):
        if topic is not None:
            labels["topic"] = self.topic(case, topic)
        return look.value(name, APP, self.community(case), **labels)

    def set_faults(self):
        for case in self.cases:
            if case.code < 0:  # the whole answer by hand, made of a true one
                answer = self.chat.get_topic(self.community(case))
                answer["TopicAndSelfInfo"][0].update(ErrorCode=case.code, ErrorInfo="no")
                self.chat.fault(kind="body", text=json.dumps(answer), community=self.community(case))
            else:
                self.chat.fault(kind="error", code=case.code, level="item", topic=self.topic(case, 0),
                                community=self.community(case))

    def test_each_code_of_an_element(self):
        zero = self.wait(lambda look: all(self.value(look, "community_topics", c) == 3 for c in self.cases), "all is well")
        for label in {"other", *(c.label for c in self.cases if c.in_items and c.on_page)}:
            self.assertEqual(0, zero.value("api_topic_errors_total", APP, code=label))
        self.set_faults()
        # What happens to the topic beside the sick one still arrives.
        for case in self.cases:
            if case.code >= 0:
                self.chat.change(community=self.community(case), topic=self.topic(case, 1), post=2)
        began, mark = time.monotonic(), self.chat.last_request()
        self.wait(lambda look: all(self.value(look, "community_topics_failed", c) == 1 for c in self.cases), "one fails")
        while time.monotonic() < began + 4 * ITEMS_S:  # nothing is retried, rests or slows down
            look = self.look()
            self.assertEqual({1.0}, {self.value(look, "community_up", c) for c in self.cases})
            time.sleep(0.3)
        asked, look = self.chat.requests(since=mark), self.look()
        for case in self.cases:
            with self.subTest(code=case.code):
                self.said(look, case)
                polls = [r for r in asked if r["community"] == self.community(case)]
                self.assertGreaterEqual(len(polls), 2)
                self.assertLessEqual(len(polls), 6)
        self.counted(look, len(asked) / len(self.cases))
        self.chat.clear()
        look = self.wait(lambda look: all(self.value(look, "community_topics", c) == 3 for c in self.cases), "all are back")
        for case in self.cases:
            self.assertEqual(4, self.value(look, "topic_messages_total", case, topic=0))
            self.assertIsNone(self.value(look, "topic_error_info", case, topic=0))
            self.assertEqual(0, self.value(look, "community_topics_failed", case))

    def said(self, look, case):
        self.assertEqual(1, self.value(look, "topic_error_info", case, topic=0, code=case.label))
        self.assertEqual(1, len(look.all("topic_error_info", APP, self.community(case))))
        self.assertEqual(2, self.value(look, "community_topics", case))
        self.assertEqual(None if case.code in ENDS else 4, self.value(look, "topic_messages_total", case, topic=0))
        self.assertEqual(6 if case.code >= 0 else 4, self.value(look, "topic_messages_total", case, topic=1))
        self.assertEqual(4, self.value(look, "topic_messages_total", case, topic=2))
        self.assertEqual([], look.all("community_last_error_info", APP, self.community(case)))
        self.assertEqual(ITEMS_S, self.value(look, "community_poll_interval_seconds", case))

    def counted(self, look, polls):
        """Every poll counts each code once; the codes without a row share `other`."""
        labels = collections.Counter(c.label for c in self.cases)
        for label, n in labels.items():
            counted = look.value("api_topic_errors_total", APP, code=label)
            self.assertGreaterEqual(counted, n * (polls - 2), label)
            self.assertLessEqual(counted, n * (polls + 2), label)
        self.assertEqual(set(labels), {have["code"] for have, _ in look.all("api_topic_errors_total", APP)})
        self.assertEqual({}, look.errors(APP), "the calls are fine")
        self.assertEqual(0, look.value("api_retries_total", APP, command="get_topic"))
        self.assertEqual(0, look.value("quota_throttled_total", APP, command="get_topic"))
        self.assertEqual(1, look.value("app_up", APP))


if __name__ == "__main__":
    main()
