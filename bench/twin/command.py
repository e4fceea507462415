"""`shelfbench twin`: a store that lives, at a service."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.devices import conditions
from bench.hardware.client import Client, connect
from bench.twin.own_service import OwnService, own_service, write_folder
from bench.twin.plan import TwinPlan
from bench.twin.play import Played, play
from bench.twin.summary import summarise, table
from scenarios import Camera, InputError, Scenario
from vision.outputs import final_path, result_folder, write_json

REUSED = "shelfwatch_frames_reused_total{"


def run_twin(plan: TwinPlan, told: dict[str, Any]) -> Path | None:
    """Play until Ctrl-C or the end and write what came of it; the folder of the result, or None where a device's folder
    was written instead. Raises InputError."""
    scenario = plan.drawn()
    cameras = plan.hung(scenario)
    if plan.prepare:
        path = write_folder(Path(plan.prepare), plan, scenario, cameras, plan.port)
        print(f"service  {path}\non the device: shelfwatch client {path.name} --add bench --scope frames read")
        print(f"               shelfwatch serve {path.name}")
        return None
    if plan.target:
        client = connect(plan.target, plan.client, plan.secret_file)
        try:
            base = _begin_at(plan, scenario, cameras, client)
            return _play(plan, scenario, cameras, client, base, None, told)
        finally:
            client.close()
    with own_service(plan, scenario, cameras) as own:
        name, secret = own.page
        print(f"the store is at {own.url}\nname    {name}\nsecret  {secret}\nCtrl-C ends it", flush=True)
        return _play(plan, scenario, cameras, own.client, time.time(), own, told)


def _play(
    plan: TwinPlan, scenario: Scenario, cameras: Sequence[Camera], client: Client, base: float,
    own: OwnService | None, told: dict[str, Any],
) -> Path:  # fmt: skip
    vitals = own.vitals if own else None
    if vitals:
        vitals.begin()

    def look(played: Played) -> None:
        if vitals:
            vitals.look()
        lost = sum(played.dropped.values())
        print(
            f"{played.store_seconds:8.0f} s  sent {played.sent}  dropped {lost}  alerts {len(played.alerts)}",
            flush=True,
        )

    with _until_interrupted() as stop:
        played = play(plan, scenario, cameras, client, base, stop, look)
    found = summarise(played, vitals, _reused(client))
    with result_folder(Path(plan.outputs), "twin") as folder:
        write_json(folder / "result.json", found | {"conditions": conditions(), "config": told})
    final = final_path(folder)
    print(f"\n{table(found)}\n\nresult  {final / 'result.json'}")
    return final


def _reused(client: Client) -> int | None:
    """Frames of which the service says that they showed nothing new; None where it says nothing."""
    try:
        text = client.request("GET", "/metrics").text
    except (httpx.HTTPError, InputError):
        return None
    counts = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(REUSED)]
    return round(sum(map(float, counts))) if "shelfwatch_frames_reused" in text else None


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, where this is the main thread; a second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupted(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = [(number, signal.signal(number, interrupted)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _begin_at(plan: TwinPlan, scenario: Scenario, cameras: Sequence[Camera], client: Client) -> float:
    """The service's time at which the store's begins: now, or after all frames that it has had. Raises InputError where
    the service watches something else."""
    about = client.get("/v1/about")
    if about["clock"] == "wall" and plan.speed != 1:
        raise InputError(
            f"{client.url} goes by the clock on the wall; expected speed=1, or clock: frames in its settings"
        )
    planned = {p.id for p in scenario.layout.planogram.positions}
    there = {p["id"] for p in client.get("/v1/plan")["positions"]}
    if planned != there:
        odd = sorted(planned ^ there)[0]
        raise InputError(f"{client.url}: watches another planogram than {plan.scenario} ({odd} is in one of them only)")
    known = {c["id"]: c for c in client.get("/v1/cameras")}
    for camera in cameras:
        size = (camera.model.width, camera.model.height)
        row = known.get(camera.id)
        if row is None or (row["width"], row["height"]) != size:
            has = f"{row['width']} x {row['height']} pixels" if row else f"only {', '.join(known)}"
            raise InputError(f"{client.url}: camera {camera.id} of {size[0]} x {size[1]} pixels; the service has {has}")
    newest = max((known[c.id]["last_time"] or 0.0 for c in cameras), default=0.0)
    now = time.time() + client.clock().ahead
    if about["clock"] == "wall":
        return now
    return max(now, newest + plan.every)
