"""Cameras that are rendered: what the deployed pipeline reads of a day's frames, kept on the disk block by block.

A block is some frames of one camera, and hangs on nothing but the day, so that any number of workers make the same and
who was killed goes on with the blocks that are missing. Within a block only what has changed is rendered again
(`bench.twin.cameras`), and only crops, or frames, that look changed are read again (`vision.unchanged`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from tqdm import tqdm

from bench.day.takers import TakerBodies, Takers
from bench.scoring import HALF
from bench.studies.cells import THREADS, Bench
from bench.studies.pictures import Arrays, PictureCache
from bench.studies.study import READING, checksum, code_version, digest
from bench.twin.cameras import VirtualCameras
from bench.twin.stock import Moment
from scenarios import Camera, Frame, Layout, Scenario
from scenarios.events import Event, LostSale, MissedRestock, ScanError, SensorEvent
from scenarios.timeline import Timeline
from sim import World
from sim.render import Render
from sim.render import renderer as renderer_named
from sim.truth import seen_shares
from sim.workers import worker_pool
from vision import Pipeline
from vision.health import Outlook, faults, look_at, outlook_of
from vision.pipeline import weights_path
from vision.readings import PlaceReadings

BLOCK = 30
"""Frames of a block: half an hour at one a minute. Its first frame is rendered and read whatever was before."""
CACHE_GB = 5.0
PLACES = ("state", "confidence", "pixels_per_metre", "behind", "sight")
"""What is kept of a reading's places, beside the SKUs."""
CODE = (*READING, "bench/day/rendered.py", "bench/day/takers.py", "bench/twin/cameras.py")
"""Files whose content decides what a block says."""
UNSEEN_EVENTS = (LostSale, MissedRestock, ScanError, SensorEvent)
"""Events that move no unit."""


@dataclass(frozen=True)
class Rendering:
    """How cameras are rendered and read; conf/day.yaml says what each key means."""

    detector: str = "yolo11n"
    recognizer: str = "embed"
    runtime: str = "onnxruntime-cpu"
    renderer: str = "raster"
    every: float = 60.0
    read_anew: float = 600.0
    workers: int = 2

    def __post_init__(self) -> None:
        if not (self.every >= 1 and self.read_anew >= 0 and self.workers >= 1):
            raise ValueError(
                f"every {self.every}, read_anew {self.read_anew}, workers {self.workers}; expected 1 s or more, 0 or "
                "more, and 1 or more"
            )

    def check(self) -> None:
        """Raises InputError for a renderer or weights that are not there."""
        renderer_named(self.renderer)
        for name in (self.detector, self.recognizer):
            weights_path(name)


@dataclass(frozen=True, eq=False)
class Look:
    """One frame of a camera at `time`.

    `places`: what was read of it; None where nothing had changed since the last reading, or the frame could not be
    believed. `clear` (Q,): the positions of which it truly shows at least half of the front row, nothing standing
    before it. `rendered`: the scene was drawn anew."""

    camera: str
    time: float
    places: PlaceReadings | None
    clear: NDArray[np.bool_]
    rendered: bool


@dataclass(frozen=True)
class Block:
    """Frames of a camera at some times, of the day that a seed and events make."""

    seed: int
    events: tuple[Event, ...]
    camera: Camera
    times: tuple[float, ...]


def moments(scenario: Scenario, timeline: Timeline, times: Sequence[float]) -> Iterator[Moment]:
    """A day's scenario at each time, which must not go back; the same object for as long as nothing moves."""
    moved = np.array([e.time for e in timeline.events if not isinstance(e, UNSEEN_EVENTS)])
    crowd = scenario.conditions.crowd
    walks = bool(crowd.shoppers or crowd.density)
    now, happened = None, -1
    for at, shelves, count in zip(times, timeline.walk(times), np.searchsorted(moved, times, side="right").tolist()):
        if now is None or walks or count != happened:
            units = shelves.stock().units
            now = Moment(scenario.layout, scenario.conditions, scenario.seed, at, units)
            happened = count
        yield now


