"""The page as an application: its files, and a JSON API that it asks. It listens to this machine alone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from bench.drawing import footprint
from bench.placement.heat import colour, front_height, position_boxes
from bench.placement.ui.rating import Rating
from bench.placement.ui.rules import NEAR, nearest
from bench.placement.ui.session import Session, camera
from bench.statistics import interval
from scenarios import Fixture, InputError, Rig
from vision.service.guard import HEADERS
from vision.service.routes.page import POLICY

FOLDER = Path(__file__).parent / "page"
FILES = {"/": "index.html", "/page.css": "page.css", "/plan.js": "plan.js", "/page.js": "page.js"}
HOSTS = ["127.0.0.1", "localhost", "testserver"]
MOST = 200
"""Cameras that are rated at once."""
SHADES = 101
"""Colours from never to always known."""
BEFORE, UP, AIM = 1.8, 2.1, 0.55
"""A new camera is hung so far before a bay, so high (metres), aimed at this share of the bay's height, and moved to the
nearest mount."""
Coordinate = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate, Coordinate]


class CameraIn(BaseModel):
    """A camera as the page has it; `model` is a key of conf/camera_models.yaml."""

    model: str
    position: Point
    target: Point
    roll: Coordinate = 0.0


class RigIn(BaseModel):
    """The cameras of the page, in their order."""

    cameras: list[CameraIn] = Field(max_length=MOST)


class ProofIn(RigIn):
    """What is to be proved, in how many worlds."""

    worlds: int = Field(4, ge=2, le=64)


def create_app(session: Session) -> FastAPI:
    """The application of a session."""
    app = FastAPI(title="shelfbench place", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)

    @app.middleware("http")
    async def guarded(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        """Other pages may not ask, and browsers fetch nothing from elsewhere."""
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{request.headers.get('host')}":
            return JSONResponse({"detail": f"{origin} may not ask here"}, 403)
        answer = await proceed(request)
        for name, value in (HEADERS | {"Content-Security-Policy": POLICY}).items():
            answer.headers[name] = value
        return answer

    @app.exception_handler(InputError)
    async def wrong(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, 400)

    for path, name in FILES.items():
        app.add_api_route(path, _file(name), methods=["GET"], include_in_schema=False)

    @app.get("/v1/store")
    def store() -> dict[str, Any]:
        return describe(session)

    @app.post("/v1/rate")
    def rate(given: RigIn) -> dict[str, Any]:
        begun = time.perf_counter()
        rig = rig_from(session, given)
        return rated(session, rig, session.rate(rig)) | {"seconds": round(time.perf_counter() - begun, 3)}

    @app.post("/v1/proof")
    def prove(given: ProofIn) -> dict[str, Any]:
        said = [c.model_dump(mode="json") for c in given.cameras]
        session.prove(rig_from(session, given), given.worlds, said)
        return session.proofs.state()

    @app.get("/v1/proof")
    def proof() -> dict[str, Any]:
        return session.proofs.state()

    @app.delete("/v1/proof")
    def stop() -> dict[str, Any]:
        session.proofs.stop()
        return session.proofs.state()

    @app.post("/v1/rig")
    def save(given: RigIn) -> dict[str, Any]:
        file = session.save(rig_from(session, given)) / "rig.yaml"
        use = f"cp {file} conf/rig/placed.yaml; shelfbench run experiment=quickstart +rig@rigs.placed=placed"
        return {"file": str(file), "use": use}

    return app


def _file(name: str) -> Callable[[], Response]:
    def page() -> Response:
        return FileResponse(FOLDER / name)

    return page


def rig_from(session: Session, given: RigIn) -> Rig:
    """The rig that the page means. Raises InputError for a model that there is not."""
    cameras = []
    for n, c in enumerate(given.cameras, start=1):
        if c.model not in session.models:
            raise InputError(f"camera-{n}: model {c.model!r}; expected one of {', '.join(session.models)}")
        cameras.append(camera(f"camera-{n}", session.models[c.model], c.position, c.target, c.roll))
    return Rig("by-hand", tuple(cameras))


def rated(session: Session, rig: Rig, rating: Rating) -> dict[str, Any]:
    """A rating for the page: `cone` is the camera and the stretch of shelf front in its picture."""
    at, off = nearest(session.rules.spots, rating.found.place)
    spots = session.rules.spots.place[at].tolist()
    money = rating.money
    return {
        "known": dataclasses.asdict(interval(rating.known, 0.0, 1.0)), "certainty": rating.certainty,
        "paid": money["paid"], "cost": money["cost"], "net": money["net"], "currency": money["currency"],
        "broken": [dataclasses.asdict(b) for b in rating.broken],
        "cameras": [
            {"cone": footprint(c, session.base.layout), "mount": str(kind), "nearest": spot, "off": far}
            for c, kind, spot, far in zip(rig.cameras, rating.found.kind, spots, off.round(3).tolist())
        ],
    }  # fmt: skip


def describe(session: Session) -> dict[str, Any]:
    """The store and what may hang in it."""
    room, plan = session.base.layout.store.room, session.plan
    keys = {model: key for key, model in session.models.items()}
    return {
        "name": session.base.layout.store.name, "scenario": plan.scenario, "budget": plan.budget, "near": NEAR,
        "room": {"x": room.x, "y": room.y, "ceiling": room.ceiling},
        "zones": [dataclasses.asdict(z) for z in plan.no_go],
        "fixtures": [_fixture(session, f) for f in session.base.layout.store.fixtures],
        "models": [
            {"key": key, "name": m.name, "price": m.price, "fov": m.horizontal_fov, "pixels": [m.width, m.height]}
            for key, m in session.models.items()
        ],
        "cameras": [
            {"model": keys[c.model], "position": c.position, "target": c.target, "roll": c.roll}
            for c in session.start.cameras
        ],
        "worlds": plan.worlds, "views": plan.views, "prove": plan.prove or 4, "model": plan.model,
        "shades": [colour(k / (SHADES - 1)) for k in range(SHADES)],
    }  # fmt: skip


def _fixture(session: Session, fixture: Fixture) -> dict[str, Any]:
    """A bay from above and from the front, and where a new camera before it hangs."""
    layout, spots = session.base.layout, session.rules.spots
    before, aim = fixture.to_world([[fixture.width / 2, -BEFORE, UP], [fixture.width / 2, 0, AIM * fixture.height]])
    (at,), _ = nearest(spots, np.array([before]))
    return {
        "id": fixture.id, "corners": fixture.footprint.tolist(), "width": fixture.width,
        "height": front_height(fixture), "spot": spots.place[at].tolist(), "aim": aim.round(3).tolist(),
        "positions": [
            {"id": p.id, "name": layout.product(p).name, "box": box} for p, box in position_boxes(layout, fixture)
        ],
    }  # fmt: skip
