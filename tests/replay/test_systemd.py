"""As a service: what the manager hears, sockets it hands over, what the process gives up, and the units."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading

from harness import EXPORTER, Exporter, ReplayTest, main, until

UNITS = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "systemd"


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.socket.settimeout(0.1)
        self.messages = []
        self.closing = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                self.messages.append(self.socket.recv(4096).decode())

    def heard(self, start):
        return [m for m in self.messages if m.startswith(start)]

    def close(self):
        self.closing = True
        self.thread.join(10)
        self.socket.close()


class Notify(ReplayTest):
    def manager(self, address):
        manager = Manager(address)
        self.addCleanup(manager.close)
        return manager

    def test_ready_status_reload_watchdog_and_stopping_are_told(self):
        for kind in ("path", "abstract"):
            with self.subTest(kind):
                address = str(self.directory / "notify") if kind == "path" else f"@tce-{os.getpid()}-notify"
                manager = self.manager(address)
                chat = self.simulator(name=f"chat-{kind}")
                exporter = self.exporter(self.config(chat), name=f"exporter-{kind}",
                                         environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "600000"})
                until(lambda: manager.heard("READY=1"), "READY=1")
                exporter.ready()
                until(lambda: len(manager.heard("WATCHDOG=1")) >= 4, "the watchdog is fed")
                status = until(lambda: [m for m in manager.heard("STATUS=") if " 0 not polled yet" in m], "a status")
                self.assertRegex(status[0], r"^STATUS=1 apps, \d+ communities: \d+ up, \d+ failing, 0 not polled yet$")
                told = len(manager.heard("READY=1"))
                exporter.process.send_signal(signal.SIGHUP)
                until(lambda: len(manager.heard("READY=1")) > told, "READY=1 after the reload")
                self.assertRegex(manager.heard("RELOADING=1")[0], r"^RELOADING=1\nMONOTONIC_USEC=\d{6,}$")
                exporter.stop()
                until(lambda: manager.heard("STOPPING=1"), "STOPPING=1")
                self.assertEqual("READY=1", manager.messages[0])

    def test_the_manager_comes_back_under_the_same_name(self):
        address = str(self.directory / "notify")
        manager = Manager(address)
        chat = self.simulator()
        exporter = self.exporter(self.config(chat), environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"})
        until(lambda: manager.heard("WATCHDOG=1"), "the watchdog is fed")
        manager.close()
        os.unlink(address)
        manager = self.manager(address)
        until(lambda: manager.heard("WATCHDOG=1"), "and again")
        exporter.stop()

    def test_a_manager_that_reads_nothing_stops_nobody(self):
        address = str(self.directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
            deaf.bind(address)
            chat = self.simulator()
            exporter = self.exporter(self.config(chat), environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000"})
            exporter.ready()
            before = exporter.page().one("process_cpu_seconds_total")
            polls = exporter.page().one("tencentchat_api_requests_total", command="get_topic")
            exporter.until(lambda p: p.one("tencentchat_api_requests_total", command="get_topic") > polls + 3, "polls go on")
            self.assertLess(exporter.page().one("process_cpu_seconds_total") - before, 3.0)

    def test_a_halted_loop_does_not_feed_the_watchdog(self):
        address = str(self.directory / "notify")
        manager = self.manager(address)
        chat = self.simulator()
        exporter = self.exporter(self.config(chat), environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"})
        until(lambda: manager.heard("WATCHDOG=1"), "the watchdog is fed")
        exporter.process.send_signal(signal.SIGSTOP)
        until(lambda: " T " in pathlib.Path(f"/proc/{exporter.process.pid}/stat").read_text(), "halted")
        halted = len(manager.messages)
        self.assertFalse(threading.Event().wait(0.5))
        self.assertLessEqual(len(manager.messages) - halted, 1)
        exporter.process.send_signal(signal.SIGCONT)
        until(lambda: len(manager.messages) > halted + 2, "fed again")

    def test_no_variable_of_the_manager_stays(self):
        address = str(self.directory / "notify")
        self.manager(address)
        chat = self.simulator()
        key_log = self.directory / "keys.log"
        exporter = self.exporter(self.config(chat), environment={
            "NOTIFY_SOCKET": address, "SSLKEYLOGFILE": str(key_log), "https_proxy": "http://127.0.0.1:9"}).ready()
        exporter.until(lambda p: p.one("tencentchat_community_up") == 1, "up")
        self.assertFalse(key_log.exists())


class Sockets(ReplayTest):
    def start(self, config, sockets, *flags, pid=None, count=None):
        """The exporter with these sockets from descriptor 3 on, as systemd starts it."""
        folder = self.directory / "activated"
        folder.mkdir(exist_ok=True)
        (folder / "exporter.cfg").write_text(config)
        # Only the process itself can know LISTEN_PID: a shell sets it and becomes the program.
        script = f'export LISTEN_PID={pid or "$$"} LISTEN_FDS={count or len(sockets)} LISTEN_FDNAMES=web; exec "$@"'
        command = ["sh", "-c", script, "sh", EXPORTER, f"--config.file={folder / 'exporter.cfg'}", *flags]

        def pass_on():
            high = [os.dup2(s, 100 + i) for i, s in enumerate(numbers)]
            for i, s in enumerate(high):
                os.dup2(s, 3 + i)
                os.close(s)

        numbers = [s.fileno() for s in sockets]
        with open(folder / "exporter.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=pass_on,
                                       close_fds=False)
        exporter = Exporter(folder, config)
        exporter.process = process
        self.addCleanup(exporter.kill)
        return exporter

    def listening(self, family=socket.AF_INET, address="127.0.0.1"):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.bind((address, 0))
        s.listen()
        self.addCleanup(s.close)
        return s

    def test_it_serves_on_the_sockets_of_its_parent(self):
        chat = self.simulator()
        sockets = [self.listening(), self.listening()]
        exporter = self.start(self.config(chat), sockets, "--web.systemd-socket")
        for s in sockets:
            exporter.address = "127.0.0.1:%d" % s.getsockname()[1]
            until(lambda: "event=listening" in exporter.log() or exporter.process.poll() is not None, "it listens")
            exporter.ready()
            self.assertEqual(1, exporter.page().one("tencentchat_community_up", community="@TGS#_@TGS#cSMALL0001"))
        exporter.stop()

    def refused(self, words, *args, **options):
        exporter = self.start(*args, **options)
        self.assertEqual(2, exporter.process.wait(20), exporter.log())
        for word in words:
            self.assertIn(word, exporter.log())

    def test_what_cannot_be_served_on_is_an_error_that_tells_why(self):
        config = self.config(self.simulator())
        flag = "--web.systemd-socket"
        plain = socket.socket()
        self.addCleanup(plain.close)
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(self.directory / "local"))
        local.listen()
        self.addCleanup(local.close)
        self.refused(["no socket was handed over", ".socket"], config, [], flag)
        self.refused(["no socket was handed over"], config, [self.listening()], flag, pid=1)
        self.refused(["descriptor 3", "listening"], config, [plain], flag)
        self.refused(["descriptor 3", "TCP"], config, [local], flag)
        self.refused(["LISTEN_FDS", "number"], config, [], flag, count="many")
        self.refused(["99 sockets", "at most"], config, [], flag, count=99)
        self.refused(["--web.systemd-socket"], config, [self.listening()])


class Sandbox(ReplayTest):
    def test_it_is_on_unless_told_and_says_so(self):
        chat = self.simulator()
        exporter = self.exporter(self.config(chat), name="on").ready()
        if "landlock=off" in exporter.log():
            self.skipTest("a build with sanitizers")
        self.assertRegex(exporter.log(), r"event=sandbox privileges=\S+ landlock=")
        status = pathlib.Path(f"/proc/{exporter.process.pid}/status").read_text()
        if exporter.page().one("tencentchat_exporter_sandboxed") != 1:
            self.skipTest("this kernel refuses: " + re.findall(".*event=sandbox.*", exporter.log())[0])
        for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"):
            self.assertIn(line, status)
        off = self.exporter(self.config(chat), "--no-sandbox", name="off").ready()
        self.assertEqual(0, off.page().one("tencentchat_exporter_sandboxed"))
        self.assertIn("Seccomp:\t0", pathlib.Path(f"/proc/{off.process.pid}/status").read_text())
        self.assertIn("event=sandbox privileges=off", off.log())

    def test_a_key_is_replaced_under_the_sandbox(self):
        chat = self.simulator()
        key = self.directory / "keys" / "app.key"
        key.parent.mkdir()
        key.write_text(pathlib.Path(chat.app()["secret_key_file"]).read_text())
        exporter = self.exporter(self.config(chat, secret_key_file=str(key), poll='interval = "1s";')).ready()
        self.assertIsNotNone(exporter.until(lambda p: p.one("tencentchat_app_up") == 1, "up"))
        chat.rotate_key(secret_key="0123456789abcdef" * 4)
        fresh = key.with_suffix(".new")
        fresh.write_text("0123456789abcdef" * 4)
        os.replace(fresh, key)
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda p: p.one("tencentchat_usersig_renewals_total") >= 2 and p.one("tencentchat_app_up") == 1,
                       "signed with the new key")


    def test_root_goes_on_reading_the_key_of_somebody_else(self):
        if os.geteuid() != 0:
            self.skipTest("only root could read it in the first place")
        chat = self.simulator()
        key = self.directory / "keys" / "app.key"
        key.parent.mkdir()
        key.write_bytes(pathlib.Path(chat.app()["secret_key_file"]).read_bytes())
        key.chmod(0o600)
        os.chown(key, 65534, 65534)
        exporter = self.exporter(self.config(chat, secret_key_file=str(key))).ready()
        exporter.until(lambda p: p.one("tencentchat_app_up") == 1, "up")
        chat.rotate_key(secret_key="0123456789abcdef" * 4)
        key.write_text("0123456789abcdef" * 4)
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda p: p.one("tencentchat_usersig_renewals_total") >= 2 and p.one("tencentchat_app_up") == 1,
                       "signed with the new key")

    def test_a_reload_that_leaves_the_known_folders_says_what_helps(self):
        chat = self.simulator()
        key = pathlib.Path(chat.app()["secret_key_file"])
        elsewhere = self.directory / "elsewhere" / "app.key"
        elsewhere.parent.mkdir()
        elsewhere.write_bytes(key.read_bytes())
        exporter = self.exporter(self.config(chat)).ready()
        if exporter.page().one("tencentchat_exporter_sandboxed") != 1:
            self.skipTest("no sandbox here")
        exporter.config.write_text(self.config(chat, secret_key_file=str(elsewhere)))
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda p: p.one("tencentchat_exporter_config_last_reload_successful") == 0, "the reload failed")
        self.assertRegex(exporter.log(), r"cannot open key file '[^']*elsewhere/app.key': the sandbox, .*: restart")
        exporter.config.write_text(self.config(chat))
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda p: p.one("tencentchat_exporter_config_last_reload_successful") == 1, "the next one did not")


class Units(ReplayTest):
    def setUp(self):
        super().setUp()
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        for unit in UNITS.glob("tencentchat_exporter.*"):
            text = unit.read_text().replace("@CMAKE_INSTALL_FULL_SBINDIR@", str(pathlib.Path(EXPORTER).parent))
            (self.directory / unit.name.removesuffix(".in")).write_text(text)

    def analyze(self, *arguments):
        done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "SYSTEMD_COLORS": "0"})
        return done.returncode, done.stdout + done.stderr

    def test_systemd_finds_nothing_to_say(self):
        files = [str(p) for p in sorted(self.directory.glob("*.service")) + sorted(self.directory.glob("*.socket"))]
        self.assertEqual(2, len(files))
        self.assertEqual((0, ""), self.analyze("verify", "--man=no", *files))

    def test_its_exposure_is_low(self):
        status, text = self.analyze("security", "--offline=yes", "--threshold=15",
                                    str(self.directory / "tencentchat_exporter.service"))
        self.assertEqual(0, status, text)
        self.assertLessEqual(float(re.search(r"exposure level for \S+: ([0-9.]+)", text).group(1)), 1.5)


if __name__ == "__main__":
    main()
