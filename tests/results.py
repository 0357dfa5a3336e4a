"""The page docs/results.md: how its tables are made of the scripts' claims, and read again."""

import math
import re
import statistics
import tokenize

from canon import pieces
from scripts import ROOT, SCRIPTS, source

PAGE = ROOT / "docs" / "results.md"
SEEDS = (42, 1, 2, 3, 4)  # those that may have been looked at while a script was written
UNSEEN = tuple(range(100, 120))  # those at which its claims were measured once it was
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]\d+)?")
LETTERS = "abcdefghijklmnop"
BAR = "\\|"  # in a cell of a Markdown table

HEAD = """# Results

Written by `python tests/bench.py --write`, not by hand. `pytest tests/ --full` runs every script
at seed 42 and fails if a claim or a figure of it is not the one below.

Each script with its defaults, at twenty-five seeds. The thresholds of the claims were chosen on
seeds 42, 1 and 2; seeds {} to {} are for measuring. (Not all is unseen about them: where a claim
failed at one of them, its experiment was changed, and measured at all of them again.) Losses are in
nats. Time and peak memory: seed 42, one script at a time on one core, {} and {}.
They depend on the machine; the other figures do not: both interpreters print the same bytes at seed
42, and PyPy ran the other seeds. Lines of code: without comments, docstrings, data and blank lines.

"""

KEY = """\
A letter stands for a figure that changes with the seed; its rows follow the claim. "20 unseen" has,
for a claim, at how many of the twenty unseen seeds it holds; for a figure, its mean at these seeds
(the median, if it is printed with an exponent). The margin of a claim is how far it is from
failing: the mean distance to its threshold over the twenty seeds, divided by the standard deviation
of that distance. (For "times" it is the distance of logarithms.) A claim without a letter comes out
alike at each seed and has no margin.
"""

WEAK = 2.0  # a margin below this many standard deviations is named on the page


def beyond_two_errors(a, b):
    """How far a is above two standard errors: most claims have this form."""
    return a - 2 * b


