"""The process: how it starts, ends, refuses, and what it never lets out."""

import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time

from harness import EXPORTER, Exporter, ReplayTest, main, until

CANARY = "c4n4ry5ecr3tk3y0123456789abcdef0123456789abcdef0123456789abcdef"


def run(*flags, **options):
    return subprocess.run([EXPORTER, *flags], capture_output=True, text=True, timeout=30, check=False, **options)


class Process(ReplayTest):
    def test_sigterm_ends_it_in_every_state_within_two_seconds(self):
        for state in ("polling", "hanging", "scraped"):
            with self.subTest(state):
                chat = self.simulator(name=f"chat-{state}")
                exporter = self.exporter(self.config(chat), name=f"exporter-{state}").ready()
                if state == "hanging":
                    chat.fault(kind="hang")
                    seen = len(chat.requests())
                    until(lambda: len(chat.requests()) > seen or chat.stats(), "a call hangs")
                if state == "scraped":
                    reader = socket.create_connection(tuple(exporter.address.split(":")), timeout=10)
                    reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")  # and reads nothing
                exporter.stop()
                self.assertLess(exporter.took_s, 2.0)
                self.assertIn("event=stopped", exporter.log())
                if state == "scraped":
                    reader.close()

    def test_bad_configurations_are_refused_with_place_and_cure(self):
        config = self.directory / "bad.cfg"
        config.write_text('poll: { intervall = "5s"; };\napps = ( { sdkappid = 5; } );\n')
        for flag in ("--config.check", "--log.level=info"):
            done = run(f"--config.file={config}", flag)
            self.assertEqual(2, done.returncode)
            self.assertIn(f"{config}:1: poll.intervall: unknown key; did you mean 'interval'?", done.stderr)
            self.assertIn(f"{config}:2: apps[0].identifier is missing", done.stderr)
            self.assertEqual("", done.stdout)

    def test_bad_flags_are_refused(self):
        for flags in (["--nonsense"], ["--config.file"], ["--log.level=loud"], ["surplus"], ["--version=1"]):
            done = run(*flags)
            self.assertEqual(2, done.returncode, flags)
            self.assertIn("tencentchat_exporter:" if flags != ["--log.level=loud"] else "", done.stderr)
            self.assertTrue(done.stderr.strip(), flags)

    def test_help_version_and_lists(self):
        for flag, word in (("--help", "--config.file"), ("--version", "libcurl"), ("--metrics.list", "tencentchat_topic_info"),
                           ("--config.list-options", "poll.interval")):
            done = run(flag)
            self.assertEqual((0, ""), (done.returncode, done.stderr), flag)
            self.assertIn(word, done.stdout)
        told = run("--version").stdout
        self.assertRegex(told, r"^tencentchat_exporter, version \d+\.\d+\.\d+\n  revision +\w+\n  compiler +\S")
        for library in ("libcurl", "openssl", "libmicrohttpd", "cjson", "zlib", "libconfig"):
            self.assertRegex(told, rf"\n  {library} +\d+\.\d+")

    def test_a_port_in_use_is_a_clear_error(self):
        chat = self.simulator()
        config = self.directory / "one.cfg"
        config.write_text(self.config(chat))
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            address = f"127.0.0.1:{busy.getsockname()[1]}"
            done = run(f"--config.file={config}", f"--web.listen-address={address}")
        self.assertIn(done.returncode, (1, 2))
        self.assertIn(address, done.stderr)
        self.assertIn("in use", done.stderr)

    def test_a_missing_key_is_told_before_anything_runs(self):
        chat = self.simulator()
        config = self.directory / "key.cfg"
        config.write_text(self.config(chat, secret_key_file=str(self.directory / "none.key")))
        done = run(f"--config.file={config}")
        self.assertEqual(2, done.returncode)
        self.assertIn("none.key", done.stderr)

    def test_the_key_and_the_signature_never_leave(self):
        for source in ("file", "env", "inline", "credential"):
            with self.subTest(source):
                self.canary(source)

    def canary(self, source):
        chat = self.simulator(name=f"chat-{source}")
        chat.rotate_key(secret_key=CANARY)
        folder = self.directory / f"exporter-{source}"
        folder.mkdir()
        key = folder / "app.key"
        key.write_text(CANARY + "\n")
        key.chmod(0o600)
        environment = {"TCE_TEST_KEY": CANARY} if source == "env" else {"CREDENTIALS_DIRECTORY": str(folder)}
        options = {
            "file": {"secret_key_file": str(key)},
            "env": {"secret_key_file": None, "secret_key_env": "TCE_TEST_KEY"},
            "inline": {"secret_key_file": None, "secret_key": CANARY},
            "credential": {"secret_key_file": None, "secret_key_credential": "app.key"},
        }[source]
        exporter = self.exporter(self.config(chat, **options), "--log.level=debug", name=f"exporter-{source}",
                                 environment=environment).ready()
        exporter.until(lambda p: p.one("tencentchat_community_up") == 1, "up")
        for fault in (dict(kind="status", status=500), dict(kind="error", code=10002), dict(kind="reset"),
                      dict(kind="body", text="x")):
            chat.fault(count=1, **fault)
            failed = exporter.page().one("tencentchat_api_requests_total", command="get_topic")
            exporter.until(lambda p: p.one("tencentchat_api_requests_total", command="get_topic") > failed, "a call")
        texts = {path: exporter.get(path)[2].decode() for path in ("/metrics", "/", "/-/ready", "/-/healthy", "/no")}
        texts["argv"] = pathlib.Path(f"/proc/{exporter.process.pid}/cmdline").read_text()
        if os.geteuid() == 0:  # nobody else may look
            texts["environ"] = pathlib.Path(f"/proc/{exporter.process.pid}/environ").read_text()
        exporter.stop()
        texts["log"] = exporter.log()
        texts["check"] = "".join((lambda d: (d.stdout, d.stderr))(
            run(f"--config.file={exporter.config}", "--config.check", env={**os.environ, **environment})))
        self.assertIn('secret_key = "***"' if source == "inline" else "***"[:0], texts["check"])
        for where, text in texts.items():
            self.assertNotIn(CANARY, text, where)
            self.assertNotIn(CANARY[:24], text, where)
            # Every signature starts with the same bytes: zlib's header in this alphabet.
            self.assertIsNone(re.search(r"eJ[A-Za-z0-9*_-]{40,}", text), where)
            self.assertIsNone(re.search(r"(?i)usersig=[^x&\s\"]", text), where)
        self.assertEqual(0o600, stat.S_IMODE(key.stat().st_mode))

    def test_another_process_of_the_same_user_cannot_look_inside(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become two processes of one user without its rights")
        if b"__asan_init" in pathlib.Path(EXPORTER).read_bytes():
            self.skipTest("the leak checker has to look inside")
        chat = self.simulator()
        self.directory.chmod(0o755)
        key = self.directory / "app.key"
        key.write_bytes(pathlib.Path(chat.app()["secret_key_file"]).read_bytes())
        ca = self.directory / "ca.pem"
        ca.write_bytes(pathlib.Path(chat.ca_file).read_bytes())
        os.chown(key, 65534, 65534)
        exporter = self.exporter(self.config(chat, secret_key_file=str(key), ca_file=str(ca)),
                                 user={"user": 65534, "group": 65534, "extra_groups": []}).ready()
        exporter.until(lambda p: p.one("tencentchat_community_up") == 1, "up")
        look = "import sys; open(sys.argv[1], 'rb').read(1)"
        for name in ("environ", "maps", "mem", "auxv"):
            done = subprocess.run(["python3", "-c", look, f"/proc/{exporter.process.pid}/{name}"], user=65534, group=65534,
                                  extra_groups=[], capture_output=True, text=True, timeout=30, check=False)
            self.assertIn("PermissionError", done.stderr, name)

    def test_no_core_no_dump_no_new_files(self):
        chat = self.simulator()
        exporter = self.exporter(self.config(chat)).ready()
        limits = pathlib.Path(f"/proc/{exporter.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0")
        self.assertEqual({"exporter.cfg", "exporter.log"}, {p.name for p in exporter.directory.iterdir()})

    def test_hup_does_not_end_it(self):
        chat = self.simulator()
        exporter = self.exporter(self.config(chat)).ready()
        exporter.process.send_signal(1)
        until(lambda: "event=reloaded" in exporter.log(), "the signal is answered in the log")
        self.assertEqual(200, exporter.get()[0])

    def test_a_long_turn_of_the_loop_is_told(self):
        chat = self.simulator("demo.scenario")
        exporter = self.exporter(self.config(chat)).ready()
        self.assertNotIn("level=warn event=slow_turn", exporter.log())
        for _ in range(100):
            # A page is asked for, and the process halted while it is perhaps made: a turn that lasts 0.3 s.
            with socket.create_connection(tuple(exporter.address.split(":")), timeout=10) as reader:
                reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                exporter.process.send_signal(signal.SIGSTOP)
                time.sleep(0.3)
                exporter.process.send_signal(signal.SIGCONT)
                while reader.recv(65536):
                    pass
            if "event=slow_turn" in exporter.log():
                break
        self.assertRegex(exporter.log(), r"level=warn event=slow_turn turns=1 longest_ms=[3-9][0-9][0-9]\b")

    def test_json_logs_are_json(self):
        import json

        chat = self.simulator()
        exporter = Exporter(self.directory / "json", self.config(chat), "--log.format=json")
        with exporter:
            exporter.ready()
        lines = [json.loads(line) for line in exporter.log().splitlines()]
        self.assertIn("listening", [line["event"] for line in lines])
        self.assertIn("stopped", [line["event"] for line in lines])


if __name__ == "__main__":
    main()
