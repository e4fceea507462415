"""A service that the twin starts for itself: a process of its own, whose time and memory are looked at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.hardware.client import Client
from bench.hardware.folder import write_service_folder
from bench.studies.cells import Bench
from bench.studies.pictures import PictureCache
from bench.twin.plan import TwinPlan
from scenarios import Camera, InputError, Rig, Scenario
from vision.service.access import Clients
from vision.service.database import Database
from vision.service.service import DATABASE
from vision.service.settings import CameraSettings, HttpSettings, PictureSettings, Settings

START = 120.0
"""Seconds that a service may take to begin."""
CACHE_GB = 5.0


@dataclass
class Vitals:
    """A process: MB of memory it holds by itself at moments (`time.monotonic`), and seconds of processors it took."""

    process: psutil.Process
    begun: float = 0.0
    memory: list[tuple[float, float]] = field(default_factory=list)

    def begin(self) -> None:
        """Count from now on."""
        self.begun = self._seconds()

    def look(self) -> None:
        """Note the memory."""
        with suppress(psutil.Error):
            self.memory.append((time.monotonic(), self.process.memory_full_info().uss / 1e6))

    @property
    def cpu_seconds(self) -> float:
        """Since `begin`."""
        try:
            return self._seconds() - self.begun
        except psutil.Error:
            return float("nan")

    def _seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@dataclass
class OwnService:
    """Names and secrets of two of its clients: with `page` a person signs in, `twin` sends frames, as `client` does."""

    url: str
    client: Client
    page: tuple[str, str]
    twin: tuple[str, str]
    vitals: Vitals
    log: Path


def service_settings(plan: TwinPlan, port: int) -> Settings:
    """What a service of the twin's is told, but for store and cameras. It goes by the frames' clock."""
    return Settings(
        store="", cameras=(CameraSettings(""),), detector=plan.model.detector, recognizer=plan.model.recognizer,
        runtime=plan.runtime, clock="frames", reuse=plan.reuse, http=HttpSettings(port=port,
        requests_per_minute=60_000.0), pictures=PictureSettings(keep=plan.pictures, every=max(10.0, plan.every * 2),
        hours=1.0),
    )  # fmt: skip


def write_folder(folder: Path, plan: TwinPlan, scenario: Scenario, cameras: Sequence[Camera], port: int) -> Path:
    """Write a service's folder; packs are photographed in the simulator's studio. Returns its service.yaml."""
    bench = Bench(PictureCache(Path(plan.outputs) / "pictures", int(CACHE_GB * 1e9)))
    gallery = bench.gallery(scenario, plan.model.recognizer, plan.runtime)
    rig = Rig(plan.rig.name, tuple(cameras))
    return write_service_folder(folder, scenario, rig, gallery, service_settings(plan, port))


@contextmanager
def own_service(plan: TwinPlan, scenario: Scenario, cameras: Sequence[Camera]) -> Iterator[OwnService]:
    """A service until the end of the block; nothing of it is left. Raises InputError where it does not begin."""
    with tempfile.TemporaryDirectory(prefix="shelfbench-twin-") as root:
        port = plan.port or _free_port()
        folder = Path(root) / "service"
        settings = write_folder(folder, plan, scenario, cameras, port)
        secrets = _clients(folder)
        log = Path(root) / "service.log"
        command = [sys.executable, "-m", "vision.cli", "serve", str(settings)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        with log.open("w") as out:
            # A session of its own: Ctrl-C reaches the twin alone, which ends the service in order.
            process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, env=environment)
        client = Client(f"http://127.0.0.1:{port}", "twin", secrets["twin"])
        try:
            _wait(process, client.url, log)
            vitals = Vitals(psutil.Process(process.pid))
            yield OwnService(client.url, client, ("page", secrets["page"]), ("twin", secrets["twin"]), vitals, log)
        finally:
            client.close()
            _end(process)


def _clients(folder: Path) -> dict[str, str]:
    """Secrets of two clients: who plays, and who looks."""
    state = folder / "service"
    state.mkdir(mode=0o700)
    database = Database(state / DATABASE)
    clients = Clients(database)
    found = {"twin": clients.add("twin", ["frames", "read"]), "page": clients.add("page", ["read", "review"])}
    database.close()
    return found


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raise InputError(f"the service ended: {words[-1] if words else process.returncode}")
        try:
            if httpx.get(f"{url}/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise InputError(
        f"{url}: not ready after {START:g} s; see what it wrote:\n{log.read_text(errors='replace')[-500:]}"
    )


def _end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