def shots(
    world: World, bodies: TakerBodies, day: tuple[Scenario, Timeline], camera: Camera, times: Sequence[float],
    renderer: str,
) -> Iterator[tuple[Frame, Render, bool]]:  # fmt: skip
    """A camera's frame at each time, its scene as it was drawn, and whether it was drawn anew."""
    scenario, timeline = day
    takers, eyes = Takers(timeline, scenario.seed), VirtualCameras(world, renderer)
    for moment, at in zip(moments(scenario, timeline, times), times):
        drawn = eyes.rendered
        world.set(moment)
        bodies.set(takers.at(at))
        frame = eyes.frame(moment, camera, at)
        yield frame, eyes.render_of(camera), eyes.rendered > drawn


class Reader:
    """What a worker keeps from one block to the next: a world, the networks, and the blocks that are made."""

    def __init__(self, base: Scenario, rendering: Rendering, outputs: Path) -> None:
        self.base, self.rendering, self.blocks = base, rendering, blocks_of(outputs)
        self.bench = Bench(PictureCache(outputs / "pictures", int(CACHE_GB * 1e9)))
        self._networks = Pipeline.load(
            rendering.detector, rendering.recognizer,
            self.bench.gallery(base, rendering.recognizer, rendering.runtime), base.layout, rendering.runtime,
            threads=THREADS, read_anew=rendering.read_anew,
        )  # fmt: skip
        self._bodies = TakerBodies(self.bench.world(base))
        self._outlooks: dict[Camera, Outlook] = {}

    def make(self, key: str, block: Block) -> Counter[str]:
        """Make a block that is missing; what it took."""
        took: Counter[str] = Counter()
        self.blocks.make(key, lambda: self.read(block, took))
        took["memory_mb"] = round(psutil.Process().memory_info().rss / 1e6)
        return took

    def read(self, block: Block, took: Counter[str]) -> Arrays:
        """Render and read a block's frames; adds what it took, frames and milliseconds of the processor, to `took`."""
        scenario, camera = self.base.draw(block.seed), block.camera
        day = scenario, Timeline.of(scenario.layout, scenario.stock, block.events)
        world, pipeline, layout = self.bench.world(self.base), self._fresh(), scenario.layout
        outlook = self._outlooks.setdefault(camera, outlook_of(layout, camera))
        rows: list[PlaceReadings] = []
        clear: list[NDArray[np.bool_]] = []
        row, rendered = [], []
        begun = time.process_time()
        for frame, render, anew in shots(world, self._bodies, day, camera, block.times, self.rendering.renderer):
            rendered.append(anew)
            clear.append(self._clear(render, camera) if anew else clear[-1])
            shot = time.process_time()
            reading = pipeline(frame)
            assert reading.places is not None
            believed = not faults(look_at(frame, reading, layout, outlook=outlook))
            if not reading.age:
                rows.append(reading.places)
            row.append(len(rows) - 1 if believed and not reading.age else -1)
            end = time.process_time()
            took.update(frames=1, read=not reading.age, rendered=anew)
            took.update(render_ms=round(1000 * (shot - begun)), read_ms=round(1000 * (end - shot)))
            begun = end
        sku = {product.sku: n for n, product in enumerate(layout.catalog)}
        return {
            "time": np.array(block.times), "row": np.array(row), "clear": np.array(clear),
            "rendered": np.array(rendered),
            "sku": np.array([[sku.get(s, -1) for s in places.sku] for places in rows], np.int32),
            **{name: np.stack([getattr(places, name) for places in rows]) for name in PLACES},
        }  # fmt: skip

    def _fresh(self) -> Pipeline:
        """A pipeline of the same networks that has seen nothing yet."""
        p = self._networks
        return Pipeline(
            p.detector, p.recognizer, p.gallery, p.layout, p.score, p.calibration, read_anew=self.rendering.read_anew
        )

    def _clear(self, render: Render, camera: Camera) -> NDArray[np.bool_]:
        places = self.base.layout.places
        seen = seen_shares(places.faces, camera, render.depth) >= HALF
        return np.asarray(np.bincount(places.position, seen) / np.bincount(places.position) >= HALF)


