"""Spark gives the answer of the frame, whatever partitions the rows are in."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from engines_helpers import cells
from labinterp.errors import LabInterpError, LayoutError
from strategies import AGES, SEXES, rows

SRC = Path(__file__).parents[1] / "src"
LACKING = [
    what
    for what, there in (
        ("pyspark", importlib.util.find_spec("pyspark")),
        ("java", shutil.which("java") or os.environ.get("JAVA_HOME")),
    )
    if not there
]
BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of a Java that lives for seconds: what it compiles it compiles once, and no second thread collects garbage."""
NAMES = ("results", "findings", "pathways")
TESTS = (("magnesium", "0.5", "mmol/L"), ("calcium", "7,9", "mg/dL"), ("albumin", "41", "g/L"), ("B12", "90", "pmol/L"))

pytestmark = [
    pytest.mark.skipif(bool(LACKING) and os.environ.get("CI") != "true", reason=f"not installed: {', '.join(LACKING)}"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def spark():
    """A real local session with two workers and four partitions after a shuffle."""
    from pyspark.sql import SparkSession  # the tests of this file need it

    builder = SparkSession.builder.master("local[2]").appName("labinterp tests")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    }.items():
        builder = builder.config(key, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("JDK_JAVA_OPTIONS", BRIEF)
        patch.setenv("PYTHONPATH", str(SRC), prepend=os.pathsep)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


def interpret(spark, table, *, types=None, parts=3, **options):
    from labinterp.engines import spark as engine  # needs pyspark only when it is called

    columns = list(types or dict.fromkeys(table[0], "string"))
    schema = ", ".join(f"`{name}` {(types or {}).get(name, 'string')}" for name in columns)
    numbered = [(i, *(row[name] for name in columns)) for i, row in enumerate(table)]
    random.Random(7).shuffle(numbered)  # noqa: S311 - no secret
    frame = spark.createDataFrame(numbered, f"n int, {schema}").repartition(parts)
    return engine.interpret(frame, row_id="n", **options)


def rows_of(frame):
    return list(map(list, zip(*cells(frame), strict=True)))


def collected(frame):
    return [[None if cell != cell else cell for cell in row] for row in map(list, frame.collect())]  # noqa: PLR0124 - NaN


def assert_same(answer, report):
    results = sorted(collected(answer.results), key=lambda row: row[0])
    assert answer.results.columns[1:] == list(report.results.columns)
    assert [row[1:] for row in results] == rows_of(report.results)
    for name in NAMES[1:]:
        ours, expected = getattr(answer, name), getattr(report, name)
        assert ours.columns == list(expected.columns)
        assert sorted(map(repr, collected(ours))) == sorted(map(repr, rows_of(expected)))


def frame_of(table):
    return pd.DataFrame(table).astype("string")


def draws(patients=9, days=(1, 9, 20)):
    table = [
        {
            "patient_id": f"p{i}",
            "collected_at": f"2026-01-{day:02}",
            "test": test,
            "value": value,
            "unit": unit,
            "age": "50",
        }
        for day in days
        for i in range(patients)
        for test, value, unit in TESTS[: 4 - (i + day) % 3]
    ]
    for i in (3, 17):
        table[i]["patient_id"] = None
    return table


@pytest.mark.parametrize("panel", ["collection", "patient", "10D"])
def test_spark_gives_the_answer_of_the_frame(spark, panel):
    """Panels and look-backs reach over the partitions of the input; rows without a patient stand alone."""
    table = draws()
    answer = interpret(spark, table, panel=panel, partitions=5)
    assert_same(answer, li.interpret_frame(frame_of(table), panel=panel))
    answer.unpersist()


@st.composite
def dirty_tables(draw):
    people = {who: {"age": draw(AGES), "sex": draw(SEXES)} for who in (None, "a", "b", "c")}
    times = st.sampled_from([None, "2026-01-01", "2026-01-01T00:00:00", "2026-01-20", "soon"])
    return [
        {**row, "patient_id": who, "collected_at": draw(times), **people[who]}
        for row in draw(st.lists(rows(), min_size=1, max_size=40))
        for who in [draw(st.sampled_from([None, "a", "b", "c"]))]
    ]


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(dirty_tables(), st.sampled_from(["collection", "patient", "30D"]), st.sampled_from(["us", "uk"]))
def test_dirty_tables_give_the_answer_of_the_frame(spark, table, panel, ranges):
    """Row by row and finding by finding, Spark says what the frame says."""
    texts = [{name: None if cell is None else str(cell) for name, cell in row.items()} for row in table]
    answer = interpret(spark, texts, panel=panel, ranges=ranges, grading="ctcae/5.0", persist=False)
    assert_same(answer, li.interpret_frame(frame_of(texts), panel=panel, ranges=ranges, grading="ctcae/5.0"))


def test_types_and_names_of_the_user_are_kept(spark):
    """Integers stay integers, numbers are read as numbers, and columns may have other names."""
    table = [
        {"pat": i % 4, "when": row["collected_at"], "t": row["test"], "v": float(row["value"].replace(",", ".")),
         "u": row["unit"], "years": 50}
        for i, row in enumerate(draws())
    ]  # fmt: skip
    mapped = {"patient_id": "pat", "collected_at": "when", "test": "t", "value": "v", "unit": "u", "age": "years"}
    types = {"pat": "bigint", "when": "string", "t": "string", "v": "double", "u": "string", "years": "int"}
    answer = interpret(spark, table, types=types, columns=mapped)
    assert dict(answer.results.dtypes)["patient_id"] == "bigint"
    assert dict(answer.results.dtypes)["value"] == "double"
    frame = pd.DataFrame(table)
    frame[["when", "t", "u"]] = frame[["when", "t", "u"]].astype("string")
    assert_same(answer, li.interpret_frame(frame, columns=mapped))


@pytest.mark.parametrize("name", ["sdtm-lb", "labinterp-wide", "mimic-iv", "omop"])
def test_known_layouts_are_recognized(spark, name):
    """A Spark frame in another layout is converted on the workers; without tables beside it, as the frame is."""
    path = Path(__file__).parents[1] / "examples" / "data" / "layouts" / f"{name}.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    table = [{key: None if pd.isna(cell) else cell for key, cell in row.items()} for row in frame.to_dict("records")]
    expected = li.interpret_frame(frame.astype("string"))
    for column in ("patient_id", "collected_at"):
        if not isinstance(expected.results[column].dtype, pd.CategoricalDtype):
            expected.results[column] = [
                None if pd.isna(cell) else cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
                for cell in expected.results[column]
            ]
    assert_same(interpret(spark, table), expected)


def test_nothing_is_computed_before_it_is_asked_for(spark, monkeypatch):
    """The driver collects nothing: planning starts no job, and the three frames unpack."""
    from pyspark.sql.classic.dataframe import DataFrame  # where collecting happens

    table = draws()
    for name in ("collect", "toPandas", "toArrow", "take", "count"):
        monkeypatch.setattr(DataFrame, name, None)
    answer = interpret(spark, table)
    results, findings, pathways = answer
    assert (results, findings, pathways) == (answer.results, answer.findings, answer.pathways)
    assert spark.sparkContext.statusTracker().getActiveJobsIds() == []


def test_ranges_of_a_file_travel_with_the_job(spark, tmp_path):
    """A user's own file of ranges is read on the driver; it is gone before the workers start."""
    own = Path(__file__).parents[1] / "reference_ranges"
    source = next(own.glob("nam/*.toml"))
    path = tmp_path / "own.toml"
    path.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    table = draws(3)
    expected = li.interpret_frame(frame_of(table), ranges=path)
    answer = interpret(spark, table, ranges=path)
    path.unlink()
    assert_same(answer, expected)


def test_wrong_choices_are_told_on_the_driver(spark):
    """What is wrong with options or columns is an error of ours before any job is planned."""
    table = draws(2)
    for wrong in ({"panel": "week"}, {"ranges": "nowhere"}, {"decimal": ";"}):
        with pytest.raises(LabInterpError):
            interpret(spark, table, **wrong)
    with pytest.raises(LayoutError):
        interpret(spark, [{"a": "1", "b": "2"}])
    from labinterp.engines import spark as engine  # needs pyspark only when it is called

    frame = spark.createDataFrame([("Mg", "1", "mmol/L", "7")], "test string, value string, unit string, id string")
    with pytest.raises(LayoutError, match="row_id"):
        engine.interpret(frame, row_id="id")
    assert len(engine.interpret(frame).results.collect()) == 1


JOB = Path(__file__).parents[1] / "examples" / "spark_job.py"
TWICE = """
import runpy, sys
job = sys.argv[1]
for form in ("csv", "parquet"):
    sys.argv = [job, f"in.{form}", f"out-{form}", "--format", form, "--partitions", "2"]
    runpy.run_path(job, run_name="__main__")
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What `examples/spark_job.py`, as it stands, writes on one local core of a table in two formats, in one Java."""
    folder = tmp_path_factory.mktemp("job")
    frame = frame_of(draws(4))
    frame.to_csv(folder / "in.csv", index=False)
    frame.to_parquet(folder / "in.parquet", index=False)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(SRC), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYSPARK_PYTHON": sys.executable,
        "JDK_JAVA_OPTIONS": BRIEF,
        "PYSPARK_SUBMIT_ARGS": "--master local[1] --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 "
        "--conf spark.driver.bindAddress=127.0.0.1 pyspark-shell",
    }
    command = [sys.executable, "-c", TWICE, JOB]
    done = subprocess.run(  # noqa: S603 - our own example
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, li.interpret_frame(frame)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_example_job_writes_the_three_tables(written, form):
    """`examples/spark_job.py` runs as it stands and writes the answer of the frame."""
    folder, expected = written
    for name in NAMES:
        table = pd.read_parquet(folder / f"out-{form}" / name)
        assert len(table) == len(getattr(expected, name)) > 0
        assert list(table.columns) == list(getattr(expected, name).columns)


def test_a_table_of_parquet_gives_the_answer_of_the_frame(spark, tmp_path):
    """What Spark reads from Parquet itself is interpreted as it stands."""
    from labinterp.engines import spark as engine

    frame = frame_of(draws(4)).reset_index(names="n")
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    answer = engine.interpret(spark.read.parquet(str(tmp_path / "in.parquet")), row_id="n")
    assert_same(answer, li.interpret_frame(frame.drop(columns="n")))


def test_ids_with_white_space_around_are_one_patient(spark):
    """`5`, ` 5` and `5` with a tab or a wide blank are one patient in every partition; a blank or crossed-out id names nobody."""
    tests = (("25-hydroxyvitamin D", "9", "ng/mL"), ("calcium", "9.4", "mg/dL"), ("magnesium", "0.5", "mmol/L"))
    ids = ("{} ", " {}", '="{}\t\u3000"')
    table = [(each.format(i), *test, "50") for each, test in zip(ids, tests, strict=True) for i in range(12)]
    nobody = ("", " ", "\u00a0", "NA", " [Redacted]", "xx-xx", "***", "НЕИЗВЕСТНО", "–")
    table += [(blank, *test, "50") for blank in nobody for test in tests]
    frame = pd.DataFrame(table, columns=["patient_id", "test", "value", "unit", "age"])
    answer = interpret(spark, frame.to_dict("records"), parts=5)
    assert_same(answer, li.interpret_frame(frame))


def test_a_number_that_is_none_names_nobody(spark):
    """Rows whose id is NaN are panels of their own, as in a frame."""
    tests = (("25-hydroxyvitamin D", "9", "ng/mL"), ("calcium", "9.4", "mg/dL"))
    table = [(patient, *test, "50") for patient in (1.0, float("nan"), 2.0) for test in tests]
    frame = pd.DataFrame(table, columns=["patient_id", "test", "value", "unit", "age"])
    types = {**dict.fromkeys(frame.columns, "string"), "patient_id": "double"}
    answer = interpret(spark, frame.to_dict("records"), types=types)
    report = li.interpret_frame(frame)
    for name in ("findings", "pathways"):
        assert len(getattr(answer, name).collect()) == len(getattr(report, name))
