"""With --full: every script with its defaults, inside its budget, all of its claims true."""

import subprocess
import sys
import time

import pytest
import results
from scripts import ROOT

BUDGET = 420  # seconds: the seven minutes that the interface allows a script


@pytest.mark.full
def test_defaults_keep_the_budget_and_every_claim(script):
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-B", str(ROOT / script)], capture_output=True, text=True, timeout=BUDGET
    )
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - begin < BUDGET
    assert done.stdout.isascii() and max(map(len, done.stdout.splitlines())) <= 80
    found = results.claims(done.stdout)
    assert found
    assert [claim for claim in found if claim[0] != "ok"] == []
    assert found == results.read_claims(script), "run python tests/bench.py --write"
    shown = results.pictures(script)
    assert shown, f"docs/reading-guide.md has no picture in a section ### {script}"
    assert all(picture in done.stdout for picture in shown), "paste them anew"
