"""Routes without a token: whether the service lives, and where tokens come from."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from vision.service.routes.common import TOKEN_PATH, the_service

router, tokens = APIRouter(), APIRouter()


class Health(BaseModel):
    """How the service is."""

    status: Literal["ok", "not ready"]


class Token(BaseModel):
    """An access token."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthProblem(BaseModel):
    """Why there is no token (RFC 6749, 5.2)."""

    error: str
    error_description: str = ""


@router.get("/health")
def health(request: Request, response: Response) -> Health:
    """Whether the process is alive and no frame has been stuck; 503 if it should be started anew."""
    service = the_service(request)
    dead = [why for why in service.troubles if why != service.engine.trouble]
    response.status_code = 503 if dead else 200
    return Health(status="not ready" if dead else "ok")


@router.get("/ready")
def ready(request: Request, response: Response) -> Health:
    """Whether frames can be taken and kept; 503 if not. The log says why."""
    troubles = the_service(request).troubles
    response.status_code = 503 if troubles else 200
    return Health(status="not ready" if troubles else "ok")


_FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "scope": {"type": "string"},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string", "format": "password"},
    },
}


@tokens.post(
    TOKEN_PATH,
    response_model=Token,
    responses={400: {"model": OAuthProblem}, 401: {"model": OAuthProblem}},
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}
    },
)
async def token(request: Request) -> Response:
    """Give a token to a client that says its name and secret, as HTTP Basic or in the form."""
    service = the_service(request)
    service.logins.take(f"address {request.client.host if request.client else ''}")
    text = (await request.body()).decode("utf-8", "replace")
    form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20)) if text.count("&") < 20 else {}
    headers = {k.title(): v for k, v in request.headers.items() if k == "authorization"}
    status, body, said = await run_in_threadpool(service.tokens.issue, form, headers)
    if not headers:  # a browser would ask a person for a password, and RFC 6749, 5.2 does not ask for it then
        said.pop("WWW-Authenticate", None)
    service.metrics.logins.labels("given" if status == 200 else "refused").inc()
    return JSONResponse(body, status, said)
