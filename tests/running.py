"""Run a script as a process of its own, alone in an empty folder, and record what it prints.

python tests/running.py [SCRIPT ...]   writes tests/short/, what short runs print (without names:
of all scripts). Look at what git says has changed in it: it is what a reader will see.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from scripts import ROOT, SCRIPTS  # noqa: E402


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


# Short runs measure less than the scripts as they are, as what they measure does not shrink with
# --steps. (--full runs the scripts as they are, and looks at the width of their output, too.)
FEWER = {
    "microgpt.py": {"N_SAMPLES = 300": "N_SAMPLES = 6", "N_HELD_OUT = 100": "N_HELD_OUT = 8"},
    "micrornn.py": {
        "N_TESTS = 200": "N_TESTS = 8",
        "N_EXCHANGED = 50": "N_EXCHANGED = 4",
        "N_HELD_OUT = 100": "N_HELD_OUT = 15",
        "N_LOOKS = 10": "N_LOOKS = 2",
    },
    "microlora.py": {
        "N_HELD_OUT_NAMES = 100": "N_HELD_OUT_NAMES = 5",
        "myth[N_LISTS * N_TRAIN :]": "myth[N_LISTS * N_TRAIN :][:5]",
        "dinosaurs[N_TRAIN:],": "dinosaurs[N_TRAIN:][:5],",
        "N_LISTS = 2": "N_LISTS = 1",
        "(0.25, 0.5, 1.0)": "(0.5, 1.0)",
    },
    "microdpo.py": {
        "N_SAMPLES = 800": "N_SAMPLES = 12",
        "N_TEST_PAIRS = 300": "N_TEST_PAIRS = 12",
        "N_WATCHED = 60": "N_WATCHED = 6",
    },
    "microppo.py": {
        "N_PAIRS = 1000": "N_PAIRS = 20",
        "N_TEST_PAIRS = 300": "N_TEST_PAIRS = 15",
        "N_SAMPLES = 300": "N_SAMPLES = 8",
        "BATCH = 32": "BATCH = 4",
        "EPOCHS = 3": "EPOCHS = 1",
    },
    "microkv.py": {
        "N_HELD_OUT = 100": "N_HELD_OUT = 10",
        "CONTEXT = 96": "CONTEXT = 32",
        "N_REQUESTS = 24": "N_REQUESTS = 6",
        "N_MORE = 12": "N_MORE = 4",
        "WINDOW = 24": "WINDOW = 6",
    },
    "micromoe.py": {
        "N_DRAWS = 3": "N_DRAWS = 1",
        "N_SHUFFLES = 99": "N_SHUFFLES = 9",
        "HELD_OUT_SHARE = 6": "HELD_OUT_SHARE = 30",
    },
    "microquant.py": {
        "N_HELD_OUT = 100": "N_HELD_OUT = 6",
        "N_TESTED = 60": "N_TESTED = 2",
        "N_CALIBRATION = 100": "N_CALIBRATION = 2",
    },
    "microbeam.py": {
        "N_HELD_OUT = 100": "N_HELD_OUT = 10",
        "N_PROMPTS = 60": "N_PROMPTS = 4",
        "(2, 4, 8, 16)": "(2, 4)",
        "N_SAMPLES = 500": "N_SAMPLES = 6",
        "N_TESTED = 10000": "N_TESTED = 30",
    },
    "microvae.py": {
        "N_ESTIMATES = 1000": "N_ESTIMATES = 50",
        "N_DRAWS = 10": "N_DRAWS = 2",
        "N_NEW = 200": "N_NEW = 20",
        "N_HELD_OUT = 60": "N_HELD_OUT = 12",
        "limit=5.0, h=0.2": "limit=5.0, h=0.5",
    },
}


def start(
    script,
    *options,
    hash_seed="0",
    hostile=False,
    patient=False,
    fewer=False,
    interpreter=sys.executable,
    root=ROOT,
    **more,
):
    """Start a copy of the script that stands alone in a folder; return (process, folder).

    In hostile surroundings it is watched, each warning is an error, the language is C but for a
    decimal comma, stdin is closed, and the folder is another one, that cannot be written to. A
    patient process lets all others go first; one that does fewer things is changed by FEWER.
    """
    folder = Path(tempfile.mkdtemp(prefix="a script "))  # a path with spaces
    text = (root / script).read_text(encoding="utf-8")
    if fewer:
        for as_it_is, less in FEWER.get(script, {}).items():
            assert text.count(as_it_is) == 1, as_it_is
            text = text.replace(as_it_is, less)
    (folder / script).write_text(text, encoding="utf-8")
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
        if patient:
            os.nice(10)

    if os.name != "nt":
        more["preexec_fn"] = prepare
    return subprocess.Popen(command, cwd=place, env=environment, **{**pipes, **more}), folder


def finish(process, folder, timeout=120):
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        shutil.rmtree(folder)
        raise
    left = sorted(path.name for path in folder.rglob("*") if path.name != "elsewhere")
    shutil.rmtree(folder)
    return process.returncode, out, err, left


def short_run(script, root=ROOT):
    """What a short run prints: two steps, with less to measure, see FEWER."""
    process, folder = start(script, "--steps", "2", fewer=True, root=root)
    _, out, err, _ = finish(process, folder, timeout=60)
    return record_of(out, err)


def record_of(out, err):
    """What is kept of a short run: its output, and its progress without the times."""
    shown = re.sub(r"  \d+ s, \d+ s left|\d+\.\d s in all", "", err.decode())
    lines = [line.rstrip() for line in shown.splitlines()]
    return out.decode() + "\nprogress, on stderr\n" + "\n".join(lines).rstrip() + "\n"


def path_of_record(script):
    return ROOT / "tests" / "short" / f"{script[:-3]}.txt"


def recorded(script):
    """What a short run printed when it was recorded."""
    return path_of_record(script).read_text(encoding="utf-8")


def without_noise(text):
    """A text without its figures as small as 1e-06: they are rounding, which machines do alike
    only with the same mathematical library."""
    return re.sub(r"\d(\.\d+)?e-\d\d", "(noise)", text)


if __name__ == "__main__":
    for name in sys.argv[1:] or SCRIPTS:
        path_of_record(name).write_text(short_run(name), encoding="utf-8")
        print(path_of_record(name).relative_to(ROOT))
