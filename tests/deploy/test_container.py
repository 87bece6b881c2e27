"""The image: built twice from the tree it is one image, small, and what it runs needs no right at all. Its base is a Debian made
from the mirrors of this machine's apt; the service it asks is the simulator here.
"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import time
import urllib.request

import containers

from harness import SMALL, Page, ReplayTest, free_port, main, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONTAINERFILE = ROOT / "deploy" / "container" / "Containerfile"
# The Debian that has what compiles the program, so that two builds do not fetch it twice.
BASE = "FROM localhost/debian:base\nCOPY deploy/packages.sh /tmp/\nRUN /tmp/packages.sh build\n"
MEBIBYTE = 1 << 20
USER = 65532


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=True).stdout


def copy_tree(to):
    """What a clone of this tree with its changes would hold, and the word on its revision that a release has."""
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    (to / "deploy" / "packaging" / "revision").write_text(git("log", "-1", "--format=%H %ct"), encoding="ascii")


class Podman:
    """podman with a store of its own, which is gone with its folder."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        files, processes = (containers.most(kind, enough) for kind, enough in
                            ((resource.RLIMIT_NOFILE, 4096), (resource.RLIMIT_NPROC, 2048)))
        config = self.directory / "containers.conf"
        config.write_text(f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n'
                          '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n', encoding="utf-8")
        self.command = ["podman", f"--root={self.directory / 'store'}", f"--runroot={self.directory / 'run'}",
                        "--storage-driver=vfs"]
        # No systemd is asked to repeat the healthcheck: this test does.
        self.environment = {**os.environ, "CONTAINERS_CONF": str(config), "DISABLE_HC_SYSTEMD": "true"}

    def ask(self, *words, timeout=60):
        return subprocess.run([*self.command, *map(str, words)], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)

    def do(self, *words, timeout=60):
        done = self.ask(*words, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"podman {' '.join(map(str, words))}: {(done.stdout + done.stderr)[-4000:]}")
        return done.stdout.strip()

    def inspect(self, name):
        return json.loads(self.do("inspect", name))[0]

    def build(self, tag, containerfile, context, *flags):
        began = time.monotonic()
        self.do("build", "--isolation=chroot", "--network=host", "--no-cache", "--layers=false", "--timestamp=0", "--quiet",
                f"--file={containerfile}", f"--tag={tag}", *flags, context, timeout=900)
        print(f"-- {tag}: built in {time.monotonic() - began:.0f} s", flush=True)
        return self.inspect(tag)

    def close(self):
        self.ask("rm", "--all", "--force", "--time=0")
        self.ask("rmi", "--all", "--force")
        shutil.rmtree(self.directory, ignore_errors=True)


