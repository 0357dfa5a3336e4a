"""The command line of every script, as a process of its own, alone in an empty folder."""

import functools
import math
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path

import pytest
import running
from running import finish, start
from scripts import SCRIPTS, load

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]
full_run = False  # conftest.py sets it


def pyenv_folders():
    """Where pyenv, if it is here, has its interpreters: python3.9 and so on may be on no path."""
    pyenv = shutil.which("pyenv")
    if not pyenv:
        return []
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
    return sorted(Path(root, "versions").glob("*/bin"))


def starts(path):
    """Whether there is an interpreter that can be started: a shim of pyenv may refuse."""
    return bool(path) and not subprocess.run([path, "--version"], capture_output=True).returncode


@functools.lru_cache(maxsize=None)
def interpreters():
    """{name: path} of the interpreters that can be started here, without the one that runs this."""
    own = "{}.{}".format(*sys.version_info) if sys.implementation.name == "cpython" else ""
    found = {}
    for name in VERSIONS if full_run else []:  # the quick run has PyPy beside its own
        paths = [shutil.which(f"python{name}")]
        paths += [shutil.which(f"python{name}", path=folder) for folder in pyenv_folders()]
        paths = [path for path in paths if name != own and starts(path)]
        if paths:
            found[name] = paths[0]
    if starts(shutil.which("pypy3")):
        found["pypy"] = shutil.which("pypy3")
    return found


@functools.lru_cache(maxsize=None)
def started(script):
    """Two short runs, with different hash seeds, the second one in hostile surroundings.

    conftest.py starts them for all scripts before the first test, so that they run beside it.
    """
    options = {"patient": True, "fewer": True}
    return {
        "first": start(script, "--steps", "2", hash_seed="1", **options),
        "second": start(script, "--steps", "2", hash_seed="2", hostile=True, **options),
    }


@functools.lru_cache(maxsize=None)
def started_elsewhere(script):
    """A short run on each other interpreter."""
    return {
        name: start(script, "--steps", "2", interpreter=path, fewer=True)
        for name, path in interpreters().items()
    }


@functools.lru_cache(maxsize=None)
def short_runs(script):
    """The two short runs, and one on each other interpreter: a dict of what finish() returned."""
    running = {**started(script), **started_elsewhere(script)}
    if started.cache_info().currsize == len(SCRIPTS):  # all of them are tested
        following = SCRIPTS[(SCRIPTS.index(script) + 1) % len(SCRIPTS)]
        started_elsewhere(following)  # beside this one
    return {name: finish(*pair) for name, pair in running.items()}


def test_short_run_prints_the_result_and_the_claims(script):
    status, out, err, left = short_runs(script)["first"]
    assert status == 0
    assert out.isascii() and b"\r" not in out.replace(b"\r\n", b"\n")
    lines = out.decode().splitlines()
    assert max(map(len, lines)) <= 80
    claims = lines[lines.index("claims") + 1 :]
    assert claims.pop(0).startswith("(They are meant for ")
    assert claims and all(re.match(r"\[(ok|no)\] \S", line) for line in claims)
    # Times belong to stderr, the total last.
    assert not re.search(r"\d s\b", out.decode())
    assert re.fullmatch(r"\d+\.\d s in all", err.decode().splitlines()[-1])
    assert left == [script]


def test_short_run_prints_what_is_recorded(script):
    _, out, err, _ = short_runs(script)["first"]
    record = running.without_noise(running.record_of(out, err))
    assert record == running.without_noise(running.recorded(script)), (
        f"if this is what it should print: python tests/running.py {script}"
    )


def test_two_runs_give_the_same_bytes_whatever_the_surroundings(script):
    assert short_runs(script)["first"][1] == short_runs(script)["second"][1]


def test_no_file_is_written_and_no_socket_is_opened(script):
    status, _, err, left = short_runs(script)["second"]
    assert status == 0, {
        97: "changed a folder",
        98: "opened a file for writing",
        99: "opened a socket",
    }.get(status, err.decode())
    assert left == [script]


def show_100_steps(script):
    module = load(script)
    begin = time.perf_counter() - 1.0
    for step in range(1, 101):
        module.show_progress("phase", step, 100, begin)


def test_progress_elsewhere_than_on_a_terminal_is_a_line_each_tenth(script, capsys):
    show_100_steps(script)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [f"{10 * i}/100" for i in range(1, 11)]
    assert max(map(len, lines)) < 60


