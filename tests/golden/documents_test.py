#!/usr/bin/env python3
"""Manual pages and completions: as the program's tables say, without a fault, and installed where they belong.

    documents_test.py ROOT DOCS BUILD
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT, DOCS, BUILD = (pathlib.Path(p) for p in sys.argv[1:4])
MADE = ROOT / "deploy" / "manual"
MAN = [MADE / "man" / "tencentchat_exporter.8", MADE / "man" / "tencentchat_exporter.cfg.5"]
BASH, ZSH, FISH = (MADE / "completions" / f"tencentchat_exporter.{shell}" for shell in ("bash", "zsh", "fish"))


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, check=False, **options)


def needs(program):
    return unittest.skipIf(shutil.which(program) is None, f"{program} is not installed (deploy/packages.sh tests)")


def flags():
    text = (ROOT / "agent" / "flags.def").read_text()
    return re.findall(r'^FLAG\(\w+, *(\w+), *"([^"]+)"', text, re.M)


class Documents(unittest.TestCase):
    maxDiff = None

    def test_they_are_what_the_tables_say(self):
        for kind, file in zip(("man8", "man5", "bash", "zsh", "fish"), (*MAN, BASH, ZSH, FISH)):
            self.assertEqual(run(DOCS, kind).stdout, file.read_text(encoding="utf-8"),
                             f"{file.relative_to(ROOT)}: run cmake --build {BUILD.name} --target documents")

    def test_every_flag_and_option_is_in_them(self):
        pages = [re.sub(r"\\f.", "", p.read_text(encoding="utf-8").replace("\\-", "-")) for p in MAN]
        completions = [f.read_text(encoding="utf-8") for f in (BASH, ZSH, FISH)]
        self.assertGreater(len(flags()), 10)
        for kind, name in flags():
            self.assertIn(f"--[no-]{name}" if kind == "CHOICE" else f"--{name}", pages[0])
            for text in completions:
                self.assertIn(name, text)
        keys = re.findall(r'^OPT\(\w+, *\w+, *\w+, *"([^"]+)"', (ROOT / "config" / "options.def").read_text(), re.M)
        self.assertGreater(len(keys), 30)
        for key in keys:
            self.assertIn(f"\n{key}\n", pages[1])

    @needs("mandoc")
    def test_mandoc_has_nothing_to_say(self):
        for page in MAN:
            done = run("mandoc", "-T", "lint", "-W", "style", page)
            self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))

    @needs("man")
    def test_man_shows_them(self):
        for page in MAN:
            done = run("man", "--warnings", "-E", "UTF-8", "-l", page, env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertIn("DESCRIPTION", done.stdout)

    def test_bash_reads_it(self):
        self.assertEqual((0, ""), (lambda d: (d.returncode, d.stderr))(run("bash", "-n", BASH)))

    @needs("shellcheck")
    def test_shellcheck_has_nothing_to_say(self):
        done = run("shellcheck", "-s", "bash", BASH)
        self.assertEqual(0, done.returncode, done.stdout)

    @needs("zsh")
    def test_zsh_reads_it(self):
        self.assertEqual((0, ""), (lambda d: (d.returncode, d.stderr))(run("zsh", "-n", ZSH)))

    @needs("fish")
    def test_fish_completes(self):
        self.assertEqual((0, ""), (lambda d: (d.returncode, d.stderr))(run("fish", "-n", FISH)))
        with tempfile.TemporaryDirectory() as home:
            def complete(line):
                done = run("fish", "-N", "-c", f"source {FISH}; complete -C '{line}'", env={**os.environ, "HOME": home})
                self.assertEqual(0, done.returncode, done.stderr)
                return [found.split("\t")[0] for found in done.stdout.splitlines()]
            self.assertIn("--config.check", complete("tencentchat_exporter --conf"))
            self.assertEqual(["--log.level=debug"], complete("tencentchat_exporter --log.level=d"))

    def bash(self, keys, done):
        """What an interactive bash shows after these keys, once `done` is in it."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "my own.cfg").touch()
            near, far = pty.openpty()
            shell = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=far, stdout=far, stderr=far, cwd=folder,
                                     env={"PATH": os.environ["PATH"], "HOME": folder, "TERM": "dumb", "PS1": "> "},
                                     start_new_session=True)
            os.close(far)
            try:
                settings = "bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'"
                os.write(near, f"source '{BASH}'; {settings}; printf 'rea%s\\n' dy\n".encode())
                self.until(near, "ready")
                os.write(near, keys.encode())
                return self.until(near, done)
            finally:
                shell.kill()
                shell.wait()
                os.close(near)

    def until(self, terminal, word, seconds=20):
        seen, end = "", time.monotonic() + seconds
        while word not in seen:
            self.assertLess(time.monotonic(), end, f"{word!r} did not come: {seen!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace").replace("\r", "")
        return seen

    def test_bash_completes(self):
        self.bash("tencentchat_exporter --config.f\t", "--config.file=")
        self.bash("tencentchat_exporter --config.c\t", "--config.check ")
        self.bash("tencentchat_exporter --no-\t", "--no-web.enable-lifecycle" if len(self.negatives()) == 1 else "--no-")
        self.bash("tencentchat_exporter --log.level=d\t", "--log.level=debug ")
        self.bash("tencentchat_exporter --output.format o\t", "--output.format openmetrics ")
        self.bash("tencentchat_exporter --config.file=my\t", "--config.file=my\\ own.cfg ")
        seen = self.bash("tencentchat_exporter --conf\t", "--config.list-options")
        self.assertIn("--config.check", seen)

    def negatives(self):
        return [name for kind, name in flags() if kind == "CHOICE"]

    def test_they_are_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("cmake", "--install", BUILD, "--prefix", "/usr", env={**os.environ, "DESTDIR": folder})
            self.assertEqual(0, done.returncode, done.stderr)
            root = pathlib.Path(folder)
            found = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
            for name, source in (
                ("usr/share/man/man8/tencentchat_exporter.8", MAN[0]),
                ("usr/share/man/man5/tencentchat_exporter.cfg.5", MAN[1]),
                ("usr/share/bash-completion/completions/tencentchat_exporter", BASH),
                ("usr/share/zsh/site-functions/_tencentchat_exporter", ZSH),
                ("usr/share/fish/vendor_completions.d/tencentchat_exporter.fish", FISH),
                ("usr/share/doc/tencentchat_exporter/examples/tencentchat_exporter.cfg",
                 ROOT / "config" / "tencentchat_exporter.cfg"),
            ):
                self.assertIn(name, found)
                self.assertEqual(source.read_bytes(), found[name].read_bytes(), name)
                self.assertEqual(0o644, found[name].stat().st_mode & 0o777, name)
            program = found["usr/sbin/tencentchat_exporter"]
            self.assertIn("tencentchat_exporter, version", run(program, "--version").stdout)
            for name in ("LICENSE", "README.md"):
                self.assertIn(f"usr/share/doc/tencentchat_exporter/{name}", found)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
