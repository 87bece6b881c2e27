#!/usr/bin/env python3
"""A strict reader of the Prometheus text format 0.0.4 and of OpenMetrics 1.0.0: stricter than promtool and the server,
which let duplicates, raw newlines, NUL bytes and a missing last newline pass.

    check(text, kind) -> a list of Problem, empty when all is well
    parse(text, kind) -> a list of Sample; raises ValueError with the first problem

`kind` is a Content-Type, and the text format without one. As a command it reads standard input or the named files and
exits 1 when there is a problem; `--openmetrics` says that they are that.
"""

import math
import re
import sys
from dataclasses import dataclass, field

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
PLAIN = re.compile(r'[^"\\]*')
FORBIDDEN = re.compile("[\r\0\ud800-\udfff]")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
# Series that were read without a problem: what stands before the value -> (name, labels, key). A test reads the same
# ones page after page, and spelling them out is nine tenths of the work.
FAULTLESS = {}
FAULTLESS_MAX = 200_000


@dataclass(frozen=True)
class Problem:
    line: int
    text: str

    def __str__(self):
        return f"line {self.line}: {self.text}"


@dataclass
class Sample:
    name: str
    labels: dict
    value: float
    line: int


@dataclass
class Family:
    name: str
    line: int
    help: str = None
    kind: str = None
    samples: list = field(default_factory=list)


