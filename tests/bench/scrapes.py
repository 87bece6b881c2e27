"""Scrapes of 10k, 100k and 1M series of topics, ours and the peers', in turns: figures and bars.

Ours is bench_server: the real store, exposition and listener with a world that needs no polls. The peers serve the same
series, nginx the same bytes; that they do is checked. A round scrapes everybody once; figures are medians of rounds.
"""

import argparse
import gzip
import pathlib
import subprocess
import urllib.request

from bars import Bars, Figures, in_folder, print_table, say
from servers import Golang, Nginx, Ours, Python

TOPICS = 20  # a community
SERIES = 5  # a topic
PAGES = (10_000, 100_000, 1_000_000)
# A scrape costs nginx and ours milliseconds, and the others seconds.
ROUNDS, GOLANG_ROUNDS, PYTHON_ROUNDS = 15, 9, 5
QUICK_ROUNDS, QUICK_SERIES = 5, 100_000
# Small pages are scraped a few times in a row: their figures are small beside what the machine does meanwhile.
REPEAT_BELOW, REPEAT = 1_000_000, 3
CHANGED = 0.3  # of all communities: 15 s at 200 calls a second, of 10,000
MEMORY_ROUNDS, MEMORY_SCRAPES = 10, 100


def get(url, packed=False):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip" if packed else "identity"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        if (answer.headers["Content-Encoding"] == "gzip") != packed:
            raise RuntimeError(f"{url} does not answer in the encoding that was asked for")
        return answer.read()


# ---- equal pages ----
def without_process(body):
    """process_cpu_seconds_total and its like differ from scrape to scrape."""
    return b"".join(line for line in body.splitlines(True) if not line.startswith(b"process_"))


def series_of(body):
    """A number for each series and its value, whatever the order of labels and the spelling of numbers."""
    found = set()
    for line in body.decode("utf-8").splitlines():
        if not line.startswith(("#", "process_")):
            series, value = line.rsplit(" ", 1)
            name, _, labels = series.removesuffix('"}').partition("{")
            found.add(hash((name, frozenset(labels.split('",')), float(value))))
    return found


def both_bodies(server):
    """The identity body; that of gzip must be the same."""
    plain, packed = get(server.url(False)), gzip.decompress(get(server.url(True), True))
    if plain != packed and without_process(plain) != without_process(packed):
        raise RuntimeError(f"{server.name}: the gzip body is not the identity body")
    return plain


def check_peers(size):
    page = both_bodies(size.ours)
    wanted = series_of(page)
    if without_process(both_bodies(size.nginx)) != without_process(page):
        raise RuntimeError("nginx has another page")
    for peer in (size.golang, size.python):
        if series_of(both_bodies(peer)) != wanted:
            raise RuntimeError(f"{peer.name} has other series")


# ---- one size of page, and who serves it ----
class Size:
    def __init__(self, stack, build, golang, series, directory):
        self.series = series
        self.communities = series // SERIES // TOPICS
        self.ours = stack.enter_context(Ours(build, self.communities, TOPICS)).ready()
        page = directory / "page.txt"
        page.write_bytes(get(self.ours.url(False)))
        subprocess.run(["gzip", "-6", "--keep", page], check=True)
        self.page_bytes, self.packed_bytes = page.stat().st_size, pathlib.Path(f"{page}.gz").stat().st_size
        self.nginx = stack.enter_context(Nginx(directory / "nginx", page))
        self.golang = stack.enter_context(Golang(golang, page))
        self.python = stack.enter_context(Python(page))
        for peer in (self.nginx, self.golang, self.python):
            peer.ready()
        self.figures = {}

    def take(self, who, what, server, packed):
        self.figures.setdefault((who, what), Figures()).scrapes.append(server.scrape(packed))

    def round(self, number):
        """Everybody in turn. Ours is warm: what is not called a change was scraped before."""
        repeat = REPEAT if self.series < REPEAT_BELOW else 1
        for _ in range(repeat):
            self.take("ours", "identity", self.ours, False)
            self.take("nginx", "identity", self.nginx, False)
            self.take("ours", "gzip, nothing changed", self.ours, True)
            self.take("nginx", "gzip", self.nginx, True)
        self.ours.order(f"change {int(self.communities * CHANGED)}")
        self.take("ours", "gzip, 30 % changed", self.ours, True)
        self.ours.order("change all")
        self.take("ours", "gzip, all changed", self.ours, True)
        for slow, rounds in ((self.golang, GOLANG_ROUNDS), (self.python, PYTHON_ROUNDS)):
            if number < rounds:
                self.take(slow.name, "identity", slow, False)
                self.take(slow.name, "gzip", slow, True)

    def rows(self):
        for (who, what), f in self.figures.items():
            yield [f"{self.series:,}", who, what, f"{f.wall_ms:.2f}", f"{f.cpu_ms:.2f}", f"{f.first_ms:.2f}",
                   f"{f.bytes:,}"]


