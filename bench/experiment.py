"""Experiments: every rig with every model over the same scenarios, rendered once, read by all."""

from __future__ import annotations

import dataclasses
import gc
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from tqdm import tqdm

from bench.scoring import Moment, PictureScore, Scores, score_moment, score_picture, summarise
from bench.studies.settings import Model, Settings
from scenarios import Camera, Frame, InputError, Layout, Rig, Scenario, load_scenario
from sim import PositionTruth, Truth, World, capture, position_truths, studio_pictures
from sim.render import renderer
from sim.workers import worker_pool
from vision import Gallery, Pipeline, Reading, Recognizer, audit, fuse, gallery_of
from vision.pipeline import WEAKEST_EVIDENCE, weights_path
from vision.runtimes import open_session

WARM_UP = 3
"""Frames that every model reads before anything is timed."""
TIMED_FRAMES = 200
"""What a latency of `shelfbench run` rests on at least."""


@dataclass(frozen=True)
class Experiment:
    """What `shelfbench run` runs. Scenario seeds count from `first_seed`; `shoppers` stand in every second one, unless
    the settings say what the crowd is. With a `target`, the address of a service, its frames are read there, as its
    `client` with the secret of `secret_file`.
    """

    name: str
    scenario: str
    rigs: tuple[Rig, ...]
    models: tuple[Model, ...]
    runtime: str = "onnxruntime-cpu"
    first_seed: int = 500_000
    scenarios: int = 24
    shoppers: int = 2
    workers: int = 2
    renderer: str = "raster"
    settings: Settings = field(default_factory=Settings)
    target: str = ""
    client: str = ""
    secret_file: str = ""

    def __post_init__(self) -> None:
        if self.scenarios < 2 or self.workers < 1 or not self.rigs or not self.models:
            raise ValueError("expected scenarios >= 2, workers >= 1, and at least one rig and one model")
        for kind, names in (("rig", [r.name for r in self.rigs]), ("model", [m.name for m in self.models])):
            if len(set(names)) < len(names):
                raise ValueError(f"a {kind} is named twice: {', '.join(names)}")

    def draw(self, store: Scenario | None = None) -> list[Scenario]:
        """The scenarios, in order: the same layout, another seed each. `store`: the scenario, where it is loaded."""
        base = store or load_scenario(self.scenario)
        base = dataclasses.replace(base, conditions=self.settings.conditions(base.conditions))
        crowd = (lambda i: None) if self.settings.crowd else (lambda i: self.shoppers if i % 2 else 0)
        return [base.draw(self.first_seed + i, crowd(i)) for i in range(self.scenarios)]


@dataclass(frozen=True, eq=False)
class Shot:
    """One rendered picture: where its image lies, and its truth without mask and depth."""

    scenario: int
    camera: Camera
    path: Path
    truth: Truth

    def frame(self) -> Frame:
        return Frame(np.load(self.path), self.camera)


@dataclass(frozen=True, eq=False)
class Arm:
    """One rig read by one model, with its scores."""

    rig: Rig
    model: Model
    scores: Scores
    moments: list[Moment]
    pixels_per_metre: float
    """Median over all front-row places, of the camera that sees each best."""


@dataclass(eq=False)
class Evidence:
    """What an experiment brought to light."""

    experiment: Experiment
    scenarios: list[Scenario]
    arms: list[Arm] = field(default_factory=list)
    latency_ms: dict[str, dict[str, NDArray[np.float64]]] = field(default_factory=dict)
    """By model and stage, milliseconds of every timed frame."""
    repeatable: bool = True
    """Whether every second reading of a frame equalled the first."""
    examples: dict[str, tuple[Frame, Truth, Reading]] = field(default_factory=dict)
    """By camera id, one frame with its truth and the last model's reading."""


def check_rig(rig: Rig, layout: Layout) -> None:
    """Raise InputError for a rig that cannot hang in a store."""
    ids = [c.id for c in rig.cameras]
    if not ids or len(set(ids)) < len(ids):
        raise InputError(f"rig {rig.name}: expected at least one camera, each with an id of its own; got {ids}")
    for camera in rig.cameras:
        obstacle = layout.store.obstacle_at(camera.position)
        if obstacle:
            room = layout.store.room
            raise InputError(
                f"rig {rig.name}: camera {camera.id} at {list(camera.position)} is inside {obstacle}; "
                f"expected a place in the room, x {list(room.x)}, y {list(room.y)}, z 0 to {room.ceiling}"
            )


