"""Keys and clocks that change under a running exporter, counted where it matters: at the service, which locks out."""

import pathlib
import signal
import time

from gauges import report
from harness import ReplayTest, main, until

UP = "tencentchat_community_up"
SUCCESS = "tencentchat_community_last_success_timestamp_seconds"
SKEW = "tencentchat_api_clock_skew_seconds"
RENEWALS = "tencentchat_usersig_renewals_total"
REFUSALS = (70001, 70002, 70003, 70009, 70013, 70014, 70050)
BAR_S = 60


class Signature(ReplayTest):
    def start(self, **options):
        self.chat = self.simulator()
        exporter = self.exporter(self.config(self.chat, **options))
        exporter.until(lambda p: p.one(UP) == 1, "up")
        return exporter

    def refused(self, since=0):
        return [r for r in self.chat.requests(since) if r["code"] in REFUSALS]

    def goes_on(self, exporter, since, seconds=30):
        return exporter.until(lambda p: p.one(UP) == 1 and p.one(SUCCESS) > since, "polls succeed again", seconds)

    def test_a_rotation_with_its_file_costs_one_call(self):
        exporter = self.start()
        renewals = exporter.page().one(RENEWALS)
        mark, began = self.chat.last_request(), time.time()
        self.chat.rotate_key()
        page = self.goes_on(exporter, began + 1, 10)
        report("rotation", recovered_s=page.one(SUCCESS) - began)
        self.assertEqual([70009], [r["code"] for r in self.refused(mark)])
        self.assertEqual(renewals + 1, page.one(RENEWALS))
        self.assertEqual(1, page.one("tencentchat_app_up"))
        # The poll that met the rotation was asked again at once: it did not even fail.
        self.assertNotIn("poll_failed", exporter.log())

    def test_a_file_that_follows_5_s_later_is_found_by_the_next_probe(self):
        exporter = self.start()
        mark, began = self.chat.last_request(), time.time()
        self.chat.rotate_key(secret_key="b2" * 32, write_file=False)
        exporter.until(lambda p: p.one("tencentchat_app_up") == 0, "stopped")
        until(lambda: time.time() >= began + 5, "five seconds")
        pathlib.Path(self.chat.app()["secret_key_file"]).write_text("b2" * 32, encoding="ascii")
        page = self.goes_on(exporter, began + 5, BAR_S + 10)
        report("rotation_file_5s_late", recovered_s=page.one(SUCCESS) - began, refused=len(self.refused(mark)))
        self.assertLessEqual(page.one(SUCCESS) - began, BAR_S + 3)
        self.assertLessEqual(len(self.refused(mark)), 3)
        self.assertEqual(1, page.one("tencentchat_app_up"))
        self.assertEqual({}, page.family("tencentchat_community_last_error_info"))

    def test_a_file_put_right_and_a_hang_up_are_enough_at_once(self):
        exporter = self.start()
        mark = self.chat.last_request()
        self.chat.rotate_key(secret_key="c3" * 32, write_file=False)
        exporter.until(lambda p: p.one("tencentchat_app_up") == 0, "stopped")
        stopped = time.time()
        until(lambda: time.time() >= stopped + 6, "not within five seconds of the latest call")
        pathlib.Path(self.chat.app()["secret_key_file"]).write_text("c3" * 32, encoding="ascii")
        began = time.time()
        exporter.process.send_signal(signal.SIGHUP)
        page = self.goes_on(exporter, began - 1, 10)
        report("rotation_file_and_hang_up", recovered_s=page.one(SUCCESS) - began, refused=len(self.refused(mark)))
        self.assertEqual(1, page.one("tencentchat_app_up"))
        self.assertLessEqual(len(self.refused(mark)), 2)

    def test_a_wrong_key_at_start_costs_three_calls_in_the_first_minute(self):
        chat = self.chat = self.simulator("demo.scenario")
        key = self.directory / "wrong.key"
        key.write_text("0" * 64, encoding="ascii")
        key.chmod(0o600)
        began = time.monotonic()
        exporter = self.exporter(self.config(chat, secret_key_file=str(key)))
        page = exporter.until(lambda p: p.one("tencentchat_app_up") == 0, "stopped")
        communities = len(page.family("tencentchat_community_info"))
        self.assertGreater(communities, 1)
        page = exporter.until(lambda p: set(p.family(UP).values()) == {0.0} and len(p.family(UP)) == communities, "all are down")
        errors = page.family("tencentchat_community_last_error_info")
        self.assertEqual(communities, len([s for s in errors if 'reason="auth"' in s]))
        until(lambda: time.monotonic() > began + 60, "the first minute", 70)
        calls = [r for r in chat.requests() if r["mono_ms"] < 1000 * (began + 60)]
        report("wrong_key", calls_in_the_first_minute=len(calls), codes=[r["code"] for r in calls])
        self.assertLessEqual(len(calls), 3)
        self.assertNotIn(70050, {r["code"] for r in calls})
        self.assertEqual(200, exporter.get("/-/healthy")[0])
        key.write_text(chat.secret_key(), encoding="ascii")
        exporter.until(lambda p: set(p.family(UP).values()) == {1.0} and len(p.family(UP)) == communities,
                       "the right key counts without a restart", BAR_S + 15)

    def test_a_service_two_hours_ahead_is_signed_for_by_its_own_clock(self):
        """A signature of one hour is long over there, so the first call is refused, and only that one."""
        self.chat = self.simulator()
        self.chat.shift_clock(7200)
        exporter = self.exporter(self.config(self.chat, usersig_ttl="1h"))
        page = exporter.until(lambda p: p.one(UP) == 1, "up", 10)
        self.assertAlmostEqual(7200, page.one(SKEW), delta=2)
        self.assertEqual([70001], [r["code"] for r in self.refused()])
        self.assertEqual(2, page.one(RENEWALS))
        self.assertAlmostEqual(time.time() + 7200 + 3600, page.one("tencentchat_usersig_expiry_timestamp_seconds"), delta=10)
        self.goes_on(exporter, time.time() + 3)
        self.assertEqual([70001], [r["code"] for r in self.refused()], "once and for all")

    def test_a_clock_that_jumps_under_way_is_followed(self):
        exporter = self.start(usersig_ttl="1h")
        self.assertAlmostEqual(0, exporter.page().one(SKEW), delta=2)
        for offset_s, codes in ((7200, [70001]), (-7200, []), (0, [])):
            with self.subTest(offset_s):
                mark, began = self.chat.last_request(), time.time()
                self.chat.shift_clock(offset_s)
                page = self.goes_on(exporter, began + 2, 10)
                self.assertAlmostEqual(offset_s, page.one(SKEW), delta=2)
                self.assertEqual(codes, [r["code"] for r in self.refused(mark)])
                self.assertEqual(1, page.one("tencentchat_app_up"))

    def test_a_service_that_refuses_signatures_from_the_future_is_signed_for_as_well(self):
        """Ours takes them; a stricter one is played by a fault that ends when the exporter has signed anew."""
        self.chat = self.simulator()
        self.chat.shift_clock(-7200)
        self.chat.fault(kind="error", code=70001, count=1)
        exporter = self.exporter(self.config(self.chat, usersig_ttl="1h"))
        page = exporter.until(lambda p: p.one(UP) == 1, "up", 10)
        self.assertAlmostEqual(-7200, page.one(SKEW), delta=2)
        self.assertEqual(2, page.one(RENEWALS))
        self.assertAlmostEqual(time.time() - 7200 + 3600, page.one("tencentchat_usersig_expiry_timestamp_seconds"), delta=10)


if __name__ == "__main__":
    main()
