"""What every file and folder must have, and what no text may say."""

import pathlib
import re
import shutil
import subprocess

from tree import Problem

TOP = {"CMakeLists.txt", "agent", "exporters", "config", "deploy", "tests", "README.md", "CMakePresets.json", "LICENSE",
       "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
TEXTS = (".c", ".h", ".def", ".py", ".sh", ".md", ".txt", ".json", ".cfg", ".scenario")
RAW = ("tests/golden/", "tests/fuzz/corpus/")  # bytes as they come
MACHINE = re.compile(r"(?<![\w.$}/~-])/(work|home|root|Users)/\w")
TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK|BOOTSTRAP)\b")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
OWN = "tests/fences/"  # this folder names what it forbids


def texts(tree):
    return [n for n in tree.files if not n.startswith(RAW) and (n.endswith(TEXTS) or "." not in pathlib.PurePath(n).name)]


def text(tree):
    problems = []
    for name in texts(tree):
        raw = (tree.root / name).read_bytes()
        try:
            content = raw.decode("utf-8")
        except UnicodeDecodeError as e:
            problems.append(Problem(name, raw.count(b"\n", 0, e.start) + 1, "not UTF-8"))
            continue
        if content and not content.endswith("\n"):
            problems.append(Problem(name, 0, "no newline at the end"))
        if "\r" in content:
            problems.append(Problem(name, content.count("\n", 0, content.index("\r")) + 1, "a carriage return"))
        for number, line in enumerate(content.splitlines(), 1):
            if line != line.rstrip():
                problems.append(Problem(name, number, "blanks at the end of the line"))
            if "\t" in line and name.endswith((".py", ".md", ".yml")) and name != "CMakePresets.json":
                problems.append(Problem(name, number, "a tab; this kind of file is indented with blanks"))
            if MACHINE.search(line) and not name.startswith(OWN):
                problems.append(Problem(name, number, "a path of one machine"))
            if TODO.search(line) and not name.startswith(OWN):
                problems.append(Problem(name, number, "unfinished work; finish it or open an issue"))
    return problems


def top(tree):
    problems = []
    for name in sorted({n.split("/")[0] for n in tree.files}):
        if name not in TOP and not name.startswith("."):
            problems.append(Problem(name, 0, f"not one of {', '.join(sorted(TOP))}"))
    for name in sorted(TOP - {n.split("/")[0] for n in tree.files}):
        problems.append(Problem(name, 0, "missing"))
    folders = {n.rpartition("/")[0] for n in tree.some(".c", ".h", ".py", ".sh", ".def", ".cfg")} - {""}
    for folder in sorted(folders):
        if not folder.startswith(RAW) and f"{folder}/README.md" not in tree.files:
            problems.append(Problem(f"{folder}/README.md", 0, "missing: every folder has one"))
    return problems


def links(tree):
    problems = []
    for name in tree.some(".md"):
        here = pathlib.PurePosixPath(name).parent
        for number, line in tree.lines(name):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                path = (tree.root / here / target).resolve()
                if not path.exists():
                    problems.append(Problem(name, number, f"the link {target} leads nowhere"))
    return problems


def scripts(tree):
    """None when shellcheck is missing and bash finds nothing."""
    names = [n for n in tree.files if n.endswith(".sh") or n == ".ci/run"]
    problems = []
    for name in names:
        done = subprocess.run(["bash", "-n", name], cwd=tree.root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            problems.append(Problem(name, 0, done.stderr.strip()))
    if shutil.which("shellcheck") is None:
        return problems or None
    for name in names:
        done = subprocess.run(["shellcheck", "-f", "gcc", name], cwd=tree.root, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            file, number, _, message = line.split(":", 3)
            problems.append(Problem(file, int(number), message.strip()))
    return problems