# How far a claim is from failing, by its text on the page. The letters are those of its figures. A
# claim that ends with "over 2 x *b*" and has no third letter needs no entry. Where there are two
# conditions, the claim's margin is the smaller one.
DISTANCES = {
    "50 derivatives are those by nudging, to *a* of the largest, below 1e-6": [
        lambda a: math.log10(1e-6 / a)
    ],
    "above counted fours by *a* + 2 x *b* = *c*, below 0.2": [lambda a, b, c: 0.2 - c],
    "recall: the GRU, bias 4 *a* right on average, >= 0.80": [lambda a: a - 0.8],
    "recall: the RNN *a* below that, over 0.2": [lambda a: a - 0.2],
    "trained, *a* comes back in the GRU, bias 4, over 1e6 x *b* in the RNN": [
        lambda a, b: math.log10(a / max(b, 1e-300)) - 6.0
    ],
    "rank 4 gains *a*% of what all parameters gain, at least *b*%, over 33%": [lambda a, b: b - 33],
    "rank 4 gains, and forgets no less at that gain: *a*, over -2 x *b*": [lambda a, b: a + 2 * b],
    "half of all parameters: *a*% of gain, *b*% of forgetting, over 2 x *c*% apart": [
        lambda a, b, c: a - b - 2 * c
    ],
    "half of rank 4 adapter: *a*% of gain, *b*% of forgetting, over 2 x *c*% apart": [
        lambda a, b, c: a - b - 2 * c
    ],
    "no price, 14 iterations: *a* different pairs of neighbours, under 0.7 x *b*": [
        lambda a, b: 0.7 * b - a
    ],
    "with balance, the least share is *a*, over 0.062, half of fair": [lambda a: a - 0.0625],
    "without balance, the least share is *a*, below 0.062, half of fair": [lambda a: 0.0625 - a],
    "kind, token known: *a* bits, over *b* untrained and *c* shuffled": [
        lambda a, b, c: a - max(b, c)
    ],
    "in the same memory: *a* steps in pages, under three quarters of *b*": [
        lambda a, b: 0.75 - a / b
    ],
    "and *a* numbers read, fewer than *b*": [lambda a, b: 1.0 - a / b],
    "one key head costs under *a*, attention off over *b* (two errors)": [lambda a, b: b - a],
    "8 bits by rows: loss higher by *a* at most (two errors), below 0.005": [lambda a: 0.005 - a],
    "6 bits: KL *a* less than 4 bits by 8, same bytes to 1%, over 2 x *b*": [beyond_two_errors],
    "by rows: 2 x *a* is *b* below *c*, over 2 x *d*": [lambda a, b, c, d: b - 2 * d],
    "its inputs: 2 x *a* is *b* below *c*, over 2 x *d*": [lambda a, b, c, d: b - 2 * d],
    "3 to 8 bits: errors as expected to *a* dB, within 0.4": [lambda a: 0.4 - a],
    "absmax gains *a* dB a bit: 6.29 by its steps, to 0.1": [lambda a: 0.1 - abs(a - 6.29)],
    "affine gains *a* dB a bit: 6.15 by its steps, to 0.1": [lambda a: 0.1 - abs(a - 6.15)],
    "whole numbers: loss higher by *a* at most (two errors), below 0.005": [lambda a: 0.005 - a],
    "and at most *a* of the output error, in any matrix: under 0.95": [lambda a: 0.95 - a],
    "beam 16 finds the most probable word for *a*% +- *b*%: over 60%": [
        lambda a, b: a - 2 * b - 60
    ],
    "greedy finds it for *a*% +- *b*%: under half": [lambda a, b: 50 - a - 2 * b],
    "at equal entropy cuts lead by *a* at most (two errors), under 0.15": [lambda a: 0.15 - a],
    "the best draft gives *a* +- 0.04 tokens a call: over 2": [lambda a: a - 2 * 0.04 - 2],
    "tokens a call are *a*% off the formula at most, in all rows: under 15%": [lambda a: 15 - a],
    "speculation: no other odds seen, chi-square *a* under *b*": [lambda a, b: 1.0 - a / b],
    "the test finds out both wrong ways: *a* times the limit": [lambda a: math.log(a)],
    "beta 0.25 to 1: rate *a*, over 2 x *b*; distortion *c*, over 2 x *d*": [
        lambda a, b, c, d: -a - 2 * b,
        lambda a, b, c, d: c - 2 * d,
    ],
    "beta 1 to 4: rate *a*, over 2 x *b*; distortion *c*, over 2 x *d*": [
        lambda a, b, c, d: -a - 2 * b,
        lambda a, b, c, d: c - 2 * d,
    ],
    "both numbers are used: *a* nats, over 0.5": [lambda a: a - 0.5],
    "by the score, at least *a* times the variance of the draw, over 20": [
        lambda a: math.log(a / 20)
    ],
    "with its baseline, at least *a* times, over 1.2": [lambda a: math.log(a / 1.2)],
}


def claims(output):
    """The lines of an output below "claims": [(ok or no, statement), ...]."""
    lines = output.splitlines()
    marked = [line for line in lines[lines.index("claims") + 1 :] if line.startswith("[")]
    return [(line[1:3], line[5:]) for line in marked]


def split(statements):
    """One claim at several seeds: (text with a letter for each figure that varies, its columns).

    A column holds a figure as it was printed, for each seed.
    """
    figures = [NUMBER.findall(text) for text in statements]
    if len({NUMBER.sub("#", text) for text in statements}) > 1:
        raise SystemExit(f"the claim is worded differently at another seed: {statements}")
    columns = [column for column in zip(*figures) if len(set(column)) > 1]
    letters, numbers = iter(LETTERS), iter(zip(*figures))

    def name(match):
        return f"*{next(letters)}*" if len(set(next(numbers))) > 1 else match.group()

    return NUMBER.sub(name, statements[0]), columns


def number_of(figure):
    return float(figure.replace(",", ""))


def summary(column):
    """(mean, range) of printed figures, printed alike: the median, if one has an exponent."""
    values = [number_of(figure) for figure in column]
    middle = statistics.fmean(values)
    if any("e" in figure for figure in column):
        form, middle = "{:.1e}", statistics.median(values)
    else:
        form = "{:,.%df}" % max(len(figure.partition(".")[2]) for figure in column)
    low, high = [form.format(pick(values)) for pick in (min, max)]
    return form.format(middle), f"{low} to {high}"


