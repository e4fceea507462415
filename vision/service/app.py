"""The service as a web application."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from vision.service.access import NoToken
from vision.service.guard import SafeHeaders, SmallBodies, retry_after
from vision.service.metrics import Metrics
from vision.service.problems import Refused
from vision.service.routes import about, admin, audit, frames, links, live, open_to_all, page, review, shelves, trials
from vision.service.service import Service
from vision.service.settings import HttpSettings

METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")


def create_app(service: Service) -> FastAPI:
    """An application that starts the service with itself, and ends it too."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    app = FastAPI(
        title="shelfwatch", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        description="What cameras see of a store's shelves. Errors are RFC 9457 problems.",
    )  # fmt: skip
    app.state.service = service
    for part in (open_to_all, about, frames, trials, shelves, audit, live, links, review, admin, page):
        app.include_router(part.router)
    for more in (open_to_all.tokens, links.signed):
        app.include_router(more)
    return dressed(app, service.settings.http, service.metrics, (frames.PATH_END, trials.PATH_END))


def dressed(app: FastAPI, http: HttpSettings, metrics: Metrics, large: tuple[str, ...]) -> FastAPI:
    """An application with its answers to errors, its limits and its counters; bodies of paths that end in one of
    `large` see to their limits themselves."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NoToken, _no_token)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(sqlite3.Error, _database)
    app.add_exception_handler(Exception, _unforeseen)
    app.add_middleware(SmallBodies, large=large, seconds=http.body_seconds)
    app.add_middleware(_Counted, metrics=metrics)
    app.add_middleware(SafeHeaders, tls=bool(http.certificate))
    return app


class _Counted:
    """Counts requests by route and status. What no route fits is one of them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                self.metrics.requests.labels(method, route, message["status"]).inc()
            await send(message)

        await self.app(scope, receive, counting)


def _problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    # What a client sent may be no text that can be encoded.
    told = detail.encode("ascii", "backslashreplace").decode()
    body = {"type": "about:blank", "title": code, "status": status, "detail": told}
    return JSONResponse(body, status, headers, "application/problem+json")


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    headers = {} if error.retry_after is None else {"Retry-After": retry_after(error.retry_after)}
    return _problem(error.status, error.code, error.detail, headers)


def _no_token(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NoToken)
    said = f', error="{error.error}"' if error.error else ""
    scope = f', scope="{error.scope}"' if error.scope else ""
    status = 403 if error.error == "insufficient_scope" else 401
    headers = {"WWW-Authenticate": f'Bearer realm="shelfwatch"{said}{scope}'}
    return _problem(status, error.error or "no token", error.detail, headers)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Refused):  # of a body, while it was read
        return _refused(request, error.__cause__)
    return _problem(error.status_code, "not possible", str(error.detail), dict(error.headers or {}))


def _not_valid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{' '.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
    return _problem(422, "not valid", told)


def _database(request: Request, error: Exception) -> JSONResponse:
    return _problem(503, "not saved", "the disk does not answer as it should", {"Retry-After": "5"})


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    return _problem(500, "unforeseen", "something went wrong; the log says what")
