import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.errors import InputError, LabInterpError, MissingExtraError
from labinterp.messages import hl7v2

pytest.importorskip("hl7")

DATA = Path(__file__).parents[1] / "examples" / "data" / "hl7v2"
MSH = "MSH|^~\\&|LAB|N|EHR|N|20260302||ORU^R01|M1|P|2.5.1"
PID = "PID|1||A1||X^Y||19710514|F"
OBR = "OBR|1|O1|F1|CHEM^Chemistry|||20260302080000"
SECRET = "31415926"  # noqa: S105 - stands for a value of a patient


def obx(value="7.9", kind="NM", test="17861-6^Calcium^LN", unit="mg/dL", span="8.6-10.2", status="F", **more):
    fields = {1: "1", 2: kind, 3: test, 5: value, 6: unit, 7: span, 11: status}
    fields |= {int(key[1:]): text for key, text in more.items()}
    return "|".join(["OBX", *(fields.get(i, "") for i in range(1, max(fields) + 1))])


def message(*segments, head=(MSH, PID, OBR), end="\r"):
    return "".join(segment + end for segment in (*head, *segments))


def row(*segments, **options):
    frame = hl7v2.to_frame(message(*segments), **options)
    assert len(frame) == 1
    return frame.iloc[0].to_dict()


def interpreted(*segments, **options):
    [interpretation] = hl7v2.interpret_hl7v2(message(*segments), **options).interpretations
    return interpretation


def test_one_row_per_obx_in_order():
    """Every OBX of an ORU^R01 gives one row, in order, with patient, time, specimen, range and flag."""
    frame = hl7v2.to_frame(DATA / "oru_r01.hl7")
    assert frame["value"].tolist() == ["7.9", "4.1", "<8", None, "1.4", "hemolyzed"]
    assert frame["note"].tolist() == [None, None, None, "superseded", None, None]
    first = frame.iloc[0]
    assert (first["patient_id"], first["sex"], first["birth_date"]) == ("A-100", "female", "1971-05-14")
    assert (first["collected_at"], first["specimen"]) == ("2026-03-02T08:10:00+01:00", "SER")
    assert (first["reference_low"], first["reference_high"], first["reported_flag"]) == ("8.6", "10.2", "L")


def test_message_is_interpreted():
    """A message of one patient gives one report with its findings."""
    report = hl7v2.interpret_hl7v2(DATA / "oru_r01.hl7")
    assert {"hypocalcemia", "hypomagnesemia", "vitamin-d-deficiency"} <= {finding.code for finding in report.findings}
    assert [item.problem for item in report.interpretations][3:] == ["missing_value", None, "not_numeric"]


def test_specimens_of_oul_r22_are_kept_apart():
    """In an OUL^R22 every result has the specimen whose SPM stands before it."""
    report = hl7v2.interpret_hl7v2(DATA / "oul_r22.hl7")
    assert hl7v2.to_frame(DATA / "oul_r22.hl7")["specimen"].tolist() == ["Serum", "Urine"]
    assert [(item.flag, item.problem) for item in report.interpretations] == [
        ("H", None),
        (None, "unsuitable_specimen"),
    ]


def test_specimen_behind_the_results_of_an_order_counts():
    """In an ORU^R01 the SPM behind the OBX of an order says their specimen."""
    assert row(obx(), "SPM|1|S1||UR^Urine^HL70487")["specimen"] == "Urine"


def test_batch_gives_one_report_per_patient():
    """A batch file gives a report per patient; the face for one patient refuses it and says what to use."""
    reports = hl7v2.interpret_hl7v2_batch(DATA / "batch.hl7")
    assert [report.interpretations[0].flag for report in reports] == ["L", "N"]
    with pytest.raises(InputError, match="interpret_hl7v2_batch"):
        hl7v2.interpret_hl7v2(DATA / "batch.hl7")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("form", ["text", "bytes", "mllp"])
def test_line_ends_and_frames(end, form):
    """CR, LF and CRLF, text and bytes, with and without an MLLP frame read alike."""
    text = message(obx(), obx("1.4", test="19123-9^Magnesium^LN"), end=end)
    source = {"text": text, "bytes": text.encode(), "mllp": b"\x0b" + text.encode() + b"\x1c\r"}[form]
    assert hl7v2.to_frame(source).equals(hl7v2.to_frame(message(obx(), obx("1.4", test="19123-9^Magnesium^LN"))))


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("NM", "7.9", "7.9"),
        ("NM", "1.23", "1.23"),
        ("SN", "<^8", "<8"),
        ("SN", ">=^8.5", ">=8.5"),
        ("SN", "^100", "100"),
        ("SN", "=^100", "100"),
        ("ST", "<8", "<8"),
        ("ST", "7,9", "7,9"),
        ("TX", "7.9 \\T\\ more", "7.9 & more"),
        ("CWE", "N^<8^L", "<8"),
        ("", "7.9", "7.9"),
        ("NM", '""', None),
        ("NM", "", None),
    ],
)
def test_values_are_read_by_their_type(kind, sent, value):
    """NM, SN, ST, TX and CWE values are read, comparators and escapes included; a null is missing."""
    assert row(obx(sent, kind))["value"] == value


