"""A page for the store. It is three files, holds nothing itself, and asks for all with a token."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parents[1] / "page"
FILES = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
router = APIRouter(include_in_schema=False)


@router.get("/")
def index() -> FileResponse:
    """The page."""
    return _file("/")


@router.get("/page.css")
def style() -> FileResponse:
    """How it looks."""
    return _file("/page.css")


@router.get("/page.js")
def script() -> FileResponse:
    """What it does."""
    return _file("/page.js")


def _file(path: str) -> FileResponse:
    return FileResponse(FOLDER / FILES[path], headers={"Content-Security-Policy": POLICY})
