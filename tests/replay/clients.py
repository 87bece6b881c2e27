"""Programs that open a compressed page, each in its own way; all of them must come to the bytes of the plain one.

A client returns the body it made of what the server sent, and raises when it was not sent gzip in the format it asked for:
a page that came plain proves nothing.
"""

import gzip
import shutil
import subprocess
import urllib.request
import zlib
from dataclasses import dataclass
from typing import Callable

DEADLINE_S = 120
FORMATS = {"text": "text/plain;version=0.0.4", "OpenMetrics": "application/openmetrics-text;version=1.0.0"}
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Client:
    name: str
    needs: str  # the program, or None
    read: Callable  # (url, accept, directory for files of its own) -> bytes

    def installed(self):
        return self.needs is None or shutil.which(self.needs) is not None


def expect(name, found, wanted):
    if found != wanted:
        raise AssertionError(f"{name} is {found!r}, not {wanted!r}")


def same_media(content_type, accept):
    expect("Content-Type", (content_type or "").partition(";")[0], accept.partition(";")[0])


def ask(url, accept, coding):
    """An open answer of urllib's, which leaves bodies as they come."""
    request = urllib.request.Request(url, headers={"Accept": accept, "Accept-Encoding": coding})
    answer = NO_PROXY.open(request, timeout=DEADLINE_S)
    same_media(answer.headers["Content-Type"], accept)
    expect("Content-Encoding", answer.headers["Content-Encoding"], "gzip" if coding == "gzip" else None)
    return answer


def plain(url, accept):
    with ask(url, accept, "identity") as answer:
        return answer.read()


def packed(url, accept):
    with ask(url, accept, "gzip") as answer:
        return answer.read()


def python_gzip(url, accept, _):
    return gzip.decompress(packed(url, accept))


def python_zlib(url, accept, _):
    """One call: it stops behind the first member and does not tell."""
    return zlib.decompress(packed(url, accept), 31)


def python_stream(url, accept, _):
    with ask(url, accept, "gzip") as answer, gzip.GzipFile(fileobj=answer) as opened:
        return opened.read()


def run(*command, given=None):
    """What it writes; its standard error must be empty, and so must it end."""
    done = subprocess.run(command, input=given, capture_output=True, timeout=DEADLINE_S, check=False)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return done.stdout


def gzip_tool(url, accept, _):
    return run("gzip", "-dc", given=packed(url, accept))


def check_head(path, accept):
    """The header fields that were sent, as a tool wrote them down."""
    fields = dict(line.strip().split(": ", 1) for line in path.read_text("utf-8", "replace").splitlines() if ": " in line)
    fields = {name.lower(): value for name, value in fields.items()}
    same_media(fields.get("content-type"), accept)
    expect("Content-Encoding", fields.get("content-encoding"), "gzip")


def curl(url, accept, directory):
    head = directory / "curl.head"
    body = run("curl", "-sS", "--fail", "--noproxy", "*", "--compressed", "-H", f"Accept: {accept}", "-D", str(head), url)
    check_head(head, accept)
    return body


def wget(url, accept, directory):
    head = directory / "wget.head"
    body = run("wget", "-S", "-o", str(head), "--no-proxy", "--compression=gzip", f"--header=Accept: {accept}", "-O", "-", url)
    check_head(head, accept)
    return body


def program(name, *command):
    """A client in another language: given URL and Accept, it checks what it was sent, and writes the body."""
    return Client(name, command[0], lambda url, accept, _: run(*command, url, accept))


CLIENTS = (
    Client("Python gzip.decompress", None, python_gzip),
    Client("Python zlib.decompress", None, python_zlib),
    Client("Python urllib, GzipFile", None, python_stream),
    Client("gzip -dc", "gzip", gzip_tool),
    Client("curl --compressed", "curl", curl),
    Client("wget --compression=gzip", "wget", wget),
)


def check(client, url, accept, directory):
    """Its body against the plain one. The plain one is read before and after: when something moved meanwhile, nobody can
    tell, and it is done again. Returns the body."""
    for _ in range(5):
        before = plain(url, accept)
        body = client.read(url, accept, directory)
        if before == plain(url, accept):
            break
    else:
        raise AssertionError("the page never stands still")
    if body != before:
        at = next((i for i, (a, b) in enumerate(zip(body, before)) if a != b), min(len(body), len(before)))
        raise AssertionError(f"{client.name}: {len(body)} bytes for {len(before)}, other ones from byte {at} on: "
                             f"{body[at:at + 80]!r} for {before[at:at + 80]!r}")
    return body
