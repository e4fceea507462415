"""Frames in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import cv2
import numpy as np
from fastapi import Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from scenarios import Camera, Frame
from vision.alerts import Alert
from vision.pictures import is_cut_off
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
    body = await _body(request, int(service.settings.http.frame_megabytes * 1e6), service.settings.http.body_seconds)
    image = await run_in_threadpool(decode, body, camera)
    taken = asyncio.wrap_future(service.engine.offer(Frame(image, camera, time)))
    try:
        found = await asyncio.wait_for(asyncio.shield(taken), service.settings.http.frame_seconds)
    except asyncio.TimeoutError:
        taken.add_done_callback(lambda done: done.exception())
        raise Refused("not read in time", "it may still be read; sent again, it is known", 5.0) from None
    return TakenFrame(reading=found.seq, camera=name, time=time, alerts=list(found.alerts))


async def _body(request: Request, most: int, seconds: float) -> bytes:
    """A request's body. Raises Refused for one that is too large, or does not arrive in time."""
    too_large = Refused("too large", f"expected at most {most} bytes")
    if int(request.headers.get("content-length", "0")) > most:
        raise too_large
    parts, size = [], 0

    async def read() -> None:
        nonlocal size
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)

    try:
        await asyncio.wait_for(read(), seconds)
    except asyncio.TimeoutError:
        raise Refused("too slow", f"expected the picture within {seconds:g} s") from None
    except ClientDisconnect:
        raise Refused("too slow", "the connection ended before the picture did") from None
    return b"".join(parts)


def decode(data: bytes, camera: Camera) -> NDArray[np.uint8]:
    """A JPEG as (H, W, 3) uint8 RGB, upright by its EXIF orientation. Raises Refused for what is none, and for one of
    another size than its camera's before it takes the memory of one."""
    size = jpeg_size(data)
    if size is None or is_cut_off(data):
        raise Refused("not a picture", "not readable as a whole JPEG")
    expected = (camera.model.width, camera.model.height)
    if sorted(size) != sorted(expected):
        raise Refused("wrong size", f"{size[0]} x {size[1]} pixels; expected {expected[0]} x {expected[1]}")
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise Refused("not a picture", "not readable as a JPEG")
    if image.shape[1::-1] != expected:
        got = image.shape[1::-1]
        raise Refused("wrong size", f"{got[0]} x {got[1]} pixels; expected {expected[0]} x {expected[1]}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by a JPEG's own frame header (ITU T.81, B.2.2), None if there is none."""
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # filling
            at += 1
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
