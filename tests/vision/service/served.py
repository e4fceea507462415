"""A service without networks: a pipeline that reads what a picture's first block stands for.

Run as a program, it serves until it is killed: `python -m tests.vision.service.served FOLDER PORT WEBHOOK`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scenarios import Camera, Frame
from tests.layouts import front_camera
from tests.vision.placewords import reading, words
from tests.vision.watched import FIRST, LAYOUT, SAID
from vision import PlaceState
from vision import watch as module
from vision.drift import Drift
from vision.service.access import SCOPES
from vision.service.app import create_app
from vision.service.service import Service
from vision.service.settings import CameraSettings, HttpSettings, Settings, WebhookSettings

BLOCK = 16


class BlockSeer:
    """Stands for a pipeline; what it says survives JPEG."""

    layout, gallery, sessions = LAYOUT, None, {}

    def apart(self) -> BlockSeer:
        return self

    def __call__(self, frame: Frame):
        assert frame.camera is not None
        state = np.full(len(LAYOUT.places), PlaceState.OWN)
        state[: FIRST.facings] = SAID[round(float(frame.image[:BLOCK, :BLOCK].mean()) / 100)]
        return reading(frame.time, words(LAYOUT, state), frame.camera.id)


def image_of(what: int) -> np.ndarray:
    """A picture that shows the first position as one of FULL, OUT and HIDDEN."""
    image = np.full((480, 640, 3), 120, np.uint8)
    image[::8] = 20
    image[:BLOCK, :BLOCK] = 100 * what
    return image


def jpeg_of(what: int) -> bytes:
    return cv2.imencode(".jpg", image_of(what))[1].tobytes()


def beside(id: str) -> Camera:
    """A camera at the same place, under another name."""
    return replace(front_camera(), id=id)


def settings_of(folder: Path, cameras: int = 1, **changes: Any) -> Settings:
    rows = tuple(CameraSettings("") for _ in range(cameras))
    plain = Settings(store="", cameras=rows, state=str(folder), clock="frames", http=HttpSettings(plain=True))
    return replace(plain, **changes)


def service_of(
    folder: Path, cameras: Sequence[Camera] = (), hide: Any = None, pipeline: Any = None, more: Sequence[Any] = (),
    **changes: Any,
):  # fmt: skip
    """A service with a fake pipeline, and more of them; its clock is the frames'."""
    found = list(cameras) or [front_camera()]
    pipelines = [pipeline or BlockSeer(), *more]
    return Service(settings_of(folder, len(found), **changes), pipelines, found, hide)


class Caller:
    """A service's application, and requests to it with a token of all scopes."""

    def __init__(self, service: Service) -> None:
        from fastapi.testclient import TestClient

        self.service = service
        self.app = create_app(service)
        self.http = TestClient(self.app, raise_server_exceptions=False)
        self.secret = service.clients.add("all", list(SCOPES)) if service.clients.find("all") is None else ""

    def __enter__(self) -> Caller:
        self.http.__enter__()
        if self.secret:
            self.http.headers["Authorization"] = f"Bearer {self.token('all', self.secret)}"
        return self

    def __exit__(self, *error: Any) -> None:
        self.http.__exit__(*error)

    def token(self, id: str, secret: str, scope: str = "") -> str:
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        return str(self.http.post("/oauth/token", data=form, auth=(id, secret)).json()["access_token"])

    def post(self, time: float, what: int, camera: str = "front", **kwargs: Any):
        headers = {"Content-Type": "image/jpeg", **kwargs.pop("headers", {})}
        url = f"/v1/cameras/{camera}/frames"
        return self.http.post(url, params={"time": time}, content=jpeg_of(what), headers=headers, **kwargs)

    def play(self, whats: Sequence[int], start: float = 0.0) -> None:
        """Post frames five seconds apart."""
        for i, what in enumerate(whats):
            assert self.post(start + 5.0 * i, what).status_code == 201


def still(f: Frame, layout: Any, zero: Any) -> Drift:
    """A camera that hangs where it did."""
    assert f.camera is not None
    return Drift("fits", f.camera)


def main(folder: Path, port: int, hook: str) -> None:
    import uvicorn

    logging.basicConfig(level=logging.WARNING)
    module.find_drift = still  # type: ignore[assignment]
    service = service_of(folder, webhooks=(WebhookSettings("hook", hook, str(folder / "hook")),))
    if service.clients.find("all") is None:
        (folder / "secret").write_text(service.clients.add("all", list(SCOPES)))
    uvicorn.run(create_app(service), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
