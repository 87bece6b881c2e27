"""fence.py NAME [PROGRAM]: runs one fence over the tree this file stands in. Exit status 0 fine, 1 problems, 77 skipped."""

import pathlib
import sys

import docs
import files
import layers
import source
from tree import Tree

FENCES = {
    "layers": layers.layers,
    "banned": source.banned,
    "size": source.size,
    "width": source.width,
    "layout": source.layout,
    "codes": source.codes,
    "curl": source.curl,
    "text": files.text,
    "top": files.top,
    "links": files.links,
    "scripts": files.scripts,
    "docs": docs.docs,
}


def main(arguments):
    name, *rest = arguments
    problems = FENCES[name](Tree(pathlib.Path(__file__).parent.parent.parent), *rest)
    if problems is None:
        print(f"{name}: skipped, its tool is not installed in the version wanted")
        return 77
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
