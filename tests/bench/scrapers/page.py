"""A page on disk: a million series are too many to hold in memory more often than needed."""

import hashlib
import re
import subprocess
import sys

LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\(.)")
CHECK_S = 600


def unescaped(text):
    return ESCAPE.sub(lambda found: "\n" if found.group(1) == "n" else found.group(1), text) if "\\" in text else text


class Page:
    """Families by the name of their samples, which stand together: how many there are, and where."""

    def __init__(self, path, body):
        self.path = path
        path.write_bytes(body)
        self.places, self.counts = {}, {}
        lines, at = hashlib.sha256(), 0
        for line in body.splitlines(keepends=True):
            if not line.startswith(b"#"):
                name = re.match(rb"[\w:]+", line).group().decode()
                start, _ = self.places.get(name, (at, at))
                self.places[name] = (start, at + len(line))
                self.counts[name] = self.counts.get(name, 0) + 1
                lines.update(line)
            at += len(line)
        self.lines = lines.hexdigest()  # of samples alone, which are the same bytes in both formats

    @property
    def series(self):
        return sum(self.counts.values())

    def check(self, checker, *flags):
        """The strict checker, in a process of its own, which gives its memory back."""
        done = subprocess.run([sys.executable, "-B", checker, *flags, self.path], capture_output=True, text=True,
                              timeout=CHECK_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"the page breaks its format:\n{done.stdout[:2000]}{done.stderr[-2000:]}")

    def family(self, name):
        """{labels: value} of the samples of that name. A label without text is none, to Prometheus."""
        start, end = self.places[name]
        with open(self.path, "rb") as file:
            file.seek(start)
            text = file.read(end - start).decode("utf-8")
        samples = {}
        for line in text.split("\n")[:-1]:
            labels, value = line[len(name):].rsplit(" ", 1)
            key = tuple(sorted((label, unescaped(text)) for label, text in LABEL.findall(labels) if text))
            samples[key] = float(value)
        if len(samples) != self.counts[name]:
            raise AssertionError(f"{name}: {self.counts[name]} lines, {len(samples)} series")
        return samples
