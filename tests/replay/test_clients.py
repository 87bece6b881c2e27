"""Compressed pages, opened by everything that opens gzip: always the bytes of the plain page.

Between two clients something changes, so that each meets a body of pieces that were kept and pieces that are new, and then
one of kept pieces alone. `tests/bench/scrapers.sh` does it with Prometheus, Go and node, and with a million series.
"""

import os
import pathlib
import sys
import unittest

from harness import TESTS, Page, ReplayTest, main, until
from clients import CLIENTS, FORMATS, check

# What moves without a change of the world.
MOVING = """
  tencentchat_community_last_poll_timestamp_seconds tencentchat_community_last_success_timestamp_seconds
  tencentchat_community_poll_duration_seconds tencentchat_app_topics_by_idle_time tencentchat_api_requests_total
  tencentchat_api_request_duration_seconds tencentchat_api_response_bytes_total tencentchat_api_inflight_requests
  tencentchat_api_clock_skew_seconds tencentchat_quota_peak_requests_per_second tencentchat_quota_wait_seconds_total
  tencentchat_scheduler_lag_seconds tencentchat_scheduler_last_sweep_duration_seconds
  tencentchat_scheduler_heartbeat_timestamp_seconds tencentchat_exporter_http_requests_total
  tencentchat_exporter_log_messages_total process_cpu_seconds_total process_resident_memory_bytes
  process_virtual_memory_bytes process_open_fds
""".split()
SCENARIO = """
seed = 5;
apps = ( { sdkappid = 1400000001; identifiers = [ "administrator" ];
  communities = ( { count = 40; id = "@TGS#_@TGS#c{9}"; topics = 20; topic_names = [ "room {}", "話題 \\"{}\\" \\\\" ]; },
                  { id = "@TGS#_large"; topics = 1200; } ); } );
"""
LARGE = "@TGS#_large"
MESSAGES = "/metrics?name[]=tencentchat_community_messages_total"


class Clients(ReplayTest):
    def everybody(self, url, change):
        for client in CLIENTS:
            self.assertTrue(client.installed(), f"{client.needs} is missing; deploy/packages.sh tests installs it")
        for form, accept in FORMATS.items():
            for client in CLIENTS:
                with self.subTest(form=form, client=client.name):
                    change()
                    check(client, url, accept, self.directory)
                    body = check(client, url, accept, self.directory)
            Page(body.decode(), accept)

    def test_the_exporter(self):
        path = self.directory / "clients.scenario"
        path.write_text(SCENARIO, encoding="utf-8")
        chat = self.simulator(str(path))
        disable = ", ".join(f'"{name}"' for name in MOVING)
        it = self.exporter(self.config(chat, poll='interval = "1s";', root=f"metrics: {{ disable = [ {disable} ]; }};",
                                       budget=100.0, silent_after="365d")).ready()
        communities = [c["community"] for c in chat.world()["communities"]]
        self.assertIn(LARGE, communities)
        turn = 0

        def change():
            nonlocal turn
            turn += 1
            moved = (LARGE, communities[turn % len(communities)])
            before = it.page(MESSAGES).samples
            for community in moved:
                chat.change(community=community, topic=chat.world(community)["topics"][turn % 20]["id"], post=3)
            until(lambda: all(it.page(MESSAGES).samples[series] > value for series, value in before.items()
                              if series.endswith(tuple(f'community="{c}"}}' for c in moved))), "the messages are on the page")

        self.everybody(f"http://{it.address}/metrics", change)

    @unittest.skipUnless("TCE_BUILD" in os.environ, "a build without bench_server")
    def test_a_made_up_world(self):
        sys.path.insert(0, str(TESTS / "bench"))
        from servers import Ours  # noqa: PLC0415

        for communities, topics in ((100, 20), (1, 2000)):
            with Ours(pathlib.Path(os.environ["TCE_BUILD"]), communities, topics).ready() as ours:
                ours.order("still")
                self.everybody(f"http://{ours.address}/metrics", lambda: ours.order("change 7"))
                self.everybody(f"http://{ours.address}/metrics", lambda: ours.order("change all"))
                self.everybody(f"http://{ours.address}/metrics", lambda: ours.order("round"))


if __name__ == "__main__":
    main()
