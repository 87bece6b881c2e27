"""A million series, scraped by Debian's Prometheus in both formats and opened by every client: nothing is lost, nothing twice.

Ours is bench_server: the real store, exposition and listener with a world that needs no polls. Between scrapes a part of the
communities has news, so that bodies are made of pieces that were kept and pieces that are new.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TESTS / "bench"), str(TESTS / "replay")]

import clients  # noqa: E402
from bars import in_folder, print_table, say  # noqa: E402
from page import Page  # noqa: E402
from prometheus import Prometheus, TextProxy  # noqa: E402
from servers import Ours  # noqa: E402

TOPICS = 20  # a community
SERIES = 5  # a topic
CHANGED = 0.3  # of all communities, between two scrapes: 15 s at 200 calls a second, of 10,000
CHECKER = TESTS / "fences/exposition.py"
# What the format says of this family, and by which name.
KINDS = {"text": ("tencentchat_topic_info", "gauge"), "OpenMetrics": ("tencentchat_topic", "info")}


def same(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"{what}: {found}, not {wanted}")


def read_pages(ours, directory):
    """Both formats, as plain bodies; the server stands still."""
    pages = {form: Page(directory / f"page.{form}", clients.plain(ours.url(False), accept))
             for form, accept in clients.FORMATS.items()}
    same("samples of both formats", pages["OpenMetrics"].lines, pages["text"].lines)
    return pages


def check_stored(prometheus, page):
    """What Prometheus has is what the page says: every series, every value, and no other series."""
    same("scrape_samples_scraped", prometheus.value("scrape_samples_scraped"), page.series)
    same("scrape_samples_post_metric_relabeling", prometheus.value("scrape_samples_post_metric_relabeling"), page.series)
    stored = prometheus.value('count({job="million",__name__!~"up|scrape_.*"})')
    same("series that are stored", stored, page.series)
    for number, name in enumerate(page.counts, 1):
        if page.counts[name] >= 10_000 or number == len(page.counts):
            say(f"comparing {name}, {number} of {len(page.counts)}")
        found, wanted = prometheus.family(name), page.family(name)
        if found != wanted:
            differ = set(found.items()) ^ set(wanted.items())
            raise AssertionError(f"{name}: {len(found)} series of {len(wanted)}, or other values: {sorted(differ)[:4]}")


def scrape(prometheus, ours, what, since):
    """Waits for the next scrape; its row of the table."""
    before_s, prometheus_s = ours.cpu_s(), prometheus.cpu_s()
    prometheus.scraped(since)
    cpu_ms, prometheus_s = 1e3 * (ours.cpu_s() - before_s), prometheus.cpu_s() - prometheus_s
    return [what, f"{prometheus.value('scrape_duration_seconds'):.2f}", f"{cpu_ms:.1f}", f"{prometheus_s:.1f}"]


def by_prometheus(form, ours, target, changed, directory):
    """Three scrapes by a new Prometheus, `changed` communities with news before the second, then all that it stored."""
    say(f"{form}: Prometheus scrapes {target}")
    with Prometheus(directory / f"prometheus.{form}", target).ready() as prometheus:
        rows = [scrape(prometheus, ours, "first", 0)]
        ours.order(f"change {changed}")
        say(f"{form}: {changed:,} communities had news; the next scrape")
        rows.append(scrape(prometheus, ours, f"{changed:,} communities changed", time.time()))
        say(f"{form}: one more, nothing changed")
        rows.append(scrape(prometheus, ours, "nothing changed", time.time()))
        name, kind = KINDS[form]
        same(f"type of {name}", prometheus.kind(name), kind)
        check_stored(prometheus, read_pages(ours, directory)[form])
        same("complaints of Prometheus", prometheus.complaints(), [])
    shutil.rmtree(prometheus.directory)
    return [[form, *row] for row in rows]


def by_text_proxy(ours, changed, directory):
    with TextProxy(directory / "nginx", ours.address).ready() as proxy:
        rows = by_prometheus("text", ours, proxy.address, changed, directory)
        for answer in proxy.answers():
            same("status", answer["status"], "200")
            same("Accept-Encoding of Prometheus", answer["accept_encoding"], "gzip")
            same("Content-Type", answer["type"], "text/plain; version=0.0.4; charset=utf-8")
            same("Content-Encoding", answer["encoding"], "gzip")
        say(f"Prometheus asked for {answer['accept']}; nginx passed {int(answer['bytes']):,} bytes of gzip")
    return rows


def by_clients(ours, changed, reader, directory):
    here = pathlib.Path(__file__).resolve().parent
    everybody = (*clients.CLIENTS, clients.program("Go net/http", reader),
                 clients.program("node fetch", "node", str(here / "reader.js"), "fetch"),
                 clients.program("node zlib.gunzipSync", "node", str(here / "reader.js"), "gunzip"))
    for form, accept in clients.FORMATS.items():
        for client in everybody:
            ours.order(f"change {changed}")
            body = clients.check(client, ours.url(False), accept, directory)
            say(f"{form}, {client.name}: the same {len(body):,} bytes")
    return len(everybody)


def run(options, directory, stack):
    version = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    version = "Prometheus " + (version.stdout + version.stderr).split()[2]
    communities = options.series // SERIES // TOPICS
    say(f"{version}; bench_server with {communities:,} communities of {TOPICS} topics")
    ours = stack.enter_context(Ours(options.build, communities, TOPICS)).ready()
    ours.order("still")
    pages = read_pages(ours, directory)
    say(f"the strict checker reads {pages['text'].series:,} series in both formats")
    pages["text"].check(CHECKER)
    pages["OpenMetrics"].check(CHECKER, "--openmetrics")
    changed = int(CHANGED * communities)
    rows = by_prometheus("OpenMetrics", ours, ours.address, changed, directory) + by_text_proxy(ours, changed, directory)
    n = by_clients(ours, changed, options.reader, directory)
    print(f"\n{version}, {pages['text'].series:,} series; durations as it tells them, CPU of the server and of Prometheus\n")
    print_table(["format", "scrape", "scrape_duration s", "server CPU ms", "Prometheus CPU s"], rows)
    print(f"\nup 1, all series and values stored as they stand on the page, nothing dropped; {n} clients had the same bytes in "
          "both formats")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of a release build")
    parser.add_argument("--reader", required=True, help="reader.go, built")
    parser.add_argument("--series", type=int, default=1_000_000, help="of topics")
    options = parser.parse_args()
    in_folder(run, options, "scrapers")


if __name__ == "__main__":
    main()