def check(experiment: Experiment) -> None:
    """Raise InputError for what cannot be run, before anything is rendered."""
    renderer(experiment.renderer)
    base = load_scenario(experiment.scenario)
    layout, _ = base.layout, experiment.settings.conditions(base.conditions)
    for rig in experiment.rigs:
        check_rig(rig, layout)
    for model in experiment.models:
        weights_path(model.detector)
        weights_path(model.recognizer)


def run(experiment: Experiment, timed: int = TIMED_FRAMES) -> Evidence:
    """Render, read and score. Rendering ends before reading begins, so that latencies are measured in quiet.

    `timed` is the least number of timed frames a model, where there are pictures enough.
    """
    check(experiment)
    scenarios = experiment.draw()
    layout = scenarios[0].layout
    cameras = {c: None for rig in experiment.rigs for c in rig.cameras}
    with frames_folder() as folder:
        shots, studio = _render(experiment, scenarios, list(cameras), Path(folder))
        galleries = _enrol(experiment, studio)
        pipelines = {
            m.name: Pipeline.load(
                m.detector,
                m.recognizer,
                galleries[m.recognizer],
                layout,
                experiment.runtime,
                WEAKEST_EVIDENCE,
                reuse=False,  # frames are read twice in a row: what is timed is reading, not remembering
            )
            for m in experiment.models
        }
        evidence = Evidence(experiment, scenarios)
        readings, scored = read(pipelines, shots, layout, evidence, timed)
    evidence.arms = _score(experiment, scenarios, shots, readings, scored)
    return evidence


def frames_folder() -> tempfile.TemporaryDirectory:
    """A folder for the pictures that goes when the run ends. Those of runs that were killed go first."""
    for left in Path(tempfile.gettempdir()).glob("shelfbench-frames-*-*"):
        owner = left.name.split("-")[2]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"shelfbench-frames-{os.getpid()}-")


_world: World | None = None
_scenarios: list[Scenario] = []


def _start_worker(scenarios: list[Scenario]) -> None:
    """Give a worker the scenarios, all on one layout object, and one world for them."""
    global _world, _scenarios
    layout = scenarios[0].layout
    _scenarios = [dataclasses.replace(s, layout=layout) for s in scenarios]
    _world = World(layout, lookalikes=scenarios[0].conditions.lookalikes)


def _shoot(index: int, cameras: Sequence[Camera], folder: Path, by: str) -> list[Shot]:
    """Render one scenario through all cameras."""
    assert _world is not None
    shots = []
    for camera in cameras:
        frame, truth = capture(_world, _scenarios[index], camera, by)
        path = folder / f"{index:04d}-{camera.id}.npy"
        np.save(path, frame.image)
        nothing = np.empty((0, 0))
        light = dataclasses.replace(truth, mask=nothing.astype(np.int32), depth=nothing.astype(np.float32))
        shots.append(Shot(index, camera, path, light))
    return shots


def _render(
    experiment: Experiment, scenarios: list[Scenario], cameras: list[Camera], folder: Path
) -> tuple[list[Shot], dict[str, list[NDArray[np.uint8]]]]:
    """Render every scenario through every camera, and the studio pictures, in worker processes."""
    products = list(scenarios[0].layout.catalog)
    with worker_pool(experiment.workers, _start_worker, scenarios) as pool:
        tasks = [pool.submit(_shoot, i, cameras, folder, experiment.renderer) for i in range(len(scenarios))]
        # Small tasks last: they fill the time in which one worker would wait for the other.
        parts = [pool.submit(studio_pictures, products[k::8]) for k in range(8)]
        shots: list[Shot] = []
        with tqdm(total=len(tasks) * len(cameras), desc="render", unit="picture", disable=None) as bar:
            for task in tasks:
                done = task.result()
                shots += done
                bar.update(len(done))
        studio = {sku: pictures for part in parts for sku, pictures in part.result().items()}
    return shots, studio


def _enrol(experiment: Experiment, studio: dict[str, list[NDArray[np.uint8]]]) -> dict[str, Gallery]:
    galleries = {}
    for name in {m.recognizer for m in experiment.models}:
        galleries[name] = gallery_of(studio, Recognizer(open_session(weights_path(name), experiment.runtime)))
    return galleries


