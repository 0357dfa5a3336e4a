"""The scripts under test: which there are, and how to take pieces out without running them."""

import ast
import functools
import importlib.util
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "autograd-interface.md"

SCRIPTS = [
    "microgpt.py",
    "micrornn.py",
    "microlora.py",
    "microdpo.py",
    "microppo.py",
    "micromoe.py",
    "microkv.py",
    "microquant.py",
    "microbeam.py",
    "microvae.py",
]

# What a script may define only as microgpt.py does (a script need not define all of it).
CANON = [
    "Value",
    "dot",
    "vsum",
    "linear",
    "softmax",
    "safe_log",
    "rmsnorm",
    "adam_step",
    "progress",
    "run",
]
# These, where scripts have one of the name, are the same in all of them; but microvae.py's encode
# is its encoder.
COPIED = ["encode", "ngram_loss", "freeze", "thaw", "clashes"]
# The operations a script adds to Value, with the reason. Nothing else of Value may differ.
EXTENSIONS = {
    "micrornn.py": {"sigmoid": "the gates of the GRU, z_t and r_t, are sigmoids"},
    "microppo.py": {"clip": "PPO clips the probability ratio"},
}
# Other deliberate differences from the canon: {(script, name): reason}.
DIFFERENCES = {}


def source(script):
    return (ROOT / script).read_text(encoding="utf-8")


def definitions(text):
    """The top-level functions and classes of a source text, by name."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: node for node in ast.parse(text).body if isinstance(node, kinds)}


def without_docstrings(node):
    """Python code of a syntax tree, without its docstrings (comments are no part of a tree)."""
    node = ast.parse(ast.unparse(node))
    for part in ast.walk(node):
        if (
            isinstance(part, (ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(part) is not None
        ):
            part.body = part.body[1:] or [ast.Pass()]
    return ast.unparse(node)


@functools.lru_cache(maxsize=None)
def compiled(script):
    """The code of a script's imports, Value and canonical helpers, without the rest."""
    tree = ast.parse(source(script))
    found = definitions(source(script))
    canon = ast.parse(source("microgpt.py")).body
    tree.body = [node for node in canon if isinstance(node, ast.Import)] + tree.body
    tree.body += [node for node in canon if getattr(node, "name", "Value") not in found]
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        or isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and node.name in CANON
    ]
    return compile(tree, str(ROOT / script), "exec")


def extract(script):
    """Run only a script's imports, Value and canonical helpers; return what they define.

    A helper that the script has no use for is the one of microgpt.py, on the script's own Value.
    """
    names = {}
    exec(compiled(script), names)
    return names


def load(script):
    """Import a script as a module. It must not have any effect but to define things."""
    name = script[:-3]
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / script)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def code_blocks(text):
    """The Python code blocks of a Markdown text."""
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
