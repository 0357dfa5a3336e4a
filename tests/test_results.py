"""docs/results.md is of these scripts, and says what they printed."""

import re

import pytest
import results
from scripts import ROOT, SCRIPTS

OUTPUTS = [
    "text\n\nclaims\n[ok] loss 2.25, below 2.40\n[ok] 8 <= 10 of 1,200\n[ok] gap 1.5e-16",
    "text\n\nclaims\n[ok] loss 2.31, below 2.40\n[ok] 9 <= 10 of 1,310\n[no] gap 0.0e+00",
    "text\n\nclaims\n[ok] loss 2.20, below 2.40\n[ok] 8 <= 10 of 1,000\n[ok] gap 3.0e-16",
    "text\n\nclaims\n[ok] loss 2.20, below 2.40\n[ok] 8 <= 10 of 1,000\n[ok] gap 3.0e-16",
    "text\n\nclaims\n[ok] loss 2.20, below 2.40\n[ok] 8 <= 10 of 1,000\n[ok] gap 3.0e-16",
]


def test_a_table_has_a_row_for_each_claim_and_each_figure_that_varies():
    assert results.table(OUTPUTS)[2:] == [
        "| loss *a*, below 2.40 | ok | ok | ok | ok | ok | | |",
        "| *a* | 2.25 | 2.31 | 2.20 | 2.20 | 2.20 | 2.23 | 2.20 to 2.31 |",
        "| *a* <= 10 of *b* | ok | ok | ok | ok | ok | | |",
        "| *a* | 8 | 9 | 8 | 8 | 8 | 8 | 8 to 9 |",
        "| *b* | 1,200 | 1,310 | 1,000 | 1,000 | 1,000 | 1,102 | 1,000 to 1,310 |",
        "| gap *a* | ok | no | ok | ok | ok | | |",
        "| *a* | 1.5e-16 | 0.0e+00 | 3.0e-16 | 3.0e-16 | 3.0e-16 | 2.1e-16 | 0.0e+00 to 3.0e-16 |",
    ]


def test_a_claim_worded_differently_is_refused():
    with pytest.raises(SystemExit):
        results.split(["rises to 3", "falls to 3"])


def test_the_page_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "PAGE", tmp_path / "results.md")
    outputs = {script: OUTPUTS for script in SCRIPTS}
    runs = {script: (1.0, 20.0, 2.0, 90.0) for script in SCRIPTS}
    results.write(outputs, runs, "CPython 3.11", "PyPy 3.9")
    for seed, output in zip(results.SEEDS, OUTPUTS):
        assert results.read_claims("microkv.py", seed) == results.claims(output)
    text = results.PAGE.read_text()
    assert "| 14 of 15 | 1.0 | 20.0 | 2.0 | 90.0 |" in text and "at seed 1." in text
    assert f"| all | | {len(SCRIPTS):.1f} | | {2 * len(SCRIPTS):.1f} | | | |" in text
    results.write({"microkv.py": OUTPUTS[:1] * 5}, {"microkv.py": (3.0, 20.0, 2.0, 90.0)}, "", "")
    assert results.read_claims("microkv.py", 1) == results.claims(OUTPUTS[0])
    assert results.read_claims("microgpt.py", 1) == results.claims(OUTPUTS[1])
    assert f"| all | | {len(SCRIPTS) + 2:.1f} |" in results.PAGE.read_text()
    results.PAGE.write_text(text)
    lines, code = results.lines_of("microkv.py")
    results.PAGE.write_text(text.replace(f" | {lines} | {code} |", " | 3 | 2 |"))
    results.write_lines()
    assert results.PAGE.read_text() == text


def test_the_page_has_the_scripts_as_they_are(script):
    text = results.PAGE.read_text(encoding="utf-8")
    lines, code = results.lines_of(script)
    row = next((line for line in text.splitlines() if line.startswith(f"| [{script}]")), None)
    assert row, f"no row for {script}: run python tests/bench.py --write {script}"
    assert row.endswith(f" | {lines} | {code} |"), "run python tests/bench.py --lines"
    for seed in results.SEEDS:
        assert {ok for ok, _ in results.read_claims(script, seed)} <= {"ok", "no"}


def test_the_pages_know_the_script(script):
    for page in (ROOT / "README.md", ROOT / "docs" / "reading-guide.md"):
        assert f"| [{script}](" in page.read_text(encoding="utf-8")
    assert results.pictures(script)


def test_the_guide_says_how_long_a_script_takes_to_read(script):
    guide = (ROOT / "docs" / "reading-guide.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| \[{re.escape(script)}\].*$", guide, re.MULTILINE).group()
    said = [int(cell) for cell in row.split("|")[4:6]]
    assert max([abs(a - b) for a, b in zip(said, results.minutes_of(script))]) <= 1


def test_minutes_by_hand():
    text = "# three words here\n" + 'x = "four code words"  # two more\n' + '"""One,\ntwo."""\n'
    assert results.words_of(text) == (7, 5)


def test_a_comma_after_a_figure_is_not_part_of_it():
    text, columns = results.split(["332, over 1,200", "7, over 1,310"])
    assert text == "*a*, over *b*" and columns == [("332", "7"), ("1,200", "1,310")]
