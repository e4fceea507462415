"""The chain as a web application: a page over all stores, and what it shows as JSON."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel

from vision.service.app import dressed
from vision.service.chain.chain import Chain
from vision.service.routes import open_to_all
from vision.service.routes.common import routes_with
from vision.service.routes.page import file_of

router = routes_with("read")
pages = APIRouter(include_in_schema=False)


class Health(BaseModel):
    """Whether it runs."""

    status: Literal["ok"] = "ok"


class StoreNow(BaseModel):
    """One store: where its own page is, why it does not answer ("" if it does), how many seconds ago it last did, and
    what it then said (`GET /v1/summary` of its service)."""

    name: str
    url: str
    why: str
    seconds_ago: float | None
    summary: dict[str, Any] | None


@router.get("/v1/stores")
def stores(request: Request) -> list[StoreNow]:
    """All stores, in the order of the settings."""
    chain: Chain = request.app.state.service
    now = time.time()
    return [
        StoreNow(
            name=s.settings.name, url=s.settings.url, why=s.why, seconds_ago=now - s.heard if s.heard else None,
            summary=s.summary,
        )
        for s in chain.stores
    ]  # fmt: skip


@pages.get("/health")
def health() -> Health:
    """Whether the process is alive."""
    return Health()


@pages.get("/")
def index() -> Any:
    """The page."""
    return file_of("chain.html")


@pages.get("/page.css")
def style() -> Any:
    """How it looks."""
    return file_of("page.css")


@pages.get("/signin.js")
def sign_in() -> Any:
    """How it asks."""
    return file_of("signin.js")


@pages.get("/chain.js")
def script() -> Any:
    """What it does."""
    return file_of("chain.js")


def create_chain_app(chain: Chain) -> FastAPI:
    """An application that begins to look with itself, and ends it too."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        chain.start()
        yield
        chain.stop()

    app = FastAPI(
        title="shelfwatch chain", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        description="The stores of a chain. Errors are RFC 9457 problems.",
    )  # fmt: skip
    app.state.service = chain
    for part in (open_to_all.tokens, router, pages):
        app.include_router(part)
    return dressed(app, chain.settings.http, chain.metrics, ())