def memory_after_life(build, communities, topics):
    """RSS after as many polls and scrapes as the bar says; 30 % of the communities have news in a round."""
    with Ours(build, communities, topics).ready() as ours:
        for _ in range(MEMORY_ROUNDS):
            ours.order(f"change {max(1, int(communities * CHANGED))}")
            for i in range(MEMORY_SCRAPES // MEMORY_ROUNDS):
                ours.scrape(i % 2 == 1)
            ours.order("round")
        ours.scrape(True)
        return int(ours.order("rss"))


# ---- bars ----
def tell(bars, sizes, bytes_a_topic):
    small, big = sizes[0], sizes[-1]
    f = {f"{who}, {what}": figure for (who, what), figure in big.figures.items()}
    ours, same, some, every = (f[f"ours, {what}"] for what in ("identity", "gzip, nothing changed", "gzip, 30 % changed",
                                                               "gzip, all changed"))
    golang, packed = f["client_golang, identity"], f["client_golang, gzip"]
    bars.most("identity, wall: nginx, same bytes", 1.5, 1.15, ours.wall_ms / f["nginx, identity"].wall_ms)
    bars.least("identity, CPU: client_golang const", 60, 110, golang.cpu_ms / ours.cpu_ms)
    bars.least("gzip, nothing changed, CPU: client_golang", 300, 500, packed.cpu_ms / same.cpu_ms)
    bars.least("gzip, 30 % of communities changed, CPU: client_golang", 60, 200, packed.cpu_ms / some.cpu_ms)
    bars.least("gzip, everything changed, CPU: client_golang", 12, 80, packed.cpu_ms / every.cpu_ms)
    bars.most("gzip, bytes: gzip -6", 1.4, 1.2, same.bytes / big.packed_bytes)
    bars.most("first byte, identity", 5, 1, ours.first_ms, " ms")
    bars.most("first byte, gzip, nothing changed", 5, 1, same.first_ms, " ms")
    bars.most(f"memory of {big.communities * TOPICS:,} topics, scraped and polled", 192, 96, bytes_a_topic, " bytes a topic")
    for what, name in (("identity", "identity"), ("gzip, nothing changed", "gzip")):
        big_ns, small_ns = (s.figures["ours", what].cpu_ms * 1e6 / s.series for s in (big, small))
        bars.most(f"{name}, CPU a series: {big.series:,} against {small.series:,}", 1.3, 1.1, big_ns / small_ns)
    bars.told("identity, CPU: python client", f["python client, identity"].cpu_ms / ours.cpu_ms, " x less")
    bars.told("gzip, nothing changed, CPU: python client", f["python client, gzip"].cpu_ms / same.cpu_ms, " x less")
    bars.told("gzip, nothing changed, wall: nginx gzip_static", same.wall_ms / f["nginx, gzip"].wall_ms)


def run(options, directory, stack):
    build, sizes = options.build, []
    for series in (s for s in PAGES if s <= QUICK_SERIES or not options.quick):
        say(f"{series:,} series: loading ours, nginx, client_golang, the python client")
        folder = directory / str(series)
        folder.mkdir()
        sizes.append(Size(stack, build, options.golang, series, folder))
    say("comparing the pages of all")
    for size in sizes:
        check_peers(size)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for size in sizes:
            size.round(number)
    for size in sizes:
        both_bodies(size.ours)
    big = sizes[-1]
    say(f"memory: {MEMORY_ROUNDS} rounds of polls and {MEMORY_SCRAPES} scrapes, with {big.communities * TOPICS:,} topics and one")
    bytes_a_topic = memory_after_life(build, big.communities, TOPICS) - memory_after_life(build, 1, 1)
    bytes_a_topic /= big.communities * TOPICS
    print("\nScrapes over loopback, medians; wall and first byte as curl sees them, CPU of the server\n")
    print_table(["topic series", "server", "scrape", "wall ms", "CPU ms", "first byte ms", "bytes"],
                [row for size in sizes for row in size.rows()])
    print()
    bars = Bars(options.bars)
    tell(bars, sizes, bytes_a_topic)
    bars.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of a release build")
    parser.add_argument("--golang", type=pathlib.Path, required=True, help="peers/client_golang.go, built")
    parser.add_argument("--bars", help="append the rows of the table to this file")
    parser.add_argument("--quick", action="store_true", help="up to 100,000 series, to see that it works")
    options = parser.parse_args()
    in_folder(run, options)


if __name__ == "__main__":
    main()
