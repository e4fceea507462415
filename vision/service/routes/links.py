"""The store's other systems: what they tell, what they are told, and the schema of both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from vision.service.links import Book, Task, books, parsed, take, task_of
from vision.service.problems import Refused
from vision.service.routes.common import PROBLEMS, Problem, routes_with, the_service
from vision.service.schema import events_schema
from vision.service.webhooks import is_genuine

router = routes_with("read")
signed = APIRouter(responses={k: PROBLEMS[k] for k in (422, 429)})
"""Without a token: a signature says who it is."""


class Taken(BaseModel):
    """Whether it was new; what came before is not taken twice."""

    new: bool


@signed.post(
    "/v1/links/{name}",
    status_code=201,
    responses={
        200: {"model": Taken, "description": "it was known already"},
        401: {"model": Problem, "description": "not signed with the link's secret, or too long ago"},
        404: {"model": Problem, "description": "no such link"},
        409: {"model": Problem, "description": "another message came under this id before"},
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/cloudevents+json": {"schema": {"type": "object"}}}}
    },
)
async def tell(request: Request, response: Response, name: Annotated[str, Path(max_length=64)]) -> Taken:
    """Take in what another system tells: a CloudEvent, signed as Standard Webhooks say. It is kept once this
    returns."""
    service = the_service(request)
    link = service.links.get(name)
    address = f"address {request.client.host if request.client else ''}"
    if link is None:
        service.logins.take(address)
        raise Refused("unknown", "there is no such link")
    body = await request.body()
    if not is_genuine(link.secret, request.headers, body):
        service.logins.take(address)
        raise Refused(
            "not signed", "expected webhook-id, webhook-timestamp and webhook-signature of this link's secret"
        )
    service.requests.take(f"link {name}")
    told = parsed(name, body, link.settings.types)
    new = await run_in_threadpool(take, service.database, service.engine.layout, told)
    response.status_code = 201 if new else 200
    return Taken(new=new)


@router.get("/v1/books")
def all_books(request: Request) -> list[Book]:
    """Products of which something was told, beside what the shelves say. `phantom`: in the books, and on no shelf."""
    service = the_service(request)
    return books(service.database, service.engine.layout, service.engine.known.states)


@router.get("/v1/tasks")
def tasks(request: Request) -> list[Task]:
    """What is to be done at the shelves, the dearest first."""
    engine = the_service(request).engine
    states = {s.position: s for s in engine.known.states}
    found = (task_of(engine.layout, alert, states.get(alert.subject)) for alert in engine.known.standing)
    return [task for task in found if task is not None]


@router.get("/v1/events/schema")
def schema(request: Request) -> dict[str, Any]:
    """The JSON Schema of all events, as webhooks and MQTT bring them, and as `POST /v1/links/NAME` takes them."""
    return events_schema()
