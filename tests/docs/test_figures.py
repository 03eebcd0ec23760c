"""Every figure that the documents show has a record, and document, record and results say the same number."""

import datetime
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "README.zh-CN.md", "docs/FACES.md", "docs/LANGUAGE_MODELS.md")
RECORDS = tomllib.loads((ROOT / "benchmarks" / "figures.toml").read_text(encoding="utf-8"))
MARK = re.compile(r"<!-- figure: (\S+) -->")
NUMBER = re.compile(r"(?<![\w.×])\d[\d,]*(?:\.\d+)?|(?<![\w.])\.\d+")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def numbers(text: str) -> set[float]:
    """Return the numbers of a text for people; those in code, links, licences and sizes such as 32×32 do not count."""
    bare = re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->|CC BY 4\.0|\d+×\d+", "", text, flags=re.DOTALL)
    return {float(number.rstrip(",").replace(",", "")) for number in NUMBER.findall(bare)}


def units(document: str) -> list[tuple[str, str]]:
    """Return (record, text) for each mark: the row of a table, else the paragraph, that it stands at the end of."""
    found = []
    for block in re.split(r"\n\s*\n", document):
        rows = block.splitlines() if block.lstrip().startswith("|") else [block]
        found += [(name, row) for row in rows for name in MARK.findall(row)]
    return found


def section(heading: str) -> str:
    """Return the part of RESULTS.md below a heading."""
    parts = re.split(r"^## ", text_of("benchmarks/RESULTS.md"), flags=re.MULTILINE)
    return next(part for part in parts if part.splitlines()[0] == heading)


def shown(record: dict) -> set[float]:
    """Return every number that a document may show of a record."""
    return {number for text in (*record["settings"], *record["values"]) for number in numbers(text)}


UNITS = [(name, record, text) for name in DOCUMENTS for record, text in units(text_of(name))]


@pytest.mark.parametrize(("document", "name", "text"), UNITS)
def test_a_document_shows_the_numbers_of_the_record(document: str, name: str, text: str) -> None:
    assert numbers(text) - shown(RECORDS[name]) == set(), (document, text)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_s_values_stand_in_the_results(name: str) -> None:
    record = RECORDS[name]
    told = numbers(section(record["heading"]))
    for value in record["values"]:
        measured = record.get("rounded", {}).get(value, value)
        assert numbers(measured) <= told, (value, measured)
        (short,), (exact,) = numbers(value), numbers(measured)
        unit = 10.0 ** -len(value.partition(".")[2])
        assert min(abs(short - exact), abs(short - 100 * exact)) <= unit / 2 + 1e-9, (value, measured)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_says_how_when_where_and_of_what_it_was_measured(name: str) -> None:
    record = RECORDS[name]
    assert isinstance(record["date"], datetime.date)
    assert all(record[key].strip() for key in ("command", "machine", "commit"))
    assert str(record["date"]) in section(record["heading"])
    assert any(f"figure: {name} " in text_of(document) for document in DOCUMENTS)
    known = subprocess.run(
        ["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if known.stdout.strip() != "false":
        pytest.skip("no history here to look the commit up in")
    subprocess.run(["git", "merge-base", "--is-ancestor", record["commit"], "HEAD"], cwd=ROOT, check=True)


def test_rows_of_numbers_and_pictures_have_a_record() -> None:
    listed = {picture for record in RECORDS.values() for picture in record.get("pictures", [])}
    for name in DOCUMENTS:
        for line in text_of(name).splitlines():
            if line.startswith("| ") and numbers(line):
                assert MARK.search(line), (name, line)
        for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text_of(name)):
            path = ((ROOT / name).parent / picture).resolve().relative_to(ROOT)
            assert path.as_posix() in listed, (name, picture)
    assert all((ROOT / picture).is_file() for picture in listed)


def test_both_readmes_show_the_same_figures() -> None:
    english, chinese = (
        {(name, frozenset(numbers(text))) for name, text in units(text_of(readme))} for readme in DOCUMENTS[:2]
    )
    assert english <= chinese


def test_a_number_that_differs_is_noticed() -> None:
    record = RECORDS["nanogpt"]
    assert numbers("| 16.5 s to 1.888 |") <= shown(record)
    assert numbers("| 16.4 s to 1.888 |") - shown(record) == {16.4}
    assert numbers("`--minutes 1.58`, 2,048 of 32×32, .5 and [a](b/3.md)") == {2048.0, 0.5}
    assert units("a 1 <!-- figure: x -->\n\n| b 2 | <!-- figure: y -->\n| c 3 |") == [
        ("x", "a 1 <!-- figure: x -->"),
        ("y", "| b 2 | <!-- figure: y -->"),
    ]
