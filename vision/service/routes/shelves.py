"""What is known: cameras, readings, shelves, alerts; and what is counted."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel

from scenarios import ShelfState
from vision.alerts import Alert
from vision.findings import place_names, product_name
from vision.service.problems import Refused
from vision.service.routes.common import MOST_TIME, After, CameraId, Limit, Problem, routes_with, the_service

router = routes_with("read")
NOT_THERE: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "there is none"}}


class CameraStatus(BaseModel):
    """How a camera is. `last_time` by its frames' clock, `seconds_ago` since its last frame came, by this machine's."""

    id: str
    width: int
    height: int
    source: str
    why: str = ""
    last_time: float | None
    seconds_ago: float
    silent: bool
    faults: list[str]


class Shelves(BaseModel):
    """What is known of all positions, in the planogram's order, as of `time` by the frames' clock."""

    time: float
    positions: list[ShelfState]


class PlanFixture(BaseModel):
    """One bay of shelving: its width in metres and number of shelves."""

    id: str
    width: float
    shelves: int


class PlanPosition(BaseModel):
    """One position: its shelf from 0 at the bottom, left edge and width in metres, and what it is for and where."""

    id: str
    fixture: str
    shelf: int
    x: float
    width: float
    facings: int
    sku: str
    product: str
    place: str


class Plan(BaseModel):
    """The planogram, as one stands before it."""

    fixtures: list[PlanFixture]
    positions: list[PlanPosition]


class EventOut(BaseModel):
    """Something that happened. `id` is the same however it is told."""

    seq: int
    id: str
    type: str
    subject: str
    time: float
    data: dict[str, Any]


class Reading(BaseModel):
    """What one frame said: boxes in pixels (x0, y0, x1, y1). `age`: seconds since this was read, above 0 where nothing
    had changed since."""

    seq: int
    camera: str
    time: float
    received: float
    width: int
    height: int
    detections: list[dict[str, Any]]
    latency_ms: dict[str, float]
    age: float = 0.0


@router.get("/v1/cameras")
def cameras(request: Request) -> list[CameraStatus]:
    """All cameras, and what is wrong with them."""
    service = the_service(request)
    known, found = service.engine.known, []
    for (id, camera), settings in zip(service.cameras.items(), service.settings.cameras):
        feed, last = service.feeds.get(id), known.last_times[id]
        ago = time.monotonic() - service.engine.arrived[id]
        faults = [a.kind for a in known.standing if a.subject == id and a.kind.startswith("camera")]
        status = CameraStatus(
            id=id, width=camera.model.width, height=camera.model.height, source=feed.state if feed else "http",
            why=feed.why if feed else "", last_time=last if math.isfinite(last) else None, seconds_ago=ago,
            silent=ago >= settings.silent, faults=faults,
        )  # fmt: skip
        found.append(status)
    return found


@router.get("/v1/readings")
def readings(
    request: Request,
    camera: Annotated[str | None, Query(max_length=200)] = None,
    after: After = 0,
    limit: Limit = 100,
    near: Annotated[float | None, Query(ge=0, le=MOST_TIME, allow_inf_nan=False)] = None,
) -> list[Reading]:
    """Readings in the order in which they came; `after` is the `seq` of the last one that is known already. `near`:
    those within a millisecond of a time by the frames' clock."""
    return [Reading(**row) for row in the_service(request).database.readings(camera, after, limit, near)]


@router.get("/v1/readings/{seq}", responses=NOT_THERE)
def reading(request: Request, seq: After) -> Reading:
    """One reading."""
    found = the_service(request).database.reading(seq)
    if found is None:
        raise Refused("unknown", f"reading {seq}: never was, or is too long ago")
    return Reading(**found)


@router.get("/v1/plan")
def plan(request: Request) -> Plan:
    """What should stand where."""
    layout = the_service(request).engine.layout
    fixtures = [PlanFixture(id=f.id, width=f.width, shelves=len(f.shelves)) for f in layout.store.fixtures]
    positions, names = [], place_names(layout)
    for p in layout.planogram.positions:
        product = layout.product(p)
        position = PlanPosition(
            id=p.id, fixture=p.fixture, shelf=p.shelf, x=p.x, width=p.wide * product.width, facings=p.facings,
            sku=p.sku, product=product_name(product), place=names[p.id],
        )  # fmt: skip
        positions.append(position)
    return Plan(fixtures=fixtures, positions=positions)


@router.get("/v1/shelves")
def shelves(request: Request) -> Shelves:
    """All positions."""
    known = the_service(request).engine.known
    return Shelves(time=known.time, positions=list(known.states))


@router.get("/v1/shelves/{position:path}", responses=NOT_THERE)
def shelf(request: Request, position: CameraId) -> ShelfState:
    """One position."""
    for state in the_service(request).engine.known.states:
        if state.position == position:
            return state
    raise Refused("unknown", f"{position}; expected a position of the planogram")


@router.get("/v1/alerts")
def alerts(request: Request, after: After = 0, limit: Limit = 100) -> list[EventOut]:
    """Alerts and what became of them, in their order; `after` as for readings."""
    found = the_service(request).database.events(after, ("alert",), limit)
    return [EventOut(**vars(event)) for event in found]


@router.get("/v1/alerts/standing")
def standing(request: Request) -> list[Alert]:
    """What was raised and has not ended, the dearest first."""
    return list(the_service(request).engine.known.standing)


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Figures for Prometheus, which can fetch its token itself (`oauth2` in its configuration)."""
    return Response(the_service(request).metrics.text(), media_type="text/plain; version=0.0.4")