class Reader:
    """Reads one line after the other and remembers what a whole page must not do."""

    types = TYPES
    help_escapes = "n"
    told_escapes = "\\\\ nor \\n"

    def __init__(self):
        self.problems = []
        self.families = {}
        self.current = None
        self.series = {}
        self.owners = {}  # family_of() by name, while no family is declared

    def bad(self, line, text):
        self.problems.append(Problem(line, text))

    def read(self, text):
        if text == "":
            return self
        if not text.endswith("\n"):
            self.bad(text.count("\n") + 1, "the last line has no newline")
        for found in FORBIDDEN.finditer(text):
            self.bad(text.count("\n", 0, found.start()) + 1, f"character U+{ord(found.group()):04X}")
        # Not splitlines: that splits at more than newlines.
        for number, line in enumerate(text.split("\n")[: -1 if text.endswith("\n") else None], 1):
            self.line(number, line)
        for family in self.families.values():
            self.whole(family)
        return self

    def line(self, number, line):
        if line == "":
            self.bad(number, "an empty line")
        elif line.startswith("# HELP ") or line.startswith("# TYPE "):
            self.head(number, line)
        elif line.startswith("#"):
            self.bad(number, "a comment that is neither HELP nor TYPE")
        else:
            self.sample(number, line)

    def open(self, number, name):
        """The family of that name becomes the current one; it may stand in one place only."""
        family = self.families.get(name)
        if family is None:
            family = self.families[name] = Family(name, number)
            self.owners.clear()
        elif family is not self.current:
            self.bad(number, f"family {name} goes on here; its lines must stand together (line {family.line})")
        self.current = family
        return family

    def head(self, number, line):
        word, rest = line[2:6], line[7:]
        name, space, text = rest.partition(" ")
        if not NAME.fullmatch(name):
            self.bad(number, f"{word} of {name!r}, which is no metric name")
            return
        family = self.open(number, name)
        if family.samples:
            self.bad(number, f"{word} of {name} after its samples")
        if word == "HELP":
            if family.help is not None:
                self.bad(number, f"a second HELP of {name}")
            if not space or text.strip() == "":
                self.bad(number, f"HELP of {name} says nothing")
            if re.search(rf"\\(?![{self.help_escapes}])", text.replace("\\\\", "")):
                self.bad(number, f"a backslash in HELP that is neither {self.told_escapes}")
            family.help = text
        else:
            if family.kind is not None:
                self.bad(number, f"a second TYPE of {name}")
            if text not in self.types:
                self.bad(number, f"TYPE {text!r} is none of {', '.join(self.types)}")
            family.kind = text
            self.owners.clear()

    def family_of(self, name):
        """The declared family a sample belongs to."""
        if name not in self.owners:
            self.owners[name] = self.find_family(name)
        return self.owners[name]

    def find_family(self, name):
        """The same, by its suffix."""
        for kind, suffixes in SUFFIXES.items():
            for suffix in suffixes:
                base = name[: len(name) - len(suffix)] if suffix and name.endswith(suffix) else name
                family = self.families.get(base)
                if family is not None and family.kind == kind and (suffix or base == name):
                    return family
        return self.families.get(name)

    def sample(self, number, line):
        series, _, value = line.rpartition(" ")
        known = FAULTLESS.get(series)
        if known is not None and NUMBER.fullmatch(value):
            name, labels, key = known
            self.keep(number, Sample(name, dict(labels), float(value), number), key)
        else:
            self.spell(number, line)

    def spell(self, number, line):
        problems = len(self.problems)
        name = NAME.match(line)
        if name is None:
            self.bad(number, "no metric name at the start of the line")
            return
        labels, at = {}, name.end()
        if line[at : at + 1] == "{":
            at = self.labels(number, line, at + 1, labels)
            if at is None:
                return
        if line[at : at + 1] != " ":
            self.bad(number, f"one space is missing before the value, byte {at + 1}")
            return
        value = line[at + 1 :]
        if " " in value and NUMBER.fullmatch(value.split(" ")[0]):
            self.bad(number, "something stands after the value (timestamps are not exported)")
            return
        if not NUMBER.fullmatch(value):
            self.bad(number, f"{value!r} is no number")
            return
        key = (name.group(), tuple(sorted(labels.items())))
        if len(self.problems) == problems and len(FAULTLESS) < FAULTLESS_MAX:
            FAULTLESS[line[:at]] = (name.group(), dict(labels), key)
        self.keep(number, Sample(name.group(), labels, float(value), number), key)

    def labels(self, number, line, at, labels):
        while True:
            name = LABEL.match(line, at)
            if name is None:
                self.bad(number, f"no label name at byte {at + 1}")
                return None
            at = name.end()
            if line[at : at + 2] != '="':
                self.bad(number, f'label {name.group()} is not followed by ="')
                return None
            value, at = self.value(number, line, at + 2)
            if value is None:
                return None
            if name.group() in labels:
                self.bad(number, f"label {name.group()} stands twice")
            if name.group().startswith("__"):
                self.bad(number, f"label {name.group()} is reserved")
            labels[name.group()] = value
            if line[at : at + 1] == "}":
                return at + 1
            if line[at : at + 1] != ",":
                self.bad(number, f"neither , nor }} after label {name.group()}")
                return None
            at += 1

    def value(self, number, line, at):
        text = []
        while at < len(line):
            plain = PLAIN.match(line, at)
            text.append(plain.group())
            at = plain.end()
            if line[at : at + 1] == '"':
                return "".join(text), at + 1
            if line[at : at + 1] == "\\":
                escape = {"\\": "\\", '"': '"', "n": "\n"}.get(line[at + 1 : at + 2])
                if escape is None:
                    self.bad(number, f"escape \\{line[at + 1 : at + 2]} in a label value")
                    return None, at
                text.append(escape)
                at += 2
        self.bad(number, "a label value without its closing quote")
        return None, at

    def keep(self, number, sample, key):
        family = self.family_of(sample.name)
        if family is None:
            self.bad(number, f"{sample.name} has neither HELP nor TYPE before it")
            family = self.open(number, sample.name)
        elif family is not self.current:
            self.bad(number, f"a sample of {family.name} outside of its family (line {family.line})")
        family.samples.append(sample)
        if key in self.series:
            self.bad(number, f"the same series as in line {self.series[key]}: {sample.name}")
        self.series.setdefault(key, number)
        if family.kind in ("counter", "histogram") and not sample.name.endswith("_sum") and (
                sample.value < 0 or math.isnan(sample.value)):
            self.bad(number, f"a {family.kind} of {sample.value}")
        if family.kind == "counter" and not sample.name.endswith("_total"):
            self.bad(number, f"counter {sample.name} does not end in _total")

    def whole(self, family):
        if family.help is None:
            self.bad(family.line, f"{family.name} has no HELP")
        if family.kind is None:
            self.bad(family.line, f"{family.name} has no TYPE")
        if not family.samples:
            self.bad(family.line, f"{family.name} has no sample")
        if family.kind == "histogram":
            self.histogram(family)

    def histogram(self, family):
        groups = {}
        for s in family.samples:
            rest = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
            groups.setdefault(rest, []).append(s)
        for samples in groups.values():
            self.histogram_group(family, samples)

    def histogram_group(self, family, samples):
        line = samples[0].line
        buckets = [s for s in samples if s.name == family.name + "_bucket"]
        last_le, last_value = -math.inf, 0.0
        for s in buckets:
            if not NUMBER.fullmatch(s.labels.get("le", "")):
                self.bad(s.line, "a bucket without a numeric le")
                return
            le = float(s.labels["le"])
            if le <= last_le:
                self.bad(s.line, f"le {s.labels['le']} does not ascend")
            if s.value < last_value:
                self.bad(s.line, "a bucket counts less than the one before")
            last_le, last_value = le, s.value
        counts = [s.value for s in samples if s.name == family.name + "_count"]
        sums = [s for s in samples if s.name == family.name + "_sum"]
        if not buckets or last_le != math.inf:
            self.bad(line, f"{family.name} has no +Inf bucket")
        elif counts != [last_value]:
            self.bad(line, f"{family.name}_count is not the +Inf bucket")
        if len(sums) != 1:
            self.bad(line, f"{family.name} needs one _sum")


