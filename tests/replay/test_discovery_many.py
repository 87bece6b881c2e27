"""Fifty thousand discovered communities, and two lists of them a minute apart: five calls each, and nobody waits."""

import re

from gauges import Machine, Prober, longest_turn_ms, memory_bytes, report
from harness import main, until
from test_discovery import LIST, DiscoveryTest

COUNT = 50000


class Many(DiscoveryTest):
    def pages(self, code=None):
        return self.chat.times(0, command=LIST, code=code, list=0)["n"]

    def test_fifty_thousand(self):
        self.chat = self.world(f'{{ count = {COUNT}; id = "@TGS#_many{{5}}"; topics = 1; }}')
        exporter = self.exporter(self.discover(self.chat, poll='interval = "10m";', budget=200.0), "--log.level=debug")
        started = memory_bytes(exporter.process)
        with Machine() as machine, Prober(exporter, "/-/healthy", 0.003) as prober:
            until(lambda: self.pages() == 5, "five calls")
            until(lambda: "event=communities_discovered" in exporter.log(), "the list was taken")
            asked = self.chat.last_request()
            until(lambda: self.chat.last_request() > asked + 2000, "polling goes on")
            listed, first = memory_bytes(exporter.process), len(prober.took_s)
            until(lambda: self.pages() == 10, "the second list", 90)
            asked = self.chat.last_request()
            until(lambda: self.chat.last_request() > asked + 2000, "polling goes on")
            again = memory_bytes(exporter.process)
        page = exporter.get()[2].decode()
        known = sum(float(n) for n in re.findall(r"(?m)^tencentchat_app_communities\{.*\} (.*)$", page))
        polls = self.chat.times(0, command="get_topic", list=0, window_ms=950)
        exporter.stop()
        slow_ms = longest_turn_ms(exporter.log())
        report("discovery_50000", first=prober.text(), second=prober.text(first), slow_turn_ms=slow_ms,
               machine_stall_ms=1000 * machine.worst_s, start_mib=started >> 20, listed_mib=listed >> 20,
               second_list_mib=again >> 20, polls=polls["n"], busiest_950ms=polls["busiest"]["n"], page_mib=len(page) >> 20)
        self.assertEqual([], prober.failed)
        self.assertEqual(COUNT, known)
        self.assertEqual((10, 10), (self.pages(), self.pages(code=0)))
        self.assertLess(again - listed, 16 << 20, "facts of some thousand polls, and nothing of the second list")
        self.assertLess(max(prober.on_cpu_s), 0.05, "no turn computes for longer")
        self.assertLess(slow_ms, 50 + 1000 * max(machine.worst_s, *prober.waiting_s), "nor blocks")


if __name__ == "__main__":
    main()
