"""The pages as people see them, in a real Chromium, of a real exporter: in both lights, on wide and narrow screens, with and
without script, by keyboard, by axe-core; what hostile names and injected scripts come to; what is live, and what is stale."""

import os
import pathlib
import shutil
import tempfile
import unittest
import urllib.parse

import axe
import world
from chromium import Chromium

COMMUNITY = "/status/community?" + urllib.parse.urlencode({"app": "prod", "id": world.FORGE})
FAILING = "/status/community?" + urllib.parse.urlencode({"app": "lab", "id": world.LAB})
PAGES = {"landing": "/", "status": "/status", "community": COMMUNITY, "failing": FAILING,
         "filtered": "/status?problems=1&sort=name", "nothing": "/status?find=nobody"}
NAMES = "[...document.querySelectorAll('.list tbody .name')].map(e => e.textContent)"
SEEN_S = 20  # two refreshes, and a poll


class PagesTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-browser."))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.shots = pathlib.Path(os.environ["TCE_BROWSER"]) / "shots"
        cls.shots.mkdir(parents=True, exist_ok=True)
        cls.world = world.World(cls.directory)
        cls.addClassCleanup(cls.world.stop)
        cls.world.start()
        cls.browser = Chromium(cls.directory / "chromium")
        cls.browser.__enter__()
        cls.addClassCleanup(cls.browser.__exit__, None, None, None)

    def tab(self, path, **how):
        tab = self.browser.tab(**how)
        self.addCleanup(self.shut, tab)
        return tab.goto(self.world.base + path)

    def shut(self, tab):
        if tab.session in self.browser.tabs:
            tab.close()

    def quiet(self, tab):
        self.assertEqual(tab.console, [])
        self.assertEqual(tab.dialogs, [])
        self.assertEqual([a for a in tab.asked if not a.startswith(self.world.base)], [], "asked elsewhere")

    def test_every_page_in_both_lights_wide_and_narrow(self):
        script = axe.source()
        for dark in (False, True):
            for width in (1440, 390):
                for name, path in PAGES.items():
                    with self.subTest(page=name, dark=dark, width=width):
                        tab = self.tab(path, width=width, dark=dark)
                        tab.shot(self.shots / f"{name}-{'dark' if dark else 'light'}-{width}.png")
                        self.assertLessEqual(tab.evaluate("document.documentElement.scrollWidth"), width, "it scrolls sideways")
                        self.assertEqual(axe.problems(tab, script), [])
                        self.quiet(tab)
                        self.shut(tab)

    def test_without_script_nothing_is_missing(self):
        for name, path in PAGES.items():
            with self.subTest(page=name):
                still, moving = self.tab(path, script=False), self.tab(path)
                still.shot(self.shots / f"{name}-no-script.png")
                words = ("[...document.querySelectorAll('h1, h2, h3, dt, thead th, .name, .ids, label, .paging, .count, .empty')]"
                         ".map(e => e.textContent)"
                         ".concat(document.querySelectorAll('form, input, select, section, table, pre, nav, meter').length)")
                self.assertEqual(still.evaluate(words), moving.evaluate(words))
                self.assertTrue(still.evaluate("[...document.querySelectorAll('#live, [data-copy]')].every(e => e.hidden)"))
                self.quiet(still)
                self.shut(still)
                self.shut(moving)

    def test_headers_of_pages_and_assets(self):
        raw = self.world.exporter.raw
        for path in PAGES.values():
            status, plain, body = raw(path, headers={"Accept": "text/html"})
            _, packed, member = raw(path, headers={"Accept": "text/html", "Accept-Encoding": "br, gzip;q=0.5"})
            self.assertEqual((status, plain["Content-Type"], plain["Content-Encoding"], packed["Content-Encoding"]),
                             (200, "text/html; charset=utf-8", None, "gzip"), path)
            self.assertLess(abs(len(world.harness.opened(member)) - len(body)), 200)
            self.assertEqual((plain["Content-Security-Policy"], plain["Referrer-Policy"], plain["Cache-Control"]),
                             ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                              "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                              "no-referrer", "no-store"))
            self.assertIn("Accept-Encoding", plain["Vary"])
        for name in ("status.css", "status.js", "favicon.svg"):
            path = "/assets/" + name
            _, plain, body = raw(path)
            _, packed, member = raw(path, headers={"Accept-Encoding": "gzip"})
            self.assertEqual(world.harness.opened(member), body)
            self.assertEqual(plain["Cache-Control"], "no-cache")
            self.assertNotEqual(plain["ETag"], packed["ETag"])
            for coding, etag in (("identity", plain["ETag"]), ("gzip", packed["ETag"])):
                same = {"Accept-Encoding": coding, "If-None-Match": '"other", ' + etag}
                status, answer, rest = raw(path, headers=same)
                self.assertEqual((status, answer["ETag"], rest), (304, etag, b""))
            self.assertEqual(raw(path, headers={"If-None-Match": packed["ETag"]})[0], 200, "another form of it")

    def test_hostile_names_are_text(self):
        tab = self.tab("/status")
        self.assertIn('<img src=x onerror=alert(1)> \ufffdevil\ufffd & "friends"', tab.evaluate(NAMES))
        tab = self.tab(COMMUNITY)
        names = tab.evaluate(NAMES)
        self.assertIn('<img src=x onerror=alert(1)> \ufffdevil\ufffd & "friends"', names)
        long = [n for n in names if n.startswith("<script>alert(2)</script>\ufffdlong ")]
        self.assertEqual([(len(n), n[-1]) for n in long], [(81, "…")])
        self.assertTrue(tab.evaluate("[...document.querySelectorAll('.list .name')].every(e => e.offsetHeight < 30)"), "it wraps")
        for path in PAGES.values():
            tab = self.tab(path)
            self.assertEqual(tab.evaluate("document.querySelectorAll('img, script:not([src])').length"), 0)
            self.assertFalse(tab.evaluate("/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.documentElement.outerHTML)"))
            self.quiet(tab)
            self.shut(tab)

    def test_what_is_injected_is_blocked(self):
        tab = self.tab("/status")
        blocked = tab.evaluate("""new Promise(done => {
            const seen = [];
            document.addEventListener("securitypolicyviolation", e => { seen.push(e.effectiveDirective); });
            const script = document.createElement("script");
            script.textContent = "window.owned = 1";
            const other = document.createElement("script");
            other.src = "http://127.0.0.1:9/owned.js";
            const picture = new Image();
            picture.src = "http://127.0.0.1:9/owned.png";
            const holder = document.createElement("div");
            holder.innerHTML = '<img src="data:," onerror="window.owned = 2"><p style="color: red">x</p>';
            document.body.append(script, other, picture, holder);
            fetch("http://127.0.0.1:9/").catch(() => 0);
            const end = Date.now() + 5000;
            (function look() {
                if (new Set(seen).size >= 6 || Date.now() > end) done([...new Set(seen)].sort());
                else setTimeout(look, 20);
            })();
        })""")
        self.assertEqual(blocked, ["connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr"])
        self.assertIsNone(tab.evaluate("window.owned"))

    def test_filter_sort_and_pages(self):
        tab = self.tab("/status?per_page=3")
        states = "[...document.querySelectorAll('.list tbody .badge')].map(e => e.textContent.slice(2))"
        self.assertEqual(tab.evaluate(states)[0], "gone")
        tab.leads(lambda: tab.click(".paging a"))
        self.assertIn("page=1", tab.evaluate("location.search"))
        self.assertEqual(len(tab.evaluate(NAMES)), 3)
        tab.leads(lambda: tab.click("thead th:nth-child(2) a"))
        self.assertEqual(tab.evaluate("document.querySelector('[aria-sort]').ariaSort"), "ascending")
        first = tab.evaluate(NAMES)
        tab.leads(lambda: tab.click("thead th:nth-child(2) a"))
        self.assertEqual(tab.evaluate("document.querySelector('[aria-sort]').ariaSort"), "descending")
        self.assertNotEqual(tab.evaluate(NAMES), first)
        tab.click("input[name=find]")
        tab.write("pixel")
        tab.leads(lambda: tab.press("Enter"))
        self.assertEqual(tab.evaluate(NAMES), ["Pixel Forge"])
        self.assertEqual(tab.evaluate("document.querySelector('input[name=find]').value"), "pixel")
        tab.leads(lambda: tab.click(".filter a"))
        tab.click("input[name=problems]")
        tab.leads(lambda: tab.click(".filter button"))
        self.assertEqual(sorted(tab.evaluate(NAMES)), ["Old arcade", "Open Lab", "Shop support"])
        tab.leads(lambda: tab.click(".list .name"))
        self.assertEqual(tab.evaluate("document.querySelectorAll('#tries, #facts, #topics').length"), 3)
        self.quiet(tab)

    def test_it_is_live_and_disturbs_nobody(self):
        tab = self.tab("/status", height=500)
        row = f"[...document.querySelectorAll('.list tbody tr')].find(r => r.textContent.includes('{world.LAB}'))"
        badge = row + ".querySelector('.badge').textContent"
        fault = next(f["id"] for f in self.world.chat.faults() if f["kind"] == "error")
        tab.click("input[name=find]")
        tab.write("half a wo")
        tab.evaluate(f"window.mark = 1; window.kept = {row}; window.link = kept.querySelector('a'); link.focus(); undefined")
        tab.evaluate("scrollTo(0, 400)")
        self.world.chat.clear(fault)
        try:
            tab.until(f"{badge}.endsWith('ok')", SEEN_S)
        finally:
            self.world.chat.fault(kind="error", code=10002, community=world.LAB)
        self.assertEqual(tab.evaluate(f"[window.mark, {row} === kept, document.activeElement === link, scrollY > 0,"
                                      "document.querySelector('input[name=find]').value]"), [1, True, True, True, "half a wo"])
        tab.until(f"{badge}.endsWith('failing')", SEEN_S)
        self.quiet(tab)

    def asked(self):
        page = self.world.exporter.page()
        return page.one("tencentchat_exporter_http_requests_total", handler="/status", code="200") or 0

    def test_paused_or_hidden_it_asks_no_more(self):
        tab = self.tab("/status")
        tab.click("#pause")
        tab.until("document.getElementById('state').textContent.startsWith('paused at ')")
        before = self.asked()
        self.browser.listen(7)
        self.assertEqual(self.asked(), before)
        tab.click("#pause")
        tab.until("document.getElementById('state').textContent === 'live'")
        tab.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
                     "document.dispatchEvent(new Event('visibilitychange'))")
        self.browser.listen(0.5)  # what was asked for before
        before = self.asked()
        self.browser.listen(7)
        self.assertEqual(self.asked(), before)
        tab.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        world.harness.until(lambda: self.asked() > before, "it asks again")

    def test_when_the_exporter_is_gone_it_says_so(self):
        tab = self.tab("/status")
        self.world.exporter.stop()
        try:
            tab.until("document.getElementById('state').textContent.startsWith('stale since ')", SEEN_S)
            self.assertTrue(tab.evaluate("document.documentElement.classList.contains('lost')"))
            self.assertEqual(tab.evaluate("document.querySelectorAll('.list tbody tr').length"), 7, "what was known stays")
            tab.shot(self.shots / "stale.png")
        finally:
            self.world.exporter.start()
        tab.until("document.getElementById('state').textContent === 'live'", 60)
        self.assertFalse(tab.evaluate("document.documentElement.classList.contains('lost')"))
        self.world.exporter.ready()

    def test_by_keyboard(self):
        tab = self.tab("/status")
        tab.press("Tab")
        self.assertEqual(tab.evaluate("document.activeElement.className"), "skip")
        tab.until("document.activeElement.getBoundingClientRect().top >= 0", 5)
        tab.press("Enter")
        self.assertEqual(tab.evaluate("document.activeElement.id"), "main")
        seen = []
        for _ in range(60):
            tab.press("Tab")
            seen.append(tab.evaluate("""(() => { const e = document.activeElement, r = e.getBoundingClientRect();
                return e === document.body ? null : { name: e.name || e.textContent.trim().slice(0, 40),
                ring: getComputedStyle(e).outlineStyle, seen: r.width > 0 && r.top < innerHeight && r.bottom > 0 }; })()"""))
            if seen[-1] is None:
                break
        seen = [s for s in seen if s is not None]
        for wanted in ("find", "app", "problems", "Filter", "Community", "Pixel Forge"):
            self.assertIn(wanted, [s["name"] for s in seen])
        self.assertEqual([s for s in seen if s["ring"] == "none" or not s["seen"]], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
