"""Clients, and deliveries to be repeated."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import Path, Request, Security
from pydantic import BaseModel, Field

from scenarios import InputError
from vision.service.access import SCOPES
from vision.service.problems import Refused
from vision.service.routes.common import After, Caller, Problem, require, routes_with, the_service
from vision.service.routes.shelves import NOT_THERE

router = routes_with("admin")
log = logging.getLogger(__name__)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Admin = Annotated[Caller, Security(require, scopes=["admin"])]


class ClientOut(BaseModel):
    """A client. Its secret is kept nowhere."""

    id: str
    scopes: list[str]
    made: float


class ClientIn(BaseModel):
    """A client to be."""

    id: Name
    scopes: list[str] = Field(max_length=len(SCOPES))


class Secret(BaseModel):
    """A new client's secret, told this once."""

    id: str
    secret: str


class OutletOut(BaseModel):
    """Where events go: the number of the last one that was taken, how many wait, and what is wrong."""

    name: str
    done: int
    waiting: int
    given_up: list[tuple[int, str]]
    why: str


class ReplayIn(BaseModel):
    """Events after this number are delivered again."""

    after: After


@router.get("/v1/clients")
def clients(request: Request) -> list[ClientOut]:
    """All clients."""
    return [ClientOut(id=c.id, scopes=list(c.scopes), made=c.made) for c in the_service(request).clients.all()]


@router.post("/v1/clients", status_code=201, responses={409: {"model": Problem}})
def add_client(request: Request, client: ClientIn, caller: Admin) -> Secret:
    """Add a client; its secret is in this answer and nowhere else."""
    try:
        secret = the_service(request).clients.add(client.id, client.scopes)
    except InputError as error:
        raise Refused("not possible", str(error)) from None
    log.info("client %s added by %s", client.id, caller.client)
    return Secret(id=client.id, secret=secret)


@router.delete("/v1/clients/{id}", status_code=204, responses=NOT_THERE)
def remove_client(request: Request, id: Annotated[str, Path(max_length=64)], caller: Admin) -> None:
    """Remove a client. Its tokens are worth nothing from now on."""
    if not the_service(request).clients.remove(id):
        raise Refused("unknown", "there is no such client")
    log.info("client %s removed by %s", id, caller.client)


@router.get("/v1/outlets")
def outlets(request: Request) -> list[OutletOut]:
    """Where events go."""
    found = the_service(request).outlets.values()
    return [OutletOut(name=o.name, done=o.done, waiting=o.waiting, given_up=o.given_up, why=o.why) for o in found]


@router.post("/v1/outlets/{name}/replay", status_code=202, responses=NOT_THERE)
def replay(request: Request, name: Annotated[str, Path(max_length=64)], wish: ReplayIn, caller: Admin) -> None:
    """Deliver again what came after an event. Who receives knows by the ids what it has had."""
    outlet = the_service(request).outlets.get(name)
    if outlet is None:
        raise Refused("unknown", "there is no such outlet")
    outlet.replay(wish.after)
    log.info("%s replayed after %d by %s", name, wish.after, caller.client)
