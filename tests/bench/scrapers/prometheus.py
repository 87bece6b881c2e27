"""Debian's Prometheus, and an nginx between it and the server, as processes that are ended by the pid they were started with."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

from bars import cpu_s

HERE = pathlib.Path(__file__).resolve().parent
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# An interval is also the time in which a page is changed, and has to be seen, before it is scraped again.
INTERVAL_S, SCRAPE_S, START_S, STOP_S, ANSWER_S = 45, 600, 60, 60, 300
COMPLAINT = re.compile(r"level=(?:warn|error) .*(?:duplicate|out.of.order|ingest|append|scrape)", re.IGNORECASE)
DROPPED = re.compile(r"^(prometheus_target_scrapes_(?:sample_\w+|exceeded_\w+)_total) ([^ ]+)$", re.MULTILINE)


def until(check, what, seconds, process):
    """The first true value of check(); a process that ends meanwhile, or the time, ends the waiting."""
    end = time.monotonic() + seconds
    while not (value := check()):
        if process.poll() is not None:
            raise AssertionError(f"{what}: it ended with {process.returncode}")
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
    return value


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    def __init__(self, directory, *command):
        self.directory = directory
        with open(directory / "log", "wb") as log:
            self.process = subprocess.Popen([str(c) for c in command], cwd=directory, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return (self.directory / "log").read_text("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Prometheus(Process):
    """Scrapes `target` every INTERVAL_S, with its defaults otherwise."""

    def __init__(self, directory, target):
        directory.mkdir()
        self.address = f"127.0.0.1:{free_port()}"
        config = directory / "prometheus.yml"
        every = f"{INTERVAL_S}s"
        config.write_text(json.dumps({  # YAML is a superset
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [{"job_name": "million", "static_configs": [{"targets": [target]}]}],
        }), encoding="ascii")
        super().__init__(directory, "prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}",
                         f"--web.listen-address={self.address}")

    def read(self, path, **query):
        url = f"http://{self.address}{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        with NO_PROXY.open(url, timeout=ANSWER_S) as answer:
            return answer.read()

    def ask(self, path, **query):
        return json.loads(self.read("/api/v1" + path, **query))["data"]

    def ready(self):
        def answers():
            try:
                return self.read("/-/ready")
            except OSError:
                return False
        until(answers, f"Prometheus is ready\n{self.log()}", START_S, self.process)
        return self

    def value(self, expression):
        found = self.ask("/query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def scraped(self, since):
        """Waits for a scrape that began after `since` and is stored; asserts that it was fine."""
        until(lambda: (self.value('timestamp(up{job="million"})') or 0) > since, "a scrape that is stored", SCRAPE_S,
              self.process)
        if self.value("up") != 1:
            raise AssertionError(f"up is 0: {self.ask('/targets')['activeTargets'][0]['lastError']}")

    def family(self, name):
        """{labels: value} of what is stored under that name, without the labels that Prometheus put there."""
        samples = {}
        for one in self.ask("/query", query=f'{name}{{job="million"}}')["result"]:
            own = ("__name__", "job", "instance")
            samples[tuple(sorted(item for item in one["metric"].items() if item[0] not in own))] = float(one["value"][1])
        return samples

    def kind(self, name):
        """The type that the page told it; None: it knows no such family."""
        found = self.ask("/targets/metadata", metric=name)
        return found[0]["type"] if found else None

    def complaints(self):
        """What it says about samples it did not take."""
        dropped = DROPPED.findall(self.read("/metrics").decode())
        if not any(name.endswith("_duplicate_timestamp_total") for name, _ in dropped):
            raise AssertionError("this Prometheus does not count duplicates by the name we know")
        return [f"{name} {value}" for name, value in dropped if float(value) != 0] + \
            [line for line in self.log().splitlines() if COMPLAINT.search(line)]

    def cpu_s(self):
        return cpu_s(self.pid)


class TextProxy(Process):
    """An nginx that asks `upstream` for text, whatever it is asked for. That is how a Prometheus without scrape_protocols
    (before 2.49) is made to take text."""

    def __init__(self, directory, upstream):
        (directory / "temporary").mkdir(parents=True)
        self.address = f"127.0.0.1:{free_port()}"
        shutil.copy(HERE / "nginx.conf", directory)
        (directory / "place.conf").write_text(f"listen {self.address};\nset $upstream http://{upstream};\n", encoding="ascii")
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        super().__init__(directory, nginx, "-p", directory, "-c", directory / "nginx.conf", "-e", directory / "error.log")

    def ready(self):
        def listens():
            host, port = self.address.split(":")
            with socket.socket() as s:
                return s.connect_ex((host, int(port))) == 0
        until(listens, f"nginx listens\n{self.log()}", START_S, self.process)
        return self

    def answers(self):
        """Of each scrape that went through it, the fields of nginx.conf's log."""
        names = ("status", "accept", "accept_encoding", "type", "encoding", "bytes")
        text = (self.directory / "access.log").read_text("utf-8")
        return [dict(zip(names, line.split("|"))) for line in text.splitlines()]
