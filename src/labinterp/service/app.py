"""The application: routes, and what stands around them."""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from labinterp import reasoning
from labinterp._version import __version__
from labinterp.service import answers, body, cds, cds_schemas, documents, media, openapi, operations
from labinterp.service import settings as settings_
from labinterp.service.metrics import MEDIA_TYPE, Metrics
from labinterp.service.middleware import Gate, Guard, log
from labinterp.service.problems import RefusedError
from labinterp.service.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

MAX_BYTES: Final = 10_000_000
TIMEOUT: Final = 30.0
MAX_PENDING: Final = 256
LOOKBACK_DAYS: Final = 365
_MOST_BYTES: Final = 1 << 30
_ROOM: Final = 16
_SHORT: Final = 1024
"""Up to how many bytes of JSON are answered in the event loop where no other answer is being made. A panel of five
takes a third of a millisecond there, and handing it to a thread as much again as half of that; so many bytes of the
oddest results take five, which is how long others may have to wait.
"""
_VARY: Final = {"Vary": "Accept"}


def create_app(
    *,
    token: str | None = None,
    cors: Sequence[str] | str = (),
    max_bytes: int = MAX_BYTES,
    timeout: float = TIMEOUT,
    ranges: Any = "us",
    assume_adult: bool = False,
    max_pending: int = MAX_PENDING,
    workers: int | None = None,
    lookback_days: int = LOOKBACK_DAYS,
    on_feedback: Callable[[str, Mapping[str, Any]], object] | None = None,
) -> Starlette:
    """Return the service as an ASGI application, to be run by itself or mounted in another.

    `app.mount("/lab", create_app())` is all that a FastAPI or Starlette application needs. The service keeps nothing,
    calls nobody, and writes no value and no id to logs or error messages.

    Args:
        token: bearer token that callers must send; none is asked for if it is not given.
        cors: origins that browsers may call from, or `"*"`.
        max_bytes: longest body that is read.
        timeout: seconds that a body may take to arrive, and then an answer to be made.
        ranges: as for `labinterp.interpret`; a request can choose another shipped profile or edition.
        assume_adult: as for `labinterp.interpret`; a request can choose otherwise.
        max_pending: answers that are made or wait at one time; requests beyond are sent away with 503, as are bodies
            that would hold more than 16 times `max_bytes` together.
        workers: threads that make answers; as many as processors, four at most, if not given.
        lookback_days: for CDS Hooks, how far before a patient's newest result other results are seen with it.
        on_feedback: called in a worker thread with the id of a CDS service and one item of feedback.

    Raises:
        InputError: if a token, an origin or a limit cannot be used.
        ReferenceSetNotFound: if `ranges` names nothing that exists.

    Example:
        >>> app = create_app(ranges="uk", max_bytes=1_000_000)
        >>> [route.path for route in app.routes][:2]
        ['/', '/interpret']
    """
    workers = min(4, os.cpu_count() or 1) if workers is None else workers
    settings_.checked_number("max_bytes", max_bytes, 1, _MOST_BYTES)
    settings_.checked_number("timeout", timeout, 0.001, 3600)
    settings_.checked_number("max_pending", max_pending, 1, 10_000)
    settings_.checked_number("workers", workers, 1, 256)
    settings_.checked_number("lookback_days", lookback_days, 0, 36_525)
    settings = settings_.Settings(
        max_bytes=max_bytes,
        timeout=timeout,
        max_pending=max_pending,
        workers=workers,
        lookback_days=lookback_days,
        defaults=settings_.checked_defaults(ranges, assume_adult=assume_adult),
        on_feedback=on_feedback,
    )
    around = [Middleware(Guard)]
    origins = settings_.checked_origins(cors)
    if origins:
        headers = ["Accept", "Authorization", "Content-Type"]
        around.append(
            Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=headers)
        )
    if token is not None:
        around.append(Middleware(Gate, token=settings_.Token(token)))
    app = Starlette(routes=_routes(), middleware=around, exception_handlers=_HANDLERS)
    app.router.redirect_slashes = False
    app.state.settings = settings
    app.state.metrics = Metrics()
    app.state.workers = Workers(workers, max_pending, timeout, app.state.metrics.pending)
    app.state.room = body.Room(_ROOM * max_bytes)
    app.state.with_token = token is not None
    app.state.forms = answers.forms()
    app.state.warm = False
    return app


