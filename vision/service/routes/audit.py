"""The shelves judged as a whole: an audit for who walks along them, and a summary for who looks after many stores."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel

from vision.alerts import SHELF_KINDS, in_words
from vision.compliance import availability, is_kept
from vision.findings import Finding, findings
from vision.service.routes.common import routes_with, the_service
from vision.service.service import Service

router = routes_with("read")
SHOWN = 3
"""Alerts that a summary tells in words."""


class BayAudit(BaseModel):
    """One bay: positions planned, seen whole, of these as planned, and out."""

    bay: str
    positions: int
    seen: int
    kept: int
    out: int


class Audit(BaseModel):
    """All positions, as of `time` by the frames' clock. `availability` is OSA: in stock, of those that are known."""

    time: float
    availability: float | None
    bays: list[BayAudit]
    findings: list[Finding]


class Summary(BaseModel):
    """How a store is, in few words. `value`: what its alerts are worth, in the catalog's money a day."""

    time: float
    ready: bool
    positions: dict[str, int]
    availability: float | None
    alerts: int
    value: float
    to_review: int
    dearest: list[str]
    cameras: int
    bad_cameras: list[str]


@router.get("/v1/audit")
def audit(request: Request) -> Audit:
    """All positions against the plan, the worst first, and what is to be done there."""
    engine = the_service(request).engine
    layout, states = engine.layout, engine.known.states
    kept = is_kept(layout, states)
    rows = list(zip(layout.planogram.positions, states, kept))
    bays = []
    for fixture in layout.store.fixtures:
        here = [(state, fits) for position, state, fits in rows if position.fixture == fixture.id]
        if here:
            bay = BayAudit(
                bay=fixture.id, positions=len(here), seen=sum(fits is not None for _, fits in here),
                kept=sum(bool(fits) for _, fits in here), out=sum(state.level == "out" for state, _ in here),
            )  # fmt: skip
            bays.append(bay)
    return Audit(
        time=engine.known.time, availability=availability(states), bays=bays, findings=findings(layout, states)
    )


@router.get("/v1/summary")
def summary(request: Request) -> Summary:
    """How the store is: for a page over many."""
    service = the_service(request)
    known, layout = service.engine.known, service.engine.layout
    levels: dict[str, int] = {}
    for state in known.states:
        levels[state.level] = levels.get(state.level, 0) + 1
    shelf = [a for a in known.standing if a.kind in SHELF_KINDS]
    return Summary(
        time=known.time, ready=not service.troubles, positions=levels, availability=availability(known.states),
        alerts=len(shelf), value=sum(a.value for a in shelf), to_review=len(known.questions),
        dearest=[in_words(layout, a) for a in shelf[:SHOWN]], cameras=len(service.cameras), bad_cameras=_bad(service),
    )  # fmt: skip


def _bad(service: Service) -> list[str]:
    return sorted({a.subject for a in service.engine.known.standing if a.kind not in SHELF_KINDS})
