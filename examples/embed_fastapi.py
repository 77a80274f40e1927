"""labinterp inside a FastAPI application.

Run: uvicorn embed_fastapi:app --app-dir examples
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

import labinterp as li

app = FastAPI(title="Panels")


class Closed(BaseModel):
    """A body whose misspelled fields are refused, not passed over."""

    model_config = ConfigDict(extra="forbid")


class Result(Closed):
    """One result, with the fields of `labinterp.LabResult` that this application receives."""

    test: str
    value: str | float
    unit: str | None = None
    collected_at: str | None = None
    reference_low: float | None = None
    reference_high: float | None = None


class Person(Closed):
    """What is known of the patient."""

    age: float | None = None
    sex: str | None = None
    pregnancy: str | None = None


class Panel(Closed):
    """The results of one patient."""

    results: list[Result]
    patient: Person = Person()
    ranges: str = "us"


@app.post("/panels")
def interpret(panel: Panel) -> Response:  # no `async`: FastAPI runs it in a thread, and labinterp is thread-safe
    """Interpret a panel; a result that cannot be interpreted says why, the others are still there."""
    report = li.interpret(
        [li.LabResult(**result.model_dump()) for result in panel.results],
        li.Patient(**panel.patient.model_dump()),
        ranges=panel.ranges,
    )
    return Response(report.to_json(), media_type="application/json")


@app.exception_handler(li.LabInterpError)
def refuse(_: Request, error: Any) -> JSONResponse:
    """Answer what concerns the request as a whole, such as unknown ranges; the text holds no value and no id."""
    return JSONResponse({"error": type(error).__name__, "detail": str(error)}, status_code=422)
