"""docs/results.md is of these scripts, and says what they printed."""

import re

import pytest
import results
from scripts import ROOT, SCRIPTS

SEEN = [  # at the seeds 42, 1, 2, 3 and 4
    "text\n\nclaims\n[ok] loss 2.25, over 2 x 0.40\n[ok] 8 <= 10 of 1,200\n[ok] gap 1.5e-16",
    "text\n\nclaims\n[ok] loss 2.31, over 2 x 0.40\n[ok] 9 <= 10 of 1,310\n[no] gap 0.0e+00",
    *["text\n\nclaims\n[ok] loss 2.20, over 2 x 0.41\n[ok] 8 <= 10 of 1,000\n[ok] gap 3.0e-16"] * 3,
]
UNSEEN = [
    *["text\n\nclaims\n[ok] loss 2.20, over 2 x 0.40\n[ok] 8 <= 10 of 1,000\n[ok] gap 1.0e-16"]
    * 10,
    *["text\n\nclaims\n[ok] loss 2.40, over 2 x 0.40\n[ok] 9 <= 10 of 2,000\n[ok] gap 2.0e-10"] * 9,
    "text\n\nclaims\n[ok] loss 2.50, over 2 x 0.40\n[no] 11 <= 10 of 2,000\n[ok] gap 1.0e-02",
]
OUTPUTS = SEEN + UNSEEN


@pytest.fixture(autouse=True)
def distances_of_these_claims(monkeypatch):
    monkeypatch.setitem(results.DISTANCES, "*a* <= 10 of *b*", [lambda a, b: 10 - a])
    monkeypatch.setitem(results.DISTANCES, "gap *a*", [lambda a: a, lambda a: 1.0 + a])


def test_a_table_has_a_row_for_each_claim_and_each_figure_that_varies():
    # distances of the first claim: 10 x 1.4, 9 x 1.6 and 1.7; their mean is 1.505
    spread = ((10 * 0.105**2 + 9 * 0.095**2 + 0.195**2) / 19) ** 0.5
    rows = results.table(OUTPUTS)
    assert rows[0] == "| claim | 42 | 1 | 2 | 3 | 4 | 20 unseen | range | margin |"
    assert rows[2:] == [
        f"| loss *a*, over 2 x *b* | ok | ok | ok | ok | ok | 20 of 20 | | {1.505 / spread:.1f} |",
        "| *a* | 2.25 | 2.31 | 2.20 | 2.20 | 2.20 | 2.31 | 2.20 to 2.50 | |",
        "| *b* | 0.40 | 0.40 | 0.41 | 0.41 | 0.41 | 0.40 | 0.40 to 0.40 | |",
        "| *a* <= 10 of *b* | ok | ok | ok | ok | ok | 19 of 20 | | 1.9 |",
        "| *a* | 8 | 9 | 8 | 8 | 8 | 9 | 8 to 11 | |",
        "| *b* | 1,200 | 1,310 | 1,000 | 1,000 | 1,000 | 1,500 | 1,000 to 2,000 | |",
        "| gap *a* | ok | no | ok | ok | ok | 20 of 20 | | 0.2 |",  # the smaller of two margins
        "| *a* | 1.5e-16 | 0.0e+00 | 3.0e-16 | 3.0e-16 | 3.0e-16"
        " | 1.0e-10 | 1.0e-16 to 1.0e-02 | |",
    ]


def test_a_claim_of_an_unknown_form_is_refused_and_one_without_a_letter_has_no_margin():
    with pytest.raises(SystemExit):
        results.distances_of("gap *a* of *b*")
    with pytest.raises(SystemExit):
        results.distances_of("gap *a* at most *c*, over 2 x *b*")
    assert results.distances_of("the same to the last bit") == []
    assert results.margin("the same to the last bit", []) is None
    (lead,) = results.distances_of("it leads by *a*, over 2 x *b*")
    assert lead(3.0, 1.0) == 1.0
    (lead,) = results.distances_of("it leads by *a*, over 2 x 0.25")  # alike at all seeds
    assert lead(3.0) == 2.5


def test_weak_claims_are_named():
    tables = ["## microgpt.py", "", *results.table(OUTPUTS)]
    said = results.thinnest("\n".join(tables))
    assert said.splitlines() == [
        "Weak claims, with a margin below two standard deviations:",
        "",
        "- microgpt.py: gap *a* (0.2)",
        "- microgpt.py: *a* <= 10 of *b* (1.9)",
    ]
    strong = "\n".join(tables[:7])
    assert results.thinnest(strong).startswith("No claim has a margin below two")


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
    assert "| 73 of 75 | 1.0 | 20.0 | 2.0 | 90.0 |" in text and "at seed 1, 119." in text
    assert f"| all | | {len(SCRIPTS):.1f} | | {2 * len(SCRIPTS):.1f} | | | |" in text
    same = [*SEEN[:1] * 5, *UNSEEN]
    results.write({"microkv.py": same}, {"microkv.py": (3.0, 20.0, 2.0, 90.0)}, "", "")
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
