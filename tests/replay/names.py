"""A resolver that a test holds in its hand: alive, denying, or dead.

`namespace()` starts the running script again in a network and mount namespace of its own, with this machine's files and
nobody's network; a `Server` on port 53 there is the only DNS it knows. Where no namespace can be made, `Stub` puts a
getaddrinfo of the test's own under the exporter instead.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import threading

INSIDE = "TCE_DNS_INSIDE"
ALIVE, DENYING, DEAD = "alive", "denying", "dead"

STUB = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The resolver of glibc gives up after two tries of five seconds. */
enum { DEAD_S = 10 };

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    char mode[16] = "";
    FILE *f;

    if (name == NULL || strcmp(name, getenv("TCE_DNS_NAME")) != 0)
        return real(name, port, hints, ret);
    f = fopen(getenv("TCE_DNS_LOG"), "a");
    if (f != NULL) {
        fputs("?", f);
        fclose(f);
    }
    f = fopen(getenv("TCE_DNS_MODE"), "r");
    if (f != NULL) {
        (void)!fscanf(f, "%15s", mode);
        fclose(f);
    }
    if (strcmp(mode, "alive") == 0)
        return real("127.0.0.1", port, hints, ret);
    if (strcmp(mode, "denying") == 0)
        return EAI_NONAME;
    sleep(DEAD_S);
    return EAI_AGAIN;
}
"""


def _unshare():
    """The command that makes a namespace, or None."""
    for flags in (["-n", "-m"], ["-r", "-n", "-m"]):
        command = ["unshare", *flags]
        if shutil.which("unshare") is None:
            return None
        probe = "mount --bind /dev/null /etc/resolv.conf"
        if subprocess.run([*command, "sh", "-c", probe], capture_output=True, check=False).returncode == 0:
            return command
    return None


def namespace():
    """True inside. Outside it runs this script again inside and ends with its status; returns False where it cannot."""
    if os.environ.get(INSIDE):
        return True
    command = _unshare()
    if command is None:
        return False
    sys.exit(subprocess.run([*command, sys.executable, "-B", *sys.argv], env={**os.environ, INSIDE: "1"}, check=False).returncode)


def _loopback_up():
    up_running = 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh22x", b"lo", up_running))  # SIOCSIFFLAGS


class Server:
    """DNS for one name, on 127.0.0.1:53 of the namespace."""

    environment = {}
    flags = ()

    def __init__(self, name, directory):
        self.labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        self.directory = pathlib.Path(directory)
        self.mode = ALIVE
        self.addresses = ["127.0.0.1"]
        self.asked = 0

    def __enter__(self):
        _loopback_up()
        for path, text in (("/etc/resolv.conf", "nameserver 127.0.0.1\n"), ("/etc/hosts", "127.0.0.1 localhost\n"),
                           ("/etc/nsswitch.conf", "hosts: files dns\n")):
            mine = self.directory / path.replace("/", "_")
            mine.write_text(text, encoding="ascii")
            if os.path.exists(path):
                subprocess.run(["mount", "--bind", str(mine), os.path.realpath(path)], check=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", ("127.0.0.1", 53))
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while (got := self.socket.recvfrom(4096))[0] != b"end":
            question, client = got
            self.asked += 1
            if self.mode != DEAD:
                self.socket.sendto(self._answer(question), client)

    def _answer(self, q):
        asked = q[12:12 + len(self.labels)].lower() == self.labels
        end = q.index(b"\0", 12) + 5
        kind = struct.unpack("!H", q[end - 4:end - 2])[0]
        found = asked and self.mode == ALIVE
        addresses = self.addresses if found and kind == 1 else []
        head = q[:2] + struct.pack("!HHHHH", 0x8180 | (0 if found else 3), 1, len(addresses), 0, 0)
        records = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(a) for a in addresses]
        return head + q[12:end] + b"".join(records)

    def say(self, mode):
        self.mode = mode


class Stub:
    """getaddrinfo in the exporter's process, for one name."""

    flags = ("--no-sandbox",)  # it writes down who asked

    def __init__(self, name, directory):
        self.directory = pathlib.Path(directory)
        self.library = self.directory / "resolver.so"
        self.environment = {"LD_PRELOAD": str(self.library), "TCE_DNS_NAME": name, "TCE_DNS_MODE": str(self.directory / "mode"),
                            "TCE_DNS_LOG": str(self.directory / "asked"), "ASAN_OPTIONS": "verify_asan_link_order=0"}

    @staticmethod
    def possible():
        return shutil.which("gcc") is not None or shutil.which("cc") is not None

    def __enter__(self):
        source = self.directory / "resolver.c"
        source.write_text(STUB, encoding="ascii")
        subprocess.run([shutil.which("gcc") or "cc", "-shared", "-fPIC", "-O1", "-o", str(self.library), str(source), "-ldl"],
                       check=True)
        (self.directory / "asked").write_text("", encoding="ascii")
        self.say(ALIVE)
        return self

    def __exit__(self, *_):
        pass

    @property
    def asked(self):
        return len((self.directory / "asked").read_text(encoding="ascii"))

    def say(self, mode):
        new = self.directory / "mode.new"
        new.write_text(mode, encoding="ascii")
        new.rename(self.directory / "mode")
