"""Broken files of ranges: every fault at once, each with file, place and words."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from labinterp.errors import ReferenceSetError, ReferenceSetNotFound
from labinterp.ranges import check, load_edition, reference_set
from labinterp.ranges.reader import MAX_FAULTS, TableReader

FOLDER = Path(__file__).parent / "broken_editions"
FILES = sorted(FOLDER.glob("*.toml"))


def expected(path: Path) -> list[str]:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    return [line.removeprefix("# expects: ") for line in lines if line.startswith("# expects: ")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_broken_file_names_file_place_and_fault(path):
    """Every broken file yields the faults that it was made to show and no others."""
    faults = check(path)
    words = expected(path)
    assert words
    for text in words:
        assert any(fault.startswith(f"{path}: {text}") for fault in faults), (text, faults)
    assert len(faults) == len(words), faults


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_broken_file_is_refused_with_all_its_faults(path):
    """Loading a broken file raises one error that holds every fault and survives pickling."""
    with pytest.raises(ReferenceSetError) as caught:
        load_edition(path)
    assert caught.value.faults == check(path)
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults  # noqa: S301 - our own bytes


def test_several_faults_come_at_once(tmp_path):
    """Faults in different entries and keys are reported together."""
    text = (FOLDER / "number-not-a-number.toml").read_text(encoding="utf-8")
    path = tmp_path / "several.toml"
    path.write_text(
        text.replace('title = "My Hospital"', "title = 5").replace(', locator = "page 14"', ""), encoding="utf-8"
    )
    assert len(check(path)) == 3


def test_faults_of_a_list_name_the_entry_and_give_an_example():
    """A fault within an entry says the entry's id, and how a right value looks."""
    fault = check(FOLDER / "number-not-a-number.toml")[0]
    words = "range[1].bands[1].below: expected a number, got '1A' (in vitamin_b12)"
    assert fault.endswith(words + '; for example: below = { "mg/dL" = "1.6" }')


def test_large_file_is_refused_unread(tmp_path):
    """A file of more than 1 MB is refused by its size, before it is read."""
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    assert check(path) == (f"{path}: the file is larger than 1 MB; a file of ranges has a few kB",)


def test_folder_and_missing_file(tmp_path):
    """A folder is no file of ranges, and a file that does not exist is not found."""
    assert check(tmp_path) == (f"{tmp_path}: expected a file",)
    with pytest.raises(ReferenceSetNotFound):
        load_edition(tmp_path / "none.toml")
    with pytest.raises(ReferenceSetNotFound):
        check(tmp_path / "none.toml")
    with pytest.raises((ReferenceSetError, ReferenceSetNotFound)):
        load_edition("a\0b.toml")


def test_broken_own_file_leaves_the_shipped_ones_alone():
    """After a broken file the shipped profiles still load."""
    with pytest.raises(ReferenceSetError):
        reference_set([FOLDER / "not-toml.toml", "us"])
    assert reference_set("us").editions


def test_many_faults_end():
    """A file with thousands of faults is reported in short."""
    reader = TableReader("x")
    for number in range(1000):
        reader.fault(f"range[{number}]", "wrong")
    assert len(reader.faults) == MAX_FAULTS
