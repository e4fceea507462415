"""Pictures that are read by themselves: for who compares devices, as `shelfbench run` does.

A trial is read by the service's networks in the service's one thread, takes its turn with the cameras' frames, and
leaves no trace in what is known of the shelves.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated, Any

from fastapi import Query, Request, Response
from starlette.concurrency import run_in_threadpool

from scenarios import Camera, Frame, InputError
from scenarios.files import build
from vision.readings import as_exact
from vision.service.pictures_in import body_of, decode
from vision.service.problems import Refused
from vision.service.routes.common import MOST_TIME, Problem, routes_with, the_service

PATH_END = "/trial-frames"
MOST_CAMERA = 4000
"""Characters that a camera's description may have."""
MOST_PIXELS = 34e6
"""Of a picture, as many as 8K has: a few bytes of PNG can stand for more memory than there is."""
router = routes_with("frames")


@router.post(
    f"/v1{PATH_END}",
    responses={
        status: {"model": Problem, "description": text}
        for status, text in (
            (408, "the body did not arrive in time"),
            (413, "too large"),
            (415, "neither image/png nor image/jpeg"),
            (503, "not read in time"),
        )
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/png", "image/jpeg")
            },
        }
    },
)
async def trial(
    request: Request,
    camera: Annotated[str, Query(max_length=MOST_CAMERA, description="as in a camera.yaml, in JSON")],
    time_: Annotated[float, Query(alias="time", ge=-MOST_TIME, le=MOST_TIME, allow_inf_nan=False)] = 0.0,
) -> Response:
    """Read a picture through a camera that is described with it. The answer is the reading to the last bit, and
    `device_ms`: how long it waited for its turn, was decoded, was read, and all that passed here from the picture's
    last byte on; `received` is when that came (seconds since 1970)."""
    service = the_service(request)
    http = service.settings.http
    seen_by = _camera(camera)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("image/png", "image/jpeg"):
        raise Refused("not a picture type", "expected a body of image/png or image/jpeg")
    body = await body_of(request, int(http.frame_megabytes * 1e6), http.body_seconds)
    received, begun = time.time(), time.perf_counter()
    image = await run_in_threadpool(decode, body, seen_by, kind == "image/png")
    decoded = time.perf_counter()
    found = asyncio.wrap_future(service.engine.trial(Frame(image, seen_by, time_)))
    try:
        reading, begun_reading, ended = await asyncio.wait_for(asyncio.shield(found), http.frame_seconds)
    except asyncio.TimeoutError:
        found.add_done_callback(lambda done: done.exception())
        raise Refused("not read in time", "the device is too slow, or busy", 5.0) from None
    content = json.dumps(as_exact(reading), allow_nan=False)
    laps = {
        "decode": decoded - begun, "wait": begun_reading - decoded, "read": ended - begun_reading,
        "all": time.perf_counter() - begun,
    }  # fmt: skip
    told = {"received": received, "device_ms": {name: 1000 * lap for name, lap in laps.items()}}
    # What is long is made JSON once.
    return Response(f'{json.dumps(told)[:-1]}, "reading": {content}}}', media_type="application/json")


def _camera(text: str) -> Camera:
    try:
        data: Any = json.loads(text, parse_constant=_no_number)
        camera = build(Camera, data, "camera")
    except RecursionError:
        raise Refused("not a camera", "too deep") from None
    except (InputError, ValueError, OverflowError, TypeError) as error:
        raise Refused("not a camera", f"{error}") from None
    if camera.model.width * camera.model.height > MOST_PIXELS:
        raise Refused("too large", f"expected at most {MOST_PIXELS:.0f} pixels")
    return camera


def _no_number(text: str) -> float:
    raise ValueError(f"{text}; expected a number")
