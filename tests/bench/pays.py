"""What a user pays: CPU, memory and bytes of the real exporter with 100, 1,000 and 10,000 communities of 20 topics, at
the default interval, scraped with gzip every 15 seconds. Every topic has a message every 20 seconds, and no series are
folded, so nothing is cheaper than it may be in life.
"""

import argparse
import time

import program
from bars import Scrape, cpu_s, in_folder, print_table, rss_bytes, say

INTERVAL_S, SCRAPE_EVERY_S = 60, 15


def watch(exporters, seconds):
    """CPU seconds a second of each, scrapes included, and what a gzip scrape alone took, in ms."""
    began, before = time.monotonic(), [cpu_s(e.process.pid) for e in exporters]
    took = []
    while time.monotonic() < began + seconds:
        took = [Scrape(program.metrics(e), e.process.pid, gzip=True).cpu_ms for e in exporters]
        time.sleep(SCRAPE_EVERY_S - (time.monotonic() - began) % SCRAPE_EVERY_S)
    passed = time.monotonic() - began
    return [(cpu_s(e.process.pid) - b) / passed for e, b in zip(exporters, before)], took


def run(options, directory, stack):
    counts = (10, 100) if options.quick else (100, 1000, 10_000)
    say(f"exporters with {', '.join(f'{n:,}' for n in counts)} communities; each is polled once first")
    chat = program.play(stack, directory, counts)
    exporters = [program.start(stack, directory, chat, i) for i in range(len(counts))]
    for exporter in exporters:
        program.ready(exporter, 3 * INTERVAL_S)
    say(f"watching them for {INTERVAL_S} s")
    cpu, scrape_ms = watch(exporters, INTERVAL_S)
    rows = []
    for n, exporter, share, ms in zip(counts, exporters, cpu, scrape_ms):
        sizes = [Scrape(program.metrics(exporter), exporter.process.pid, packed).bytes for packed in (False, True)]
        rss = rss_bytes(exporter.process.pid)
        rows.append([f"{n:,}", f"{n * program.TOPICS:,}", f"{100 * share:.2f} %", f"{ms:.1f} ms", f"{rss / 2**20:.1f} MiB",
                     *(f"{size / 1e6:.2f} MB" for size in sizes)])
    print(f"\nWhat a user pays, polled every {INTERVAL_S} s, scraped with gzip every {SCRAPE_EVERY_S} s\n")
    head = ["communities", "topics", "CPU of a core", "CPU of a gzip scrape", "RSS", "bytes, identity", "bytes, gzip"]
    print_table(head, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 and 100 communities, to see that it works")
    options = parser.parse_args()
    in_folder(run, options)


if __name__ == "__main__":
    main()
