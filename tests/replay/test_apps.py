"""Several apps in one process, and everything that can be wrong between us and the service's certificate."""

import pathlib

from harness import SMALL, ReplayTest, app_block, main

UP = "tencentchat_community_up"


class Apps(ReplayTest):
    def test_two_apps_are_kept_apart_and_a_wrong_key_harms_only_its_own(self):
        chat = self.simulator("demo.scenario")
        self.assertEqual(2, len(chat.apps))
        blocks, first = [], chat.apps[0]["sdkappid"]
        for app in chat.apps:
            ids = [c["community"] for c in chat.world(sdkappid=app["sdkappid"])["communities"]]
            blocks.append(app_block(app, chat.api, chat.ca_file, ids, name=f"app-{app['sdkappid']}"))
        config = 'poll: { interval = "1s"; };\napps = ( ' + ", ".join(blocks) + " );\n"
        exporter = self.exporter(config).ready()
        page = exporter.until(lambda p: set(p.family(UP).values()) == {1.0}, "all are up")
        for app in chat.apps:
            sdkappid = str(app["sdkappid"])
            self.assertEqual(1, page.one("tencentchat_app_up", sdkappid=sdkappid))
            self.assertEqual(1, page.one("tencentchat_app_info", sdkappid=sdkappid, app_name=f"app-{sdkappid}"))
            self.assertEqual({sdkappid}, {str(r["sdkappid"]) for r in chat.requests()
                                          if r["sdkappid"] == app["sdkappid"]})
        key = pathlib.Path(chat.app(first)["secret_key_file"])
        chat.rotate_key(first, "f" * 64)
        key.write_text("0" * 64)
        page = exporter.until(lambda p: p.one("tencentchat_app_up", sdkappid=str(first)) == 0, "the app is stopped", 60)
        other = str(chat.apps[1]["sdkappid"])
        self.assertEqual(1, page.one("tencentchat_app_up", sdkappid=other))
        self.assertEqual({1.0}, {v for s, v in page.family(UP).items() if f'sdkappid="{other}"' in s})
        mark = chat.last_request()
        exporter.until(lambda p: p.one("tencentchat_community_last_poll_timestamp_seconds",
                                       community=chat.world(sdkappid=int(other))["communities"][0]["community"]) >
                       page.one("tencentchat_community_last_poll_timestamp_seconds",
                                community=chat.world(sdkappid=int(other))["communities"][0]["community"]) + 3,
                       "the other app goes on")
        refused = [r for r in chat.requests(since=mark) if r["sdkappid"] == first]
        self.assertLessEqual(len(refused), 1, "a refused signature is not tried again and again: 70050 locks out")

    def test_a_rotated_key_needs_no_restart(self):
        chat = self.simulator()
        exporter = self.exporter(self.config(chat)).ready()
        exporter.until(lambda p: p.one(UP) == 1, "up")
        key = pathlib.Path(chat.app()["secret_key_file"])
        chat.rotate_key(secret_key="a1" * 32)
        key.write_text("a1" * 32)
        before = exporter.page().one("tencentchat_community_last_success_timestamp_seconds")
        page = exporter.until(
            lambda p: p.one("tencentchat_community_last_success_timestamp_seconds") > before + 2, "goes on")
        self.assertEqual(1, page.one(UP))


class Certificates(ReplayTest):
    def refused(self, certificate, **options):
        chat = self.simulator("small.scenario", f"--certificate={certificate}", name=certificate)
        exporter = self.exporter(self.config(chat, communities=[SMALL], **options), name=f"exporter-{certificate}")
        page = exporter.until(lambda p: p.one(UP) == 0, "the first poll failed")
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", reason="tls", code=""))
        self.assertEqual({}, page.family("tencentchat_topic_info"))
        self.assertEqual([], chat.requests(), "nothing was sent, no signature either")
        return exporter.log()

    def test_an_expired_certificate_is_refused(self):
        self.assertIn("expired", self.refused("expired"))

    def test_a_certificate_for_another_host_is_refused(self):
        self.refused("wrong-host")

    def test_an_unknown_authority_is_refused(self):
        self.refused("unknown-ca")

    def test_without_the_ca_file_the_system_decides(self):
        self.refused("good", ca_file=None)


if __name__ == "__main__":
    main()
