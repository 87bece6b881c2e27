"""The layer table of agent/README.md against every #include and against the rooms of the CMake files."""

import re

from tree import Problem

TABLE = "agent/README.md"
ROW = re.compile(r"^\| *(\d+) *\| *`((?:agent|exporters)/\w+)` *\|.*\| *([^|]*?) *\|$")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
ROOM = re.compile(r"tce_room\((\w+)\s(.*?)\)", re.S)


def read_table(tree):
    """{folder: (level, {folders it may include}, line)}"""
    rows = {}
    for number, line in tree.lines(TABLE):
        found = ROW.match(line)
        if found:
            names = re.findall(r"`((?:agent|exporters)/\w+)`", found.group(3))
            rows[found.group(2)] = (int(found.group(1)), set(names), number)
    return rows


def folder(path):
    return "/".join(path.split("/")[:2])


def check_table(tree, table, problems):
    rooms = {folder(n) for n in tree.some(".c", ".h", under=("agent/", "exporters/")) if n.count("/") > 1}
    for room in sorted(rooms - set(table)):
        problems.append(Problem(TABLE, 0, f"room {room} is missing in the layer table; add its row"))
    for room, (level, may, line) in table.items():
        if room not in rooms:
            problems.append(Problem(TABLE, line, f"room {room} does not exist"))
        for other in sorted(may):
            if other not in table:
                problems.append(Problem(TABLE, line, f"{room} may include {other}, which is no room"))
            elif table[other][0] >= level:
                problems.append(Problem(TABLE, line, f"{room} is of level {level} and may include {other} of level "
                                                     f"{table[other][0]}; a room includes lower levels only"))
        longest = 1 + max((table[o][0] for o in may if o in table), default=-1)
        if level != longest:
            problems.append(Problem(TABLE, line, f"{room} says level {level}; its longest chain makes it {longest}"))


def check_includes(tree, table, problems):
    for name in tree.some(".c", ".h", ".def", under=("agent/", "exporters/")):
        room = folder(name) if name.count("/") > 1 else None  # the program itself sees every room
        for number, line in tree.lines(name):
            found = INCLUDE.match(line)
            if not found:
                continue
            path = found.group(1)
            if path not in tree.files:
                problems.append(Problem(name, number, f'"{path}" is not a path from the root of the tree'))
                continue
            target = folder(path)
            if path.startswith("tests/"):
                problems.append(Problem(name, number, "the program includes a test"))
            elif path.startswith("agent/") and path.count("/") == 1 and room is not None:
                problems.append(Problem(name, number, f'"{path}" belongs to the program; a room must not see it'))
            elif room and target in table and target not in {room, *table.get(room, (0, set()))[1]}:
                problems.append(Problem(name, number, f"{room} includes {target}, which its row in {TABLE} does not allow"))
            elif target in table and target != room and path.endswith(("inside.h", "mint.h")):
                problems.append(Problem(name, number, f'"{path}" is private to its room'))


def check_links(tree, table, problems):
    """ROOMS of tce_room() must be exactly the row, so that the link line is a fence as well."""
    by_name = {room.split("/")[1]: room for room in table}
    for half in ("agent", "exporters"):
        name = f"{half}/CMakeLists.txt"
        if name not in tree.files:
            continue
        text = tree.read(name)
        for found in ROOM.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            room = f"{half}/{found.group(1)}"
            rooms = re.search(r"\bROOMS\b([\w\s]*?)(?:\bLIBRARIES\b|$)", found.group(2))
            linked = {by_name.get(r, r) for r in (rooms.group(1).split() if rooms else [])}
            if room in table and linked != table[room][1]:
                problems.append(Problem(name, line, f"{room} is linked with {sorted(linked)}, its row in {TABLE} says "
                                                    f"{sorted(table[room][1])}"))


def check_rooms(tree, table, problems):
    for room, (_, _, line) in table.items():
        if f"{room}/README.md" not in tree.files:
            problems.append(Problem(f"{room}/README.md", 0, "missing: every room has one"))
        if not tree.some(".h", under=(room + "/",)):
            problems.append(Problem(TABLE, line, f"room {room} has no public header"))


def layers(tree):
    problems = []
    if TABLE not in tree.files:
        return [Problem(TABLE, 0, "missing: it holds the layer table")]
    table = read_table(tree)
    if not table:
        return [Problem(TABLE, 0, "no layer table: | level | `agent/room` | purpose | may include |")]
    for check in (check_table, check_includes, check_links, check_rooms):
        check(tree, table, problems)
    return problems
