"""Measure the scripts: wall time, peak memory and node rate, and what fused nodes save.

python tests/bench.py [SCRIPT ...]   (without names: all). Nothing is asserted.
python tests/bench.py --write [SCRIPT ...]   runs them at 25 seeds and writes docs/results.md.
python tests/bench.py --lines        counts the lines in that page anew, and runs nothing.
Run it on a quiet machine. --write of all takes an hour on two cores, and wants pypy3. What has run
is kept under tests/.runs/ until the script's code changes: stopped, it goes on where it was.
Peak memory needs a POSIX system.
"""

import ast
import concurrent.futures
import contextlib
import functools
import gc
import hashlib
import itertools
import json
import operator
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import results  # noqa: E402
from scripts import ROOT, SCRIPTS, load, source  # noqa: E402

KEPT = ROOT / "tests" / ".runs"


def run_once(script, seed=42, interpreter=sys.executable):
    """Run a script with its defaults; return (seconds, peak memory in MB, its output)."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [interpreter, "-B", str(ROOT / script), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    output = process.stdout.read()
    if not hasattr(os, "wait4"):
        process.wait()
        return time.perf_counter() - begin, float("nan"), output
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{script} ended with status {process.returncode}")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # ru_maxrss: bytes on macOS, kB on Linux
    return time.perf_counter() - begin, usage.ru_maxrss / unit, output


def count_values(script):
    """Run the script once more, in a process that counts the Values it makes."""
    process = [sys.executable, "-B", __file__, "--count", script]
    out = subprocess.run(process, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return int(out.stdout.split()[-1])


def count_here(script):
    """The work of --count: load the script, count each call of Value(), run it."""
    module, counter = load(script), itertools.count()
    original = module.Value.__init__

    def counting(self, data, children=(), local_grads=()):
        next(counter)
        original(self, data, children, local_grads)

    module.Value.__init__ = counting
    sys.argv = [script]
    module.run(data={"default": None})
    print(next(counter))


@contextlib.contextmanager
def unfused(module):
    """While this lasts, a script's dot, vsum and linear are made of + and *, a node for each."""
    fused = {name: getattr(module, name) for name in ("dot", "vsum", "linear")}

    def dot(a, b):
        return vsum(list(map(operator.mul, a, b)))

    def vsum(values):
        return functools.reduce(operator.add, values)

    def linear(x, matrix):
        return [dot(row, x) for row in matrix]

    module.dot, module.vsum, module.linear = dot, vsum, linear
    try:
        yield
    finally:
        for name, function in fused.items():
            setattr(module, name, function)


def train_some_steps(g, collector, steps):
    """(ms per step, losses) of the first training steps of microgpt, always from the same start."""
    data = g.split_data(g.NAMES.split(), random.Random(42))
    model = g.init_model(len(data.vocabulary), random.Random(1))
    params = g.parameters(model)
    m, v, losses = [0.0] * len(params), [0.0] * len(params), []
    gc.collect()
    gc.enable() if collector == "on" else gc.disable()
    begin = time.perf_counter()
    for step in range(1, steps + 1):
        loss = g.word_loss(model, data.train_set[step])
        for p in params:
            p.grad = 0.0
        loss.backward()
        g.adam_step(params, m, v, step, g.LEARNING_RATE, g.ADAM_BETA1, g.ADAM_BETA2)
        losses.append(loss.data)
        del loss
    passed = time.perf_counter() - begin
    gc.enable()
    return passed / steps * 1000, losses


def fused_against_unfused(steps=20, rounds=5):
    """Time the same training steps of microgpt, fused and not, with and without the collector.

    Fused and unfused take turns, and the median of the rounds is printed: one round alone may be
    off by a third, as the collector's full passes come when they come.
    """
    g = load("microgpt.py")
    print(f"microgpt, {steps} training steps of one name (forward, backward, Adam), ms per step,")
    print(f"median of {rounds} rounds")
    print("  cyclic collector   fused   + and *    times   largest difference of a loss")
    for collector in ("off", "on"):
        times, gaps = {"fused": [], "not": []}, []
        for _ in range(rounds):
            ms, losses = train_some_steps(g, collector, steps)
            times["fused"].append(ms)
            with unfused(g):
                ms, other_losses = train_some_steps(g, collector, steps)
            times["not"].append(ms)
            gaps += [abs(a - b) for a, b in zip(losses, other_losses)]
        fused, other = [statistics.median(values) for values in times.values()]
        print(f"  {collector:16} {fused:7.1f} {other:9.1f} {other / fused:8.1f}   {max(gaps):.1e}")


