"""The key and every signature that was made of it, looked for in whatever leaves the process.

The exporter reaches one service over plain HTTP through a tap, so that the signatures it sends are known byte for byte, and
another over TLS. Both have the canary for their key.
"""

import base64
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

from harness import EXPORTER, ReplayTest, app_block, main, until

# Neither hexadecimal nor as long as a real key: whatever hides it does not know it by its shape.
CANARY = "c4n4ry-z3cr3t.KEY+0123456789/ghijklmnopqrstuvwxyz"
NOBODY = 65534
SCENARIO = """
apps = ( {{ sdkappid = {}; identifiers = [ "administrator" ];
  communities = ( {{ count = 3; id = "@TGS#_canary{{}}"; topics = 2; }} ); }} );
"""
COMMUNITIES = [f"@TGS#_canary{i}" for i in (1, 2, 3)]


def run(*flags, **options):
    return subprocess.run([EXPORTER, *flags], capture_output=True, text=True, timeout=60, check=False, **options)


def forms(secret):
    """How a secret may be written: as it is, percent-encoded, in hexadecimal, in base64 at any offset, or the half of it."""
    data = secret.encode()
    found = {secret, secret[:24], secret[-24:], urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret, safe="").lower(),
             data.hex(), data.hex().upper(), data.hex()[:48]}
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + data).decode()
        inner = coded[4 if offset else 0:-4]
        found |= {inner, inner.translate(str.maketrans("+/", "-_")), inner.translate(str.maketrans("+/", "*-"))}
    return found


class Search:
    """Every text that came out, and what must be in none of them."""

    def __init__(self, signatures):
        self.words = forms(CANARY)
        for s in signatures:
            # All of them begin alike: that is zlib's header and the first names of the token.
            self.words |= {s, s[30:70], s[-40:], urllib.parse.quote(s, safe="")}
        self.shapes = [re.compile(r"eJ[A-Za-z0-9*_%-]{60,}"), re.compile(r"(?i)usersig(=|%3d)(?!x+\b)[^&\s\"'\\]")]

    def hits(self, text):
        return [w for w in self.words if w in text] + [m.group(0) for s in self.shapes for m in s.finditer(text)]


