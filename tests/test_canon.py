"""What the scripts share is the same in all of them, and in docs/autograd-interface.md."""

import ast
import os
import re
import subprocess
import sys

import canon
from scripts import (
    CANON,
    DIFFERENCES,
    DOC,
    EXTENSIONS,
    ROOT,
    SCRIPTS,
    TESTED,
    code_blocks,
    definitions,
    source,
)

CALLOUT = [
    "# --- AUTOGRAD IN THIS SCRIPT ---",
    "# This Value class follows the canonical interface exactly.",
    "# See docs/autograd-interface.md for the full specification.",
]
CALLOUT_WITH_ADDITIONS = [
    "# --- AUTOGRAD DIFFERENCES IN THIS SCRIPT ---",
    "# This Value class follows the canonical interface (see docs/autograd-interface.md)",
    "# with the following additions/modifications:",
    None,  # one line or more of the form "# - name(): why", one for each operation that is added
    "# Base operations (add, mul, tanh, exp, relu, pow, backward) are identical",
    "# to the canonical spec.",
]


# --- Layout --------------------------------------------------------------------------------------


def test_the_scripts_and_nothing_else_stand_at_the_top():
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - {"__pycache__"} == {*SCRIPTS, "docs", "tests", "README.md"}


SECTIONS = ["Data", "Autograd", "Model", "Training", "The", "Experiments", "Run", "The"]


def test_sections_stand_in_the_order_of_the_design(script):
    text = source(script)
    banners = re.findall(r"^# =+ (\d)\. (\w+)", text, re.MULTILINE)
    if script == "microgpt.py":  # its sections 2 to 4 are its lesson
        wanted = SECTIONS[:4] + SECTIONS[5:]
    else:
        wanted = SECTIONS
    assert [int(number) for number, _ in banners] == list(range(1, len(wanted) + 1))
    assert [name for _, name in banners] == wanted
    docstring = ast.get_docstring(ast.parse(text))
    assert f"python {script} " in docstring and "rXiv:" in docstring
    tries = text.partition("# ----- Try this")[2]
    assert tries.count("\n# - ") >= 3


def test_randomness_has_one_source_and_training_reports(script):
    """random.Random only, and the progress is shown."""
    tree = ast.parse(source(script))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    drawn = {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and getattr(call.value, "id", "") == "random"
    }
    assert drawn == {"Random"}
    called = {getattr(call, "id", "") for call in calls}
    assert "show_progress" in called


def test_functions_fit_a_screen(script):
    """At most 50 lines a function, 25 in main, and no comprehension with three loops but one."""
    tree = ast.parse(source(script))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= (25 if node.name == "main" else 50), node.name
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)):
            in_parameters = ast.unparse(node).startswith("[p for matrix in model.values()")
            assert len(node.generators) <= (3 if in_parameters else 2), f"line {node.lineno}"


def test_the_script_has_tests_of_its_own(script):
    assert (ROOT / "tests" / f"test_{script}").is_file()


# --- The canon -----------------------------------------------------------------------------------


def test_the_canon_is_whole():
    found = [piece.name for piece in canon.pieces(source("microgpt.py"))]
    assert [name for name in found if name in CANON] == CANON


def test_all_copies_are_the_same_to_the_byte():
    found = canon.differences()
    assert not found, f"run python tests/canon.py --write\n{found}"


def test_pieces_stand_in_the_order_of_the_canon(script):
    found = [piece.name for piece in canon.pieces(source(script))]
    places = [CANON.index(name) for name in found if name in CANON]
    assert places == sorted(places) and "Value" in found


COPY = '''import math


# ===== 2. Autograd =====
# a comment of its own


class Value:
    """Another docstring."""

    def sigmoid(self):
        return 1.0

    def _backward(self):
        """Another one."""


# --- AUTOGRAD DIFFERENCES IN THIS SCRIPT ---
# - sigmoid(): as it is needed

# Another comment.


def dot(a, b):
    return 0.0  # another line


def its_own():
    return 1
'''


def test_the_canon_is_copied_with_its_comments_and_keeps_what_is_the_scripts_own(monkeypatch):
    texts = {"micrornn.py": COPY, "microgpt.py": source("microgpt.py")}
    monkeypatch.setattr(canon, "source", texts.get)
    monkeypatch.setattr(canon, "DIFFERENCES", {})
    text = canon.canonical("micrornn.py")
    theirs = {piece.name: piece.text for piece in canon.pieces(texts["microgpt.py"])}
    method = "    def sigmoid(self):\n        return 1.0\n\n"
    added = theirs["Value"].replace("    def _backward", f"{method}    def _backward")
    assert method in added
    callout = COPY[COPY.index("# ---") : COPY.index("# Another comment.")]
    own = COPY[COPY.index("def its_own") :]
    assert text == f"import math\n\n\n{added}\n\n{callout}{theirs['dot']}\n\n{own}"
    monkeypatch.setattr(canon, "DIFFERENCES", {("micrornn.py", "dot"): "another dot"})
    assert "return 0.0  # another line" in canon.canonical("micrornn.py")
    texts["micrornn.py"] = text
    assert canon.canonical("micrornn.py").count(method) == 1  # it is not added twice