def distances_of(text):
    """How far the claim with this text is from failing: functions of its figures."""
    if text in DISTANCES or not re.search(r"\*[a-p]\*", text):
        return DISTANCES.get(text, [])
    if re.search(r"over 2 x \*b\*$", text) and "*c*" not in text:
        return [beyond_two_errors]
    error = re.search(r"over 2 x ([\d.]+)$", text)  # it came out alike at all seeds
    if error and "*b*" not in text:
        return [lambda a: beyond_two_errors(a, float(error.group(1)))]
    raise SystemExit(f"DISTANCES in tests/results.py says nothing of the claim: {text}")


def margin(text, columns):
    """The margin of a claim in standard deviations, from its figures at several seeds, or None."""
    margins = []
    for distance in distances_of(text):
        found = [distance(*map(number_of, figures)) for figures in zip(*columns)]
        spread = statistics.stdev(found)
        margins.append(statistics.fmean(found) / spread if spread > 0.0 else math.inf)
    return min(margins, default=None)


def claims_at_all_seeds(outputs):
    """For each claim, from a script's output at each of SEEDS and UNSEEN: (its text with letters,
    its marks, the columns of its figures, its margin at the unseen seeds)."""
    found = []
    for claim in zip(*map(claims, outputs)):
        marks, statements = zip(*claim)
        text, columns = split(statements)
        unseen = [column[len(SEEDS) :] for column in columns]
        found.append((text, marks, columns, margin(text, unseen)))
    return found


def table(outputs):
    """The Markdown table of one script, from its output at each of SEEDS and UNSEEN."""
    n_seen = len(SEEDS)
    rows = [cells_as_row(["claim", *map(str, SEEDS), "20 unseen", "range", "margin"])]
    rows.append("| --- " * (n_seen + 4) + "|")
    for text, marks, columns, distance in claims_at_all_seeds(outputs):
        kept = f"{marks[n_seen:].count('ok')} of {len(UNSEEN)}"
        number = "" if distance is None else f"{distance:.1f}"
        rows.append(cells_as_row([text.replace("|", BAR), *marks[:n_seen], kept, "", number]))
        for letter, column in zip(LETTERS, columns):
            rows.append(
                cells_as_row([f"*{letter}*", *column[:n_seen], *summary(column[n_seen:]), ""])
            )
    return rows


def cells_as_row(cells):
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def read_claims(script, seed=42):
    """The claims of a script at a seed, put together again from the page."""
    part = PAGE.read_text(encoding="utf-8").split(f"\n## {script}\n")[1].split("\n## ")[0]
    found, column = [], 1 + SEEDS.index(seed)
    for line in re.findall(r"^\| (?!---|claim )(.*) \|$", part, re.MULTILINE):
        cells = [cell.strip() for cell in line.replace(BAR, "\0").split("|")]
        if re.fullmatch(r"\*[a-p]\*", cells[0]):
            found[-1][1] = found[-1][1].replace(cells[0], cells[column])
        else:
            found.append([cells[column], cells[0].replace("\0", "|")])
    return [tuple(claim) for claim in found]


