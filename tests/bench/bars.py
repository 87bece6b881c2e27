"""What every bench needs: clocks of other processes, a client that only counts, medians, the table of bars."""

import argparse
import contextlib
import json
import math
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

STARTED = time.monotonic()
# After a scrape a server may have something left to do: close, collect its garbage.
SETTLE_S = 0.05
SCRAPE_DEADLINE_S = 120


def say(text):
    """Progress, for whoever watches."""
    print(f"[{time.monotonic() - STARTED:4.0f}s] {text}", file=sys.stderr, flush=True)


def end_well():
    """SIGTERM ends a bench as an exception does, and with it what it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def in_folder(run, options, name="bench"):
    """run(options, directory, stack) in a folder of its own; what it put on the stack is ended, and the folder gone, however
    it ends."""
    end_well()
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"tencentchat-{name}."))
    try:
        with contextlib.ExitStack() as stack:
            run(options, directory, stack)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def cpu_s(pid):
    """The CPU clock of a process, all of its threads, in nanoseconds' resolution: clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def rss_bytes(pid):
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Scrape:
    """Figures of one scrape, by curl and by the server's CPU clock."""

    def __init__(self, url, pid, gzip=False, settle_s=SETTLE_S):
        command = ["curl", "-sS", "-o", "/dev/null", "--max-time", str(SCRAPE_DEADLINE_S),
                   "-w", "%{http_code} %{time_total} %{time_starttransfer} %{size_download}", url]
        if gzip:
            command += ["-H", "Accept-Encoding: gzip"]
        before = cpu_s(pid)
        code, wall, first, size = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        time.sleep(settle_s)
        self.cpu_ms = (cpu_s(pid) - before) * 1e3
        if code != "200":
            raise RuntimeError(f"{url} answered {code}")
        self.wall_ms, self.first_ms, self.bytes = float(wall) * 1e3, float(first) * 1e3, int(size)


class Figures:
    """Scrapes of one kind; their medians."""

    def __init__(self):
        self.scrapes = []

    def __getattr__(self, name):
        return statistics.median(getattr(s, name) for s in self.scrapes)


def percentile(values, part):
    """The smallest value that at least so large a part of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]


class Bars:
    """Rows of the one table; run.sh collects them from every bench in a file, a JSON array a line."""

    def __init__(self, path):
        self.path = path
        self.rows = []

    def most(self, bar, required, reach, value, unit=" x"):
        self._add(bar, f"≤ {required:g}{unit}", f"{reach:g}{unit}", value, unit, value <= required)

    def least(self, bar, required, reach, value, unit=" x less"):
        self._add(bar, f"≥ {required:g}{unit}", f"{reach:g}{unit}", value, unit, value >= required)

    def told(self, bar, value, unit=" x"):
        """A figure without a bar."""
        self._add(bar, "", "", value, unit, None)

    def _add(self, bar, required, reach, value, unit, met):
        shown = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
        self.rows.append([bar, required, reach, shown + unit, {True: "met", False: "MISSED", None: ""}[met]])

    def finish(self):
        if self.path is None:
            print_bars(self.rows)
        else:
            with open(self.path, "a", encoding="utf-8") as out:
                out.writelines(json.dumps(row) + "\n" for row in self.rows)


def print_table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * w for w in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(w) for cell, w in zip(row, widths)) + " |")
    sys.stdout.flush()


def print_bars(rows):
    print_table(["bar", "required", "reach for", "measured", ""], rows)


def main():
    """python3 bars.py FILE: the table of the rows in it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file")
    with open(parser.parse_args().file, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    print_bars(rows)
    missed = sum(row[4] == "MISSED" for row in rows)
    print(f"\n{sum(row[4] == 'met' for row in rows)} bars met, {missed} missed")


if __name__ == "__main__":
    main()
