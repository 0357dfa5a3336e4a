"""The text that the scripts share: show where a copy differs from microgpt.py, or copy it anew.

python tests/canon.py            prints what differs, and ends with status 1 if anything does
python tests/canon.py --write    copies the text of microgpt.py into the other scripts and the docs

A piece of the canon is a function or a class of CANON, with the comments that stand between it and
whatever comes before it; but no heading of an experiment or of a script's own tools. Wherever a
script has a definition of that name, it is the same to the byte. A script may leave a piece out. It
may add the methods of EXTENSIONS to its Value, right before _backward(). The pieces of DIFFERENCES
are its own, each as a whole and for a reason.
"""

import ast
import difflib
import functools
import re
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scripts import (  # noqa: E402
    CANON,
    DIFFERENCES,
    DOC,
    EXTENSIONS,
    SCRIPTS,
    ROOT,
    source,
)

CALLOUT = re.compile(r"\A# --- AUTOGRAD .*? ---\n(?:#.*\n)*\n")
# The headings of sections 5 to 8, of the parts in them and of a script's own tools, each with the
# comment below it up to a blank line.
OWN_HEADING = re.compile(
    r"(?:^# ===== [5-8]\.|^# ----- (?!Tools of all scripts)).*\n(?:#.*\n)*\n+", re.MULTILINE
)


class Piece(NamedTuple):
    """A definition in a text: its comments and its code, and where they stand."""

    name: str
    text: str
    begin: int  # offsets in the text
    end: int


@functools.lru_cache(maxsize=None)
def pieces(text):
    """All top-level definitions of a text, each with the comments before it; but no callout."""
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    begin = 0
    for node in ast.parse(text).body:
        end = offsets[node.end_lineno]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for heading in OWN_HEADING.finditer(text, begin, end):
                if heading.end() <= offsets[node.lineno - 1]:
                    begin = heading.end()
            begin += len(text[begin:end]) - len(text[begin:end].lstrip("\n"))
            callout = CALLOUT.match(text[begin:end])
            begin += callout.end() if callout else 0
            found.append(Piece(node.name, text[begin:end], begin, end))
        begin = end
    return found


def added_methods(script, value):
    """The text of the methods that a script adds to Value, each with the blank line after it."""
    lines = value.splitlines(keepends=True)
    added = ""
    for node in ast.parse(value).body[0].body:
        if getattr(node, "name", None) in EXTENSIONS.get(script, {}):
            added += "".join(lines[node.lineno - 1 : node.end_lineno]) + "\n"
    return added


def wanted(script, piece, canon):
    """What the text of a piece should be in a script."""
    if piece.name not in canon or (script, piece.name) in DIFFERENCES:
        return piece.text
    if piece.name == "Value":
        mark = "    def _backward(self):\n"
        return canon["Value"].replace(mark, added_methods(script, piece.text) + mark)
    return canon[piece.name]


def canonical(script):
    """The script's text as it should be."""
    canon = {piece.name: piece.text for piece in pieces(source("microgpt.py"))}
    canon = {name: canon[name] for name in CANON}
    text = source(script)
    for piece in reversed(pieces(text)):
        text = text[: piece.begin] + wanted(script, piece, canon) + text[piece.end :]
    return text


def canonical_page(path):
    """A page of the docs with the code of microgpt.py in each block that defines a piece of it."""
    code = {}
    text = source("microgpt.py")
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if getattr(node, "name", None) in CANON:
            code[node.name] = "".join(lines[node.lineno - 1 : node.end_lineno])

    def block(match):
        name = re.match(r"(?:def|class) (\w+)", match[1])
        return f"```python\n{code.get(name and name[1], match[1])}```"

    page = path.read_text(encoding="utf-8")
    return re.sub(r"^```python\n(.*?)^```", block, page, flags=re.DOTALL | re.MULTILINE)


def expected():
    """{path: its text as it should be}, for the scripts and the two pages of the interface."""
    texts = {}
    for script in SCRIPTS:
        texts[ROOT / script] = canonical(script)
    for path in (DOC, DOC.with_suffix(".ko.md")):
        texts[path] = canonical_page(path)
    return texts


def differences():
    """What differs, as a diff of all files; empty if nothing does."""
    diff = []
    for path, text in expected().items():
        here = path.read_text(encoding="utf-8").splitlines()
        diff += difflib.unified_diff(here, text.splitlines(), path.name, "the canon", lineterm="")
    return "\n".join(diff)


def main():
    if sys.argv[1:] == ["--write"]:
        for path, text in expected().items():
            path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    found = differences()
    print(found or "All copies are the same.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
