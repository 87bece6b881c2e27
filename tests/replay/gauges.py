"""What the long tests measure beside the program: round trips, memory, and how far the machine itself can be trusted.

A turn of the loop is what everybody waits for, so the longest of thousands of short requests is never less than what is
left of the longest turn they met. On a shared machine a part of it is not the program's: `Machine` does the same small
work over and over and says how much later than its CPU time it was done.
"""

import http.client
import pathlib
import re
import subprocess
import sys
import threading
import time

STALL = """
import sys, time
worst = 0.0
while True:
    wall, cpu = time.monotonic(), time.process_time()
    while time.process_time() - cpu < 0.005:
        pass
    worst = max(worst, time.monotonic() - wall - (time.process_time() - cpu))
    print(worst, flush=True)
    time.sleep(0.05)
"""


class Machine:
    """The longest time that other processes kept 5 ms of plain work waiting, in seconds."""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", STALL], stdout=subprocess.PIPE, text=True)
        self.worst_s = 0.0
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.worst_s = float(line)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


def cpu_s(process):
    """(on a CPU, waiting for one) of the thread that runs the loop, in seconds since its start."""
    text = pathlib.Path(f"/proc/{process.pid}/schedstat").read_text(encoding="ascii")
    on_cpu_ns, waiting_ns, _ = map(int, text.split())
    return on_cpu_ns / 1e9, waiting_ns / 1e9


def own_wait_s():
    """How long this thread has been waiting for a CPU since its start."""
    return int(pathlib.Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


def answered_in_s(exporter, path="/metrics"):
    """(body, seconds) of one request, less the time for which the machine let the loop or this thread wait for a CPU."""
    waited_s, began = cpu_s(exporter.process)[1] + own_wait_s(), time.monotonic()
    body = exporter.raw(path)[2]
    took_s = time.monotonic() - began
    return body, max(0.0, took_s - (cpu_s(exporter.process)[1] + own_wait_s() - waited_s))


class Prober:
    """Asks for one path over and over on a kept connection, and remembers of each round trip how long it took, and how
    much of that the loop was on a CPU or waited for one: the first holds what is left of the longest turn it met, and
    tells the program's own time from the machine's."""

    def __init__(self, exporter, path, pause_s):
        self.address, self.process = exporter.address, exporter.process
        self.path, self.pause_s = path, pause_s
        self.took_s, self.on_cpu_s, self.waiting_s = [], [], []
        self.failed = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _ask(self, connection):
        try:
            connection.request("GET", self.path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.failed.append(answer.status)
        except (OSError, http.client.HTTPException) as e:
            self.failed.append(repr(e))
            connection.close()

    def _run(self):
        connection = http.client.HTTPConnection(self.address, timeout=20)
        while not self._end.wait(self.pause_s):
            started, (on_cpu_s, waiting_s) = time.monotonic(), cpu_s(self.process)
            self._ask(connection)
            ended, (on_cpu_end_s, waiting_end_s) = time.monotonic(), cpu_s(self.process)
            self.took_s.append(ended - started)
            self.on_cpu_s.append(on_cpu_end_s - on_cpu_s)
            self.waiting_s.append(waiting_end_s - waiting_s)
        connection.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def text(self, since=0):
        """p50, p99 and most of the round trips from number `since` on."""
        took_ms = sorted(1000 * t for t in self.took_s[since:])
        n = len(took_ms)
        return (f"n={n},p50={took_ms[n // 2]:.1f}ms,p99={took_ms[n * 99 // 100]:.1f}ms,max={took_ms[-1]:.1f}ms"
                f",on_cpu_max={1000 * max(self.on_cpu_s[since:]):.1f}ms,waited_max={1000 * max(self.waiting_s[since:]):.1f}ms")


def memory_bytes(process):
    """Resident memory of a running process."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def longest_turn_ms(log):
    """What the exporter says of its own slow turns (below 50 ms it says nothing); after its end."""
    return max((int(n) for n in re.findall(r"event=slow_turn .*?longest_ms=(\d+)", log)), default=0)


def report(title, **figures):
    """One line for the record, also when the test passes."""
    print(f"figures {title}: " + " ".join(f"{k}={v:.3f}" if isinstance(v, float) else f"{k}={v}"
                                          for k, v in figures.items()), flush=True)
