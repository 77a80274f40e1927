"""Mistakes that a type checker must see; each line that is one says so."""

import labinterp as li

li.LabResult()  # expect: call-arg
li.LabResult("magnesium", 1.1, "mg/dL", colected_at="2026-01-01")  # expect: call-arg
li.interpret([["magnesium"]])  # expect: list-item
li.interpret([], on_problem="colect")  # expect: arg-type
li.interpret([], decimal=";")  # expect: arg-type
li.interpret([], date_order="ymd")  # expect: arg-type
li.interpret([], assume_adult="yes")  # expect: arg-type
li.convert(1.8, "mg/dL", "mmol/L", "magnesium")  # expect: call-overload
report = li.interpret([])
report.findings = ()  # expect: misc
report.finding  # expect: attr-defined  # noqa: B018 - the mistake
li.interprete([])  # expect: attr-defined
