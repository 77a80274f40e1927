"""Interpretation over HTTP and as CDS Hooks, on Starlette; needs the extra `service`.

`create_app` returns an application that mounts inside another with one line; `serve` runs it on uvicorn.
"""

from labinterp.errors import MissingExtraError

try:
    from labinterp.service.app import create_app
    from labinterp.service.server import serve
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("starlette", "anyio", "uvicorn"):
        raise
    raise MissingExtraError.from_extra(str(error.name), "service") from None

__all__ = ["create_app", "serve"]
