"""What no source file may hold."""

import re
import shutil
import subprocess

from tree import Problem, without_comments

BANNED = {
    "sprintf": "snprintf or struct buf",
    "vsprintf": "vsnprintf",
    "strcpy": "struct buf, or memcpy with a length",
    "strcat": "struct buf",
    "strncpy": "memcpy with a length; it pads and does not end",
    "strncat": "struct buf",
    "strtok": "strcspn",
    "atoi": "strtoll with its end checked",
    "atol": "strtoll with its end checked",
    "atoll": "strtoll with its end checked",
    "atof": "strtod with its end checked",
    "gets": "read with a cap",
    "scanf": "a reader that refuses overflow",
    "sscanf": "a reader that refuses overflow",
    "alloca": "an array of fixed size, or malloc",
    "system": "nothing: this program starts no other",
    "popen": "nothing: this program starts no other",
    "rand": "plan_jitter",
    "random": "plan_jitter",
    "srand": "plan_jitter",
    "gmtime": "gmtime_r",
    "localtime": "gmtime_r; output is UTC",
    "strerror_r": "strerror; there is one thread",
    "usleep": "a deadline in the loop; only fetch_wait blocks",
    "sleep": "a deadline in the loop; only fetch_wait blocks",
    "nanosleep": "a deadline in the loop; only fetch_wait blocks",
}
CLOCKS = ("time", "gettimeofday", "clock_gettime", "clock", "ftime", "timespec_get")
BASE = "agent/base/"  # holds the clock and the log
SIZE_MAX = 500
WIDTH_MAX = 130
OPTIONS = "agent/fetch/README.md"
OPTION = re.compile(r"\bCURLM?OPT_\w+")
CODE = re.compile(r"^CODE\((\d+), *(\w+), *(\w+), *(\w+),")


def calls(text, name):
    """Line numbers of calls of the C function `name`; a member or a longer name is none."""
    for found in re.finditer(rf"(?<![\w.>\"]){name}\s*\(", text):
        yield text.count("\n", 0, found.start()) + 1


def banned(tree):
    problems = []
    for name in tree.some(".c", ".h", under=("agent/", "exporters/", "tests/")):
        text = without_comments(tree.read(name))
        for function, cure in BANNED.items():
            if function in ("random", "sleep") and name.startswith("tests/"):
                continue
            problems += [Problem(name, line, f"{function}() is banned; use {cure}") for line in calls(text, function)]
        if name.startswith("tests/"):
            continue
        if not name.startswith(BASE):
            for clock in CLOCKS:
                problems += [Problem(name, line, f"{clock}() reads a clock; take `const struct now *` instead")
                             for line in calls(text, clock)]
        if name.count("/") > 1 and not name.startswith(BASE):
            problems += [Problem(name, line, "a room does not log; it returns an error with a struct why")
                         for logger in ("LOG", "log_write") for line in calls(text, logger)]
    return problems


def size(tree):
    """Fails above the fence; reports the biggest files either way."""
    sizes = []
    for name in tree.some(".c", ".h", ".py", ".sh"):
        sizes.append((sum(1 for _ in tree.lines(name)), name))
    print("the biggest files, in lines:")
    for n, name in sorted(sizes, reverse=True)[:10]:
        print(f"  {n:4d} {name}")
    return [Problem(name, n, f"{n} lines; split it below {SIZE_MAX}") for n, name in sizes if n > SIZE_MAX]


def width(tree):
    problems = []
    for name in tree.some(".c", ".h", ".py", ".sh"):
        for number, line in tree.lines(name):
            columns = len(line.expandtabs(4))
            if columns > WIDTH_MAX and "clang-format off" not in tree.read(name):
                problems.append(Problem(name, number, f"{columns} columns; at most {WIDTH_MAX}"))
    return problems


def clang_format_14():
    for program in ("clang-format-14", "clang-format"):
        if shutil.which(program):
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(r"version 14\.", version):
                return program
    return None


def layout(tree):
    """None: skipped. Other versions lay out the same file differently."""
    program = clang_format_14()
    if program is None:
        return None
    problems = []
    names = tree.some(".c", ".h")
    for i in range(0, len(names), 40):
        done = subprocess.run([program, "--dry-run", *names[i : i + 40]], cwd=tree.root, capture_output=True, text=True,
                              check=False)
        for found in re.finditer(r"^(\S+?):(\d+):\d+: \w+: code should be clang-formatted", done.stderr, re.M):
            problems.append(Problem(found.group(1), int(found.group(2)), f"run {program} -i on it"))
    return problems


def codes(tree):
    """The table of Chat error codes: sorted, unique, and every row whole."""
    name, last, problems = "agent/chat/error.def", 0, []
    for number, line in tree.lines(name):
        if not line.startswith("CODE(") or "VERDICT" in line:
            continue
        found = CODE.match(line)
        if not found:
            problems.append(Problem(name, number, "a row is CODE(number, VERDICT, CLASS, SCOPE, ...)"))
            continue
        if int(found.group(1)) <= last:
            problems.append(Problem(name, number, f"{found.group(1)} stands after {last}; rows ascend and are unique"))
        last = int(found.group(1))
    if last == 0:
        problems.append(Problem(name, 0, "no rows"))
    return problems


def curl(tree):
    """Every option of libcurl that is set stands in the table of its room, and every row is of one that is set."""
    problems, used, rows = [], set(), {}
    for number, line in tree.lines(OPTIONS) if OPTIONS in tree.files else ():
        if line.startswith("| `CURL"):
            rows.setdefault(OPTION.search(line).group(), number)
    for name in tree.some(".c", ".h", under=("agent/", "exporters/")):
        text = without_comments(tree.read(name))
        for found in OPTION.finditer(text):
            line, option = text.count("\n", 0, found.start()) + 1, found.group()
            used.add(option)
            if not name.startswith("agent/fetch/"):
                problems.append(Problem(name, line, f"{option}: only agent/fetch speaks to libcurl"))
            elif option not in rows:
                problems.append(Problem(name, line, f"{option} is not in the table of {OPTIONS}; is it safe to set?"))
    problems += [Problem(OPTIONS, number, f"{option} is set nowhere") for option, number in rows.items() if option not in used]
    if not rows:
        problems.append(Problem(OPTIONS, 0, "no table of options: | `CURLOPT_NAME` | value | reason |"))
    return problems
