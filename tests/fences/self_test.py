"""Each fence, over a small tree that is fine and over the same tree with one thing broken."""

import pathlib
import stat
import tempfile
import unittest

import docs
import files
import layers
import source
from tree import Tree

TABLE = """# agent

| level | room | purpose | may include |
| --- | --- | --- | --- |
| 0 | `agent/base` | ground | - |
| 1 | `agent/fetch` | fetches | `agent/base` |
| 1 | `agent/poll` | asks | `agent/base` |
| 1 | `exporters/web` | shows | `agent/base` |
"""

GOOD = {
    "CMakeLists.txt": "project(x)\n",
    "CMakePresets.json": "{}\n",
    "LICENSE": "free\n",
    "CHANGELOG.md": "# Changes\n",
    "CONTRIBUTING.md": "# How\n",
    "SECURITY.md": "# Safe\n",
    "README.md": "# It\n\nSee [agent](agent/README.md) and `--config.file`; `tencentchat_topic_info` is a metric.\n",
    "agent/README.md": TABLE,
    "agent/CMakeLists.txt": "tce_room(base SOURCES base/a.c)\ntce_room(fetch SOURCES fetch/f.c ROOMS base)\n"
                            "tce_room(poll SOURCES poll/p.c\n\tROOMS base LIBRARIES X::x)\n",
    "agent/main.c": '#include "agent/poll/p.h"\n\nint main(void)\n{\n\tLOG(x);\n\treturn 0;\n}\n',
    "agent/base/README.md": "# base\n",
    "agent/base/a.h": "int a(void);\n",
    "agent/base/a.c": '#include "agent/base/a.h"\n\nint a(void)\n{\n\treturn (int)time(0);\n}\n',
    "agent/fetch/README.md": "# fetch\n\n| `CURLOPT_URL` | x | y |\n",
    "agent/fetch/f.h": "int f(void);\n",
    "agent/fetch/f.c": "/* not CURLOPT_COOKIE */\nint f(void)\n{\n\treturn set(CURLOPT_URL);\n}\n",
    "agent/poll/README.md": "# poll\n",
    "agent/poll/p.h": "int p(void);\n",
    "agent/poll/p.c": '#include "agent/base/a.h"\n\n/* sprintf( in words */\nint p(void)\n{\n\treturn a("system(x)");\n}\n',
    "agent/chat/error.def": "CODE(1, SLOW, AUTH, APP, 0)\nCODE(20, SLOW, AUTH, APP, 0)\n",
    "agent/chat/README.md": "# chat\n",
    "exporters/CMakeLists.txt": "tce_room(web SOURCES web/w.c ROOMS base)\n",
    "exporters/metric/README.md": "<!-- metrics -->\n| `tencentchat_topic_info` |\n<!-- /metrics -->\n",
    "exporters/web/README.md": "# web\n",
    "exporters/web/w.h": "int w(void);\n",
    "config/README.md": "<!-- options -->\n| `poll.interval` | x |\n<!-- /options -->\n",
    "config/tencentchat_exporter.cfg": 'poll: { interval = "60s"; };   # an interval\n',
    "deploy/README.md": "# deploy\n",
    "tests/README.md": "# tests\n",
    "tests/run.sh": "#!/bin/bash\necho fine\n",
}

# What the program prints, by flag.
PROGRAM = """#!/bin/sh
case $1 in
--metrics.list) echo '| `tencentchat_topic_info` |' ;;
--config.list-options) echo '| `poll.interval` | x |' ;;
--help) echo '  --config.file=FILE' ;;
esac
"""