def test_progress_on_a_terminal_is_one_line(script, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    show_100_steps(script)
    text = capsys.readouterr().err
    assert text.count("\r") == 99 and text.count("\n") == 1 and text.endswith("\n")


def test_progress_says_how_long_it_takes(script, capsys):
    load(script).show_progress("phase", 5, 10, time.perf_counter() - 10.0)
    assert capsys.readouterr().err.rstrip() == "phase  5/10  10 s, 10 s left"


@pytest.mark.parametrize("steps, parts, wanted", [(10, 4, [3, 5, 8, 10]), (3, 4, [1, 2, 3])])
def test_completes_part(script, steps, parts, wanted):
    completes_part = load(script).completes_part
    assert [n for n in range(1, steps + 1) if completes_part(n, steps, parts)] == wanted


def test_help(script):
    status, out, err, _ = finish(*start(script, "--help"))
    assert (status, err) == (0, b"")
    assert out.isascii() and max(map(len, out.decode().splitlines())) <= 80
    for option in ["--steps", "--seed"] + ["--data"] * (script == "microgpt.py"):
        assert option in out.decode()


BAD = [
    ["--steps", "0"],
    ["--steps", "-3"],
    ["--steps", "x"],
    ["--steps", "1e9999"],
    ["--steps", "9" * 400],
    ["--steps", "9" * 5000],
    ["--steps"],
    ["--seed", "x"],
    ["--nonsense"],
    ["more"],
    ["--steps", "a\nb"],
]


def refusal(script, *options):
    """The line that refuses these options, after argparse's usage line; the status is 2."""
    status, out, err, _ = finish(*start(script, *options), timeout=20)
    assert (status, out) == (2, b""), err
    lines = err.decode().splitlines()
    assert lines.pop(0).startswith(f"usage: {script} [-h] [--steps N] [--seed N]")
    assert len(lines) == 1 and lines[0].startswith(f"{script}: ")
    return lines[0]


# run() is the same in all scripts (test_canon says so), so microgpt.py stands for the others.
@pytest.mark.parametrize("options", BAD, ids=lambda options: " ".join(options)[:20])
def test_bad_option_is_one_line_and_status_2(options):
    assert_names_its_mistake("microgpt.py", options)


def test_bad_options_are_refused_by_every_script(script):
    assert_names_its_mistake(script, ["--steps", "0"])


def test_options_cannot_be_shortened(script):
    assert refusal(script, "--step", "3").endswith("unrecognized arguments: --step 3")


def assert_names_its_mistake(script, options):
    line = refusal(script, *options)
    assert options[0] in line  # it names the option,
    if len(options) > 1:
        assert options[1].split()[0][:50] in line  # the value,
        # and how to mend it
        assert "whole number" in line or "from 1 to 1,000,000,000" in line or "1e9" in line


SHORT_LINES = "\n".join(f"word{i}" for i in range(30))
BAD_DATA = {  # kind: (bytes of the file, or None if there is none; what the refusal says)
    "missing": (None, "cannot read"),
    "empty": (b"", "has 0 different lines, 0 of them short enough"),
    "binary": (b"".join(b"\0\1word%d\n" % i for i in range(30)), "has control characters"),
    "tabs": (SHORT_LINES.replace("d", "\t").encode(), "has control characters"),
    "not UTF-8": ("\n".join(f"caf\xe9{i}" for i in range(30)).encode("latin-1"), "cannot read"),
    "too few": (b"anna\nbob\n" * 20, "has 2 different lines, 2 of them short enough"),
    "one word, 200 times": (b"banana\n" * 200, "has 1 different lines"),
    "11 words": (
        SHORT_LINES[: 11 * 6].encode(),
        "has 11 different lines, 11 of them short enough; needed: ",
    ),
    "too long": (
        b"".join(b"abcdefghijklmnop%d\n" % i for i in range(30)),
        "has 30 different lines, 0 of them short enough",
    ),
    "half and one": (
        SHORT_LINES.encode() + b"".join(b"\n%d lines of more letters" % i for i in range(31)),
        "has 61 different lines, 30 of them short enough",
    ),
    "prose": (
        SHORT_LINES.encode() + b"".join(b"\n%d lines of more letters" % i for i in range(40)),
        "has 70 different lines, 30 of them short enough",
    ),
}


@pytest.mark.parametrize("kind", [*BAD_DATA, "folder", "unreadable", "no name"])
def test_bad_data_is_one_line_and_status_2(kind, tmp_path):
    path = tmp_path / "words.txt"
    content, wanted = BAD_DATA.get(kind, (SHORT_LINES.encode(), "cannot read"))
    if content is not None:
        path.write_bytes(content)
    if kind == "folder":
        path = tmp_path
    elif kind == "unreadable":
        if Path("/proc/self/mem").exists():
            path = Path("/proc/self/mem")  # even root cannot read its first byte
        else:
            path.chmod(0)
            if os.access(path, os.R_OK):
                pytest.skip("this user may read everything")
    name = "" if kind == "no name" else str(path)
    line = refusal("microgpt.py", "--data", name)
    assert "--data" in line and name in line and wanted in line


def width(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def run_with_data(tmp_path, words, *options):
    """The lines that microgpt.py prints after 3 steps on these words; none is over 80 columns."""
    path = tmp_path / "with a space.txt"
    path.write_text("\n".join(words), encoding="utf-8")
    options = ("--steps", "3", "--data", str(path), *options)
    process, folder = start("microgpt.py", *options, fewer=True)
    status, out, err, _ = finish(process, folder)
    assert status == 0, err
    lines = out.decode("utf-8").splitlines()
    assert max(map(width, lines)) <= 80
    return lines


LETTERS = [
    "ab",
    "\u03b1\u03b2\u03b3",
    "\u738b\u674e\u5f20",
    "\U0001f600\U0001f601",
    "^.$*<>",
    "\u0639\u200c\u0dca\u200d",
]


def test_data_replaces_the_names_whatever_letters_it_has(tmp_path):
    """Words of several scripts, wide letters and joiners among them; one is too long."""
    rng = random.Random(4)
    words = ["New York", "Rio de Janeiro", "w" * 16]
    for letters in LETTERS:
        words += ["".join(rng.choices(letters, k=n)) for n in (5, 8, 9, 15)]
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff".encode() + "\r\n".join([*words, "", "w" * 16, "  "]).encode())
    assert load("microgpt.py").read_words(path) == words
    lines = run_with_data(tmp_path, words)
    n_tokens = len(set("".join([word for word in words if len(word) < 16]))) + 1
    assert lines[1:4] == [
        "22 names to learn from, 4 to test it by.",
        f"{n_tokens} tokens, {(2 * n_tokens + 16) * 16 + 12 * 256:,} parameters.",
        "1 names are too long to be used.",
    ]
    uniform = f"{math.log(n_tokens):.3f}"
    assert any(re.match(rf" +all tokens alike +{uniform} ", line) for line in lines)
    text = "\n".join(lines)
    for letters in LETTERS[:4]:  # printed as they are
        assert any(letter in text for letter in letters)


def test_data_of_one_letter(tmp_path):
    run_with_data(tmp_path, ["a" * n for n in range(1, 16)])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_with_130(script):
    process, folder = start(script, "--steps", "100000")
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    assert process.stdout.readline()  # the first line must come at once, not with the last
    watchdog.cancel()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    status, _, err, _ = finish(process, folder, timeout=20)
    assert status == 130
    assert b"Traceback" not in err
    assert err.decode().splitlines()[-1] == f"{script}: stopped"


def test_closed_pipe_is_quiet(script):
    process, folder = start(script, "--steps", "2")
    assert_ends_quietly(process, folder)


def assert_ends_quietly(process, folder):
    assert process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    status, _, err, _ = finish(process, folder, timeout=60)
    assert status in (0, 1)
    for word in (b"Traceback", b"Exception", b"Broken", b"Error"):
        assert word not in err


@pytest.mark.skipif(not hasattr(select, "poll"), reason="a closed pipe cannot be seen")
def test_training_stops_when_the_reader_has_gone(script):
    process, folder = start(script, "--steps", "1000000")
    assert_ends_quietly(process, folder)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_full_disk_is_one_line(script):
    with open("/dev/full", "wb") as full:
        process, folder = start(script, "--steps", "2", stdout=full)
        status, _, err, _ = finish(process, folder)
    assert status == 1
    lines = err.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{script}: ") and "space" in lines[0]


@pytest.mark.parametrize(
    "name",
    [*[pytest.param(name, marks=pytest.mark.full) for name in VERSIONS], "pypy"],
)
def test_same_bytes_on_other_interpreters(script, name):
    if name not in interpreters():
        pytest.skip(f"there is no {name} here beside the interpreter that runs the tests")
    status, out, err, _ = short_runs(script)[name]
    assert status == 0, err
    assert out == short_runs(script)["first"][1]