_readers: list[Reader] = []
"""The one of this process, where it is a worker."""


def _begin(base: Scenario, rendering: Rendering, outputs: Path) -> None:
    _readers[:] = [Reader(base, rendering, outputs)]


def _make(key: str, block: Block) -> Counter[str]:
    return _readers[0].make(key, block)


def blocks_of(outputs: Path) -> PictureCache:
    """The blocks that are kept under a folder of outputs."""
    return PictureCache(outputs / "frames", int(CACHE_GB * 1e9))


def plan_blocks(
    day: tuple[Scenario, Timeline], cameras: Sequence[Camera], every: float, end: float
) -> list[Block]:  # fmt: skip
    """The blocks of a day until `end` seconds; cameras take turns within `every` seconds."""
    scenario, timeline = day
    found = []
    for n, camera in enumerate(cameras):
        times = np.arange(every * n / len(cameras), end + 1e-6, every).tolist()
        for first in range(0, len(times), BLOCK):
            found.append(Block(scenario.seed, timeline.events, camera, tuple(times[first : first + BLOCK])))
    return found


def block_key(scenario: Scenario, block: Block, rendering: Rendering) -> str:
    """A name for everything that decides what a block says."""
    events = hashlib.sha256(repr(block.events).encode()).hexdigest()
    weights = [checksum(str(weights_path(name))) for name in (rendering.detector, rendering.recognizer)]
    plain = [scenario.hash, events, dataclasses.asdict(block.camera), block.times, weights, rendering.runtime,
             rendering.renderer, rendering.read_anew, code_version(CODE)]  # fmt: skip
    return digest(plain)


def watch_days(
    base: Scenario, days: Sequence[tuple[Scenario, Timeline]], cameras: Sequence[Camera], rendering: Rendering,
    end: float, outputs: Path,
) -> tuple[list[list[Look]], Counter[str]]:  # fmt: skip
    """All frames of every day in the order of their times, rendered and read by workers where they are not kept yet;
    and what those that were not took: frames, how many were rendered and read, milliseconds of the processor, most MB
    of memory of a worker, and seconds by the clock."""
    blocks, took = blocks_of(outputs), Counter[str]()
    planned = [
        [(block_key(day[0], b, rendering), b) for b in plan_blocks(day, cameras, rendering.every, end)] for day in days
    ]
    missing = [pair for some in planned for pair in some if blocks.get(pair[0]) is None]
    begun = time.perf_counter()
    if missing:
        with worker_pool(min(rendering.workers, len(missing)), _begin, base, rendering, outputs) as pool:
            tasks = [pool.submit(_make, key, block) for key, block in missing]
            try:
                for task in tqdm(as_completed(tasks), total=len(tasks), desc="blocks of frames", disable=None):
                    made = task.result()
                    took["most_memory_mb"] = max(took["most_memory_mb"], made.pop("memory_mb"))
                    took += made
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    took["seconds"] = round(time.perf_counter() - begun)
    took["blocks_made"], took["blocks_kept"] = len(missing), sum(map(len, planned)) - len(missing)
    found = []
    for some in planned:
        looks = [look for key, block in some for look in looks_of(blocks.get(key), block, base.layout)]
        found.append(sorted(looks, key=lambda look: look.time))
    return found, took


def looks_of(entry: Arrays | None, block: Block, layout: Layout) -> list[Look]:
    """The frames of a block as it was kept."""
    assert entry is not None  # it was there, or has just been made
    names = np.array([product.sku for product in layout.catalog] + [None], object)  # -1 is none
    readings = [
        PlaceReadings(sku=names[sku], **{name: entry[name][n] for name in PLACES})
        for n, sku in enumerate(entry["sku"])
    ]  # fmt: skip
    return [
        Look(block.camera.id, float(at), readings[row] if row >= 0 else None, clear, bool(rendered))
        for at, row, clear, rendered in zip(entry["time"], entry["row"], entry["clear"], entry["rendered"])
    ]