Readings = dict[tuple[str, int, str], Reading]
PictureScores = dict[tuple[str, int, str], PictureScore]


def read(
    pipelines: dict[str, Pipeline], shots: list[Shot], layout: Layout, evidence: Evidence, timed: int
) -> tuple[Readings, PictureScores]:
    """Read every picture with every model twice, in the order A B B A, so that drift of the machine's
    speed falls on all models alike. The first reading is scored; later ones have to equal it. Where that
    times fewer than `timed` of a model, the first pictures are read once more."""
    readings: Readings = {}
    scored: PictureScores = {}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in pipelines}
    ppm = {shot.camera: shot.camera.pixels_per_metre(layout.places.base, layout.places.yaw) for shot in shots}
    for shot in shots[:WARM_UP]:
        for pipeline in pipelines.values():
            pipeline(shot.frame())
    gc.collect()
    names = list(pipelines)
    again = shots[: max(0, timed - 2 * len(shots))]
    turns = [(shot, names + names[::-1]) for shot in shots] + [(shot, names) for shot in again]
    for shot, turn in tqdm(turns, desc="read  ", unit="picture", disable=None):
        frame = shot.frame()
        for name in turn:
            reading = pipelines[name](frame)
            times[name].append(reading.latency_ms)
            key = (name, shot.scenario, shot.camera.id)
            if key not in readings:
                readings[key] = reading
                scored[key] = score_picture(layout, shot.truth, reading, ppm[shot.camera])
            else:
                evidence.repeatable &= same(readings[key], reading)
        # A later scenario replaces an earlier one, so that the example has shoppers in it if any has.
        if shot.scenario < 2:
            evidence.examples[shot.camera.id] = (frame, shot.truth, readings[names[0], shot.scenario, shot.camera.id])
    for name, laps in times.items():
        stages = {s: np.array([lap[s] for lap in laps]) for s in laps[0]}
        evidence.latency_ms[name] = stages | {"total": np.sum(list(stages.values()), axis=0)}
    return readings, scored


def same(a: Reading, b: Reading) -> bool:
    """Whether two readings say the same, whatever time they took."""
    return (
        np.array_equal(a.detections.xyxy, b.detections.xyxy)
        and np.array_equal(a.detections.confidence, b.detections.confidence)
        and list(a.detections.sku) == list(b.detections.sku)
        and a.states == b.states
    )


def _score(
    experiment: Experiment, scenarios: list[Scenario], shots: list[Shot], readings: Readings, scored: PictureScores
) -> list[Arm]:
    layout = scenarios[0].layout
    truth = {(s.scenario, s.camera.id): s.truth for s in shots}
    positions: list[tuple[PositionTruth, ...]] = [position_truths(layout, s.stock) for s in scenarios]
    arms = []
    for rig in experiment.rigs:
        for model in experiment.models:
            moments = []
            for i in range(len(scenarios)):
                keys = [(model.name, i, c.id) for c in rig.cameras]
                truths = [truth[i, c.id] for c in rig.cameras]
                moments.append(
                    score_scenario(layout, positions[i], truths, [readings[k] for k in keys], [scored[k] for k in keys])
                )
            arms.append(arm_of(rig, model, layout, moments))
    return arms


def score_scenario(
    layout: Layout,
    positions: Sequence[PositionTruth],
    truths: Sequence[Truth],
    readings: Sequence[Reading],
    scored: Sequence[PictureScore],
) -> Moment:
    """Score what a rig's cameras together say of one scenario; truths, readings and scores a camera each."""
    fused = fuse(list(_places(readings)))
    return score_moment(layout, truths, scored, positions, fused, audit(layout, fused))


def arm_of(rig: Rig, model: Model, layout: Layout, moments: list[Moment]) -> Arm:
    """The arm that a rig and a model make, of its moments in the order of the scenarios."""
    ppm = np.max([c.pixels_per_metre(layout.places.base, layout.places.yaw) for c in rig.cameras], axis=0)
    return Arm(rig, model, summarise(moments), moments, float(np.median(ppm)))


def _places(readings: Iterable[Reading]) -> Iterable:
    for reading in readings:
        assert reading.places is not None
        yield reading.places
