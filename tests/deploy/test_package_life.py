"""The deb's whole life under a real systemd: installed, configured, scraped, reloaded, stuck, its key rotated, upgraded, handed a
socket, removed, purged. The service it asks is the simulator on this machine.
"""

import http.client
import os
import pathlib
import re
import shutil
import threading
import time

import containers
from packing import next_version, pack

from harness import SMALL, Exporter, ReplayTest, free_port, main, until

SERVICE = "tencentchat_exporter.service"
SOCKET = "tencentchat_exporter.socket"
ETC = "/etc/tencentchat_exporter"
CONFIG = f"{ETC}/tencentchat_exporter.cfg"
DROP_INS = "/etc/systemd/system"
# Besides what this test puts there: what apt, dpkg and systemd itself note for themselves.
NOTES = ("/var/cache", "/var/log", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/timers", "/var/lib/systemd/random-seed",
         "/root", "/opt", "/etc/group-", "/etc/gshadow-", "/etc/passwd-", "/etc/shadow-")


class Installed(Exporter):
    """The exporter as the service of a machine, looked at from outside."""

    def __init__(self, machine, directory, port):
        super().__init__(directory, "")
        self.machine = machine
        self.address = f"127.0.0.1:{port}"

    def log(self):
        return self.machine.tell("journalctl", "--no-pager", "--output=cat", f"--unit={SERVICE}")

    def answers(self):
        try:
            return self.get("/-/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


class Scraper:
    """Asks over and over on new connections; keeps what was answered and what was refused."""

    def __init__(self, address):
        self.address, self.answered, self.refused = address, 0, []
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.end.wait(0.02):
            connection = http.client.HTTPConnection(self.address, timeout=30)
            try:
                connection.request("GET", "/-/healthy")
                self.answered += connection.getresponse().status == 200
            except ConnectionRefusedError as e:
                self.refused.append(e)
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


class Life(ReplayTest):
    def setUp(self):
        super().setUp()
        deb = pack(self.directory / "deb", "DEB")
        self.chat = self.simulator()
        self.machine = self.stack.enter_context(
            containers.Machine(self.directory / "machine", containers.base(os.environ["TCE_CONTAINERS"])))
        self.port = free_port()
        self.it = Installed(self.machine, self.directory / "it", self.port)
        for number, package in enumerate((deb, next_version(deb, self.directory))):
            shutil.copy(package, self.machine.root / "opt" / f"{number}.deb")

    def write_config(self, interval="1s"):
        self.machine.write(CONFIG, self.config(
            self.chat, poll=f'interval = "{interval}";', root=f'web: {{ listen = [ "127.0.0.1:{self.port}" ]; }};',
            ca_file=f"{ETC}/ca.pem", secret_key_file=None, secret_key_credential="app.key"))

    def files(self):
        pruned = " -o ".join(f"-path {path}" for path in NOTES)
        found = self.machine.shell(f"find / -xdev \\( {pruned} -o -path /tmp -o -path /var/tmp \\) -prune -o -printf '%p %l\\n'")
        return set(found.splitlines())

    def up(self, what):
        return self.it.until(lambda p: p.one("tencentchat_community_up", community=SMALL) == 1, what)

    def test_from_installation_to_purge(self):
        for step in (self.installed, self.started, self.exposed, self.reloaded, self.stuck, self.rotated, self.upgraded,
                     self.activated, self.removed, self.purged):
            began = time.monotonic()
            try:
                step()
            except AssertionError as e:
                raise AssertionError(f"{e}\nthe service said at last:\n{self.it.log()[-3000:]}") from None
            print(f"-- {step.__name__}: {time.monotonic() - began:.1f} s", flush=True)

    def installed(self):
        it = self.machine
        it.do("apt-get", "update", "-qq", timeout=300)
        self.before = self.files()
        self.assertGreater(len(self.before), 3000)
        self.names_before = it.shell("cat /etc/passwd /etc/group")
        it.do("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/opt/0.deb", timeout=300)
        self.assertEqual("ii ", it.do("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", "tencentchat-exporter") + " ")
        for unit in (SERVICE, SOCKET):
            state = [it.tell("systemctl", verb, unit) for verb in ("is-enabled", "is-active")]
            self.assertEqual(["disabled", "inactive"], state)
        self.assertEqual("750 root tencentchat\n640 root tencentchat", it.do("stat", "--format=%a %U %G", ETC, CONFIG))
        status, text = it.ask("tencentchat_exporter", "--config.check")
        self.assertEqual((2, True), (status, "prod.key" in text), "the sample names a key that nobody has")

    def started(self):
        it = self.machine
        self.write_config()
        it.write(f"{ETC}/ca.pem", pathlib.Path(self.chat.ca_file).read_text(encoding="ascii"))
        it.write(f"{ETC}/app.key", self.chat.secret_key(), mode=0o600)
        it.write(f"{DROP_INS}/{SERVICE}.d/key.conf", f"[Service]\nLoadCredential=app.key:{ETC}/app.key\nWatchdogSec=3s\n")
        it.do("systemctl", "daemon-reload")
        it.do("systemctl", "enable", "--now", SERVICE)
        self.assertEqual("active", it.do("systemctl", "is-active", SERVICE))
        self.up("a community is read")
        self.assertRegex(it.show(SERVICE, "StatusText"), r"^1 apps, \d+ communities: ")
        status = it.do("cat", f"/proc/{it.show(SERVICE, 'MainPID')}/status")
        self.assertRegex(status, r"(?m)^Uid:\s+6[1-5]\d{3}\s")
        self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
        self.assertNotIn(self.chat.secret_key(), it.tell("journalctl", "--no-pager"))

    def exposed(self):
        text = self.machine.do("systemd-analyze", "security", "--no-pager", "--threshold=15", SERVICE)
        exposure = float(re.search(rf"exposure level for {SERVICE}: ([0-9.]+)", text).group(1))
        print(f"exposure {exposure}", flush=True)
        self.assertLessEqual(exposure, 1.5)

    def reloaded(self):
        before = self.it.page().one("tencentchat_exporter_config_hash")
        self.write_config(interval="2s")
        self.machine.do("systemctl", "reload", SERVICE)
        page = self.it.until(lambda p: p.one("tencentchat_exporter_config_hash") != before, "the new configuration is in force")
        self.assertEqual(1, page.one("tencentchat_exporter_config_last_reload_successful"))
        self.assertEqual("0", self.machine.show(SERVICE, "NRestarts"))

    def stuck(self):
        it = self.machine
        stopped = it.show(SERVICE, "MainPID")
        it.do("systemctl", "kill", "--kill-whom=main", "--signal=SIGSTOP", SERVICE)
        until(lambda: it.show(SERVICE, "NRestarts") == "1" and it.show(SERVICE, "ActiveState") == "active",
              "the watchdog ends it and systemd starts it again", 60)
        self.assertIn("watchdog", it.do("journalctl", "--no-pager", "--output=cat", f"--unit={SERVICE}").lower())
        self.assertNotEqual(stopped, it.show(SERVICE, "MainPID"))
        self.up("it is scraped again")

    def rotated(self):
        self.chat.rotate_key(secret_key="0123456789abcdef" * 4)
        self.it.until(lambda p: p.one("tencentchat_app_up") == 0, "the old key is refused")
        self.machine.write(f"{ETC}/app.key", "0123456789abcdef" * 4)
        self.machine.do("systemctl", "restart", SERVICE)
        self.up("signed with the new key")

    def upgraded(self):
        it = self.machine
        config, pid = it.do("cat", CONFIG), it.show(SERVICE, "MainPID")
        it.do("apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "/opt/1.deb")
        self.assertEqual("9999.0-1", it.do("dpkg-query", "--show", "--showformat=${Version}", "tencentchat-exporter"))
        self.assertEqual(config, it.do("cat", CONFIG))
        self.assertIn("# the next version of the sample", it.do("cat", f"{CONFIG}.dpkg-dist"))
        self.assertEqual("640 root tencentchat", it.do("stat", "--format=%a %U %G", CONFIG))
        self.assertEqual(["enabled", "disabled"], [it.tell("systemctl", "is-enabled", unit) for unit in (SERVICE, SOCKET)])
        self.assertNotIn(it.show(SERVICE, "MainPID"), ("0", pid))
        self.up("the new one serves")

    def activated(self):
        it = self.machine
        it.do("systemctl", "stop", SERVICE)
        it.write(f"{DROP_INS}/{SOCKET}.d/port.conf", f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{self.port}\n")
        it.write(f"{DROP_INS}/{SERVICE}.d/socket.conf",
                 f"[Service]\nExecStart=\nExecStart=/usr/sbin/tencentchat_exporter --config.file={CONFIG} --web.systemd-socket\n")
        it.do("systemctl", "daemon-reload")
        it.do("systemctl", "enable", "--now", SOCKET)
        self.assertEqual("inactive", it.tell("systemctl", "is-active", SERVICE))
        until(self.it.answers, "the first scrape starts it")
        self.assertEqual("active", it.do("systemctl", "is-active", SERVICE))
        with Scraper(self.it.address) as scraper:
            until(lambda: scraper.answered > 5, "it is scraped")
            it.do("systemctl", "restart", SERVICE)
            answered = scraper.answered
            until(lambda: scraper.answered > answered + 5, "it is scraped again")
        self.assertEqual([], scraper.refused)

    def removed(self):
        it = self.machine
        it.do("apt-get", "remove", "-y", "-qq", "tencentchat-exporter")
        self.assertFalse(self.it.answers())
        self.assertEqual(("inactive", "inactive"), tuple(it.tell("systemctl", "is-active", unit) for unit in (SERVICE, SOCKET)))
        self.assertIn("LoadCredential", it.do("cat", f"{DROP_INS}/{SERVICE}.d/key.conf"))
        self.assertIn("app.key", it.do("cat", CONFIG), "the configuration outlives the program")
        self.assertNotEqual(0, it.ask("test", "-e", "/usr/sbin/tencentchat_exporter")[0])

    def purged(self):
        it = self.machine
        it.do("rm", "-r", f"{DROP_INS}/{SERVICE}.d", f"{DROP_INS}/{SOCKET}.d")
        it.do("apt-get", "purge", "-y", "-qq", "tencentchat-exporter")
        it.do("apt-get", "autoremove", "-y", "-qq", "--purge")
        after = self.files()
        self.assertEqual((set(), set()), (after - self.before, self.before - after))
        self.assertEqual(self.names_before, it.shell("cat /etc/passwd /etc/group"))
        self.assertEqual("", it.tell("systemctl", "--failed", "--no-legend", "--plain"))
        self.assertEqual(("", ""), (it.tell("systemctl", "list-unit-files", "--no-legend", "tencentchat*"),
                                    it.shell("find / -xdev -name '*tencentchat*' -not -path '/proc/*'")))


if __name__ == "__main__":
    containers.skip_unless_possible(boots=True)
    main()
