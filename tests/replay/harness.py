"""What every end-to-end test needs: a world (simulator), an exporter on it, and a strict look at what it says.

Nothing here sleeps and hopes: `until` asks again until a deadline, and says what it last saw. Every process is
ended by the pid it was started with.
"""

import contextlib
import http.client
import itertools
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "simulator"))
sys.path.insert(0, str(TESTS / "fences"))

import exposition  # noqa: E402
from client import Simulator  # noqa: E402

EXPORTER = os.environ["TCE_EXPORTER"]
SIMULATOR = os.environ["TCE_SIMULATOR"]
SCENARIOS = TESTS / "simulator" / "scenarios"
DEADLINE_S = float(os.environ.get("TCE_DEADLINE_S", "30"))


def until(check, what, seconds=DEADLINE_S, pause_s=0.02):
    """The first true value of check(); asks again until `seconds` are over."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {value!r}")
        time.sleep(pause_s)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def quoted(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def app_block(app, api, ca_file, communities, **options):
    """One app of a configuration file; options by their key, texts without quotes, `None` leaves one out."""
    values = {
        "sdkappid": app["sdkappid"],
        "identifier": app["identifier"],
        "secret_key_file": app["secret_key_file"],
        "endpoint": api,
        "ca_file": ca_file,
        **options,
    }
    lines = [f"{key} = {value if isinstance(value, (int, float)) else quoted(value)};" for key, value in values.items()
             if value is not None]
    ids = ", ".join(c if c.startswith("{") else quoted(c) for c in communities)
    return "{ " + " ".join(lines) + f" communities = ( {ids} ); }}"


OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def opened(body):
    """What one gzip member holds: whole, with the right sums, and nothing behind it."""
    member = zlib.decompressobj(31)
    try:
        text = member.decompress(body)
    except zlib.error as e:
        raise AssertionError(f"no gzip: {e}") from None
    if not member.eof or member.unused_data:
        raise AssertionError(f"not one whole gzip member: {len(body)} bytes, {len(member.unused_data)} behind its end")
    return text


class Page:
    """One /metrics body that passed the strict checker, by its Content-Type."""

    def __init__(self, text, kind=None):
        self.text = text
        problems = exposition.check(text, kind)
        if problems:
            raise AssertionError("the page breaks its format:\n" + "\n".join(map(str, problems[:20])))
        self.samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                self.samples[series] = float(value)

    def family(self, name):
        return {s: v for s, v in self.samples.items() if s == name or s.startswith(name + "{")}

    def one(self, name, **labels):
        """The value of the one sample with these labels (among others); None when there is none."""
        found = [v for s, v in self.family(name).items() if all(f'{k}="{v2}"' in s for k, v2 in labels.items())]
        if len(found) > 1:
            raise AssertionError(f"{len(found)} samples of {name} with {labels}")
        return found[0] if found else None


class Exporter:
    """A running exporter. Its log and configuration stand in `directory`."""

    def __init__(self, directory, config, *flags, environment=None, user=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "exporter.cfg"
        self.config.write_text(config, encoding="utf-8")
        self.log_file = self.directory / "exporter.log"
        self.flags = flags
        self.environment = environment
        self.user = user or {}  # of subprocess.Popen: user, group, extra_groups
        self.process = None
        self.address = None
        self.codings = itertools.cycle(("identity", "gzip"))

    def start(self):
        command = [EXPORTER, f"--config.file={self.config}", "--web.listen-address=127.0.0.1:0", *self.flags]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(self.environment or {})}, **self.user)
        self.address = until(self._listening, "the exporter listens")
        return self

    def _listening(self):
        found = re.search(r'listening"?[ ,].*?address"?[=:]"?([0-9.:\[\]]+)', self.log())
        if found is None and self.process.poll() is not None:
            raise AssertionError(f"the exporter ended with {self.process.returncode}:\n{self.log()}")
        return found and found.group(1)

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def stop(self):
        """SIGTERM, at most two seconds, exit status 0: the promise of every end."""
        if self.process is None:
            return
        process, self.process = self.process, None
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the exporter did not end on SIGTERM:\n{self.log()}") from None
        if status != 0:
            raise AssertionError(f"the exporter ended with {status}:\n{self.log()}")
        self.took_s = time.monotonic() - started

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def raw(self, path="/metrics", method="GET", headers=None):
        """(status, headers, body) of one request on a connection of its own, the body as it came. Whoever asks for a page
        with this opens and checks it himself."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def fetch(self, path, method="GET", headers=None):
        """The same; of metrics every second body is asked for compressed, and opened."""
        metrics = path.partition("?")[0] == "/metrics"
        coding = next(self.codings) if metrics else "identity"
        status, answer, body = self.raw(path, method, {"Accept-Encoding": coding, **(headers or {})})
        wanted = "gzip" if coding == "gzip" and status == 200 and method in ("GET", "HEAD") else None
        if answer["Content-Encoding"] != wanted:
            raise AssertionError(f"{path}, asked for {coding}, came with Content-Encoding {answer['Content-Encoding']!r}")
        return status, answer, opened(body) if wanted and method == "GET" else body

    def get(self, path="/metrics", method="GET", headers=None):
        """The same; metrics have passed the strict checker."""
        status, answer, body = self.fetch(path, method, headers)
        if status == 200 and method == "GET" and path.partition("?")[0] == "/metrics":
            Page(body.decode("utf-8"), answer["Content-Type"])
        return status, answer, body

    def page(self, path="/metrics", accept=None):
        status, answer, body = self.fetch(path, headers={"Accept": accept} if accept is not None else None)
        if status != 200:
            raise AssertionError(f"{path} answered {status}: {body[:200]!r}")
        return Page(body.decode("utf-8"), answer["Content-Type"])

    def ready(self):
        until(lambda: self.get("/-/ready")[0] == 200, "ready")
        return self

    def until(self, check, what, seconds=DEADLINE_S):
        """The first page for which check(page) is true."""
        def look():
            page = self.page()
            return page if check(page) else None
        try:
            return until(look, what, seconds, pause_s=0.1)  # reading a page takes longer than serving it
        except AssertionError as e:
            raise AssertionError(f"{e}\nits log ends with:\n{self.log()[-3000:]}") from None


