"""The command line of every script, as a process of its own, alone in an empty folder."""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from scripts import ROOT, load

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]

# Runs a script and ends it with an error as soon as it opens a file for writing or a socket.
WATCH = r"""
import os, runpy, sys
def hook(event, args):
    if event.startswith("socket."):
        os._exit(99)
    if event == "open" and args[0] not in (os.devnull, 1, 2) and isinstance(args[1], str):
        if set(args[1]) & set("wxa+"):
            os._exit(98)
    if event in ("os.mkdir", "os.remove", "os.rename", "shutil.copyfile"):
        os._exit(97)
sys.argv = sys.argv[1:]
sys.addaudithook(hook)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start(script, *options, hash_seed="0", hostile=False, interpreter=sys.executable, **more):
    """Start a copy of the script that stands alone in a folder; return (process, folder).

    In hostile surroundings it is watched, each warning is an error, the language is C but for a
    decimal comma, stdin is closed, and the folder is another one, that cannot be written to.
    """
    folder = Path(tempfile.mkdtemp(prefix="a script "))  # a path with spaces
    shutil.copy(ROOT / script, folder)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONUNBUFFERED", None)  # a pipe should be as it is for a reader
    environment.pop("COLUMNS", None)  # argparse then wraps its help at 80
    command, place = [interpreter, script, *options], folder
    if hostile:
        place = folder / "elsewhere"
        place.mkdir(mode=0o500)
        command = [interpreter, "-X", "dev", "-W", "error", "-c", WATCH, str(folder / script)]
        command += options
        environment.update(LANG="C", LC_CTYPE="C", LC_NUMERIC="de_DE.UTF-8")
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

    def prepare():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # in the background a shell has it ignored
        if hostile:
            os.close(0)

    if os.name != "nt":
        more["preexec_fn"] = prepare
    return subprocess.Popen(command, cwd=place, env=environment, **{**pipes, **more}), folder


def finish(process, folder, timeout=120):
    out, err = process.communicate(timeout=timeout)
    left = sorted(path.name for path in folder.rglob("*") if path.name != "elsewhere")
    shutil.rmtree(folder)
    return process.returncode, out, err, left


@functools.lru_cache(maxsize=None)
def interpreters():
    """{name: path} of the interpreters that can be started here, without the one that runs this."""
    found = {"pypy": shutil.which("pypy3")}
    found.update({name: shutil.which(f"python{name}") for name in VERSIONS})
    if sys.implementation.name == "cpython":
        found.pop("{}.{}".format(*sys.version_info), None)
    return {
        name: path
        for name, path in found.items()
        if path and not subprocess.run([path, "--version"], capture_output=True).returncode
    }


@functools.lru_cache(maxsize=None)
def short_runs(script):
    """All short runs at once: two here, with different hash seeds, the second one in hostile
    surroundings, and one on each other interpreter. Returns a dict of what finish() returned."""
    running = {
        "first": start(script, "--steps", "2", hash_seed="1"),
        "second": start(script, "--steps", "2", hash_seed="2", hostile=True),
    }
    for name, path in interpreters().items():
        running[name] = start(script, "--steps", "2", interpreter=path)
    return {name: finish(*pair) for name, pair in running.items()}


def test_short_run_prints_the_result_and_the_claims(script):
    status, out, err, left = short_runs(script)["first"]
    assert status == 0
    assert out.isascii() and b"\r" not in out.replace(b"\r\n", b"\n")
    lines = out.decode().splitlines()
    assert max(map(len, lines)) <= 80
    claims = lines[lines.index("claims") + 1 :]
    assert claims and all(re.match(r"\[(ok|no)\] \S", line) for line in claims)
    # Times belong to stderr, the total last.
    assert not re.search(r"\d s\b", out.decode())
    assert re.fullmatch(r"\d+\.\d s in all", err.decode().splitlines()[-1])
    assert left == [script]


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


def test_progress_elsewhere_than_on_a_terminal_is_a_line_each_tenth(script, capsys):
    module = load(script)
    for step in range(1, 101):
        module.progress("phase", step, 100, 1.5, time.perf_counter() - 1.0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [f"{10 * i}/100" for i in range(1, 11)]
    assert max(map(len, lines)) < 60


def test_progress_on_a_terminal_is_one_line(script, capsys, monkeypatch):
    module = load(script)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for step in range(1, 101):
        module.progress("phase", step, 100, 1.5, time.perf_counter() - 1.0)
    text = capsys.readouterr().err
    assert text.count("\r") == 99 and text.count("\n") == 1 and text.endswith("\n")


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


def assert_refused(script, *options):
    status, out, err, _ = finish(*start(script, *options), timeout=20)
    assert (status, out) == (2, b""), err
    lines = err.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{script}: ")
    return lines[0]


# run() is the same in all scripts (test_canon says so), so microgpt.py stands for the others.
@pytest.mark.parametrize("options", BAD, ids=lambda options: " ".join(options)[:20])
def test_bad_option_is_one_line_and_status_2(options):
    assert_names_its_mistake("microgpt.py", options)


def test_bad_options_are_refused_by_every_script(script):
    assert_names_its_mistake(script, ["--steps", "0"])


def assert_names_its_mistake(script, options):
    line = assert_refused(script, *options)
    assert options[0] in line  # it names the option,
    if len(options) > 1:
        assert options[1].split()[0][:50] in line  # the value,
    assert "--help" in line  # and where the mend is


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "empty",
        "binary",
        "not UTF-8",
        "folder",
        "too few",
        "too long",
        "unreadable",
        "no name",
    ],
)
def test_bad_data_is_one_line_and_status_2(kind, tmp_path):
    path = tmp_path / "words.txt"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "binary":
        path.write_bytes(b"".join(b"\0\1word%d\n" % i for i in range(30)))
    elif kind == "not UTF-8":
        path.write_bytes("\n".join(f"caf\xe9{i}" for i in range(30)).encode("latin-1"))
    elif kind == "folder":
        path = tmp_path
    elif kind == "too few":
        path.write_text("\n".join(["anna", "bob"] * 20))
    elif kind == "too long":
        path.write_text("\n".join(f"abcdefghijklmnop{i}" for i in range(30)))
    elif kind == "unreadable":
        if Path("/proc/self/mem").exists():
            path = Path("/proc/self/mem")  # even root cannot read its first byte
        else:
            path.write_text("\n".join(f"word{i}" for i in range(30)))
            path.chmod(0)
            if os.access(path, os.R_OK):
                pytest.skip("this user may read everything")
    name = "" if kind == "no name" else str(path)
    line = assert_refused("microgpt.py", "--data", name)
    assert "--data" in line and name in line
    assert "is no list of words (" in line  # and the reason stands in the parentheses


def test_data_replaces_the_names(tmp_path):
    path = tmp_path / "with a space.txt"
    words = [a + b + c for a in "\xe9xyz" for b in "ab" for c in "cd"] + ["w" * 16]
    path.write_text("\n".join(words), encoding="utf-8")
    status, out, err, _ = finish(*start("microgpt.py", "--steps", "3", "--data", str(path)))
    assert status == 0, err
    lines = out.decode("utf-8", "replace").splitlines()
    assert lines[0] == "14 words to train on, 2 held out (2 measured), 1 too long"
    assert lines[1].startswith("9 tokens, ")
    assert f"{2.197:.3f}" in out.decode("utf-8", "replace")  # uniform: ln 9


def test_data_of_one_letter(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\n".join("a" * n for n in range(1, 16)))
    status, _, err, _ = finish(*start("microgpt.py", "--steps", "1", "--data", str(path)))
    assert status == 0, err


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


def test_closed_pipe_is_quiet(script):
    process, folder = start(script, "--steps", "2")
    assert process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    status, _, err, _ = finish(process, folder)
    assert status in (0, 1)
    for word in (b"Traceback", b"Exception", b"Broken", b"Error"):
        assert word not in err


@pytest.mark.parametrize("name", [*VERSIONS, "pypy"])
def test_same_bytes_on_other_interpreters(script, name):
    if name not in interpreters():
        pytest.skip(f"no other {name} here")
    status, out, err, _ = short_runs(script)[name]
    assert status == 0, err
    assert out == short_runs(script)["first"][1]
