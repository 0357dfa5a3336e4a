"""With --full: every script with its defaults, inside its budget, all of its claims true."""

import subprocess
import sys
import time

import pytest
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
    lines = done.stdout.splitlines()
    claims = lines[lines.index("claims") + 1 :]
    assert claims
    assert [line for line in claims if not line.startswith("[ok] ")] == []
