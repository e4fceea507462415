"""Pictures as they come by HTTP: taken in within bounds, and decoded only once their size is known to be right."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import cv2
import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from scenarios import Camera
from vision.pictures import is_cut_off
from vision.service.problems import Refused

PNG = b"\x89PNG\r\n\x1a\n"


async def body_of(request: Request, most: int, seconds: float) -> bytes:
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


def decode(data: bytes, camera: Camera, png: bool = False) -> NDArray[np.uint8]:
    """A JPEG, or a PNG, as (H, W, 3) uint8 RGB, upright by its EXIF orientation. Raises Refused for what is none, and
    for one of another size than its camera's before it takes the memory of one."""
    kind = "PNG" if png else "JPEG"
    size = png_size(data) if png else jpeg_size(data)
    if size is None or (not png and is_cut_off(data)):
        raise Refused("not a picture", f"not readable as a whole {kind}")
    expected = (camera.model.width, camera.model.height)
    if sorted(size) != sorted(expected):
        raise Refused("wrong size", f"{size[0]} x {size[1]} pixels; expected {expected[0]} x {expected[1]}")
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise Refused("not a picture", f"not readable as a {kind}")
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


def png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by a PNG's header (ISO/IEC 15948, 11.2.2), None if there is none or the end is missing."""
    if not data.startswith(PNG) or data[12:16] != b"IHDR" or len(data) < 24 or b"IEND" not in data[-16:]:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height