@pytest.mark.parametrize(
    ("kind", "sent"),
    [("SN", "^1^:^8"), ("SN", "^7^-^9"), ("SN", "<>^8"), ("SN", "^2^+"), ("SN", "1^8"), ("NM", "7.9~8.1"),
     ("NM", "7^9"), ("ST", "7^9"), ("ED", "7.9"), ("RP", "7"), ("CWE", "HEM^hemolyzed^L"), ("ST", "see below")],
)  # fmt: skip
def test_what_is_no_single_number_is_not_numeric(kind, sent):
    """Ratios, spans, repetitions and texts are never read as a number."""
    assert interpreted(obx(sent, kind)).problem == "not_numeric"


def test_number_with_a_point_is_not_touched_by_a_decimal_comma():
    """An NM value always has a decimal point, whatever decimal sign texts have."""
    assert interpreted(obx("1.234", test="2601-3^Mg^LN", unit="mmol/L", span="0,7-1,0"), decimal=",").value == 1.234


@pytest.mark.parametrize(
    ("test", "analyte"),
    [
        ("17861-6^anything^LN", "calcium"),
        ("CA^Calcium^L^17861-6^x^LN", "calcium"),
        ("CA^Calcium^L^2345-7^Glucose^LN", None),
        ("X1^Magnesium^L", "magnesium"),
        ("MG", "magnesium"),
        ("X1^Vitamin D 1,25-dihydroxy^L", None),
        ("X1^Calcium^L^X2^Magnesium^L", None),
        ("HOUSE7^something^L", "vitamin_b12"),
        ("HOUSE7^something^L^2345-7^Glucose^LN", "vitamin_b12"),
    ],
)
def test_test_is_found_by_code_table_or_name(test, analyte):
    """The caller's own list decides, then LOINC in either triplet, then the name."""
    assert interpreted(obx(test=test), tests={"HOUSE7": "vitamin_b12"}).analyte == analyte


@pytest.mark.parametrize(
    ("unit", "read", "note"),
    [
        ("mg/dL", "mg/dL", None),
        ("mg/dL^milligrams^UCUM", "mg/dL", None),
        ("U7^mg/dL^L", "mg/dL", None),
        ("L7^x^L^mmol/L^x^UCUM", "mmol/L", None),
        ("mmol/L^mg/dL^UCUM", "mmol/L", "unit_conflict"),
    ],
)
def test_unit_is_found_in_the_components(unit, read, note):
    """The UCUM component decides about the unit, else the first known spelling; a contradiction is noted."""
    found = row(obx(unit=unit))
    assert (found["unit"], found["note"]) == (read, note)


@pytest.mark.parametrize(
    ("span", "low", "high"),
    [
        ("8.6-10.2", "8.6", "10.2"),
        ("<15", None, "<15.0"),
        (">=30", "30.0", None),
        ("", None, None),
    ],
)
def test_ranges_are_read(span, low, high):
    """OBX-7 is read in its usual spellings."""
    found = row(obx(span=span))
    assert (found["reference_low"], found["reference_high"]) == (low, high)


def test_a_range_in_words_is_handed_on_as_it_was_sent():
    """A text that is more than two ends reaches the interpretation, which says so where it can't use it."""
    assert row(obx(span="adults"))["reference_range"] == "adults"
    assert "reported_range_unusable" in interpreted(obx(span="adults"), assume_adult=True).notes


@pytest.mark.parametrize(
    ("statuses", "notes"),
    [
        ("PF", ["superseded", None]),
        ("FC", ["superseded", None]),
        ("PC", ["superseded", None]),
        ("FP", [None, "superseded"]),
        ("PPF", ["superseded", "superseded", None]),
        ("FCC", ["superseded", "superseded", None]),
        ("FF", [None, None]),
        ("FD", ["superseded", "entered_in_error"]),
        ("FW", ["superseded", "entered_in_error"]),
        ("PX", ["superseded", "cancelled"]),
        ("PU", [None, None]),
        ("?", ["status_unknown"]),
    ],
)
def test_corrections_replace_earlier_results(statuses, notes):
    """A correction or a final result takes the place of an earlier one, which stays as a row without a value."""
    frame = hl7v2.to_frame(message(*(obx(status=status) for status in statuses)))
    assert frame["note"].tolist() == notes
    assert frame["value"].isna().tolist() == [note not in (None, "status_unknown") for note in notes]


