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

# What a script may define only as microgpt.py does, in this order (it may leave pieces out).
CANON = [
    "Value",
    "dot",
    "vsum",
    "exp",
    "relu",
    "safe_log",
    "linear",
    "add",
    "softmax",
    "rmsnorm",
    "random_matrix",
    "init_model",
    "parameters",
    "freeze",
    "Cache",
    "new_caches",
    "attention",
    "mlp",
    "gpt",
    "log_probs",
    "word_loss",
    "next_token",
    "sample",
    "adam_step",
    "Estimate",
    "mean_and_error",
    "CountingRule",
    "last_tokens",
    "loss_difference",
    "check",
    "print_claims",
    "completes_part",
    "show_progress",
    "reader_has_gone",
    "whole_number",
    "number_of_steps",
    "run",
]
# The operations a script adds to Value, with the reason. Nothing else of Value may differ.
EXTENSIONS = {
    "micrornn.py": {"sigmoid": "the gates of the GRU, z_t and r_t, are sigmoids"},
    "microppo.py": {"clip": "PPO clips the probability ratio"},
}
# Other deliberate differences from the canon: {(script, name): reason}.
DIFFERENCES = {
    ("micrornn.py", "log_probs"): "a recurrent network reads the word",
    ("microlora.py", "linear"): "a frozen matrix may have an adapter beside it",
    ("microdpo.py", "log_probs"): "log(softmax(x)) in one function, so that no gradient ends",
    ("microppo.py", "log_probs"): "log(softmax(x)) in one function, so that no gradient ends",
    ("microquant.py", "linear"): "a matrix may be rounded, and then multiplies itself",
    ("microkv.py", "dot"): "it counts the multiplications that it does in floats",
    ("microkv.py", "init_model"): "no table of positions, and fewer heads with keys of their own",
    ("microkv.py", "Cache"): "it keeps no attention weights, as nobody looks at them here",
    ("microkv.py", "attention"): "distance lowers a score, heads may share keys; cut in two",
    ("microkv.py", "gpt"): "no position is added, and a block is a function of its own",
}
# What tests take out of a script's source: section 2 and the optimizer.
TESTED = [*CANON[: CANON.index("rmsnorm") + 1], "adam_step"]


def source(script):
    return (ROOT / script).read_text(encoding="utf-8")


def definitions(text):
    """The top-level functions and classes of a source text, by name."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: node for node in ast.parse(text).body if isinstance(node, kinds)}


@functools.lru_cache(maxsize=None)
def compiled(script):
    """The code of a script's imports and of what is TESTED in it, without the rest."""
    tree = ast.parse(source(script))
    found = definitions(source(script))
    canon = ast.parse(source("microgpt.py")).body
    imports = [node for node in canon if isinstance(node, (ast.Import, ast.ImportFrom))]
    missing = [node for node in canon if getattr(node, "name", "Value") not in found]
    tree.body = [
        node
        for node in imports + tree.body + missing
        if isinstance(node, (ast.Import, ast.ImportFrom))
        or getattr(node, "name", "") in [*TESTED, "Work"]  # dot() of microkv.py counts in Work
    ]
    return compile(tree, str(ROOT / script), "exec")


def extract(script):
    """Run only the imports of a script, its Value and its helpers; return what they define.

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
