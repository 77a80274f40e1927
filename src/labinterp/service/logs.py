"""The log of the service as lines for people, or as JSON for collectors of logs."""

from __future__ import annotations

import copy
import datetime as dt
import json
import logging
from typing import Any, Final, Literal

import uvicorn.config

from labinterp.errors import InputError
from labinterp.service.middleware import log

LogFormat = Literal["text", "json"]
_FIELDS: Final = ("route", "method", "status", "milliseconds")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger and message, and of a request what it came to."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        made: dict[str, Any] = {
            "time": time,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        made |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        return json.dumps(made, ensure_ascii=False)


def config(form: LogFormat = "text") -> dict[str, Any]:
    """Return uvicorn's logging with our log beside it.

    Raises:
        InputError: for a form that there is not.
    """
    if form not in ("text", "json"):
        raise InputError("the format of the log is not known", hint="Use text or json")
    made = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    made["loggers"][log.name] = {"handlers": ["default"], "level": "INFO"}
    if form == "json":
        made["formatters"] = {name: {"()": JsonFormatter} for name in made["formatters"]}
    return made