def test_correction_replaces_within_its_order_and_sub_id_only():
    """A correction touches neither another order, nor another sub-id, nor another patient."""
    other = "OBR|2|O2|F2|CHEM|||20260302090000"
    frame = hl7v2.to_frame(message(obx(f4="a"), obx(f4="b"), other, obx(f4="a", status="C")))
    assert frame["note"].isna().all()
    correction = message(obx("8.1", status="C"), head=(MSH, PID, OBR))
    assert hl7v2.to_frame(message(obx()) + correction)["note"].tolist() == ["superseded", None]
    stranger = message(obx("8.1", status="C"), head=(MSH, PID.replace("A1", "B2"), OBR))
    assert hl7v2.to_frame(message(obx()) + stranger)["note"].isna().all()


def test_time_series_within_an_order_is_kept():
    """Final results of one test at several times are all kept."""
    frame = hl7v2.to_frame(message(obx(f14="20260302080000"), obx(f14="20260302090000", status="P")))
    assert frame["note"].isna().all()
    assert frame["collected_at"].tolist() == ["2026-03-02T08:00:00", "2026-03-02T09:00:00"]


def test_patients_of_two_authorities_are_never_one():
    """One number of two assigning authorities means two patients with two ids."""
    two = message(obx()) + message(obx(), head=(MSH, PID.replace("A1", "A1^^^OTHER"), OBR))
    assert hl7v2.to_frame(two)["patient_id"].tolist() == ["A1", "A1^OTHER"]
    assert len(hl7v2.to_results(two)) == 2


def test_message_without_patient_stands_alone():
    """Results without PID are of somebody, the same within one message and another in the next."""
    single = message(obx(), obx("1.4", test="19123-9^Mg^LN"), head=(MSH, OBR))
    assert [len(results) for _, results in hl7v2.to_results(single + single)] == [2, 2]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("x\\.br\\y", "x y"),
        ("\\H\\x\\N\\", "x"),
        ("\\X2C\\", ","),
        ("7\\.sk99999999\\9", "7\\.sk99999999\\9"),
        ("7\\Z9\\9", "7\\Z9\\9"),
        ("7\\9", "7\\9"),
    ],
)
def test_escapes(raw, value):
    """Known escape sequences are replaced; unknown or open ones stay and so keep the text from being a number."""
    assert row(obx(raw, "ST"))["value"] == value


def test_character_sets():
    """UTF-8 is the rule; Latin-1 is read where MSH-18 says so, and refused where it doesn't."""
    test = obx(test="X^Kalzium µ é^L")
    named = MSH + "||||||8859/1"
    assert hl7v2.to_frame(message(test).encode())["test"].tolist() == ["Kalzium µ é"]
    assert hl7v2.to_frame(message(test, head=(named, PID, OBR)).encode("latin-1"))["test"].tolist() == ["Kalzium µ é"]
    with pytest.raises(InputError, match="byte"):
        hl7v2.to_frame(message(test).encode("latin-1"))
    with pytest.raises(InputError, match="MSH-18"):
        hl7v2.to_frame(message(test, head=(MSH + "||||||ISO IR87", PID, OBR)).encode())
    for name, codec in (("8859/2", "iso8859-2"), ("WINDOWS-1251", "cp1251"), ("GB 18030-2000", "gb18030")):
        sent = message(obx(test="X^Mg \u00a7^L"), head=(f"{MSH}||||||{name}", PID, OBR))
        if codec == "cp1251":
            sent = sent.replace("Mg", "\u041c\u0430\u0433\u043d\u0438\u0439")
        assert hl7v2.to_frame(sent.encode(codec)).equals(hl7v2.to_frame(sent))


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("", "MSH"),
        ("nonsense", "line 1"),
        (PID + "\r" + obx() + "\r", "line 1, PID"),
        (message(obx(), head=(MSH.replace("^~\\&", "^^\\&"), PID, OBR)), "MSH"),
        (message(obx(), head=(MSH.replace("^~\\&", ""), PID, OBR)), "MSH"),
        ("MSH", "MSH"),
        (message(obx(), head=(MSH.replace("ORU^R01", "ADT^A01"), PID, OBR)), "MSH-9"),
        (message(obx(), head=(MSH.replace("2.5.1", "3.0"), PID, OBR)), "MSH-12"),
        (MSH + "\r" + PID + "\r", "PID"),
        (message(obx()) + "OB", "line 5"),
        (message(obx()) + "OBX|2|NM|17861-6^Ca^LN||7", "line 5, OBX"),
        (message(obx()) + "ADD|.9\r", "ADD"),
        (message(obx(), "some text"), "line 5"),
        ("\x0b" + message(obx()), "MLLP"),
        ("BHS|^~\\&\r" + message(obx()) + "BTS|2\r", "BTS-1"),
        (message(obx(SECRET)).replace("OBX|", "OBX^"), "line 4"),
        ("M\x00S\x00H\x00", "line 1"),
        ("MSH\rBTS\r", "MSH"),
        (message(obx()) + "MSH\rBTS|1\r", "MSH"),
        (7, "text or bytes"),
    ],
)
def test_unreadable_message_is_refused_with_its_segment(source, place):
    """What cannot be read raises an InputError that names the segment and shows no value."""
    with pytest.raises(InputError) as caught:
        hl7v2.to_frame(source)
    assert place in str(caught.value)
    assert SECRET not in str(caught.value)


