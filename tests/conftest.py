"""Options and fixtures: `script` runs a test for each script."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True  # importing the scripts must leave no __pycache__ beside them

from scripts import SCRIPTS, extract  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--full",
        action="store_true",
        help="also run every script with its defaults and require all of its claims",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "full: runs only with --full, as it trains with defaults")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if not config.getoption("--full"):
        skip = pytest.mark.skip(reason="needs --full")
        for item in items:
            if "full" in item.keywords:
                item.add_marker(skip)
    # The tests that wait for short runs of the scripts come last, and the runs begin now.
    waiting = [item for item in items if hasattr(item.module, "short_runs")]
    waiting = [item for item in waiting if "short_runs" in item.function.__code__.co_names]
    items[:] = [item for item in items if item not in waiting] + waiting
    for item in waiting:
        item.module.full_run = config.getoption("--full")
    if not config.option.collectonly:
        for item in waiting:
            item.module.started(item.callspec.params["script"])


def pytest_generate_tests(metafunc):
    if "script" in metafunc.fixturenames:
        metafunc.parametrize("script", SCRIPTS)


@pytest.fixture
def lib(script):
    """Value and the canonical helpers of the script, taken out of its source."""
    return SimpleNamespace(**extract(script))