# fence, what is changed in the tree, the file and a word of the message
BAD = [
    (layers.layers, {"agent/README.md": "# agent\n"}, "agent/README.md", "no layer table"),
    (layers.layers, {"agent/README.md": None}, "agent/README.md", "missing"),
    (layers.layers, {"agent/new/n.h": "int n;\n"}, "agent/README.md", "agent/new is missing"),
    (layers.layers, {"agent/base/a.c": '#include "agent/poll/p.h"\n'}, "agent/base/a.c", "does not allow"),
    (layers.layers, {"agent/base/a.c": '#include "base/a.h"\n'}, "agent/base/a.c", "not a path from the root"),
    (layers.layers, {"agent/top.h": "int t;\n", "agent/poll/p.c": '#include "agent/top.h"\n'}, "agent/poll/p.c", "belongs to"),
    (layers.layers, {"agent/base/inside.h": "int i;\n", "agent/poll/p.c": '#include "agent/base/inside.h"\n'},
     "agent/poll/p.c", "private"),
    (layers.layers, {"agent/poll/p.c": '#include "exporters/web/w.h"\n'}, "agent/poll/p.c", "does not allow"),
    (layers.layers, {"agent/CMakeLists.txt": "tce_room(poll SOURCES p.c ROOMS base web)\n"}, "agent/CMakeLists.txt", "linked"),
    (layers.layers, {"agent/poll/README.md": None}, "agent/poll/README.md", "every room"),
    (layers.layers, {"agent/README.md": TABLE.replace("| 1 | `agent/poll`", "| 2 | `agent/poll`")}, "agent/README.md", "longest"),
    (layers.layers, {"agent/README.md": TABLE.replace("| ground | - |", "| ground | `agent/poll` |")}, "agent/README.md",
     "lower levels only"),
    (source.banned, {"agent/poll/p.c": "int p(void)\n{\n\tsprintf(b, x);\n}\n"}, "agent/poll/p.c", "sprintf"),
    (source.banned, {"agent/poll/p.c": "int p(void)\n{\n\treturn atoi(x);\n}\n"}, "agent/poll/p.c", "atoi"),
    (source.banned, {"agent/poll/p.c": "int p(void)\n{\n\treturn time(NULL);\n}\n"}, "agent/poll/p.c", "clock"),
    (source.banned, {"agent/poll/p.c": "int p(void)\n{\n\tLOG(SAY, x);\n}\n"}, "agent/poll/p.c", "does not log"),
    (source.size, {"agent/poll/p.c": "int x;\n" * 501}, "agent/poll/p.c", "501 lines"),
    (source.width, {"agent/poll/p.c": "int x;" + " " * 130 + "int y;\n"}, "agent/poll/p.c", "columns"),
    (source.codes, {"agent/chat/error.def": "CODE(20, SLOW, AUTH, APP, 0)\nCODE(20, SLOW, AUTH, APP, 0)\n"},
     "agent/chat/error.def", "ascend"),
    (source.codes, {"agent/chat/error.def": "CODE(x)\n"}, "agent/chat/error.def", "a row is"),
    (source.codes, {"agent/chat/error.def": "\n"}, "agent/chat/error.def", "no rows"),
    (source.curl, {"agent/fetch/f.c": "int f(void)\n{\n\treturn set(CURLOPT_URL) + set(CURLOPT_COOKIE);\n}\n"},
     "agent/fetch/f.c", "not in the table"),
    (source.curl, {"agent/fetch/README.md": "| `CURLOPT_URL` | x | y |\n| `CURLMOPT_MAXCONNECTS` | x | y |\n"},
     "agent/fetch/README.md", "set nowhere"),
    (source.curl, {"agent/fetch/README.md": "# fetch\n"}, "agent/fetch/README.md", "no table"),
    (source.curl, {"agent/poll/p.c": "int p = CURLOPT_URL;\n"}, "agent/poll/p.c", "only agent/fetch"),
    (files.text, {"README.md": "no end"}, "README.md", "newline"),
    (files.text, {"README.md": "blank \n"}, "README.md", "blanks"),
    (files.text, {"README.md": "a\r\n"}, "README.md", "carriage"),
    (files.text, {"README.md": "\ta\n"}, "README.md", "tab"),
    (files.text, {"README.md": b"\xff\n"}, "README.md", "UTF-8"),
    (files.text, {"README.md": "see /home/me/x\n"}, "README.md", "one machine"),
    (files.text, {"agent/main.c": "/* TODO later */\n"}, "agent/main.c", "unfinished"),
    (files.top, {"docs/x.md": "# x\n"}, "docs", "not one of"),
    (files.top, {"LICENSE": None}, "LICENSE", "missing"),
    (files.top, {"tests/new/x.py": "x = 1\n"}, "tests/new/README.md", "every folder"),
    (files.links, {"README.md": "see [there](nowhere.md)\n"}, "README.md", "leads nowhere"),
    (files.scripts, {"tests/run.sh": "#!/bin/bash\nif\n"}, "tests/run.sh", "syntax error"),
    (docs.docs, {"config/README.md": "# config\n"}, "config/README.md", "options"),
    (docs.docs, {"exporters/metric/README.md": "<!-- metrics -->\nold\n<!-- /metrics -->\n"}, "exporters/metric/README.md",
     "differs"),
    (docs.docs, {"README.md": "alert on `tencentchat_topic_nonsense`\n"}, "README.md", "catalogue"),
    (docs.docs, {"README.md": "give it `--config.nonsense`\n"}, "README.md", "no flag"),
    (docs.docs, {"config/tencentchat_exporter.cfg": 'poll: { interval = "60s"; nonsense = 5; };\n'},
     "config/tencentchat_exporter.cfg", "no option"),
    (docs.docs, {"config/tencentchat_exporter.cfg": "poll: { };\n"}, "config/tencentchat_exporter.cfg", "not shown"),
]


class Fences(unittest.TestCase):
    def tree(self, folder, changes):
        root = pathlib.Path(folder)
        for name, content in {**GOOD, **changes}.items():
            if content is None:
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Tree(root)

    def run_fence(self, fence, changes):
        with tempfile.TemporaryDirectory() as folder:
            tree = self.tree(folder, changes)
            if fence is not docs.docs:
                return fence(tree) or []
            with tempfile.TemporaryDirectory() as elsewhere:
                program = pathlib.Path(elsewhere) / "program"
                program.write_text(PROGRAM)
                program.chmod(program.stat().st_mode | stat.S_IXUSR)
                return docs.docs(tree, str(program))

    def test_a_good_tree_passes_every_fence(self):
        for fence in (layers.layers, source.banned, source.size, source.width, source.codes, source.curl, files.text, files.top,
                      files.links, files.scripts, docs.docs):
            with self.subTest(fence.__name__):
                self.assertEqual([], [str(p) for p in self.run_fence(fence, {})])

    def test_every_fence_refuses_what_it_is_there_for(self):
        for fence, changes, file, word in BAD:
            with self.subTest(f"{fence.__name__}: {word}"):
                problems = self.run_fence(fence, changes)
                self.assertTrue(any(p.file == file and word in p.text for p in problems), [str(p) for p in problems])

    def test_layout_refuses_a_crooked_file(self):
        if source.clang_format_14() is None:
            self.skipTest("clang-format 14 is not installed")
        style = (pathlib.Path(__file__).parent.parent.parent / ".clang-format").read_text()
        problems = self.run_fence(source.layout, {".clang-format": style, "agent/poll/p.h": "int   p( void ) ;\n"})
        self.assertEqual(["agent/poll/p.h"], sorted({p.file for p in problems}))


if __name__ == "__main__":
    unittest.main()
