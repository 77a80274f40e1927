"""What patients tell, in columns beside their results."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labinterp as li

ROWS = [
    {
        "patient_id": "a",
        "test": "magnesium",
        "value": "1.1",
        "unit": "mg/dL",
        "age": 50,
        "symptoms": "cramps; Pins and needles",
    },
    {
        "patient_id": "a",
        "test": "calcium",
        "value": "7.2",
        "unit": "mg/dL",
        "age": 50,
        "course": "persistent",
        "triggers": "stress",
    },
    {"patient_id": "b", "test": "magnesium", "value": "1.1", "unit": "mg/dL", "age": 50, "symptoms": None},
]


def explanations(report, patient="a"):
    found = report.findings
    return found[found["patient_id"] == patient]["explanation"].tolist()


def test_columns_of_a_presentation_are_read_and_said_in_the_explanation():
    """Symptoms, triggers and course beside results reach every finding of their panel, and of no other."""
    report = li.interpret_frame(pd.DataFrame(ROWS))
    assert report.unused_columns == ()
    assert explanations(report)
    for text in explanations(report):
        assert "Told with it:" in text
        assert "persistent" in text
        assert "stress" in text
    assert not any("Told" in text for text in explanations(report, "b"))


@pytest.mark.parametrize("kind", ["list", "tuple", "array"])
def test_lists_are_read_as_texts_divided_by_semicolons(kind):
    """A list of symptoms is what the text divided by `;` is."""
    make = {"list": list, "tuple": tuple, "array": lambda items: pd.array(items).to_numpy()}[kind]
    rows = [{**row, "symptoms": make(["cramps", "tingling"]) if row.get("symptoms") else None} for row in ROWS]
    frame = pd.DataFrame(rows * 20)
    expected = pd.DataFrame(
        [{**row, "symptoms": "cramps;tingling" if row["symptoms"] is not None else None} for row in rows] * 20
    )
    assert explanations(li.interpret_frame(frame)) == explanations(li.interpret_frame(expected))
    assert "cramps" in explanations(li.interpret_frame(frame))[0]


def test_objects_and_tables_say_the_same_of_what_is_told():
    """`interpret` with rows, or with a presentation, gives the explanations of `interpret_frame`."""
    rows = [{name: value for name, value in row.items() if name != "patient_id"} for row in ROWS[:2]]
    told = li.Presentation(("cramps", "tingling"), ("stress",), "persistent")
    ours = li.interpret(rows)
    assert [f.explanation for f in ours.findings] == explanations(li.interpret_frame(pd.DataFrame(ROWS)))
    bare = [{name: row[name] for name in ("test", "value", "unit", "age")} for row in rows]
    assert [f.explanation for f in li.interpret(bare, presentation=told).findings] == [
        f.explanation for f in ours.findings
    ]
    assert "cramps" in ours.findings[0].matched_symptoms


def test_streams_say_the_same_of_what_is_told(tmp_path):
    """CSV with texts and Parquet with lists give the findings of the frame, scattered rows too."""
    frame = pd.DataFrame([ROWS[0], ROWS[2], ROWS[1]])
    frame.to_csv(tmp_path / "a.csv", index=False)
    lists = [["cramps", "tingling"], None, None]
    table = pa.Table.from_pandas(frame.drop(columns="symptoms")).append_column(
        "symptoms", pa.array(lists, pa.list_(pa.string()))
    )
    pq.write_table(table, tmp_path / "b.parquet")
    expected = li.interpret_frame(frame).findings["explanation"].tolist()
    for name in ("a.csv", "b.parquet"):
        li.interpret_files(tmp_path / name, tmp_path / f"out-{name}")
        found = pd.read_parquet(tmp_path / f"out-{name}" / "findings")
        assert found["explanation"].tolist() == expected
    polars = pytest.importorskip("polars")
    assert li.interpret_frame(polars.from_arrow(table)).findings["explanation"].to_list() == expected


def test_what_is_not_known_is_noted():
    """A symptom that is not known is noted on its row and passed over, on every face."""
    rows = [{"test": "magnesium", "value": "1.1", "unit": "mg/dL", "age": 50, "symptoms": "cramps; glowing"}]
    report = li.interpret_frame(pd.DataFrame(rows))
    assert "presentation_unreadable" in report.results["notes"].iloc[0]
    assert "cramps" in report.findings["explanation"].iloc[0]
    assert "presentation_unreadable" in li.interpret(rows).interpretations[0].notes


def test_wide_tables_have_columns_of_a_presentation():
    """The columns of a whole row of a wide table tell of all its results."""
    frame = pd.DataFrame({"patient_id": ["a"], "age": [50], "magnesium (mg/dL)": [1.1], "symptoms": [["cramps"]]})
    report = li.interpret_frame(frame)
    assert report.unused_columns == ()
    assert "cramps" in report.findings["explanation"].iloc[0]
