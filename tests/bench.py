"""Measure the scripts: wall time, peak memory and node rate, and what fused nodes save.

python tests/bench.py [SCRIPT ...]   (without names: all that are there). Nothing is asserted.
Run it on a quiet machine. Peak memory needs a POSIX system.
"""

import gc
import itertools
import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from scripts import MISSING, ROOT, SCRIPTS, load  # noqa: E402


def run_once(script):
    """Run a script with its defaults; return (seconds, peak memory in MB)."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-B", str(ROOT / script)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if not hasattr(os, "wait4"):
        process.wait()
        return time.perf_counter() - begin, float("nan")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{script} ended with status {process.returncode}")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # ru_maxrss: bytes on macOS, kB on Linux
    return time.perf_counter() - begin, usage.ru_maxrss / unit


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
    more = {"data": module.read_words} if script == "microgpt.py" else {}
    module.run(module.main, module.__doc__, **more)
    print(next(counter))


def fused_against_unfused(steps=20):
    """Time the same training steps of microgpt, fused and not, with and without the collector."""
    g = load("microgpt.py")
    words = list(g.NAMES)
    random.Random(42).shuffle(words)
    vocab = "\n" + "".join(sorted(set("".join(words))))
    docs = [g.encode(word, vocab) for word in words[:steps]]
    print(f"microgpt, the same {steps} training steps (forward, backward, Adam), ms per step")
    print("  cyclic collector   fused   + and *    times   largest difference of a loss")
    for collector in ("off", "on"):
        times, losses = [], []
        for build in (g.word_loss, g.unfused_loss):
            model = g.init_model(len(vocab), random.Random(1))
            params = [p for w in model.values() for row in w for p in row]
            m, v = [0.0] * len(params), [0.0] * len(params)
            gc.collect()
            gc.enable() if collector == "on" else gc.disable()
            losses.append([])
            begin = time.perf_counter()
            for step, tokens in enumerate(docs, 1):
                for p in params:
                    p.grad = 0.0
                loss = build(model, tokens)
                loss.backward()
                g.adam_step(params, m, v, step, g.LEARNING_RATE, g.BETA1, g.BETA2)
                losses[-1].append(loss.data)
            times.append((time.perf_counter() - begin) / steps * 1000)
            gc.enable()
        gap = max(abs(a - b) for a, b in zip(*losses))
        ratio = times[1] / times[0]
        print(f"  {collector:16} {times[0]:7.1f} {times[1]:9.1f} {ratio:8.1f}   {gap:.1e}")


def main():
    if sys.argv[1:2] == ["--count"]:
        return count_here(sys.argv[2])
    scripts = sys.argv[1:] or [name for name in SCRIPTS if name not in MISSING]
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{interpreter}, {platform.system()}, one core\n")
    print("script          seconds   peak MB   Values made   per second")
    for script in scripts:
        seconds, peak = run_once(script)
        values = count_values(script)
        print(f"{script:15} {seconds:7.1f} {peak:9.1f} {values:13,} {values / seconds:12,.0f}")
    if "microgpt.py" in scripts:
        print()
        fused_against_unfused()


if __name__ == "__main__":
    main()