class Tap:
    """Forwards connections to the simulator and remembers what the exporter said."""

    def __init__(self, api):
        self.target = urllib.parse.urlsplit(api)
        self.said, self.lock = bytearray(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets, self.threads = [], []
        self._start(self._accept)

    def _start(self, run_, *arguments):
        thread = threading.Thread(target=run_, args=arguments)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection((self.target.hostname, self.target.port), timeout=10)
            except OSError:
                return
            for s in (client, server):
                s.settimeout(None)
            self.sockets += [client, server]
            self._start(self._copy, client, server, self.said)
            self._start(self._copy, server, client, None)

    def _copy(self, source, target, kept):
        try:
            while block := source.recv(65536):
                if kept is not None:
                    with self.lock:
                        kept += block
                target.sendall(block)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def signatures(self):
        with self.lock:
            found = re.findall(rb"(?i)[?&]usersig=([^& ]+)", bytes(self.said))
        return {urllib.parse.unquote(s.decode()) for s in found}

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for s in list(self.sockets):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(10)
        for s in self.sockets:
            s.close()


class Canary(ReplayTest):
    def world(self, name, sdkappid, *flags):
        path = self.directory / f"{name}.scenario"
        path.write_text(SCENARIO.format(sdkappid), encoding="utf-8")
        chat = self.simulator(str(path), *flags, name=name)
        chat.rotate_key(secret_key=CANARY)
        return chat

    def source(self, kind):
        """(options of an app, environment)"""
        if kind == "env":
            return {"secret_key_file": None, "secret_key_env": "TCE_TEST_KEY"}, {"TCE_TEST_KEY": CANARY}
        if kind == "inline":
            return {"secret_key_file": None, "secret_key": CANARY}, {}
        key = self.directory / "canary.key"
        key.write_text(CANARY + "\n", encoding="ascii")
        key.chmod(0o600)
        return {"secret_key_file": str(key)}, {}

    def configs(self, options):
        """The good one, and ones whose faults are near the key."""
        one = app_block(self.plain.app(), self.tap.url, None, COMMUNITIES, name="one", **options)
        two = app_block(self.tls.app(), self.tls.api, self.tls.ca_file, COMMUNITIES, name="two", **options)
        good = 'poll: { interval = "1s"; timeout = "2s"; };\napps = (\n' + one + ",\n" + two + "\n);\n"
        near = 'apps = ( { sdkappid = 5; identifier = "a"; region = "china"; communities = ( "c" );\n'
        return good, [near + text + "\n} );\n" for text in (
            f'secret_key = "{CANARY}', f'secret_key = "{CANARY}" "{CANARY}";', f'secret_keyy = "{CANARY}";',
                    f'secret_key = {CANARY};',
            f'secret_key = [ "{CANARY}" ];', f'secret_key = "{CANARY}"; secret_key = "{CANARY}";',
            f'secret_key_file = "none.key"; secret_key = "{CANARY}";', f'secret_key = "{CANARY} with blanks";', f'"{CANARY}"',
            f'secret_key = "{CANARY}"; interval = "x";')]

    def polls(self, n):
        seen = len(self.plain.requests())
        until(lambda: len(self.plain.requests()) >= seen + n, "polls go on")

    def play(self, it, texts):
        """Everything that goes wrong between here and the service."""
        for fault in (dict(kind="status", status=500), dict(kind="status", status=404, body="denied"), dict(kind="reset"),
                      dict(kind="body", text="{not json"), dict(kind="error", code=10002), dict(kind="error", code=70003),
                      dict(kind="truncate", at=20), dict(kind="close")):
            self.plain.fault(count=1, community=COMMUNITIES[0], **fault)
            self.polls(3)
        # A service that says in its own words what it was asked.
        signature = next(iter(self.tap.signatures()))
        for text in (f"no such usersig={signature}", signature, CANARY):
            self.plain.fault(count=1, kind="body", community=COMMUNITIES[1],
                             text=f'{{"ActionStatus":"FAIL","ErrorCode":10002,"ErrorInfo":"{text}","TopicAndSelfInfo":[]}}')
            self.plain.fault(count=1, kind="status", community=COMMUNITIES[2], status=404, body=text)
            self.polls(4)
        self.tls.certificate("expired")
        it.until(lambda p: p.one("tencentchat_app_communities", sdkappid=str(self.tls.app()["sdkappid"]), state="failing"),
                "TLS fails")
        self.plain.rotate_key(secret_key="another key altogether", write_file=False)
        it.until(lambda p: p.one("tencentchat_app_communities", sdkappid=str(self.plain.app()["sdkappid"]), state="failing"),
                "the key is wrong")
        self.pages(it, texts, "failing")
        self.plain.rotate_key(secret_key=CANARY, write_file=False)
        self.plain.lockout(failures=0)
        self.tls.certificate("good")

    def pages(self, it, texts, when):
        for path in ("/metrics", "/metrics?level=app", "/metrics?level=x", "/", "/-/ready", "/-/healthy", "/sd", "/no",
                     "/metrics%00", "/status", "/api/v1/status"):
            status, fields, body = it.raw(path)
            texts[f"{path} {when}"] = f"{status}\n{fields}\n{body.decode()}"
        for app in ("one", "two"):
            for accept in ("text/html", "application/json", "text/plain"):
                path = "/status/community?" + urllib.parse.urlencode({"app": app, "id": COMMUNITIES[2]})
                status, fields, body = it.raw(path, headers={"Accept": accept})
                texts[f"{path} {accept} {when}"] = f"{status}\n{fields}\n{body.decode()}"
            path = "/probe?" + urllib.parse.urlencode({"app": app, "community": COMMUNITIES[2]})
            status, fields, body = it.raw(path, headers={"X-Prometheus-Scrape-Timeout-Seconds": "2"})
            texts[f"{path} {when}"] = f"{status}\n{fields}\n{body.decode()}"

    def reloads(self, it, bad, good, texts):
        for i, config in enumerate(bad):
            it.config.write_text(config, encoding="utf-8")
            status, _, body = it.raw("/-/reload", "POST")
            self.assertEqual(500, status, f"{i}: {body!r}")
            texts[f"reload {i}"] = body.decode()
            it.process.send_signal(signal.SIGHUP)
        it.config.write_text(good, encoding="utf-8")
        status, _, body = it.raw("/-/reload", "POST")
        texts["good reload"] = body.decode()
        self.assertEqual(200, status, body)

    def commands(self, it, bad, good, environment, texts):
        told = {"env": {**os.environ, **environment}}
        for flag in ("--version", "--help", "--metrics.list", "--config.list-options"):
            done = run(flag, **told)
            texts[flag] = done.stdout + done.stderr
        for i, config in enumerate([good, *bad]):
            it.config.write_text(config, encoding="utf-8")
            for flags in (["--config.check"], ["--log.level=debug", "--web.listen-address=127.0.0.1:0"]):
                if i == 0 and flags != ["--config.check"]:
                    continue
                done = run(f"--config.file={it.config}", *flags, **told)
                texts[f"{flags[0]} {i}"] = done.stdout + done.stderr
                self.assertEqual(0 if i == 0 else 2, done.returncode, done.stderr)

    def proc(self, it, texts):
        """What other processes see of it."""
        proc = pathlib.Path(f"/proc/{it.process.pid}")
        texts["cmdline"] = (proc / "cmdline").read_text()
        self.assertRegex((proc / "limits").read_text(), r"Max core file size +0 +0")
        self.assertEqual(0, (proc / "environ").stat().st_uid, "not dumpable")
        if os.geteuid() == 0:
            texts["environ"] = (proc / "environ").read_bytes().decode("utf-8", "replace")
        become = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n" if os.geteuid() == 0 else ""
        script = ("import os, sys\n" + become +
                  f"for name in ('mem', 'environ', 'maps'):\n"
                  f"  try:\n    open('{proc}/' + name, 'rb').read(1)\n    sys.exit(name + ' can be read')\n"
                  f"  except PermissionError:\n    pass\n")
        done = subprocess.run(["python3", "-c", script], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def crash(self, it, texts):
        """A fault that would leave a core."""
        process, it.process = it.process, None
        process.send_signal(signal.SIGSEGV)
        self.assertNotEqual(0, process.wait(20))
        for folder in (it.directory, pathlib.Path.cwd()):
            self.assertEqual([], [p.name for p in folder.iterdir() if p.name.startswith("core") and p.is_file() and
                                  p.stat().st_mtime > self.began])
        self.assertLessEqual({p.name for p in it.directory.iterdir()}, {"exporter.cfg", "exporter.log"})

    def check(self, kind, form):
        self.began = time.time()
        self.plain = self.world("plain", 1400000001, "--plain")
        self.tls = self.world("tls", 1400000002)
        self.tap = Tap(self.plain.api)
        self.stack.callback(self.tap.close)
        options, environment = self.source(kind)
        good, bad = self.configs(options)
        it = self.exporter(good, "--log.level=debug", f"--log.format={form}", "--web.enable-lifecycle", environment=environment)
        it.ready()
        it.until(lambda p: p.one("tencentchat_app_communities", sdkappid="1400000001", state="ok") == 3, "up")
        texts = {}
        self.pages(it, texts, "well")
        self.play(it, texts)
        self.reloads(it, bad, good, texts)
        self.pages(it, texts, "after reloads")
        self.proc(it, texts)
        self.crash(it, texts)
        texts["log"] = it.log()
        self.commands(it, bad, good, environment, texts)
        signatures = self.tap.signatures()
        self.assertTrue(signatures)
        search = Search(signatures)
        # The same search finds what is there.
        for secret in (CANARY, *signatures):
            for word in (secret, urllib.parse.quote(secret, safe=""), secret.encode().hex() if secret == CANARY else secret,
                         base64.b64encode(b"key=" + secret.encode()).decode() if secret == CANARY else secret):
                self.assertTrue(search.hits(texts["log"] + f"level=debug event=control why=\"{word}\"\n"), word)
        self.assertGreater(len(texts["log"]), 1000)
        found = {where: hits[:3] for where, text in texts.items() if (hits := search.hits(text))}
        self.assertEqual({}, found)
        print(f"figures canary {kind}: texts={len(texts)} bytes={sum(map(len, texts.values()))}"
              f" signatures={len(signatures)}", flush=True)

    def test_key_in_a_file(self):
        self.check("file", "logfmt")

    def test_key_in_the_environment(self):
        self.check("env", "json")

    def test_key_in_the_configuration(self):
        self.check("inline", "logfmt")


if __name__ == "__main__":
    main()
