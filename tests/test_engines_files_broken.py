"""Broken, odd and hostile files larger than memory: what can be read is read, the rest is told."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from engines_helpers import assert_same, cells, read_parts
from labinterp.engines import csvblocks
from labinterp.engines.bytestream import ByteStream
from labinterp.engines.files import interpret_files
from labinterp.errors import InputError, LayoutError
from labinterp.tables import sources
from labinterp.tables.splitter import Quoting

HEADER = b"patient_id,collected_at,test,value,unit,age\n"
GOOD = b"p1,2026-01-01,magnesium,0.5,mmol/L,50\n"
BROKEN = {
    "ragged": (b"p1,2026-01-01,magnesium,0.5\n", "4 fields where the header has 6"),
    "encoding": (b"p1,2026-01-01,magnesium,0.5,\xd3mol/L,50\n", "the byte 0xd3 is not UTF-8"),
    "nul": (b"p1,2026-01-01,magne\0sium,0.5,mmol/L,50\n", "there is a NUL byte"),
    "quote": (b'p1,2026-01-01,"magnesium,0.5,mmol/L,50\n', "a quoted field is never closed"),
}


@pytest.mark.parametrize("block_bytes", [1, 90, 1 << 20])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_lines_are_counted_and_the_rest_is_read(kind, block_bytes, tmp_path):
    """A broken line becomes a problem with file and line; every other row gives its result, and counts add up."""
    line, what = BROKEN[kind]
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD + line + b"\n" + GOOD + GOOD)
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=block_bytes)
    assert (manifest.rows_in, manifest.bad_rows, manifest.rows_out) == (4, 1, 3)
    problems = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines()
    assert problems == ["file,line,what", f"in.csv,3,{what}"]


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_lines_stop_if_so_chosen(kind, tmp_path):
    """With on_bad_row='stop' the first broken line is an error that names file and line, and nothing is left."""
    line, what = BROKEN[kind]
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD * 3 + line + GOOD)
    with pytest.raises(InputError, match=f"in.csv, line 5: {what}") as caught:
        interpret_files(tmp_path / "in.csv", tmp_path / "out", on_bad_row="stop", block_bytes=50)
    assert (caught.value.file, caught.value.line) == ("in.csv", 5)
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.csv"]


def test_quoted_line_ends_belong_to_their_cell(tmp_path):
    """A cell may hold line ends, wherever blocks are cut."""
    note = b'p1,2026-01-01,"magnesium","0.5\r\n\r\n",mmol/L,50\n'
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD + note * 3 + GOOD)
    for block_bytes in (1, 30, 70, 1 << 20):
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=block_bytes, force=True)
        assert (manifest.rows_in, manifest.bad_rows) == (5, 0)
        assert_same(tmp_path / "out", li.interpret_frame(li.read(tmp_path / "in.csv")))


@pytest.mark.parametrize("cut", [200, 300])
def test_truncated_gzip_gives_its_whole_lines_and_a_problem(cut, tmp_path):
    """What came before the cut is read; the line that was cut is none, for its number may be cut as well."""
    lines = [f"p{i},2026-01-01,magnesium,0.{i * 7919 % 1000},mmol/L,50\n".encode() for i in range(200)]
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(HEADER + b"".join(lines), mtime=0)[:-cut])
    manifest = interpret_files(tmp_path / "in.csv.gz", tmp_path / "out", block_bytes=500)
    assert 0 < manifest.rows_out < 200
    assert manifest.rows_in == manifest.rows_out + manifest.bad_rows
    last = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert last == f"in.csv.gz,{manifest.rows_out + 2},the gzip data are cut short"
    with pytest.raises(InputError, match="cut short"):
        interpret_files(tmp_path / "in.csv.gz", tmp_path / "stop", on_bad_row="stop")


@pytest.mark.parametrize("encode", [gzip.compress, lambda data: gzip.compress(data[:70]) + gzip.compress(data[70:]) + b"\0" * 9,
                                    lambda data: data.decode().encode("utf-16"), lambda data: b"\xef\xbb\xbf" + data,
                                    lambda data: data.replace(b"\n", b"\r\n"), lambda data: data.replace(b"\n", b"\r"),
                                    lambda data: data.replace(b",", b";"), lambda data: data[:-1]])  # fmt: skip
def test_text_is_read_however_it_is_written(encode, tmp_path):
    """Gzip in one or more members, UTF-16, a byte order mark, any line end, other delimiters: one answer."""
    (tmp_path / "in.csv").write_bytes(encode(HEADER + GOOD * 3))
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=17)
    assert (manifest.rows_in, manifest.bad_rows, manifest.rows_out) == (3, 0, 3)
    assert read_parts(tmp_path / "out", "results")["flag"].tolist() == ["L"] * 3


def test_files_of_one_name_are_told_apart(tmp_path):
    """Where two files have one name, problems name them by their paths."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "in.csv").write_bytes(HEADER + GOOD + b"short\n")
    interpret_files([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    lines = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == [str(tmp_path / folder / "in.csv") for folder in ("a", "b")]


def test_documents_of_messages_are_read_whole(tmp_path):
    """A FHIR bundle or an HL7 v2 message is an input like any other."""
    path = Path(__file__).parents[1] / "examples" / "data" / "fhir" / "bundle.json"
    manifest = interpret_files(path, tmp_path / "out")
    assert manifest.rows_out == manifest.rows_in == len(li.read(path))


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", InputError), (b"PK\x03\x04zip", InputError), (b"a,b\n1,2\n", LayoutError), (b"\x1f\x8b\x08\0", InputError),
     (b"PAR1 not really", InputError), (b"test,test,value,unit\n", LayoutError), (b"test,v\0,unit\n", InputError)],
)  # fmt: skip
def test_what_is_no_table_is_refused(content, error, tmp_path):
    """A file that cannot be read at all is an error whatever was chosen, and leaves nothing behind."""
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(error):
        interpret_files(tmp_path / "in.csv", tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.csv"]


def test_a_table_without_rows_gives_tables_without_rows(tmp_path):
    """Only a header: every output is there, with its columns."""
    (tmp_path / "in.csv").write_bytes(HEADER)
    for ordered in (None, False):
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", ordered=ordered, force=True)
        assert (manifest.rows_in, manifest.rows_out, manifest.findings) == (0, 0, 0)
        assert list(read_parts(tmp_path / "out", "results").columns)[:2] == ["patient_id", "collected_at"]


def test_unknown_choices_are_refused_before_anything_is_read(tmp_path):
    """A misspelt option is an error, not a default."""
    for wrong in ({"engine": "polars"}, {"format": "xlsx"}, {"on_bad_row": "skip"}, {"ordered": "yes"}, {"panel": "week"},
                  {"memory_limit": "much", "ordered": False}, {"decimal": ";"}):  # fmt: skip
        (tmp_path / "in.csv").write_bytes(HEADER + GOOD)
        with pytest.raises(ValueError):  # noqa: PT011 - the root of all of them
            interpret_files(tmp_path / "in.csv", tmp_path / "out", **wrong)
        assert not (tmp_path / "out").exists()


def test_a_huge_cell_is_one_cell(tmp_path):
    """Ten megabytes in one cell are read in a block of their own, and are no number."""
    huge = b"p1,2026-01-01,magnesium," + b"9" * 10_000_000 + b",mmol/L,50\n"
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD + huge + GOOD)
    manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=1 << 16)
    assert (manifest.rows_in, manifest.bad_rows) == (3, 0)
    assert read_parts(tmp_path / "out", "results")["problem"].tolist()[1] == "not_numeric"


