"""labinterp inside a Django project, without Django being a dependency of labinterp.

In `urls.py`:

    from django.http import HttpResponse
    from django.urls import path
    from embed_django_view import interpret_view

    urlpatterns = [path("panels/", interpret_view(HttpResponse))]

Django's own settings limit the body (`DATA_UPLOAD_MAX_MEMORY_SIZE`) and decide about CSRF.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import labinterp as li

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT = {"test", "value", "unit", "collected_at", "specimen", "reference_low", "reference_high", "method"}
PATIENT = {"age", "sex", "birth_date", "pregnancy"}


def interpret_view(response: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return a view that answers `POST {"results": [...], "patient": {...}, "ranges": "us"}` with a report.

    Args:
        response: `django.http.HttpResponse`, or anything that is called like it.
    """

    def answer(body: str, status: int = 200) -> Any:
        return response(body, content_type="application/json", status=status)

    def view(request: Any) -> Any:
        if request.method != "POST":
            return answer('{"detail": "POST a panel"}', 405)
        try:
            results, patient, ranges = panel_of(request.body)
            return answer(li.interpret(results, patient, ranges=ranges).to_json())
        except li.LabInterpError as error:  # its text holds no value and no id
            return answer(json.dumps({"error": type(error).__name__, "detail": str(error)}), 422)

    return view


def panel_of(body: bytes) -> tuple[list[li.LabResult], li.Patient, str]:
    """Read the body of a request.

    Raises:
        InputError: if it is not what it should be.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise li.InputError("the body is no JSON") from None
    if not isinstance(document, dict):
        raise li.InputError("the body is no JSON object")
    results, patient, ranges = (document.get(*part) for part in (("results",), ("patient", {}), ("ranges", "us")))
    if not isinstance(results, list) or not isinstance(ranges, str):
        raise li.InputError("`results` is no list, or `ranges` no text")
    return [li.LabResult(**fields(item, RESULT)) for item in results], li.Patient(**fields(patient, PATIENT)), ranges


def fields(item: Any, known: set[str]) -> dict[str, Any]:
    """Return an object's fields; unknown ones are refused."""
    if not isinstance(item, dict) or not set(item) <= known or (known is RESULT and not {"test", "value"} <= set(item)):
        raise li.InputError("a result or the patient lacks a field or has an unknown one")
    return item
