"""What a caller says of local names with `tests=`."""

import csv
import io
import pickle

import pandas as pd
import pytest

import labinterp as li
from labinterp.errors import InputError, LayoutError, UnknownTestError
from labinterp.kernel.quantity import Sent
from labinterp.kernel.quantity import resolve as channel_of
from labinterp.reading import analytes, local_names

SAID = {"LAB0123": "magnesium", "Ca++": "calcium_ionized", "Magnesium EPK": "", "Vitamin D": None, "K": "calcium"}


@pytest.mark.parametrize(
    ("test", "loinc", "key", "reason"),
    [
        ("LAB0123", None, "magnesium", None),
        (" lab0123 ", None, "magnesium", None),
        ("\uff2c\uff21\uff22\uff10\uff11\uff12\uff13", None, "magnesium", None),
        ("something", "LAB0123", "magnesium", None),
        ("Ca++", None, "calcium_ionized", None),
        ("Ca", None, "calcium", None),
        ("magnesium epk", None, None, "refused_by_caller"),
        ("Vitamin D", None, None, "refused_by_caller"),
        ("K", None, "calcium", None),
        ("LAB0123", "99999-9", "magnesium", None),
        ("LAB0124", None, None, "unknown"),
        ("Magnesium", None, "magnesium", None),
    ],
)
def test_what_the_caller_says_comes_before_every_other_reading(test, loinc, key, reason):
    """A name that the caller maps or refuses is read so, others as ever."""
    found = analytes.resolve(test, loinc, analytes.test_map(SAID))
    assert (found.analyte, found.reason) == (key, reason)
    assert analytes.reason_text(reason) if reason else True


def test_code_beside_a_mapped_name_keeps_its_caveats():
    """A LOINC code that agrees with the caller keeps property and notes; one of another analyte is noted."""
    said = analytes.test_map({"LAB1": "vitamin_d"})
    assert analytes.resolve("LAB1", "1989-3", said) == analytes.resolve("1989-3")
    assert analytes.resolve("LAB1", "2601-3", said).notes == ("loinc_name_conflict",)


def test_mapped_name_becomes_a_channel():
    """The kernel reads a local name by what the caller says."""
    said = analytes.test_map({"LAB0123": "magnesium"})
    assert channel_of(Sent("LAB0123", "mg/dL"), {}, said).analyte == "magnesium"
    assert channel_of(Sent("LAB0123", "mg/dL"), {}).problem == "unknown_test"


@pytest.mark.parametrize("text", ["test,analyte\n", "\ufeffAnalyte,x,Test\r\n"])
def test_file_says_the_same_as_a_mapping(tmp_path, text):
    """A CSV with the columns test and analyte is a mapping, whatever their order and however lines end."""
    path = tmp_path / "tests.csv"
    rows = [("LAB0123", "magnesium"), ('"Ca, i"', "calcium_ionized"), ("MGU", "")]
    lines = [f"{key},,{name}" if "x" in text else f"{name},{key}" for name, key in rows]
    path.write_text(text + "\n".join(lines) + "\n\n", encoding="utf-8")
    mapping = {"LAB0123": "magnesium", "Ca, i": "calcium_ionized", "MGU": ""}
    assert analytes.test_map(path) == analytes.test_map(str(path)) == analytes.test_map(mapping)
    assert hash(analytes.test_map(path)) == hash(analytes.test_map(mapping))


def test_map_survives_pickling():
    """A worker of Spark says what the driver said."""
    said = analytes.test_map(SAID)
    copy = pickle.loads(pickle.dumps(said))  # noqa: S301 - made on the line itself
    assert copy == said
    assert copy.lookup("lab0123") == "magnesium"
    assert analytes.test_map(said) is said


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ({"LAB1": "magnesia"}, UnknownTestError, "no analyte key"),
        ({"LAB1": 3}, TypeError, "texts"),
        ({3: "magnesium"}, TypeError, "texts"),
        ({"LAB1": "calcium", "lab1": "magnesium"}, InputError, "two analytes"),
        (["LAB1"], TypeError, "neither"),
        ("no/such/file.csv", InputError, "cannot be read"),
        (b"name,analyte\nA,magnesium\n", LayoutError, "column test"),
        (b"test,key\nA,magnesium\n", LayoutError, "column analyte"),
        (b"", LayoutError, "column test"),
        (b"test,analyte\nA\n", InputError, "short"),
        (b'test,analyte\n"A,magnesium\n', InputError, "no CSV"),
        (b"test,analyte\nA,magnesia\n", UnknownTestError, "no analyte key"),
        (b"test,analyte\n\xff,magnesium\n", InputError, "cannot be read"),
    ],
)
def test_wrong_map_is_refused_in_words(tmp_path, source, error, words):
    """What is no map of tests is refused, and the message says what one looks like."""
    if isinstance(source, bytes):
        path = tmp_path / "tests.csv"
        path.write_bytes(source)
        source = path
    with pytest.raises(error, match=words):
        analytes.test_map(source)


def test_a_list_of_local_names_has_a_size(tmp_path, monkeypatch):
    """A file of names that is too large is refused before it is read as a table."""
    path = tmp_path / "tests.csv"
    path.write_text("test,analyte\nX1,magnesium\n", encoding="utf-8")
    monkeypatch.setattr(local_names, "_MOST_BYTES", 10)
    with pytest.raises(li.InputError, match="too large"):
        li.interpret([], tests=path)


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_draft_that_a_spreadsheet_saved_is_taken(tmp_path, sign):
    """The draft of an audit comes back filled in, with any separator, and its guarded names mean what they were."""
    names = ["+Mg of ours", "plain word"]
    frame = pd.DataFrame({"test": names, "value": 1.1, "unit": "mg/dL", "age": 50})
    rows = list(csv.reader(io.StringIO(li.audit(frame).tests_draft())))
    filled = [[*row[:1], "magnesium", *row[2:]] if i else row for i, row in enumerate(rows)]
    with (tmp_path / "tests.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=sign).writerows(filled)
    answer = li.interpret_frame(frame, tests=str(tmp_path / "tests.csv"))
    assert answer.results["flag"].tolist() == ["L", "L"]