# What may stand behind the name of a family in its samples.
OM_SUFFIXES = {
    "counter": ("_total", "_created"), "gauge": ("",), "info": ("_info",), "unknown": ("",), "stateset": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"), "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "summary": ("", "_sum", "_count", "_created"),
}
OM_LONGEST_FIRST = sorted({s for suffixes in OM_SUFFIXES.values() for s in suffixes}, key=len, reverse=True)


class OpenMetrics(Reader):
    """What OpenMetrics 1.0.0 has otherwise."""

    types = tuple(OM_SUFFIXES)
    help_escapes = 'n"'
    told_escapes = '\\\\ nor \\n nor \\"'

    def read(self, text):
        if not text.endswith("# EOF\n") or not text.startswith(("# EOF\n", "# HELP ", "# TYPE ")):
            self.bad(text.count("\n") + 1, "the last line is not # EOF")
        super().read(text)
        self.clashes()
        return self

    def line(self, number, line):
        if line == "# EOF":
            if self.current == "over":
                self.bad(number, "a second # EOF")
            self.current = "over"
        elif self.current == "over":
            self.bad(number, "something stands behind # EOF")
        else:
            super().line(number, line)

    def head(self, number, line):
        super().head(number, line)
        if line.startswith("# HELP ") and re.search(r'(?<!\\)(\\\\)*"', line.partition(" ")[2]):
            self.bad(number, "a quote in HELP without its backslash")

    def find_family(self, name):
        for suffix in OM_LONGEST_FIRST:
            family = self.families.get(name[: len(name) - len(suffix)]) if name.endswith(suffix) else None
            if family is not None and suffix in OM_SUFFIXES.get(family.kind, ("",)):
                return family
        return None

    def keep(self, number, sample, key):
        super().keep(number, sample, key)
        family = self.family_of(sample.name)
        if family is not None and family.kind == "info" and sample.value != 1:
            self.bad(number, f"an info of {sample.value}")
        le = sample.labels.get("le")
        if le is not None and family is not None and family.kind == "histogram" and not (
                le == "+Inf" or re.fullmatch(r"-?\d+\.\d+|-?\d(\.\d+)?e[+-]\d+", le)):
            self.bad(number, f"le {le!r} is not spelled as a float")

    def whole(self, family):
        super().whole(family)
        for kind, ending in (("counter", "_total"), ("info", "_info")):
            if family.kind == kind and family.name.endswith(ending):
                self.bad(family.line, f"{family.name}: the name of a {kind} family has no {ending}")

    def clashes(self):
        """No family may have a name that could be a sample of another."""
        owner = {}
        for family in self.families.values():
            for suffix in OM_SUFFIXES.get(family.kind, ("",)):
                other = owner.setdefault(family.name + suffix, family)
                if other is not family:
                    self.bad(family.line, f"{family.name + suffix} may be a sample of {other.name} as well")


def reader(kind):
    media = (kind or "text/plain").partition(";")[0].strip()
    if media not in ("text/plain", "application/openmetrics-text"):
        raise ValueError(f"{kind!r} is the type of no format")
    return OpenMetrics() if media == "application/openmetrics-text" else Reader()


def check(text, kind=None):
    return sorted(reader(kind).read(text).problems, key=lambda p: p.line)


def parse(text, kind=None):
    page = reader(kind).read(text)
    if page.problems:
        raise ValueError(str(page.problems[0]))
    return [s for f in page.families.values() for s in f.samples]


def main(names):
    status = 0
    kind = "application/openmetrics-text" if "--openmetrics" in names else None
    for name in [n for n in names if n != "--openmetrics"] or ["-"]:
        source = sys.stdin.buffer if name == "-" else open(name, "rb")
        try:
            problems = check(source.read().decode("utf-8"), kind)
        except UnicodeDecodeError as e:
            problems = [Problem(0, f"not UTF-8 at byte {e.start}")]
        for problem in problems:
            print(f"{name}: {problem}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