def test_a_line_without_end_is_passed_over(tmp_path, monkeypatch):
    """A line, or a quoted field, that is longer than any record costs one row, in bounded memory."""
    monkeypatch.setattr("labinterp.engines.csvblocks.MAX_RECORD", 2000)
    endless = b"9" * 700_000 + b"\n"
    quoted = b'p1,2026-01-01,"magnesium,0.5,mmol/L,50\n' + GOOD * 500
    for line, rows_in, at in ((endless, 3, 3), (quoted, 503, 3)):
        (tmp_path / "in.csv").write_bytes(HEADER + GOOD + line + GOOD)
        manifest = interpret_files(tmp_path / "in.csv", tmp_path / "out", block_bytes=500, force=True)
        assert (manifest.rows_in, manifest.bad_rows) == (rows_in, 1)
        assert f"in.csv,{at}," in (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8")


CELLS = st.sampled_from(
    ["a", "b", "", '"x"', '"x,y"', '"x\ny"', '"x""y"', 'q"q', "é", '""', '"x"y', " ", '"open', "a,b"]
)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS).map(",".join), max_size=8),
    st.integers(1, 60),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_blocks_hold_the_records_of_the_whole(lines, block_bytes, end):
    """However records are quoted and wherever blocks are cut: the cells that `read` gives, and the same bad rows."""
    data = f"h1,h2,h3\n{chr(10).join(lines)}".replace("\n", end).encode()
    whole, bad = read_in_blocks(data, 1 << 20)
    assert read_in_blocks(data, block_bytes) == (whole, bad)
    try:
        expected = sources.table_of(data, "it")
    except InputError:
        return
    assert not bad
    assert whole == list(zip(*cells(expected), strict=True))


