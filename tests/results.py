"""The page docs/results.md: how its tables are made of the scripts' claims, and read again."""

import re
import tokenize

from canon import pieces
from scripts import ROOT, SCRIPTS, source

PAGE = ROOT / "docs" / "results.md"
SEEDS = (42, 1, 2, 3, 4)
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]\d+)?")
LETTERS = "abcdefghijklmnop"
BAR = "\\|"  # in a cell of a Markdown table

HEAD = """# Results

Written by `python tests/bench.py --write`, not by hand. `pytest tests/ --full` runs every script
at seed 42 and fails if a claim or a figure of it is not the one below.

Each script with its defaults, seeds {}. Losses are in nats. Time and peak memory:
seed 42, one script at a time on one core, {} and {}. They depend on the
machine; the other figures do not, and both interpreters print the same bytes. Lines of code:
without comments, docstrings, data and blank lines.

"""


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


def summary(column):
    """(mean, range) of printed figures, printed alike."""
    values = [float(figure.replace(",", "")) for figure in column]
    if any("e" in figure for figure in column):
        form = "{:.1e}"
    else:
        form = "{:,.%df}" % max(len(figure.partition(".")[2]) for figure in column)
    low, high = [form.format(pick(values)) for pick in (min, max)]
    return form.format(sum(values) / len(values)), f"{low} to {high}"


def table(outputs):
    """The Markdown table of one script, from its output at each of SEEDS."""
    rows = ["| claim | " + " | ".join(map(str, SEEDS)) + " | mean | range |"]
    rows.append("| --- " * (len(SEEDS) + 3) + "|")
    for claim in zip(*map(claims, outputs)):
        marks, statements = zip(*claim)
        text, columns = split(statements)
        rows.append(f"| {text.replace('|', BAR)} | " + " | ".join(marks) + " | | |")
        for letter, column in zip(LETTERS, columns):
            rows.append(f"| *{letter}* | " + " | ".join((*column, *summary(column))) + " |")
    return rows


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
        for seed, output in zip(SEEDS, outputs)
        if any(ok != "ok" for ok, _ in claims(output))
    ]
    more = ["", f"Not every claim is kept at seed {', '.join(lost)}."] if lost else []
    return "\n".join([f"## {script}", "", *table(outputs), *more])


def write(outputs, runs, cpython, pypy):
    """Write the page: outputs {script: its output at each seed}, runs {script: its figures}.

    What it says of other scripts stays as it is.
    """
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    head = (
        HEAD.format(", ".join(map(str, SEEDS)), cpython, pypy)
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
        "A letter stands for a figure that changes with the seed; its rows follow the claim.",
    ]
    for script in found:
        text += ["", parts[script]]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")
