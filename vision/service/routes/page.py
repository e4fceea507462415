"""A page for the store. It is four files, holds nothing itself, and asks for all with a token."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parents[1] / "page"
FILES = {"/": "index.html", "/page.css": "page.css", "/signin.js": "signin.js", "/page.js": "page.js"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
router = APIRouter(include_in_schema=False)


@router.get("/")
def index() -> FileResponse:
    """The page."""
    return file_of(FILES["/"])


@router.get("/page.css")
def style() -> FileResponse:
    """How it looks."""
    return file_of(FILES["/page.css"])


@router.get("/signin.js")
def sign_in() -> FileResponse:
    """How it asks."""
    return file_of(FILES["/signin.js"])


@router.get("/page.js")
def script() -> FileResponse:
    """What it does."""
    return file_of(FILES["/page.js"])


def file_of(name: str) -> FileResponse:
    """A file of the pages, with what a browser may do with it."""
    return FileResponse(FOLDER / name, headers={"Content-Security-Policy": POLICY})
