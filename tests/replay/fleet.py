"""A table of faults played at once: one exporter, an app for each row, and in each app one community that falls ill and
two that do not. What a row promises is then read from the pages and from the service's own journal.
"""

import collections
import functools
import re
import time
import types

from harness import ReplayTest, app_block, quoted

LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
FIRST_APP = 1400000001
APPS_A_SIMULATOR = 60
TOPICS = 2
WELL_S = 3
# What a loaded machine may add to any time that is promised.
SLACK_S = 2.0


@functools.lru_cache(maxsize=200_000)
def place(series):
    """((name, app, community), the other labels): read once, since the next page has the same series."""
    name, _, rest = series.partition("{")
    labels = dict(LABEL.findall(rest))
    at = name.removeprefix("tencentchat_"), labels.pop("sdkappid", None), labels.pop("community", None)
    return at, types.MappingProxyType(labels)


class Look:
    """A page by name, app and community, so that a table of a hundred rows reads it quickly."""

    def __init__(self, page):
        self.page = page
        self._by = collections.defaultdict(list)
        for series, value in page.samples.items():
            at, labels = place(series)
            self._by[at].append((labels, value))

    def all(self, name, ward, community=None):
        """[(labels, value)] of one metric of an app, or of one of its communities."""
        return self._by[name, str(ward.sdkappid), community]

    def value(self, name, ward, community=None, **labels):
        """The only sample with these labels among others; None when there is none."""
        found = [v for have, v in self.all(name, ward, community) if labels.items() <= have.items()]
        assert len(found) < 2, f"{len(found)} samples of {name} {labels} of {ward.name}"
        return found[0] if found else None

    def errors(self, ward):
        """{(reason, code): failed get_topic calls}, zeros left out."""
        return {(have["reason"], have["code"]): v for have, v in self.all("api_request_errors_total", ward)
                if v > 0 and have["command"] == "get_topic"}

    def last_error(self, ward, community):
        """(reason, code) while the community fails, else None."""
        found = [(have["reason"], have["code"]) for have, _ in self.all("community_last_error_info", ward, community)]
        assert len(found) < 2, found
        return found[0] if found else None


class Ward:
    """One app, its row of the table, and what became of it."""

    def __init__(self, name, number, interval_s, case=None, well_s=WELL_S, wells=2):
        self.name, self.case, self.interval_s, self.well_s = name, case, interval_s, well_s
        self.sdkappid = FIRST_APP + number
        self.sick = f"@TGS#_sick{number}"
        self.well = [f"@TGS#_well{number}-{i}" for i in range(wells)]
        self.chat = None
        self.fault_id = None

    @property
    def communities(self):
        return [self.sick, *self.well]

    def world(self):
        ids = ", ".join(f'{{ id = "{c}"; topics = {TOPICS}; messages_per_hour = 0; }}' for c in self.communities)
        return f'{{ sdkappid = {self.sdkappid}; identifiers = [ "administrator" ]; communities = ( {ids} ); }}'

    def config(self, **options):
        sick = f'{{ id = {quoted(self.sick)}; interval = "{self.interval_s}s"; }}'
        return app_block(self.chat.app(self.sdkappid), options.pop("api", self.chat.api), self.chat.ca_file,
                         [sick, *self.well], name=f"app {self.sdkappid}", interval=f"{self.well_s}s", **options)