def pictures(script):
    """The pieces of a script's output that the guide and the README show."""
    guide = (ROOT / "docs" / "reading-guide.md").read_text(encoding="utf-8")
    pages = [guide.partition(f"\n### {script}\n")[2].split("\n### ")[0]]
    if script == "microgpt.py":
        pages.append((ROOT / "README.md").read_text(encoding="utf-8").split("## How fast")[0])
    return [
        block
        for page in pages
        for block in re.findall(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]


def lines_of(script):
    """(lines, lines of code): those with a token that is no comment, string or line end."""
    idle = (tokenize.COMMENT, tokenize.STRING, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT)
    idle += (tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING)
    with open(ROOT / script, "rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type not in idle]
    code = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return len(source(script).splitlines()), len(code)


def words_of(text):
    """(words of comments and docstrings, words of code) in a piece of source."""
    prose = code = 0
    in_docstring = False
    for line in text.splitlines():
        stripped = line.strip()
        quotes = stripped.count('"""')
        if in_docstring or stripped.startswith(("#", '"""')):
            prose += len(re.findall(r"[^\W_]\S*", stripped))
            in_docstring ^= quotes % 2 == 1
        else:
            before, _, comment = line.partition("  # ")
            code += len(before.split())
            prose += len(comment.split())
    return prose, code


def minutes_of(script):
    """Minutes to read a script: all of it, and without what is the same in microgpt.py.

    200 words of prose a minute, 100 words of code. The data at the end is not read.
    """
    text = source(script)
    text = text[: text.rindex("\n# =====")]
    shared = [] if script == "microgpt.py" else shared_pieces(script)
    minutes = []
    for part in (text, "".join(shared)):
        prose, code = words_of(part)
        minutes.append(prose / 200 + code / 100)
    return round(minutes[0]), round(minutes[0] - minutes[1])


def shared_pieces(script):
    """The pieces of a script that are the same, to the byte, in microgpt.py."""
    canon = {piece.text for piece in pieces(source("microgpt.py"))}
    return [piece.text for piece in pieces(source(script)) if piece.text in canon]


def write_lines():
    """Bring the two last columns of the page's first table up to date."""
    text = PAGE.read_text(encoding="utf-8")
    for script in SCRIPTS:
        row = re.compile(rf"^(\| \[{re.escape(script)}\].*) \| \d+ \| \d+ \|$", re.MULTILINE)
        text = row.sub(r"\1 | {} | {} |".format(*lines_of(script)), text)
    PAGE.write_text(text, encoding="utf-8")


def row(script, outputs, figures):
    """The script's row in the first table: figures are seconds and MB, on CPython and on PyPy."""
    marks = [ok for output in outputs for ok, _ in claims(output)]
    lines, code = lines_of(script)
    return (
        f"| [{script}](#{script.replace('.', '')}) | {marks.count('ok')} of {len(marks)} | "
        + " | ".join(f"{number:.1f}" for number in figures)
        + f" | {lines} | {code} |"
    )


def section(script, outputs):
    """The script's part of the page."""
    lost = [
        str(seed)
        for seed, output in zip(SEEDS + UNSEEN, outputs)
        if any(ok != "ok" for ok, _ in claims(output))
    ]
    more = ["", f"Not every claim is kept at seed {', '.join(lost)}."] if lost else []
    return "\n".join([f"## {script}", "", *table(outputs), *more])


def thinnest(tables):
    """What the page says of the claims with the smallest margins, from its tables."""
    rows, script = [], ""
    for line in tables.splitlines():
        if line.startswith("## "):
            script = line[3:]
        number = re.search(r"\| (-?[\d.]+) \|$", line)  # a claim without a margin has none
        if number:
            rows.append((float(number.group(1)), script, line[2:].partition(" | ")[0]))
    rows.sort()
    weak = [row for row in rows if row[0] < WEAK]
    if weak:
        said = ["Weak claims, with a margin below two standard deviations:", ""]
    else:
        said = ["No claim has a margin below two standard deviations. The thinnest:", ""]
    shown = weak or rows[:3]
    return "\n".join(said + [f"- {name}: {text} ({number})" for number, name, text in shown])


def write(outputs, runs, cpython, pypy):
    """Write the page: outputs {script: its output at each seed}, runs {script: its figures}.

    What it says of other scripts stays as it is.
    """
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    head = (
        HEAD.format(UNSEEN[0], UNSEEN[-1], cpython, pypy)
        if len(outputs) == len(SCRIPTS)
        else old.partition("| script |")[0]
    )
    rows = dict(re.findall(r"^(?=\| \[(\w+\.py)\])(.*)$", old, re.MULTILINE))
    parts = dict(
        re.findall(r"^(?=## (\w+\.py)$)(.*?)\n*(?=^## |\Z)", old, re.DOTALL | re.MULTILINE)
    )
    for script, output in outputs.items():
        rows[script], parts[script] = row(script, output, runs[script]), section(script, output)
    found = [script for script in SCRIPTS if script in rows]
    times = [[float(rows[script].split(" | ")[i]) for script in found] for i in (2, 4)]
    text = [
        head + "| script | claims kept | seconds | MB | PyPy, seconds | MB | lines | of code |",
        "| --- " * 8 + "|",
        *[rows[script] for script in found],
        f"| all | | {sum(times[0]):.1f} | | {sum(times[1]):.1f} | | | |",
        "",
        KEY,
        thinnest("\n".join(parts[script] for script in found)),
    ]
    for script in found:
        text += ["", parts[script]]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")