def test_listed_differences_exist():
    theirs = {piece.name: piece.text for piece in canon.pieces(source("microgpt.py"))}
    for script, name in DIFFERENCES:
        assert DIFFERENCES[script, name].strip(), "each difference needs its reason"
        own = {piece.name: piece.text for piece in canon.pieces(source(script))}
        assert own[name] != theirs[name], f"{name} in {script} is no different: off the list"
    for script in EXTENSIONS:
        methods = {
            getattr(part, "name", None) for part in definitions(source(script))["Value"].body
        }
        assert set(EXTENSIONS[script]) <= methods


def test_docs_show_the_canon():
    """That what they show is the same is tested above; here, that they show it."""
    shown = set()
    for block in code_blocks(DOC.read_text(encoding="utf-8")):
        shown.update(definitions(block))
    assert set(TESTED) <= shown


def test_docs_show_the_clamp_of_microvae():
    shown = {}
    for block in code_blocks(DOC.read_text(encoding="utf-8")):
        shown.update(definitions(block))
    found = definitions(source("microvae.py"))
    for name in ("clamp", "kl_divergence"):
        assert ast.unparse(found[name]) == ast.unparse(shown[name])


def test_docs_show_both_callouts_and_the_vectors():
    text = DOC.read_text(encoding="utf-8")
    assert "\n".join(CALLOUT) in text
    for line in CALLOUT_WITH_ADDITIONS:
        assert line is None or f"{line}\n" in text
    for line in (
        "assert a.grad == 3.0",
        "assert b.grad == 3.0",
        "assert abs(x.grad - 0.7865) < 0.001",
        "assert a.grad == 2.0",
        "assert all(0 < p.data < 1 for p in probs)",
        "assert abs(sum(p.data for p in probs) - 1.0) < 1e-6",
    ):
        assert line in text


# --- The callout ---------------------------------------------------------------------------------


def test_callout_stands_directly_after_the_class(script):
    text = source(script)
    end = definitions(text)["Value"].end_lineno
    lines = [line for line in text.splitlines()[end : end + 20]]
    while not lines[0].strip():
        lines.pop(0)
    base = {
        getattr(part, "name", None) for part in definitions(source("microgpt.py"))["Value"].body
    }
    added = {
        part.name for part in definitions(text)["Value"].body if isinstance(part, ast.FunctionDef)
    } - base
    assert added == set(EXTENSIONS.get(script, {}))
    if not added:
        assert lines[:3] == CALLOUT
        assert not lines[3].startswith("#")
        return
    assert lines[:3] == CALLOUT_WITH_ADDITIONS[:3]
    middle = lines[3 : lines.index(CALLOUT_WITH_ADDITIONS[4])]
    assert lines[3 + len(middle) + 1] == CALLOUT_WITH_ADDITIONS[5]
    assert all(line.startswith(("# - ", "#   ")) for line in middle)
    named = [match[1] for line in middle if (match := re.match(r"# - (\w+)\(\): \w", line))]
    assert sorted(named) == sorted(added)


# --- Imports -------------------------------------------------------------------------------------

# The modules that the scripts use: sys.stdlib_module_names exists from Python 3.10 on.
KNOWN = {
    "argparse",
    "array",
    "bisect",
    "collections",
    "functools",
    "gc",
    "heapq",
    "itertools",
    "math",
    "operator",
    "os",
    "pathlib",
    "random",
    "re",
    "select",
    "string",
    "struct",
    "sys",
    "time",
    "typing",
    "unicodedata",
}


def test_imports_the_standard_library_only(script):
    standard = getattr(sys, "stdlib_module_names", KNOWN)
    for node in ast.walk(ast.parse(source(script))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules = [node.module]
        else:
            continue
        assert {module.split(".")[0] for module in modules} <= set(standard)


def test_import_defines_things_and_does_nothing_else(script):
    check = (
        "import gc, random, sys\n"
        "def state(): return random.getstate(), gc.isenabled(), sys.stdout\n"
        "before = state()\n"
        f"import {script[:-3]} as module\n"
        "assert before == state()\n"
        "assert not any(isinstance(v, module.Value) for v in vars(module).values())\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-B", "-c", check],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # A training at import would show as a call in a statement that is no definition.
    for node in ast.parse(source(script)).body:
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), f"line {node.lineno} runs at import"


def test_a_difference_is_judged_by_two_standard_errors(script):
    """Wherever an error is compared with something, it is taken twice."""
    comparisons = [n for n in ast.walk(ast.parse(source(script))) if isinstance(n, ast.Compare)]
    products = [n for c in comparisons for n in ast.walk(c) if isinstance(n, ast.BinOp)]
    products = [n for n in products if getattr(n.right, "attr", "") == "error"]
    assert products
    for node in products:
        factor = node.left.operand if isinstance(node.left, ast.UnaryOp) else node.left
        if isinstance(node.op, ast.Mult):
            assert factor.value == 2, f"line {node.lineno}"
        else:  # mean - 2 * error is its own product
            raise AssertionError(f"line {node.lineno}")


def test_the_korean_page_is_the_english_one():
    """The same chapters, code blocks and tables; the words are another matter."""
    pages = [DOC.read_text(encoding="utf-8"), DOC.with_suffix(".ko.md").read_text(encoding="utf-8")]
    fences = [re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE) for text in pages]
    assert fences[0] and fences[0] == fences[1]
    prose = [re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE) for text in pages]
    english, korean = [re.findall(r"^#+ |^\|", text, re.MULTILINE) for text in prose]
    assert english == korean
    assert not re.findall("[가-힣]", pages[0]) and len(re.findall("[가-힣]", pages[1])) > 2000