class ReplayTest(unittest.TestCase):
    """A test with a folder of its own that is gone afterwards, and processes that end with it."""

    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-replay."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.stack = contextlib.ExitStack()

    def tearDown(self):
        self.stack.close()

    def simulator(self, scenario="small.scenario", *flags, name="chat"):
        path = scenario if os.path.isabs(str(scenario)) else SCENARIOS / scenario
        return self.stack.enter_context(Simulator(SIMULATOR, path, self.directory / name, *flags))

    def exporter(self, config, *flags, name="exporter", **options):
        return self.stack.enter_context(Exporter(self.directory / name, config, *flags, **options))

    def config(self, chat, communities=None, poll='interval = "1s";', root="", sdkappid=None, **options):
        """A configuration for one app of the simulator; every community unless told."""
        app = chat.app(sdkappid)
        if communities is None:
            communities = [c["community"] for c in chat.world(sdkappid=app["sdkappid"])["communities"]]
        block = app_block(app, options.pop("api", chat.api), options.pop("ca_file", chat.ca_file), communities,
                          **options)
        return f"poll: {{ {poll} }};\n{root}\napps = ( {block} );\n"


SMALL = "@TGS#_@TGS#cSMALL0001"
GENERAL = SMALL + "@TOPIC#_@TOPIC#cGENERAL"
MUTED = SMALL + "@TOPIC#_@TOPIC#cMUTED"
NEVER = SMALL + "@TOPIC#_@TOPIC#cNEVER"


def main():
    unittest.main(verbosity=2)
