"""--once: one round, one page, one file or none."""

import json
import os
import pathlib
import pty
import select
import signal
import stat
import subprocess
import time

from harness import EXPORTER, GENERAL, MUTED, NEVER, OPENMETRICS, SMALL, Page, ReplayTest, main, until


class Once(ReplayTest):
    def command(self, config, *flags):
        path = self.directory / "once.cfg"
        path.write_text(config, encoding="utf-8")
        return [EXPORTER, f"--config.file={path}", "--once", *map(str, flags)]

    def once(self, config, *flags, status=0):
        done = subprocess.run(self.command(config, *flags), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(status, done.returncode, done.stderr)
        return done

    def has_begun(self, process):
        """It holds a socket, so it calls, and its signals are its own by then."""
        folder = f"/proc/{process.pid}/fd"
        try:
            return any(os.readlink(f"{folder}/{fd}").startswith("socket:") for fd in os.listdir(folder))
        except FileNotFoundError:
            return False

    def test_text_and_openmetrics_are_pages(self):
        chat = self.simulator()
        config = self.config(chat)
        for kind, flags in ((None, []), (None, ["--output.format=text"]), (OPENMETRICS, ["--output.format", "openmetrics"])):
            page = Page(self.once(config, *flags).stdout, kind)
            self.assertEqual(1, page.one("tencentchat_community_up", community=SMALL))
            self.assertEqual(1, page.one("tencentchat_exporter_ready"))
            self.assertIsNotNone(page.one("tencentchat_topic_messages_total", topic=GENERAL))

    def test_it_listens_nowhere(self):
        chat = self.simulator()
        chat.fault(kind="hang")
        config = self.config(chat, root='web: { listen = [ "127.0.0.1:1", "no such host:1" ]; };')
        process = subprocess.Popen(self.command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            until(lambda: self.has_begun(process), "it has begun")
            inodes = set()
            for fd in os.listdir(f"/proc/{process.pid}/fd"):
                target = os.readlink(f"/proc/{process.pid}/fd/{fd}")
                inodes |= {target[8:-1]} if target.startswith("socket:[") else set()
            listening = {line.split()[9] for name in ("tcp", "tcp6")
                         for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:] if line.split()[3] == "0A"}
            self.assertEqual(set(), inodes & listening)
        finally:
            process.kill()
            process.communicate()

    def test_a_file_comes_whole_with_its_mode(self):
        chat = self.simulator()
        config = self.config(chat)
        target = self.directory / "out" / "chat.prom"
        target.parent.mkdir()
        target.write_text("old\n")
        target.chmod(0o600)
        old = os.umask(0o077)
        try:
            self.assertEqual("", self.once(config, f"--output.file={target}").stdout)
        finally:
            os.umask(old)
        self.assertEqual(1, Page(target.read_text()).one("tencentchat_community_up", community=SMALL))
        self.assertEqual(0o644, stat.S_IMODE(target.stat().st_mode))
        self.assertEqual([target.name], os.listdir(target.parent))

    def test_after_an_error_the_old_file_stays(self):
        chat = self.simulator()
        config = self.config(chat)
        folder = self.directory / "out"
        folder.mkdir()
        target = folder / "chat.prom"
        target.write_text("old\n")
        if os.geteuid() != 0:
            folder.chmod(0o555)
            self.assertIn("cannot write", self.once(config, f"--output.file={target}", status=1).stderr)
            folder.chmod(0o755)
        # A file that may not grow beyond a few blocks: the page does not fit.
        command = ["prlimit", "--fsize=4096", *self.command(config, f"--output.file={target}")]
        done = subprocess.run(["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh", *command], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertEqual("old\n", target.read_text())
        self.assertEqual([target.name], os.listdir(folder))
        self.assertIn("no regular file", self.once(config, f"--output.file={folder}", status=1).stderr)
        missing = self.directory / "no" / "chat.prom"
        self.assertIn(str(missing), self.once(config, f"--output.file={missing}", status=1).stderr)
        with open("/dev/full", "w") as full:
            done = subprocess.run(self.command(config), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot write 'standard output': No space left on device", done.stderr)

    def test_a_community_that_fails_is_told_and_the_page_comes(self):
        chat = self.simulator()
        config = self.config(chat, [SMALL, "@TGS#_nobody"])
        target = self.directory / "chat.prom"
        done = self.once(config, f"--output.file={target}", status=1)
        self.assertIn("1 of 2 communities failed", done.stderr)
        page = Page(target.read_text())
        self.assertEqual(1, page.one("tencentchat_community_up", community=SMALL))
        self.assertEqual(0, page.one("tencentchat_community_up", community="@TGS#_nobody"))

    def test_json_has_the_facts_of_the_page(self):
        chat = self.simulator()
        config = self.config(chat, ['{ id = "' + SMALL + '"; name = "a \\"b\\" \\\\ 猫"; labels = { team = "x"; }; '
                                    'from_account = "moderator-bot"; }', "@TGS#_nobody"], name="my app")
        done = self.once(config, "--output.format=json", status=1)
        told = json.loads(done.stdout)
        self.assertEqual(["program", "version", "timestamp_seconds", "apps"], list(told))
        app, = told["apps"]
        self.assertEqual((str(chat.app()["sdkappid"]), "my app", True), (app["sdkappid"], app["name"], app["up"]))
        self.assertEqual({"ok": 1, "failing": 0, "stale": 0, "pending": 0, "gone": 1}, app["communities_by_state"])
        by_id = {c["id"]: c for c in app["communities"]}
        good, bad = by_id[SMALL], by_id["@TGS#_nobody"]
        self.assertEqual({"community_name": 'a "b" \\ 猫', "team": "x"}, good["labels"])
        self.assertTrue(good["health"]["up"])
        self.assertNotIn("error", good)
        self.assertEqual((False, 1), (bad["health"]["up"], bad["health"]["consecutive_failures"]))
        self.assertEqual({"reason": "gone", "code": "10010"}, bad["error"])
        self.assertNotIn("topics", bad)
        topics = {t["id"]: t for t in good["topics"]}
        self.assertEqual({t["id"] for t in chat.world(SMALL)["topics"]}, set(topics))
        self.assertEqual(app["topics"], len(topics))
        self.assertIs(topics[MUTED]["muted"], True)
        self.assertIs(topics[GENERAL]["muted"], False)
        self.assertNotIn("last_message_timestamp_seconds", topics[NEVER])
        self.assertIsInstance(topics[GENERAL]["messages_total"], int)
        self.assertIsInstance(topics[GENERAL]["observer_unread_messages"], int)
        self.assertEqual(len(topics), good["facts"]["topics"] + good["facts"]["topics_failed"])

    def test_the_same_numbers_in_json_and_text(self):
        chat = self.simulator("demo.scenario")
        config = self.config(chat)
        told = json.loads(self.once(config, "--output.format=json").stdout)
        page = Page(self.once(config).stdout)
        for community in told["apps"][0]["communities"]:
            for topic in community["topics"]:
                here = dict(community=community["id"], topic=topic["id"])
                self.assertEqual(topic.get("created_timestamp_seconds"),
                                 page.one("tencentchat_topic_created_timestamp_seconds", **here))
                self.assertEqual("error" in topic, page.one("tencentchat_topic_error_info", **here) is not None)

    def test_discovered_communities_are_waited_for(self):
        chat = self.simulator("many.scenario")
        config = self.config(chat, [], budget=100.0, poll='interval = "5s"; timeout = "5s";')
        config = config.replace("communities = (", "discovery = { enabled = true; interval = \"10m\"; }; communities = (")
        page = Page(self.once(config, "--log.level=error").stdout)
        ups = page.family("tencentchat_community_up")
        self.assertEqual((1000, {1.0}), (len(ups), set(ups.values())))
        self.assertEqual(1, page.one("tencentchat_api_requests_total", command="get_appid_group_list"))
        self.assertEqual(1000, page.one("tencentchat_api_requests_total", command="get_topic"))
        self.assertLessEqual(page.one("tencentchat_quota_peak_requests_per_second", command="get_topic"), 101)

    def test_a_list_that_cannot_be_read_is_a_failure(self):
        chat = self.simulator()
        chat.fault(kind="error", code=10007, command="get_appid_group_list")
        config = self.config(chat)
        config = config.replace("communities = (", "discovery = { enabled = true; }; communities = (")
        done = self.once(config, status=1)
        self.assertIn("1 lists of communities could not be read", done.stderr)
        self.assertEqual(1, Page(done.stdout).one("tencentchat_community_up", community=SMALL))

    def test_a_signal_ends_it_without_a_file(self):
        chat = self.simulator()
        target = self.directory / "chat.prom"
        for number in (signal.SIGINT, signal.SIGTERM):
            chat.fault(kind="hang")
            process = subprocess.Popen(self.command(self.config(chat), f"--output.file={target}"), stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            try:
                until(lambda: self.has_begun(process), "a call hangs")
                process.send_signal(signal.SIGHUP)  # there is nothing to reload
                process.send_signal(number)
                out, errors = process.communicate(timeout=10)
            finally:
                process.kill()
            self.assertEqual((1, ""), (process.returncode, out))
            self.assertIn("nothing was written", errors)
            self.assertNotIn("reload", errors)
            self.assertFalse(target.exists())

    def test_a_signal_ends_it_when_nobody_reads(self):
        chat = self.simulator("many.scenario")
        ids = [c["community"] for c in chat.world()["communities"]][:100]
        config = self.config(chat, ids, budget=200.0, poll='interval = "1s";')
        process = subprocess.Popen(self.command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            select.select([process.stdout], [], [], 30)  # the page has begun, and is larger than a pipe
            process.send_signal(signal.SIGINT)
            self.assertNotEqual(0, process.wait(10))
        finally:
            process.kill()
            process.communicate()

    def test_it_tells_how_far_it_is(self):
        chat = self.simulator("many.scenario")
        ids = [c["community"] for c in chat.world()["communities"]][:14]
        config = self.config(chat, ids, budget=2.0, poll='interval = "7s";')
        done = self.once(config, "--log.level=error")
        self.assertRegex(done.stderr, r"(?m)^tencentchat_exporter: \d+ of 14 communities polled$")
        near, far = pty.openpty()
        process = subprocess.Popen(self.command(config, "--log.level=error"), stdout=subprocess.DEVNULL, stderr=far)
        os.close(far)
        try:
            seen, end = b"", time.monotonic() + 30
            while process.poll() is None and time.monotonic() < end:
                if select.select([near], [], [], 0.1)[0]:
                    try:
                        seen += os.read(near, 65536)
                    except OSError:  # the other end is closed
                        break
            self.assertEqual(0, process.wait(5))
        finally:
            process.kill()
            os.close(near)
        self.assertGreater(seen.count(b"\r"), 8)
        self.assertIn(b" of 14 communities polled\x1b[K", seen)

    def test_usage(self):
        config = self.config(self.simulator())
        for flags in (["--output.format=xml"], ["--output.file="], ["--output.format"]):
            self.assertIn("--output.", self.once(config, *flags, status=2).stderr)
        path = self.directory / "once.cfg"
        done = subprocess.run([EXPORTER, f"--config.file={path}", "--output.format=json"], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(2, done.returncode)
        self.assertIn("belong to --once", done.stderr)


if __name__ == "__main__":
    main()