def code_of(script):
    """A short name for what a script computes: the same whatever its comments and docstrings."""
    kinds, tree = (ast.Module, ast.FunctionDef, ast.ClassDef), ast.parse(source(script))
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node):
            node.body[0] = ast.Pass()
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def path_of_run(script, seed, interpreter):
    """Where the result of a run of this code is kept."""
    name = f"{script} {seed} {Path(interpreter).name} {code_of(script)}"
    return KEPT / f"{name}.json"


def run_or_recall(script, seed, interpreter):
    """What run_once() returns, from an earlier run of the same code if there was one."""
    path = path_of_run(script, seed, interpreter)
    if not path.exists():
        result = json.dumps(run_once(script, seed, interpreter))
        KEPT.mkdir(exist_ok=True)
        path.with_suffix(".part").write_text(result, encoding="utf-8")
        path.with_suffix(".part").replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


def run_all(jobs, at_once):
    """The results of jobs (script, seed, interpreter), in their order; shows how far it is."""
    new = [job for job in jobs if not path_of_run(*job).exists()]
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for n_done, (job, _) in enumerate(zip(new, pool.map(run_or_recall, *zip(*new))), 1):
            left = (time.perf_counter() - begin) / n_done * (len(new) - n_done) / 60
            print(f"{n_done:3}/{len(new)} {job[0]:14} seed {job[1]:<4} {left:.0f} min left")
            sys.stdout.flush()
    return [run_or_recall(*job) for job in jobs]


def write(scripts):
    """Run the scripts at all seeds and write docs/results.md.

    At the first seed a script runs on this interpreter and on PyPy, alone, as its time is taken. At
    the others PyPy runs it, two at a time.
    """
    if not shutil.which("pypy3"):
        raise SystemExit("there is no pypy3 here: the page holds its times too")
    show = "import platform as p; print(p.python_implementation(), p.python_version())"
    names = [
        subprocess.run([path, "-c", show], stdout=subprocess.PIPE, text=True, check=True).stdout
        for path in (sys.executable, "pypy3")
    ]
    first, *others = results.SEEDS + results.UNSEEN
    timed = [(name, first, path) for name in scripts for path in (sys.executable, "pypy3")]
    found = run_all(timed, at_once=1)
    runs, outputs = {}, {}
    for script, here, there in zip(scripts, found[::2], found[1::2]):
        if here[2] != there[2]:
            raise SystemExit(f"{script} prints other bytes on PyPy")
        runs[script], outputs[script] = (*here[:2], *there[:2]), [here[2]]
    jobs = [(script, seed, "pypy3") for script in scripts for seed in others]
    for (script, *_), (*_, output) in zip(jobs, run_all(jobs, at_once=2)):
        outputs[script].append(output)
    results.write(outputs, runs, *[name.strip() for name in names])


def main():
    if sys.argv[1:2] == ["--count"]:
        return count_here(sys.argv[2])
    if sys.argv[1:2] == ["--write"]:
        return write(sys.argv[2:] or SCRIPTS)
    if sys.argv[1:] == ["--lines"]:
        return results.write_lines()
    scripts = sys.argv[1:] or SCRIPTS
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{interpreter}, {platform.system()}, one core\n")
    print("script          seconds   peak MB   Values made   per second")
    for script in scripts:
        seconds, peak, _ = run_once(script)
        values = count_values(script)
        print(f"{script:15} {seconds:7.1f} {peak:9.1f} {values:13,} {values / seconds:12,.0f}")
    if "microgpt.py" in scripts:
        print()
        fused_against_unfused()


if __name__ == "__main__":
    main()
