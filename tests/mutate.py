"""Break the scripts in single places and see whether their tests notice.

python tests/mutate.py [SCRIPT ...] [--each N]     N changes in each script, 12 if not given

A change is one of: an operator for its opposite, a comparison for its neighbour (< for <=; in a
claim, < for >, as measured figures are never equal to a limit), a number plus one,
a negated condition, a statement left out. It does not fall on main(), whose claims are what --full
is for, nor on canon outside microgpt.py, which is compared with the text there. Each mutant is a
copy of the project in a temporary folder; a short run and the tests of its script run there, and
the survivors are printed.
"""

import argparse
import ast
import concurrent.futures
import copy
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import running  # noqa: E402
from scripts import CANON, ROOT, SCRIPTS, source  # noqa: E402

OPPOSITE = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
# In a claim the figures are measured. They are never just at the limit, where < and <= differ.
REVERSE = {**OPPOSITE, ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
STATEMENTS = (ast.AugAssign, ast.Expr, ast.If, ast.Break, ast.Continue)


def turn_round(node, other):
    """Give a comparison another operator."""
    node.ops[0] = other[type(node.ops[0])]()


def mark_claims(tree):
    """Note of each comparison in a call of check() that it is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
            for part in ast.walk(node):
                part.in_claim = True
    return tree


def changes(node):
    """What can be done to a node: functions that change it in place."""
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in OPPOSITE:
        yield lambda node: setattr(node, "op", OPPOSITE[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITE:
        measured = getattr(node, "in_claim", False)
        yield lambda node: turn_round(node, REVERSE if measured else OPPOSITE)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda node: setattr(node, "value", node.value + 1)
    if isinstance(node, (ast.If, ast.IfExp)):
        yield lambda node: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    for name in ("body", "orelse"):
        for i, part in enumerate(getattr(node, name, []) if isinstance(node, ast.stmt) else []):
            text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            if isinstance(part, STATEMENTS) and not text:
                yield lambda node, name=name, i=i: getattr(node, name).__setitem__(i, ast.Pass())


def mutants(script, number, rng):
    """Sources that differ from the script's in one place: (the change as a text, source)."""
    lines, found = source(script).splitlines(keepends=True), []
    kept = {"main"} if script == "microgpt.py" else {"main", *CANON}
    for top in mark_claims(ast.parse(source(script))).body:
        if isinstance(top, (ast.FunctionDef, ast.ClassDef)) and top.name not in kept:
            for i, node in enumerate(ast.walk(top)):
                found += [(top, i, k) for k, _ in enumerate(changes(node))]
    for top, i, k in rng.sample(found, min(number, len(found))):
        new = copy.deepcopy(top)
        node = list(ast.walk(new))[i]
        list(changes(node))[k](node)
        before, after = [
            ast.unparse(tree).splitlines() for tree in (top, ast.fix_missing_locations(new))
        ]
        for old, line in zip(before, after):
            if old != line:
                break
        begin = min(part.lineno for part in (top, *top.decorator_list)) - 1
        text = [*lines[:begin], "\n".join(after) + "\n", *lines[top.end_lineno :]]
        yield f"{top.name}: {old.strip()}  ->  {line.strip()}", "".join(text)


def survives(script, text):
    """Whether a script with this source prints in a short run what is recorded, and passes its
    tests and those of what all share."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "project"
        shutil.copytree(
            ROOT, copied, ignore=shutil.ignore_patterns(".git", ".venv", ".runs", "__pycache__")
        )
        (copied / script).write_text(text, encoding="utf-8")
        try:
            if running.short_run(script, copied) != running.recorded(script):
                return False
        except (subprocess.TimeoutExpired, UnicodeDecodeError):  # it has been ended
            return False
        except AssertionError:
            pass  # what FEWER would change is what has been changed: the tests must do
        tests = [f"tests/test_{script}", "tests/test_value.py", "tests/test_canon.py"]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        command += ["-k", f"test_{script[:-3]} or {script}"]
        try:
            done = subprocess.run(command, cwd=copied, capture_output=True, timeout=120)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode not in (0, 1):
            raise SystemExit(done.stdout.decode())
        return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", default=SCRIPTS)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for script in args.scripts:
        if not survives(script, source(script)):
            raise SystemExit(f"the tests of {script} fail as it stands")
        some = list(mutants(script, args.each, random.Random(args.seed)))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            alive = list(pool.map(survives, [script] * len(some), [text for _, text in some]))
        print(f"{script:15} {len(some)} mutants, {sum(alive)} live", flush=True)
        for (change, _), lives in zip(some, alive):
            if lives:
                print(f"    {change}", flush=True)


if __name__ == "__main__":
    main()
