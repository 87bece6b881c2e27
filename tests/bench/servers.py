"""Ours and its peers as processes: each serves a page on loopback and is ended by the pid it was started with."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

from bars import Scrape, cpu_s, rss_bytes

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # the one whose modules are Debian's packages
START_DEADLINE_S = 120
STOP_DEADLINE_S = 10


class Server:
    """A server that prints its address when it is ready."""

    name = None

    def __init__(self, command, directory=None):
        self.process = subprocess.Popen([str(c) for c in command], cwd=directory, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.address = None

    def ready(self):
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(f"{self.name} ended with {self.process.wait(STOP_DEADLINE_S)} before it was ready")
        return self

    @property
    def pid(self):
        return self.process.pid

    def url(self, gzip):
        return f"http://{self.address}/metrics"

    def scrape(self, gzip=False):
        return Scrape(self.url(gzip), self.pid, gzip)

    def rss(self):
        return rss_bytes(self.pid)

    def cpu_s(self):
        return cpu_s(self.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Ours(Server):
    name = "ours"

    def __init__(self, build, communities, topics):
        super().__init__([build / "tests/bench/bench_server", communities, topics])

    def order(self, text):
        """One of bench_server's orders; its answer."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"bench_server did not obey '{text}'")
        return answer


class Golang(Server):
    name = "client_golang"

    def __init__(self, program, page):
        super().__init__([program, page])


class Python(Server):
    name = "python client"

    def __init__(self, page):
        super().__init__([PYTHON, HERE / "peers/python_client.py", page])


class Nginx(Server):
    name = "nginx"

    def __init__(self, directory, page):
        """Serves the file `page` and, as gzip, `page`.gz."""
        for folder in ("page/packed", "temporary"):
            (directory / folder).mkdir(parents=True)
        shutil.copy(HERE / "peers/nginx.conf", directory)
        os.link(page, directory / "page/metrics")
        os.link(f"{page}.gz", directory / "page/packed/metrics.gz")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (directory / "listen.conf").write_text(f"listen 127.0.0.1:{port};\n", encoding="ascii")
        super().__init__([shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", directory, "-c",
                          directory / "nginx.conf", "-e", directory / "error.log"])
        self.address = f"127.0.0.1:{port}"

    def ready(self):
        end = time.monotonic() + START_DEADLINE_S
        host, port = self.address.split(":")
        while True:
            try:
                with socket.create_connection((host, int(port)), timeout=1):
                    return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("nginx did not start; its error.log says why") from None
                time.sleep(0.02)

    def url(self, gzip):
        return f"http://{self.address}/{'packed/' if gzip else ''}metrics"
