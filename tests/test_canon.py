"""What the scripts share is the same in all of them, and in docs/autograd-interface.md."""

import ast
import difflib
import os
import re
import subprocess
import sys

import pytest
from scripts import (
    CANON,
    COPIED,
    DIFFERENCES,
    DOC,
    EXTENSIONS,
    ROOT,
    SCRIPTS,
    code_blocks,
    definitions,
    source,
    without_docstrings,
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


def test_length_of_the_script(script):
    lines = source(script).splitlines()
    assert len(lines) <= (400 if script == "microgpt.py" else 550)
    assert max(map(len, lines)) <= 100


def test_sections_stand_in_the_order_of_the_design(script):
    banners = re.findall(r"^# =+ (\d)\. (\w+)", source(script), re.MULTILINE)
    assert [int(number) for number, _ in banners] == [1, 2, 3, 4, 5, 6]
    assert [banners[i][1] for i in (0, 1, 2, 3, 5)] == [
        "Data",
        "Autograd",
        "Model",
        "Training",
        "Run",
    ]
    assert banners[4][1] == "The"  # lesson: ...
    tries = source(script).partition("\n# Try this")[2]
    assert tries.count("\n# - ") >= 2
    docstring = ast.get_docstring(ast.parse(source(script)))
    assert f"\nRun it: python {script} (" in docstring and "rXiv:" in docstring


def test_randomness_has_one_source_and_training_reports(script):
    """random.Random(seed) only, one import line, and progress() is called."""
    tree = ast.parse(source(script))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    drawn = {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and getattr(call.value, "id", "") == "random"
    }
    assert drawn == {"Random"}
    assert "progress" in {getattr(call, "id", "") for call in calls}
    assert sum(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body) == 1


def test_the_script_has_tests_of_its_own(script):
    assert (ROOT / "tests" / f"test_{script}").is_file()


# --- The canon -----------------------------------------------------------------------------------


def assert_same(name, wanted, found, where):
    wanted, found = without_docstrings(wanted), without_docstrings(found)
    if wanted != found:
        diff = difflib.unified_diff(
            wanted.splitlines(), found.splitlines(), "microgpt.py", where, lineterm=""
        )
        pytest.fail(f"{name} is not the canon:\n" + "\n".join(diff))


def without_methods(node, names):
    """A class without the methods of these names."""
    node = ast.parse(ast.unparse(node)).body[0]
    node.body = [part for part in node.body if getattr(part, "name", None) not in names]
    return node


def test_the_canon_is_whole():
    assert set(CANON) <= set(definitions(source("microgpt.py")))


def test_code_is_the_canon(script):
    canon, found = definitions(source("microgpt.py")), definitions(source(script))
    for name in CANON:
        if name in found and (script, name) not in DIFFERENCES:
            node = found[name]
            if name == "Value":
                node = without_methods(node, EXTENSIONS.get(script, {}))
            assert_same(name, canon[name], node, script)
    assert "Value" in found


@pytest.mark.parametrize("name", COPIED)
def test_copied_functions_are_the_same_in_all_scripts(name):
    copies = {script: definitions(source(script)).get(name) for script in SCRIPTS}
    if name == "encode":
        del copies["microvae.py"]  # there it is the encoder
    first, *others = [(script, node) for script, node in copies.items() if node]
    assert others
    for script, node in others:
        assert_same(name, first[1], node, f"{script}, not as in {first[0]}")


def test_listed_differences_exist():
    for script, name in DIFFERENCES:
        assert DIFFERENCES[script, name].strip(), "each difference needs its reason"
        same = ast.unparse(definitions(source("microgpt.py"))[name]) == ast.unparse(
            definitions(source(script))[name]
        )
        assert not same, f"{name} in {script} is no different any more: take it off the list"
    for script in EXTENSIONS:
        methods = {
            getattr(part, "name", None) for part in definitions(source(script))["Value"].body
        }
        assert set(EXTENSIONS[script]) <= methods


def test_docs_show_the_canon():
    canon, shown = definitions(source("microgpt.py")), set()
    for block in code_blocks(DOC.read_text(encoding="utf-8")):
        for name, node in definitions(block).items():
            if name in canon:
                assert_same(name, canon[name], node, DOC.name)
                shown.add(name)
    assert {
        "Value",
        "softmax",
        "safe_log",
        "dot",
        "vsum",
        "linear",
        "rmsnorm",
        "adam_step",
    } <= shown


def test_docs_show_the_clamp_of_microvae():
    shown = {}
    for block in code_blocks(DOC.read_text(encoding="utf-8")):
        shown.update(definitions(block))
    found = definitions(source("microvae.py"))
    for name in ("clamp", "kl_divergence"):
        assert_same(name, found[name], shown[name], DOC.name)


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
    canon = {
        getattr(part, "name", None) for part in definitions(source("microgpt.py"))["Value"].body
    }
    added = {
        part.name for part in definitions(text)["Value"].body if isinstance(part, ast.FunctionDef)
    } - canon
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
    "string",
    "struct",
    "sys",
    "time",
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


def test_the_korean_page_is_the_english_one():
    """The same chapters, code blocks and tables; the words are another matter."""
    pages = [DOC.read_text(encoding="utf-8"), DOC.with_suffix(".ko.md").read_text(encoding="utf-8")]
    fences = [re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE) for text in pages]
    assert fences[0] and fences[0] == fences[1]
    prose = [re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE) for text in pages]
    english, korean = [re.findall(r"^#+ |^\|", text, re.MULTILINE) for text in prose]
    assert english == korean
    assert not re.findall("[가-힣]", pages[0]) and len(re.findall("[가-힣]", pages[1])) > 2000
