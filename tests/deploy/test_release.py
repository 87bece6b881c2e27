"""A release is the same whoever makes it: the tarball of one commit from two clones, and a package built from that tarball
and from another folder.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from packing import BUILD, ask, pack

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def git(*arguments, root=ROOT):
    return ask("git", "-C", root, *arguments).strip()


def build(source):
    """As a packager does it; its build folder."""
    ask("cmake", "--preset", "release", "-D", "TCE_TESTS=OFF", cwd=source)
    ask("cmake", "--build", "--preset", "release", timeout=1200, cwd=source)
    return source / "build" / "release"


class Release(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-release."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def clone(self, name):
        folder = self.directory / name
        ask("git", "clone", "--quiet", ROOT, folder)
        return folder

    def tarball(self, clone, name, **options):
        folder = self.directory / name
        ask(clone / "deploy/packaging/release.sh", folder, **options)
        tarball, = folder.glob("*.tar.gz")
        self.assertEqual(f"{sha256(tarball)}  {tarball.name}\n", (folder / f"{tarball.name}.sha256").read_text(encoding="ascii"))
        return tarball

    def unpacked(self, tarball, name):
        folder = self.directory / name
        folder.mkdir(parents=True)
        ask("tar", "-C", folder, "-xf", tarball)
        tree, = folder.iterdir()
        self.assertEqual(tarball.name, f"{tree.name}.tar.gz")
        return tree

    def here(self):
        """The build these tests run in, when it is of this commit and where a packager's would be; else one that is."""
        program = BUILD / "bin" / "tencentchat_exporter"
        clean = git("status", "--porcelain", "--untracked-files=normal") == ""
        if clean and BUILD == ROOT / "build/release" and git("rev-parse", "HEAD")[:12] in ask(program, "--version"):
            return BUILD
        return build(self.clone("a third clone"))

    def test_one_commit_is_one_tarball_and_one_package(self):
        first = self.tarball(self.clone("clone"), "one")
        second_clone = self.clone("a clone with another name")
        for setting in (("tar.umask", "0077"), ("core.autocrlf", "true"), ("core.abbrev", "31")):
            git("config", *setting, root=second_clone)
        habits = {**os.environ, "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8", "GZIP": ""}
        second = self.tarball(second_clone, "two", env=habits)
        self.assertEqual(sha256(first), sha256(second))
        print(f"{first.name} {sha256(first)}", flush=True)

        commit, when = git("log", "-1", "--format=%H %ct").split()
        tree = self.unpacked(first, "unpacked")
        self.assertEqual(f"{commit} {when}\n", (tree / "deploy/packaging/revision").read_text(encoding="ascii"))
        self.assertEqual({when}, {str(int(p.lstat().st_mtime)) for p in tree.rglob("*")})

        package = pack(self.directory / "deb one", "DEB", build(tree))
        self.assertRegex(ask(tree / "build/release/bin/tencentchat_exporter", "--version"), rf"revision +{commit[:12]}\n")
        other = pack(self.directory / "deb two", "DEB", self.here())
        print(f"{package.name} {sha256(package)}", flush=True)
        self.assertEqual(sha256(package), sha256(other))

    def test_what_is_no_commit_is_refused(self):
        done = subprocess.run([ROOT / "deploy/packaging/release.sh", self.directory, "no-such-commit"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(1, done.returncode)
        self.assertTrue(re.match(r"release: 'no-such-commit' is no commit", done.stderr), done.stderr)


if __name__ == "__main__":
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        print("skipped: this is no clone, so that there is no commit to release")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
