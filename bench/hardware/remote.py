"""A pipeline that runs on a device: frames go there, readings come back to the last bit, and it is told what took how
long where."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import httpx
import numpy as np

from bench.hardware.client import Client, Clock, connect, problem
from scenarios import Frame, InputError, Layout
from vision import Reading
from vision.readings import from_exact

TRIES = 8
BUSY = 429
DONE = 200


@dataclass(frozen=True)
class Trip:
    """One frame's way, in milliseconds. `device` is all that passed there but the wait for its turn, `stages` what the
    reading says of itself; `network` is the round trip without what passed on the device. `out` and `back` are the
    ways there and back by both clocks, as well as these were compared."""

    round_trip: float
    device: float
    wait: float
    stages: dict[str, float]
    out: float
    back: float

    @property
    def network(self) -> float:
        return self.round_trip - self.device - self.wait


class Remote:
    """Reads frames on a device, one at a time. `trips` has all until now."""

    def __init__(self, client: Client) -> None:
        """Compares clocks. Raises InputError."""
        self.client = client
        self.clock: Clock = client.clock()
        self.trips: list[Trip] = []

    def __call__(self, frame: Frame) -> Reading:
        """Read one frame. Raises InputError where the device does not answer as it should."""
        assert frame.camera is not None
        camera = json.dumps(dataclasses.asdict(frame.camera))
        # Without loss: what a JPEG would take away, the device would read differently.
        packed = cv2.imencode(".png", frame.image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        params = {"camera": camera, "time": repr(float(frame.time))}
        asked, begun = time.time(), time.perf_counter()
        answer = self._ask(params, packed)
        trip = (time.perf_counter() - begun) * 1000
        try:
            told = answer.json()
            reading = from_exact(told["reading"])
            self.trips.append(self._trip(told, trip, asked))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.client.url}: {type(error).__name__} {error}; expected a reading") from None
        return reading

    def _ask(self, params: dict[str, str], picture: bytes) -> httpx.Response:
        for attempt in range(TRIES):
            try:
                answer = self.client.request(
                    "POST", "/v1/trial-frames", params=params, content=picture, headers={"Content-Type": "image/png"}
                )
            except httpx.HTTPError as error:
                raise InputError(f"{self.client.url}: no answer ({type(error).__name__})") from None
            if answer.status_code != BUSY:
                break
            time.sleep(0.2 * (attempt + 1))
        if answer.status_code != DONE:
            raise InputError(f"{self.client.url}: a frame was not read: {problem(answer)}")
        return answer

    def _trip(self, told: dict[str, Any], trip: float, asked: float) -> Trip:
        laps, stages = told["device_ms"], told["reading"]["latency_ms"]
        device = float(laps["all"]) - float(laps["wait"])
        out = (float(told["received"]) - self.clock.ahead - asked) * 1000
        return Trip(trip, device, float(laps["wait"]), stages, out, trip - float(laps["all"]) - out)

    def as_plain(self, since: int = 0) -> dict[str, Any]:
        """What the trips from a number on say, and of which device."""
        about, trips = self.client.get("/v1/about"), self.trips[since:]
        rows = {name: _row([getattr(t, name) for t in trips]) for name in ("round_trip", "network", "device", "wait")}
        rows |= {"out": _row([t.out for t in trips]), "back": _row([t.back for t in trips])}
        stages = {stage: _row([t.stages[stage] for t in trips]) for stage in trips[0].stages} if trips else {}
        return {
            "url": self.client.url, "machine": about["machine"], "version": about["version"],
            "networks": about["networks"], "frames": len(trips), "ms": rows, "stages_ms": stages,
            "clock_ahead_s": round(self.clock.ahead, 6), "clock_bound_s": round(self.clock.bound, 6),
        }  # fmt: skip


def _row(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


@lru_cache(maxsize=8)
def device(url: str, name: str, secret_file: str) -> Client:
    """The one client of a service in this process. Raises InputError."""
    return connect(url, name, secret_file)


def check_device(client: Client, weights: dict[str, str], layout: Layout) -> None:
    """Raise InputError for a service that would read something else: other networks than those with these checksums by
    "detector" and "recognizer", no gallery, or another planogram."""
    about = client.get("/v1/about")
    for part, checksum in weights.items():
        there = about["networks"].get(part, {}).get("weights", "none")
        if there != checksum:
            raise InputError(f"{client.url}: its {part} is {there[:12]}; expected {checksum[:12]}, the study's own")
    skus = len({p.sku for p in layout.catalog})
    if about["skus"] != skus:
        raise InputError(f"{client.url}: its gallery has {about['skus']} products; expected the {skus} of the catalog")
    planned = [(p.id, p.sku, p.facings) for p in layout.planogram.positions]
    found = [(p["id"], p["sku"], p["facings"]) for p in client.get("/v1/plan")["positions"]]
    if planned != found:
        raise InputError(f"{client.url}: watches another planogram; expected the study's (`shelfbench twin prepare=…`)")
