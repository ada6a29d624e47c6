#!/usr/bin/env python3
"""The code of docs/guides/get-a-token.md is the code that the tests run: below `<!-- FILE -->`, each line of a block stands
in that file, in the same order. What a guide leaves out is whatever concerns the tests."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guides/get-a-token.md"


def strangers(block, file):
    """Lines of the block that do not stand in the file, after the one before."""
    lines = iter([line.strip() for line in file.read_text().splitlines()])
    return [line for line in block.splitlines() if line.strip() and line.strip() not in lines]


def main():
    text = GUIDE.read_text()
    blocks = re.findall(r"<!-- (tests/clients/\S+) -->\n```\w+\n(.*?)```", text, re.DOTALL)
    if not blocks or len(blocks) != text.count("<!-- tests/clients/"):
        sys.exit(f"{GUIDE}: a block of code does not follow its comment")
    wrong = [f"{name}: {line}" for name, block in blocks for line in strangers(block, ROOT / name)]
    if wrong:
        sys.exit(f"{GUIDE} shows code that is not tested, or not in this order:\n" + "\n".join(wrong))
    print(f"{len(blocks)} pieces of code in {GUIDE.relative_to(ROOT)} are those that run here")


if __name__ == "__main__":
    main()