def _routes() -> list[Route]:
    people = importlib.util.find_spec("jinja2") and importlib.util.find_spec("python_multipart")
    return [
        *([Route("/", page, methods=["GET", "POST"])] if people else []),
        Route("/interpret", interpret, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/metadata", capability, methods=["GET"]),
        Route("/OperationDefinition/interpret", definition, methods=["GET"]),
        Route("/Observation/$interpret", operate, methods=["POST"]),
        Route("/openapi.json", describe, methods=["GET"]),
        *([Route("/explain/{code}", explain, methods=["GET"])] if people else []),
        Route("/cds-services", discover, methods=["GET"]),
        Route("/cds-services/{id}", advise, methods=["POST"]),
        Route("/cds-services/{id}/feedback", feedback, methods=["POST"]),
    ]


async def page(request: Request) -> Response:
    """Answer `GET /` with a form for people, and `POST /` with the report, or with the form and what is wrong."""
    settings: settings_.Settings = request.app.state.settings
    from labinterp.report import form  # needs jinja2
    from labinterp.service import page as entry

    standard = settings.defaults["ranges"].id
    if request.method != "POST":
        return _form(await request.app.state.workers.run(form.render, standard=standard), 200)
    given = entry.Entered()
    try:
        body.content_type(request, entry.FORM_TYPES)
        with request.app.state.room.part() as part:
            data = await body.read(request, settings.max_bytes, settings.timeout, part)
            given = await entry.entered(data, request.headers)
            made = await request.app.state.workers.run(entry.answer, given, settings)
    except entry.UnusableError as unusable:
        fault, status = unusable.fault, unusable.status
    except RefusedError as refused:
        fault, status = form.FormFault(refused.detail, refused.hint or ""), refused.status
    else:
        return HTMLResponse(made, headers={"Content-Security-Policy": _page_policy()})
    return _form(form.render(given.typed, fault, standard=standard), status)


def _page_policy() -> str:
    """Return the content policy of reports: their style sheet and the script of an index, both by hash."""
    from labinterp.report import pages

    return f"{pages.policy(pages.script())}; frame-ancestors 'none'"


def _form(text: str, status: int) -> Response:
    from labinterp.report import form

    return HTMLResponse(text, status, headers={"Content-Security-Policy": form.policy()})


async def interpret(request: Request) -> Response:
    """Answer `POST /interpret`."""
    settings: settings_.Settings = request.app.state.settings
    kind = body.content_type(request, documents.TYPES)
    coding = body.coding(request, documents.TYPES)
    form = media.choose(request.headers.get("accept"), request.app.state.forms)
    query = request.query_params.multi_items()
    with request.app.state.room.part() as part:
        data = await body.read(request, settings.max_bytes, settings.timeout, part)
        work = functools.partial(_interpreted, data, (kind, coding), form, query, request.app)
        short = _is_short(data, (kind, coding), form, query)
        if short:
            await _warm(request.app.state)
        workers: Workers = request.app.state.workers
        made = work() if short and workers.idle else await workers.run(work)
    headers = {**_VARY, "Content-Security-Policy": _page_policy()} if form == answers.HTML else _VARY
    return Response(made, headers=headers, media_type=form)


def _is_short(data: bytes, sent: tuple[media.MediaType | None, str], form: str, query: list[tuple[str, str]]) -> bool:
    """Say whether a request is a few results as JSON, by the service's own choices, and its answer is JSON."""
    kind, coding = sent
    few = len(data) <= _SHORT and data.startswith(b"{") and b'"options"' not in data
    return few and documents.family(kind) == "json" and coding == "identity" and form == answers.JSON and not query


def _interpreted(
    data: bytes, sent: tuple[media.MediaType | None, str], form: str, query: list[tuple[str, str]], app: Starlette
) -> bytes:
    settings: settings_.Settings = app.state.settings
    document = documents.read(data, sent[0], settings.max_bytes, sent[1])
    choices = settings_.from_query(query, table=document.kind == "table")
    place = "query"
    if document.kind == "request" and (options := document.content.get("options")):
        if set(options) & set(choices):
            raise RefusedError(422, "an option stands in the query as well", place="/options")
        place, choices = "/options", {**choices, **options}
    chosen = settings_.chosen(settings, choices, place)
    made = answers.make(document, form, chosen, settings.max_bytes)
    app.state.metrics.interpreted(chosen.tally)
    return made


async def health(_: Request) -> Response:
    """Answer `GET /health`."""
    return JSONResponse(
        {"status": "ok", "library_version": __version__, "knowledge_version": reasoning.knowledge_version()}
    )


async def ready(request: Request) -> Response:
    """Answer `GET /ready`: whether an answer can be had now; before the first, whether one can be had at all."""
    state = request.app.state
    if not state.workers.has_room:
        raise RefusedError(503, "too many requests are being answered", headers={"Retry-After": "1"})
    await _warm(state)
    return JSONResponse({"status": "ready"})


async def _warm(state: Any) -> None:
    """Read once, in a thread, all that answers need."""
    if not state.warm:
        await state.workers.run(operations.warm, state.settings)
        state.warm = True


async def metrics(request: Request) -> Response:
    """Answer `GET /metrics`."""
    return Response(request.app.state.metrics.shown(), headers={"Content-Type": MEDIA_TYPE})


async def capability(request: Request) -> Response:
    """Answer `GET /metadata`."""
    address = str(request.base_url).rstrip("/")
    return JSONResponse(operations.capability(address), media_type=answers.FHIR)


async def definition(_: Request) -> Response:
    """Answer `GET /OperationDefinition/interpret`."""
    return JSONResponse(operations.definition(), media_type=answers.FHIR)


async def operate(request: Request) -> Response:
    """Answer `POST /Observation/$interpret`; every refusal is an OperationOutcome."""
    settings: settings_.Settings = request.app.state.settings
    known = (*documents.JSON_TYPES, documents.FHIR_TYPES[0])
    try:
        kind, coding = body.content_type(request, known), body.coding(request, known)
        body.codec(kind, body.ENCODINGS, known)
        media.choose(request.headers.get("accept"), (answers.FHIR, answers.JSON))
        settings_.from_query(request.query_params.multi_items(), known={})
        with request.app.state.room.part() as part:
            data = await body.read(request, settings.max_bytes, settings.timeout, part)
            made = await request.app.state.workers.run(_operated, data, coding, request.app)
    except RefusedError as refused:
        return JSONResponse(
            operations.outcome(refused), refused.status, headers=refused.headers, media_type=answers.FHIR
        )
    return Response(made, media_type=answers.FHIR)


def _operated(data: bytes, coding: str, app: Starlette) -> bytes:
    settings: settings_.Settings = app.state.settings
    parsed = documents.parsed(documents.unpacked(data, coding, settings.max_bytes), settings.max_bytes)
    resource, choices = operations.read(parsed)
    chosen = settings_.chosen(settings, settings_.held(choices), "/parameter")
    made = answers.make(documents.Document("fhir", resource), answers.FHIR, chosen, settings.max_bytes)
    app.state.metrics.interpreted(chosen.tally)
    return made


async def describe(request: Request) -> Response:
    """Answer `GET /openapi.json`."""
    state = request.app.state
    return JSONResponse(openapi.document(request.scope.get("root_path", ""), with_token=state.with_token))


async def explain(request: Request) -> Response:
    """Answer `GET /explain/{code}` with what is known of a finding, of no patient."""
    from labinterp.report import explained  # needs jinja2

    try:
        text = await request.app.state.workers.run(explained.render, request.path_params["code"])
    except LookupError:
        raise RefusedError(404, "there is no finding of that code") from None
    return HTMLResponse(text, headers={"Content-Security-Policy": _page_policy()})


async def discover(_: Request) -> Response:
    """Answer `GET /cds-services`."""
    return JSONResponse({"services": cds.services()})


async def advise(request: Request) -> Response:
    """Answer `POST /cds-services/{id}`."""
    service = _service(request)
    settings: settings_.Settings = request.app.state.settings
    data = await _json_body(request, settings)
    call = functools.partial(documents.parsed_object, data, settings.max_bytes, cds_schemas.request(service["hook"]))
    address = str(request.base_url).rstrip("/")
    try:
        cards = await request.app.state.workers.run(lambda: cds.cards(service, call(), settings, address))
    except cds.MissingDataError as missing:
        return JSONResponse(missing.outcome(), 412, media_type=answers.FHIR)
    return JSONResponse({"cards": cards})


async def feedback(request: Request) -> Response:
    """Answer `POST /cds-services/{id}/feedback`."""
    service = _service(request)
    settings: settings_.Settings = request.app.state.settings
    data = await _json_body(request, settings)

    def take() -> None:
        items = documents.parsed_object(data, settings.max_bytes, cds_schemas.feedback())["feedback"]
        accepted = sum(item["outcome"] == "accepted" for item in items)
        log.info("feedback for %s: %d accepted, %d overridden", service["id"], accepted, len(items) - accepted)
        if settings.on_feedback is not None:
            for item in items:
                settings.on_feedback(service["id"], item)

    await request.app.state.workers.run(take)
    return JSONResponse({})


def _service(request: Request) -> dict[str, Any]:
    found = next((service for service in cds.services() if service["id"] == request.path_params["id"]), None)
    if found is None:
        raise RefusedError(404, "there is no CDS service of that id", hint="GET /cds-services lists them")
    return found


async def _json_body(request: Request, settings: settings_.Settings) -> bytes:
    kind, coding = body.content_type(request, documents.JSON_TYPES), body.coding(request, documents.JSON_TYPES)
    body.codec(kind, body.ENCODINGS, documents.JSON_TYPES)
    media.choose(request.headers.get("accept"), (answers.JSON,))
    data = await body.read(request, settings.max_bytes, settings.timeout)
    if coding == "identity":
        return data
    unpacked: bytes = await request.app.state.workers.run(documents.unpacked, data, coding, settings.max_bytes)
    return unpacked


async def _refused(_: Request, error: Exception) -> Response:
    if isinstance(error, RefusedError):
        return error.response()
    if isinstance(error, HTTPException):
        known = {404: "there is no such path", 405: "the path does not serve this method"}
        return RefusedError(error.status_code, known[error.status_code], headers=error.headers).response()
    raise error


_HANDLERS: Final[Mapping[Any, Any]] = {RefusedError: _refused, HTTPException: _refused}