class Fleet:
    def __init__(self, test, wards, poll='timeout = "2s";', name="fleet"):
        self.test, self.wards = test, wards
        self.chats = []
        for first in range(0, len(wards), APPS_A_SIMULATOR):
            some = wards[first:first + APPS_A_SIMULATOR]
            path = test.directory / f"{name}{first}.scenario"
            path.write_text("seed = 9;\napps = (\n" + ",\n".join(w.world() for w in some) + "\n);\n", encoding="utf-8")
            chat = test.simulator(str(path), name=f"{name}{first}")
            chat.lockout(failures=0)
            self.chats.append(chat)
            for ward in some:
                ward.chat = chat
        blocks = ",\n".join(w.config() for w in wards)
        self.exporter = test.exporter(f"poll: {{ {poll} }};\napps = (\n{blocks}\n);\n", name=name)
        self.marks, self.ill = {}, collections.defaultdict(list)
        self.began = self.cured = 0.0

    def look(self):
        return Look(self.exporter.page())

    def until(self, check, what, seconds):
        return Look(self.exporter.until(lambda page: check(Look(page)), what, seconds))

    def up(self, ward, look, communities=None):
        return all(look.value("community_up", ward, c) == 1 for c in communities or ward.communities)

    def note_ill(self, ward, look, communities):
        """Who should be well and is not stands in `ill`, so that one row's trouble does not hide the others'."""
        for community in communities:
            if look.value("community_up", ward, community) != 1 and len(self.ill[ward.name]) < 3:
                self.ill[ward.name].append((community, look.last_error(ward, community), f"after {self.last_s():.1f} s"))

    def healthy(self):
        return self.until(lambda look: all(self.up(w, look) for w in self.wards), "everybody is well", 30)

    def begin(self):
        """Faults are set from now on; whatever was asked before does not count."""
        self.marks = {id(chat): chat.last_request() for chat in self.chats}
        self.began = time.monotonic()

    def fault(self, ward, whole=False, **fault):
        if not whole:
            fault["community"] = ward.sick
        return ward.chat.fault(sdkappid=ward.sdkappid, **fault)

    def last_s(self):
        """How long the faults have been there."""
        return time.monotonic() - self.began

    def cure(self):
        for chat in self.chats:
            chat.clear()
        self.cured = time.monotonic()

    def watch(self, seconds, check):
        """Every page until `seconds` after begin(); each is given to `check`. The last page."""
        while True:
            look = self.look()
            check(look)
            if time.monotonic() > self.began + seconds:
                return look
            time.sleep(0.3)

    def calls(self):
        """{sdkappid: its calls since begin(), oldest first}; `s` is the time since then."""
        found = collections.defaultdict(list)
        for chat in self.chats:
            for r in chat.requests(since=self.marks[id(chat)]):
                r["s"] = r["mono_ms"] / 1000 - self.began
                found[r["sdkappid"]].append(r)
        for some in found.values():
            some.sort(key=lambda r: r["mono_ms"])
        return found


def of(calls, *communities):
    return [r for r in calls if r["community"] in communities]


def gaps(calls):
    return [b["s"] - a["s"] for a, b in zip(calls, calls[1:])]


def longest_gap(calls, until_s):
    """The longest time without a call from begin() to `until_s`."""
    times = [0.0, *(r["s"] for r in calls if r["s"] < until_s), until_s]
    return max(b - a for a, b in zip(times, times[1:]))



class LookTest(ReplayTest):
    """A test with one exporter, `it`, whose pages it reads as a Look."""

    it = None

    def start(self, *blocks, poll='timeout = "2s";'):
        self.it = self.exporter(f"poll: {{ {poll} }};\napps = (\n" + ",\n".join(blocks) + "\n);\n")

    def look(self):
        return Look(self.it.page())

    def wait(self, check, what, seconds=20):
        """The first look for which check(look) is true."""
        return Look(self.it.until(lambda page: check(Look(page)), what, seconds))


def names(n):
    return [f"@TGS#_c{i + 1:03}" for i in range(n)]


class FewApps(LookTest):
    """Some apps of one simulator, each with communities of the same names."""

    began = 0.0

    def play(self, *communities):
        """An app for each number of communities."""
        path = self.directory / "few.scenario"
        path.write_text("seed = 8;\napps = ( " + ",\n".join(
            f'{{ sdkappid = {FIRST_APP + i}; identifiers = [ "administrator" ]; communities = ( '
            f'{{ count = {n}; id = "@TGS#_c{{3}}"; topics = {TOPICS}; messages_per_hour = 0; }} ); }}'
            for i, n in enumerate(communities)) + " );\n", encoding="utf-8")
        return self.simulator(str(path))

    @staticmethod
    def block(chat, number, n, **options):
        return app_block(chat.app(FIRST_APP + number), chat.api, chat.ca_file, names(n), name=f"app {number}", **options)

    @staticmethod
    def up(look, app, ids):
        return all(look.value("community_up", app, c) == 1 for c in ids)

    def since(self, chat, mark):
        """Calls by app, with `s` the time since self.began."""
        found = collections.defaultdict(list)
        for r in chat.requests(since=mark):
            r["s"] = r["mono_ms"] / 1000 - self.began
            found[r["sdkappid"]].append(r)
        return found
