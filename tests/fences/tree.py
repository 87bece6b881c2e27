"""The tree under test: its files, and a problem with its place."""

import pathlib
import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    file: str
    line: int
    text: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.files = self._tracked() or self._walked()

    def _tracked(self):
        """What git knows or would add; None outside of a checkout."""
        if not (self.root / ".git").exists():
            return None
        done = subprocess.run(
            ["git", "-c", f"safe.directory={self.root}", "-C", str(self.root), "ls-files", "-co", "--exclude-standard", "-z"],
            capture_output=True, check=True)
        names = [n for n in done.stdout.decode().split("\0") if n]
        return sorted(n for n in names if (self.root / n).is_file())

    def _walked(self):
        names = [p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()]
        return sorted(n for n in names if not n.startswith("build/") and "__pycache__" not in n)

    def some(self, *endings, under=("",)):
        return [n for n in self.files if n.endswith(endings) and n.startswith(tuple(under))]

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def lines(self, name):
        """(number, line) from 1."""
        return enumerate(self.read(name).splitlines(), 1)


def without_comments(text):
    """C with comments and the insides of literals blanked, line ends kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + found[0]
        return re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)
