"""The tables of speed in the documentation, and the benchmark that writes them."""

import re
import sys
from pathlib import Path

import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import generate, memory, tables, world  # noqa: E402 - not part of the wheel, beside the tests
from benchmarks.timing import Row  # noqa: E402


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: f"{table.page}-{table.name}")
def test_pages_have_the_rows_that_the_benchmark_names(table):
    """Each table of speed has the lines that the benchmark writes, in their order."""
    assert tables.lines_of(table) == [(line.what, line.against) for line in table.lines]


def test_every_line_is_measured():
    """Each line of a table belongs to a row that some part of the benchmark measures."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")]
    keys = {key for text in sources for key in re.findall(r'\bkey=f?"([^"]+)"', text)}
    measured = re.compile("|".join(re.sub(r"\\{.+?\\}", ".+", re.escape(key)) for key in keys))
    assert [line.key for table in tables.TABLES for line in table.lines if not measured.fullmatch(line.key)] == []
    assert not measured.fullmatch("another")


def test_a_run_that_lacks_a_row_writes_nothing(tmp_path, monkeypatch):
    """A page is written whole or not at all; what was not measured is named."""
    for table in tables.TABLES:
        page = tmp_path / table.page
        page.parent.mkdir(exist_ok=True)
        page.write_text((ROOT / table.page).read_text(encoding="utf-8"), encoding="utf-8")
    before = {page: page.read_bytes() for page in tmp_path.rglob("*.md")}
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    keys = {line.key for table in tables.TABLES for line in table.lines}
    rows = [Row("x / y", 1.25, None, 2.0, 1.6, key) for key in sorted(keys)]
    assert any("spark" in line for line in tables.write([row for row in rows if row.key != "spark"], 10))
    assert {page: page.read_bytes() for page in before} == before
    assert tables.write(rows, 12_345) == []
    for page in before:
        text = page.read_text(encoding="utf-8")
        assert "12,345 rows" in text
        assert "| 1.25 |" in text
        assert "| 2 s | 1.6 s |" in text
    for table in tables.TABLES:
        assert tables.lines_of(table) == [(line.what, line.against) for line in table.lines]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system tells peaks of memory in /proc")
def test_memory_is_counted_in_every_process(tmp_path, monkeypatch):
    """The peak of all processes has that of a worker beside the process that is measured."""
    table = world.write(tmp_path / "table.csv", 500)
    alone = memory._streamed(table, table, tmp_path / "alone", "ordered")
    beside = 'import subprocess; subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)\nstart ='
    monkeypatch.setattr(memory, "CODE", memory.CODE.replace("start =", beside, 1))
    more = memory._streamed(table, table, tmp_path / "beside", "ordered")
    assert more[1] - more[0] > alone[1] - alone[0]


@pytest.mark.parametrize("make", [world.table, generate.table])
def test_made_tables_are_the_same_for_the_same_seed(make):
    """Both shapes are made alike each time, so that two runs measure the same rows."""
    assert make(200).equals(make(200))
    assert not make(200).equals(make(200, seed=2))


def test_the_worlds_shape_is_what_the_caption_says():
    """Draws have 1 to 12 results, times come in six forms, and half of the rows have a range as text."""
    table = world.table(4000)
    frame = table.to_pandas()
    draws = frame.groupby(["patient_id", "collected_at"]).size()
    assert draws.min() == 1
    assert draws.max() == world.MOST
    assert isinstance(table["value"].type, pa.DataType)
    forms = {re.sub(r"\d", "9", text) for text in frame["collected_at"].unique()}
    assert len(forms) == len(world.TIMES)
    assert 0.45 < (frame["reference_range"] != "").mean() < 0.55
