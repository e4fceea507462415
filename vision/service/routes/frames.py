"""Frames in."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from scenarios import Frame
from vision.alerts import Alert
from vision.service.pictures_in import body_of, decode
from vision.service.problems import Refused
from vision.service.routes.common import MOST_TIME, CameraId, Problem, routes_with, the_service
from vision.service.service import Service

PATH_END = "/frames"
router = routes_with("frames")


class TakenFrame(BaseModel):
    """A frame that was read; it is on the disk."""

    reading: int
    camera: str
    time: float
    alerts: list[Alert]


@router.post(
    f"/v1/cameras/{{camera}}{PATH_END}",
    status_code=201,
    responses={
        status: {"model": Problem, "description": text}
        for status, text in (
            (404, "no such camera"),
            (408, "the body did not arrive in time"),
            (409, "out of order, or this very frame was read before: it need not be sent again"),
            (413, "too large"),
            (415, "not image/jpeg"),
            (503, "not kept: the disk is full, or the machine too slow; try again after Retry-After seconds"),
        )
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def post_frame(
    camera: CameraId,
    request: Request,
    time: Annotated[float, Query(ge=0, le=MOST_TIME, allow_inf_nan=False, description="seconds since 1970")],
) -> TakenFrame:
    """Read a picture (JPEG) of a camera. The answer comes once the reading is on the disk. Frames of a camera come in
    the order of their times; 429 says that one of its frames is waiting still."""
    service = the_service(request)
    try:
        return await _take(service, camera, request, time)
    except Refused as error:
        name = camera if camera in service.cameras else "unknown"
        service.metrics.refused.labels(name, error.code).inc()
        raise


async def _take(service: Service, name: str, request: Request, time: float) -> TakenFrame:
    camera = service.cameras.get(name)
    if camera is None:
        raise Refused("unknown camera", f"{name}; expected one of {', '.join(service.cameras)}")
    if name in service.feeds:
        raise Refused("has a source", f"{name}: the service fetches its frames itself")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "image/jpeg":
        raise Refused("not a jpeg", "expected a body of image/jpeg")
    service.engine.check(name, time)
    body = await body_of(request, int(service.settings.http.frame_megabytes * 1e6), service.settings.http.body_seconds)
    image = await run_in_threadpool(decode, body, camera)
    taken = asyncio.wrap_future(service.engine.offer(Frame(image, camera, time)))
    try:
        found = await asyncio.wait_for(asyncio.shield(taken), service.settings.http.frame_seconds)
    except asyncio.TimeoutError:
        taken.add_done_callback(lambda done: done.exception())
        raise Refused("not read in time", "it may still be read; sent again, it is known", 5.0) from None
    return TakenFrame(reading=found.seq, camera=name, time=time, alerts=list(found.alerts))
