"""What all routes share: the service behind them, and who may ask."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2, SecurityScopes
from pydantic import BaseModel, Field

from vision.service.access import SCOPES, NoToken
from vision.service.service import Service

TOKEN_PATH = "/oauth/token"
MOST_NUMBER = 2**63 - 1
"""SQLite's largest number."""
MOST_TIME = 1e11
"""Seconds since 1970 that a time may be: the year 5138."""


class Problem(BaseModel):
    """Why something was refused (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in (
        (401, "no token, or none of this service that is still good"),
        (403, "a token without the scope"),
        (422, "not as expected"),
        (429, "too many requests; try again after Retry-After seconds"),
    )
}
_scheme = OAuth2(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_PATH, scopes=SCOPES)),
    auto_error=False,
)


class Caller(BaseModel):
    """Whose token it is, and until when it is good (seconds since 1970)."""

    client: str
    until: float


def the_service(request: Request) -> Service:
    """The service that answers."""
    service: Service = request.app.state.service
    return service


def require(request: Request, scopes: SecurityScopes, token: Annotated[str | None, Depends(_scheme)]) -> Caller:
    """The caller, if the token has the scopes. Raises NoToken, and Refused for too many requests."""
    service = the_service(request)
    try:
        client, until = service.tokens.check(token or "", scopes.scopes)
    except NoToken as error:
        if error.error == "invalid_token":
            service.logins.take(f"address {request.client.host if request.client else ''}")
        raise
    service.requests.take(client)
    return Caller(client=client, until=until)


def routes_with(scope: str) -> APIRouter:
    """Routes that need a scope."""
    return APIRouter(dependencies=[Security(require, scopes=[scope])], responses=PROBLEMS)


CameraId = Annotated[str, Path(max_length=200)]
After = Annotated[int, Field(ge=0, le=MOST_NUMBER)]
Limit = Annotated[int, Field(ge=1, le=1000)]