def read_in_blocks(data, block_bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.csv"
        path.write_bytes(data)
        with ByteStream(path) as stream:
            dialect, line = csvblocks.open_table(stream, "it")
            blocks = csvblocks.read_blocks(stream, dialect, line, block_bytes, None)
            read = [csvblocks.parse_block(block, dialect, dialect.names) for block in blocks]
    rows = [row for table, _ in read for row in zip(*cells(table.to_pandas()), strict=True)]
    return rows, [row for _, bad in read for row in bad]


@pytest.mark.parametrize(("data", "again"), [(GOOD * 9, True), (GOOD.replace(b"\n", b"\r\n") * 9, False)])
def test_bytes_that_are_put_back_are_read_again(data, again, tmp_path):
    """What is put back comes again, from the file where it was handed on as it is, and the hash counts it once."""
    (tmp_path / "in.csv").write_bytes(data)
    with ByteStream(tmp_path / "in.csv") as stream:
        first = stream.read(100)
        stream.unread(first[40:])
        assert (stream.position == 40) is again
        rest = stream.read(len(data))
        stream.unread(rest[-7:])
        assert stream.read(100) == rest[-7:]
        assert first[:40] + rest == data.replace(b"\r\n", b"\n")
        assert stream.sha256() == hashlib.sha256(data).hexdigest()


@given(
    st.lists(st.sampled_from([b'"', b",", b"\n", b"a", b"\n" * 70, b"a" * 70]), min_size=1, max_size=60).map(b"".join),
    st.integers(1, 4),
)
def test_quotes_are_told_64_at_a_time_as_one_by_one(data, count):
    """Stray quotes, an open one and the ends of records are those that a look at every byte finds."""
    quotes = [i for i, byte in enumerate(data) if byte == ord('"')]
    around = {ord(","), ord("\n"), ord('"')}
    stray = any(i and data[i - 1] not in around for i in quotes[::2])
    stray |= any(i + 1 < len(data) and data[i + 1] not in around for i in quotes[1::2])
    inside = [sum(quote <= i for quote in quotes) % 2 for i in range(len(data))]
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n") and not inside[i]]
    quoting = Quoting(data, ",")
    assert (quoting.stray, quoting.open) == (stray, bool(inside[-1]))
    assert quoting.record_ends(len(data), count) == ends[::-1][:count]
    assert quoting.lines(len(data) // count) == data.count(b"\n", 0, len(data) // count)


@pytest.mark.parametrize(("module", "ordered"), [("pyarrow", None), ("duckdb", False)])
def test_a_missing_extra_says_how_to_install_it(module, ordered, tmp_path):
    """Without PyArrow nothing is read; without DuckDB scattered rows are not; both say which extra brings them."""
    (tmp_path / "in.csv").write_bytes(HEADER + GOOD)
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "import labinterp as li\n"
        "try:\n"
        f"    li.interpret_files({str(tmp_path / 'in.csv')!r}, {str(tmp_path / 'out')!r}, ordered={ordered})\n"
        "except li.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(li.__file__).parents[1])}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert f"{module} is not installed" in done.stdout
    assert "labinterp[duckdb]" in done.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.csv"]