def test_large_message_is_refused():
    """A message above the limit is refused before it is read."""
    with pytest.raises(InputError, match="larger"):
        hl7v2.to_frame(message(obx()), max_bytes=10)


def test_missing_package_names_the_extra(monkeypatch):
    """Without the package `hl7` the error says which extra to install."""
    monkeypatch.setitem(sys.modules, "hl7", None)
    with pytest.raises(MissingExtraError, match="labinterp\\[hl7v2\\]"):
        hl7v2.to_frame(message(obx()))


def test_segments_written_are_read_again():
    """The OBX segments that are written are read back with the same values, units and flags."""
    report = hl7v2.interpret_hl7v2(DATA / "oru_r01.hl7")
    text = hl7v2.to_obx(report)
    lines = text.split("\r")
    assert all(line[:4] in ("OBX|", "NTE|") for line in lines[:-1])
    again = hl7v2.interpret_hl7v2(message(*lines[:-1])).interpretations[: len(report.interpretations)]
    for before, after in zip(report.interpretations, again, strict=True):
        assert (before.analyte, before.flag, before.comparator) == (after.analyte, after.flag, after.comparator)
        assert after.value is None if before.value is None else after.value == pytest.approx(before.value, rel=1e-9)


def test_trace_stands_in_the_notes():
    """The NTE behind an OBX name the range that judged it, and those behind a finding explain it."""
    text = hl7v2.to_obx(hl7v2.interpret_hl7v2(DATA / "oru_r01.hl7"))
    assert "NTE|1|L|Judged by: the range sent with it." in text
    assert "hypocalcemia^" in text
    assert "not_numeric: " in text
    assert "\n" not in text


def test_text_cannot_add_segments_or_fields():
    """Separators and line ends in a name are escaped, so that no field or segment can be smuggled in."""
    report = li.interpret([li.LabResult("x|y^z\rOBX|9|NM|evil", 3, "mg/dL")])
    [line, _note, rest] = hl7v2.to_obx(report).split("\r")
    assert rest == ""
    assert line.split("|")[3] == "^x\\F\\y\\S\\z OBX\\F\\9\\F\\NM\\F\\evil"


@settings(max_examples=150)
@given(st.integers(0, 900), st.text(alphabet="|^~\\&\r\nOBXMSH19.<", max_size=5), st.booleans())
def test_damaged_message_is_read_or_refused(at, junk, cut):
    """A message that is cut or overwritten anywhere is read or refused; nothing else is raised."""
    text = (DATA / "oru_r01.hl7").read_text("utf-8")
    source = text[:at] if cut else text[:at] + junk + text[at + len(junk) :]
    try:
        hl7v2.interpret_hl7v2_batch(source)
    except LabInterpError:
        return


@settings(max_examples=60)
@given(st.integers(1, 40))
def test_cut_number_is_never_read_as_a_whole_one(keep):
    """A message that ends within its last OBX never gives a part of the number."""
    whole = message(obx("12.75"))[:-1]
    last = whole.rindex("OBX")
    try:
        frame = hl7v2.to_frame(whole[: last + keep])
    except InputError:
        return
    assert frame["value"].tolist() in ([], ["12.75"])


@pytest.mark.parametrize("name", ["oru_r01.hl7", "oul_r22.hl7", "batch.hl7"])
def test_report_and_frame_agree(name):
    """The report of a message says of every result what the frame of the same message says, and can be verified."""
    results = li.interpret_frame(hl7v2.to_frame(DATA / name)).results
    reports = hl7v2.interpret_hl7v2_batch(DATA / name)
    items = [item for report in reports for item in report.interpretations]
    shown = results[["flag", "problem"]].astype(object).where(results[["flag", "problem"]].notna(), None)
    assert [(item.flag, item.problem) for item in items] == list(shown.itertuples(index=False, name=None))
    assert [";".join(item.notes) for item in items] == results["notes"].tolist()
    assert all(li.verify(report).ok for report in reports)


def test_a_header_without_a_separator_is_refused():
    """A header that ends behind its name is an error of the message, wherever it stands."""
    for name in ("MSH", "BHS", "FHS"):
        with pytest.raises(InputError, match="field separator"):
            hl7v2.interpret_hl7v2(message(obx()) + f"{name}\rBTS\r")
