"""A Debian under a real systemd, in a container: podman, and a root file system made from the mirrors of this machine's apt.
Nothing is pulled from a registry. Where such a container cannot run empty, the test is skipped, and says why.
"""

import fcntl
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "replay"))

from harness import until  # noqa: E402

TOOLS = ("podman", "runc", "conmon", "mmdebstrap", "apt-get")
PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates"
SKIPPED = 77


class Impossible(Exception):
    """This machine does not run such a container."""


def skip_unless_possible(boots):
    """Ends the whole test as skipped when this machine cannot run a container, or boot a systemd in one."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    why = "only root may" if os.geteuid() != 0 else f"not installed: {' '.join(lacking)}" if lacking else None
    if why is None:
        with tempfile.TemporaryDirectory(prefix="tce-proof.") as folder:
            try:
                with Machine(pathlib.Path(folder) / "machine", base(os.environ["TCE_CONTAINERS"]), boots):
                    return
            except Impossible as e:
                why = str(e)
    print(f"skipped: no containers here: {why}", flush=True)
    sys.exit(SKIPPED)


def mirrors():
    """Debian's lines of sources.list, as apt here has them; (suite, lines)."""
    release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
                   if "=" in line)
    suite = release["VERSION_CODENAME"].strip('"')
    found = subprocess.run(["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Origin: Debian",
                            "Identifier: Packages"], capture_output=True, text=True, check=True).stdout.splitlines()
    lines = sorted(line for line in set(found) if f" {suite}" in line)
    if not lines:
        raise AssertionError(f"apt knows no mirror of Debian {suite}; is there one in sources.list, and was apt-get update run?")
    return suite, lines


def base(folder):
    """The archive of a small Debian with systemd; made once for each build folder."""
    suite, lines = mirrors()
    archive = pathlib.Path(folder) / f"debian-{suite}.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    with open(archive.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            unfinished = archive.with_suffix(".new")
            done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", f"--include={PACKAGES}", suite,
                                   str(unfinished), *lines], capture_output=True, text=True, timeout=600, check=False)
            if done.returncode != 0:
                raise AssertionError(f"mmdebstrap: {done.stderr[-3000:]}")
            unfinished.rename(archive)
    return archive


def most(kind, enough):
    """What podman asks for by default is more than this process may give where the right to raise limits is missing."""
    hard = resource.getrlimit(kind)[1]
    return enough if hard == resource.RLIM_INFINITY else min(hard, enough)


# systemd mounts for its services, as on a machine of its own: credentials and groups only work out with that. It leaves mounts as
# private as a container's manager made them, and then a credential would not be seen by its service. /proc/sys stays read-only.
RIGHTS = ("--cap-add=SYS_ADMIN,SYS_PTRACE", "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined")
BOOT = ("sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd")


class Machine:
    """One Debian with its own systemd and the network of this machine. `root` is its file system, seen from here."""

    def __init__(self, directory, archive, boots=True):
        self.directory = pathlib.Path(directory)
        self.boots = boots
        self.root = self.directory / "root"
        self.root.mkdir(parents=True)
        files, processes = most(resource.RLIMIT_NOFILE, 4096), most(resource.RLIMIT_NPROC, 2048)
        config = self.directory / "containers.conf"
        config.write_text(f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n'
                          '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n', encoding="utf-8")
        self.podman = ["podman", f"--root={self.directory / 'store'}", f"--runroot={self.directory / 'run'}",
                       "--storage-driver=vfs"]
        self.environment = {**os.environ, "CONTAINERS_CONF": str(config)}
        self.name = f"tce-{os.getpid()}-{self.directory.name}"
        subprocess.run(["tar", "-C", self.root, "--exclude=./dev/*", "-xf", archive], check=True, timeout=120)

    def _podman(self, *arguments, timeout=60):
        return subprocess.run([*self.podman, *map(str, arguments)], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)

    def __enter__(self):
        done = self._podman("run", "--detach", f"--name={self.name}", "--systemd=always", "--network=host", *RIGHTS, "--rootfs",
                            self.root, *(BOOT if self.boots else ("sleep", "60")))
        if done.returncode != 0:
            self.__exit__()
            raise Impossible(f"podman run: {done.stderr.strip()}")
        mark = self.root / "mark"  # in a chroot commands may come to run in another root than the container's
        mark.touch()
        status, text = self.ask("test", "-e", "/mark")
        mark.unlink()
        if status != 0:
            self.__exit__()
            raise Impossible(f"podman exec does not see the container's files: {text}")
        try:
            if self.boots:
                until(lambda: self.tell("systemctl", "is-system-running") == "running", "systemd runs", 60)
        except AssertionError as e:
            failed = self.tell("systemctl", "--failed", "--no-legend", "--plain")
            self.__exit__()
            raise Impossible(f"{e}; {failed}") from None
        return self

    def __exit__(self, *_):
        self._podman("stop", "--time=5", self.name)
        self._podman("rm", "--force", self.name)
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, *command, timeout=60):
        """(exit status, standard output and error) of a command inside."""
        done = self._podman("exec", "--env=DEBIAN_FRONTEND=noninteractive", "--env=LC_ALL=C.UTF-8", self.name, *command,
                            timeout=timeout)
        return done.returncode, (done.stdout + done.stderr).strip()

    def tell(self, *command):
        """The same, whatever its exit status."""
        return self.ask(*command)[1]

    def do(self, *command, timeout=180):
        """The same of a command that has to succeed."""
        status, text = self.ask(*command, timeout=timeout)
        if status != 0:
            raise AssertionError(f"{' '.join(command)} ended with {status}:\n{text[-4000:]}")
        return text

    def shell(self, script, timeout=180):
        return self.do("sh", "-euc", script, timeout=timeout)

    def show(self, unit, name):
        return self.do("systemctl", "show", f"--property={name}", "--value", unit)

    def write(self, path, text, mode=0o644):
        """A file inside, of root; one that exists keeps its owner and mode."""
        file = self.root / path.lstrip("/")
        fresh = not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        if fresh:
            file.chmod(mode)