class Image(ReplayTest):
    def setUp(self):
        super().setUp()
        self.podman = Podman(self.directory / "podman")
        self.stack.callback(self.podman.close)

    def test_built_twice_and_run(self):
        image = self.built_twice()
        self.says_what_it_is(image)
        self.runs_without_any_right()

    def built_twice(self):
        context = self.directory / "context"
        context.mkdir()
        copy_tree(context)
        self.podman.do("import", containers.base(os.environ["TCE_CONTAINERS"]), "localhost/debian:base", timeout=300)
        base = self.directory / "base.Containerfile"
        base.write_text(BASE, encoding="ascii")
        self.podman.build("localhost/debian:build", base, context)
        first, second = (self.podman.build(f"localhost/exporter:{n}", CONTAINERFILE, context,
                                           "--build-arg=BASE=localhost/debian:build") for n in (1, 2))
        self.assertEqual(first["Id"], second["Id"])
        return first

    def says_what_it_is(self, image):
        print(f"-- image {image['Id'][:12]}: {image['Size'] / MEBIBYTE:.1f} MiB", flush=True)
        self.assertLess(image["Size"], 25 * 1000 * 1000)
        self.assertEqual(f"{USER}:{USER}", image["Config"]["User"])
        self.assertEqual(["CMD", "/usr/sbin/healthcheck"], self.with_healthcheck()["Healthcheck"]["Test"])
        self.assertEqual(1, len(image["RootFS"]["Layers"]))
        for name in ("/bin/sh", "/bin/ls", "/usr/bin/apt-get"):
            self.assertNotEqual(0, self.podman.ask("run", "--rm", f"--entrypoint={name}", "localhost/exporter:1").returncode)
        version = self.podman.do("run", "--rm", "--network=none", "localhost/exporter:1", "--version")
        self.assertIn(git("log", "-1", "--format=%h", "--abbrev=12").strip(), version)

    def with_healthcheck(self):
        """The same in docker's format. OCI's has no place for one; docker's names the container that it was made in, so that no
        two builds are the same."""
        lines = CONTAINERFILE.read_text(encoding="utf-8").splitlines()
        folder = self.directory / "health"
        folder.mkdir()
        (folder / "Containerfile").write_text("\n".join(["FROM localhost/exporter:1", *(
            line for line in lines if line.startswith("HEALTHCHECK "))]), encoding="utf-8")
        return self.podman.build("localhost/exporter:health", folder / "Containerfile", folder, "--format=docker")

    def start(self, chat, port):
        folder = self.directory / "etc"
        folder.mkdir()
        (folder / "app.key").write_text(chat.secret_key(), encoding="ascii")
        shutil.copy(chat.ca_file, folder / "ca.pem")
        inside = "/etc/tencentchat_exporter"
        (folder / "tencentchat_exporter.cfg").write_text(self.config(
            chat, ca_file=f"{inside}/ca.pem", secret_key_file=f"{inside}/app.key",
            root=f'web: {{ listen = [ "127.0.0.1:{port}" ]; }};'), encoding="utf-8")
        for path in (folder, *folder.iterdir()):
            os.chown(path, USER, USER)
            path.chmod(0o700 if path.is_dir() else 0o400)
        self.podman.do("run", "--detach", "--name=it", "--network=host", "--read-only", "--read-only-tmpfs=false",
                       "--cap-drop=all", "--security-opt=no-new-privileges", f"--volume={folder}:{inside}:ro",
                       f'--health-cmd=["/usr/sbin/healthcheck", "{port}"]', "localhost/exporter:1")

    def runs_without_any_right(self):
        chat, port = self.simulator(), free_port()
        self.start(chat, port)
        try:
            until(lambda: self.ready(port), "it is ready")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.podman.ask('logs', 'it').stderr[-3000:]}") from None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            page = Page(answer.read().decode("utf-8"), answer.headers["Content-Type"])
        self.assertEqual(1, page.one("tencentchat_community_up", community=SMALL))

        status = dict(line.split(":", 1) for line in
                      pathlib.Path(f"/proc/{self.podman.inspect('it')['State']['Pid']}/status").read_text("ascii").splitlines())
        self.assertEqual({str(USER)}, set(status["Uid"].split()) | set(status["Gid"].split()))
        self.assertEqual({0}, {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")})
        self.assertEqual("1", status["NoNewPrivs"].strip())
        self.assertTrue(self.podman.inspect("it")["HostConfig"]["ReadonlyRootfs"])

        healthy = self.podman.ask("healthcheck", "run", "it")
        self.assertEqual(0, healthy.returncode, (healthy, self.podman.inspect("it")["State"].get("Health")))
        wrong = self.podman.ask("exec", "it", "/usr/sbin/healthcheck", free_port())
        self.assertEqual((1, True), (wrong.returncode, "no answer" in wrong.stderr))

        began = time.monotonic()
        self.podman.do("stop", "--time=5", "it")
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(0, self.podman.inspect("it")["State"]["ExitCode"])
        logs = self.podman.ask("logs", "it")
        told = json.dumps(self.podman.inspect("it")) + logs.stdout + logs.stderr
        self.assertIn("event=listening", told)
        for secret in (chat.secret_key(), "usersig="):
            self.assertNotIn(secret, told)

    @staticmethod
    def ready(port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


if __name__ == "__main__":
    containers.skip_unless_possible(boots=False)
    main()
