"""One cell of a study: its pictures rendered or found, read, scored."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas
import psutil

from bench.configs import flat
from bench.devices import conditions
from bench.drawing import truth_and_reading
from bench.experiment import Arm, Experiment, arm_of, check, score_scenario
from bench.response.samples import samples_of
from bench.results import estimate_row
from bench.scoring import Moment, PictureScore, score_picture
from bench.studies.cell_result import CellResult, write_cell
from bench.studies.pictures import Arrays, PictureCache, as_arrays, picture_key, picture_of, studio_key
from bench.studies.study import SETTINGS, Cell
from scenarios import Camera, Frame, Layout, Product, Rig, Scenario
from sim import Truth, World, capture, position_truths, studio_pictures
from vision import Gallery, Pipeline, Reading, Recognizer, gallery_of
from vision.pictures import Shown, save_picture
from vision.pipeline import WEAKEST_EVIDENCE, weights_path
from vision.runtimes import open_session

if TYPE_CHECKING:
    from bench.hardware.remote import Remote

THREADS = 1
"""Of a network: cells run side by side, and a reading has the same bits however many do."""
WORST = 2
"""Pictures of a cell that are kept, drawn upon."""


STUDIO_PRODUCTS = 4
"""Of one entry of studio pictures."""
KEPT = 4
"""Pipelines, and galleries, that a worker keeps."""


class Bench:
    """What a worker keeps from one cell to the next: one world, a few pipelines, and the cache of pictures."""

    def __init__(self, cache: PictureCache) -> None:
        self.cache = cache
        self._worlds: dict[Any, World] = {}
        self._pipelines: dict[Any, Pipeline] = {}
        self._galleries: dict[Any, Gallery] = {}
        self._layouts: dict[str, Layout] = {}
        self.conditions = conditions()

    def draw(self, experiment: Experiment) -> list[Scenario]:
        """The experiment's scenarios, all on one layout object however often they are drawn."""
        drawn = experiment.draw()
        layout = self._layouts.setdefault(experiment.scenario, drawn[0].layout)
        return [dataclasses.replace(s, layout=layout) for s in drawn]

    def world(self, scenario: Scenario) -> World:
        key = (id(scenario.layout), scenario.conditions.lookalikes)
        if key not in self._worlds:
            for world in self._worlds.values():
                world.close()
            self._worlds = {key: World(scenario.layout, lookalikes=scenario.conditions.lookalikes)}
        return self._worlds[key]

    def render(self, scenario: Scenario, hash: str, camera: Camera, renderer: str) -> None:
        """Render a picture that is missing and that no other worker is at."""
        self.cache.begin(picture_key(hash, camera, renderer), self._shoot(scenario, camera, renderer))

    def picture(self, scenario: Scenario, hash: str, camera: Camera, renderer: str) -> tuple[Frame, Truth]:
        """A picture and its truth, rendered if no one has."""
        entry = self.cache.make(picture_key(hash, camera, renderer), self._shoot(scenario, camera, renderer))
        return picture_of(entry, scenario, camera)

    def _shoot(self, scenario: Scenario, camera: Camera, renderer: str) -> Callable[[], Arrays]:
        def render() -> Arrays:
            frame, truth = capture(self.world(scenario), scenario, camera, renderer)
            return as_arrays(frame.image, truth)

        return render

    def reader(self, experiment: Experiment, scenario: Scenario) -> Pipeline | Remote:
        """What reads the experiment's frames: its model here, or on a device."""
        if not experiment.target:
            return self.pipeline(experiment, scenario)
        from bench.hardware.remote import Remote, device  # needs the extra `serve`

        return Remote(device(experiment.target, experiment.client, experiment.secret_file))

    def pipeline(self, experiment: Experiment, scenario: Scenario, threads: int = THREADS) -> Pipeline:
        """The experiment's (one) model, enrolled with studio pictures of the scenario's products."""
        model, lookalikes = experiment.models[0], scenario.conditions.lookalikes
        key = (id(scenario.layout), lookalikes, model, experiment.runtime, threads)
        if key not in self._pipelines:
            self._pipelines = dict(list(self._pipelines.items())[1 - KEPT :])
            self._pipelines[key] = Pipeline.load(
                model.detector,
                model.recognizer,
                self.gallery(scenario, model.recognizer, experiment.runtime, threads),
                scenario.layout,
                experiment.runtime,
                WEAKEST_EVIDENCE,
                reuse=False,  # a cell's readings do not hang on what was read before
                threads=threads,
            )
        return self._pipelines[key]

    def gallery(self, scenario: Scenario, name: str, runtime: str, threads: int = THREADS) -> Gallery:
        """The recognizer of a name, enrolled with studio pictures of the scenario's products."""
        key = (id(scenario.layout), scenario.conditions.lookalikes, name, runtime)
        if key not in self._galleries:
            recognizer = Recognizer(open_session(weights_path(name), runtime, threads))
            self._galleries = dict(list(self._galleries.items())[1 - KEPT :])
            self._galleries[key] = self._enrol(scenario, recognizer)
        return self._galleries[key]

    def render_studio(self, scenario: Scenario) -> None:
        """Render the studio pictures of a scenario's products that are missing and that no other worker is at."""
        for key, render in self._studio(scenario):
            self.cache.begin(key, render)

    def _studio(self, scenario: Scenario) -> Iterator[tuple[str, Callable[[], Arrays]]]:
        """The entries of the studio pictures, some products each, so that several workers share them out."""
        catalog, lookalikes = scenario.layout.catalog, scenario.conditions.lookalikes

        def render(products: tuple[Product, ...]) -> Arrays:
            pictures = studio_pictures(products, lookalikes=lookalikes)
            return {f"{sku}\n{i}": p for sku, some in pictures.items() for i, p in enumerate(some)}

        every = tuple(catalog)
        for first in range(0, len(every), STUDIO_PRODUCTS):
            products = every[first : first + STUDIO_PRODUCTS]
            yield studio_key(products, catalog.artwork, lookalikes), partial(render, products)

    def _enrol(self, scenario: Scenario, recognizer: Recognizer) -> Gallery:
        studio: dict[str, list] = {p.sku: [] for p in scenario.layout.catalog}
        for key, render in self._studio(scenario):
            for name, picture in self.cache.make(key, render).items():
                studio[name.rsplit("\n", 1)[0]].append(picture)
        return gallery_of(studio, recognizer)

    def close(self) -> None:
        for world in self._worlds.values():
            world.close()
        self._worlds = {}


def run_cell(cell: Cell, hash: str, bench: Bench, folder: Path, note: Callable[[int], None]) -> CellResult:
    """Render, read and score a cell and write its files into `folder`; `note` hears how many pictures are done."""
    start, cpu = time.perf_counter(), time.process_time()
    before = (bench.cache.rendered, bench.cache.found)
    experiment = cell.experiment
    check(experiment)
    scenarios = bench.draw(experiment)
    hashes = [s.hash for s in scenarios]
    # First what nobody renders yet, so that two workers at the same pictures share them out instead of waiting.
    bench.render_studio(scenarios[0])
    for scenario, scenario_hash in zip(scenarios, hashes):
        for camera in cell.rig.cameras:
            bench.render(scenario, scenario_hash, camera, experiment.renderer)
    pipeline = bench.reader(experiment, scenarios[0])
    moments, worst, samples = _read(cell, scenarios, hashes, pipeline, bench, folder, note)
    arm = arm_of(cell.rig, cell.model, scenarios[0].layout, moments)
    work = {
        "rendered": bench.cache.rendered - before[0],
        "found": bench.cache.found - before[1],
        "seconds": round(time.perf_counter() - start, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "memory_mb": round(psutil.Process().memory_info().rss / 1e6),
    }
    result = _result(cell, hash, arm, [s.seed for s in scenarios], hashes, worst, work, bench.conditions)
    if not isinstance(pipeline, Pipeline):
        told = pipeline.as_plain()
        result = dataclasses.replace(result, device=told, runtime=_runtime(told))
    rows = [{"seed": s.seed} | row for s, moment in zip(scenarios, moments) for row in moment.positions]
    write_cell(folder, result, arm.scores, rows, samples.assign(model=cell.model.name, condition=cell.condition))
    return result


def _runtime(told: dict[str, Any]) -> str:
    """What the device's detector runs on."""
    detector = told["networks"]["detector"]
    return f"{detector['runtime']} {detector['precision']}"


def _read(
    cell: Cell, scenarios: list[Scenario], hashes: list[str], pipeline: Pipeline | Remote, bench: Bench, folder: Path,
    note: Callable[[int], None],
) -> tuple[list[Moment], list[dict[str, Any]], pandas.DataFrame]:  # fmt: skip
    """Read every scenario through every camera; keep the worst pictures."""
    layout = scenarios[0].layout
    ppm = {c.id: c.pixels_per_metre(layout.places.base, layout.places.yaw) for c in cell.rig.cameras}
    worst: list[tuple[int, Scenario, Frame, Truth, Reading]] = []
    moments, tables, done = [], [], 0
    for scenario, hash in zip(scenarios, hashes):
        truths, readings, scores = [], [], []
        for camera in cell.rig.cameras:
            frame, truth = bench.picture(scenario, hash, camera, cell.experiment.renderer)
            reading = pipeline(frame)
            score = score_picture(layout, truth, reading, ppm[camera.id])
            truths.append(truth)
            readings.append(reading)
            scores.append(score)
            tables.append(samples_of(scenario, camera, truth, reading))
            worst.append((_missed(truth, score), scenario, frame, truth, reading))
            worst = sorted(worst, key=lambda w: -w[0])[:WORST]
            done += 1
            note(done)
        positions = position_truths(layout, scenario.stock)
        moments.append(score_scenario(layout, positions, truths, readings, scores))
    rows = []
    for i, (missed, scenario, frame, truth, reading) in enumerate(worst):
        assert frame.camera is not None
        save_picture(folder / f"worst-{i}.jpg", Shown(truth_and_reading(frame, truth, reading)))  # simulated people
        rows.append({"file": f"worst-{i}.jpg", "seed": scenario.seed, "camera": frame.camera.id, "missed": missed})
    return moments, rows, pandas.concat(tables, ignore_index=True)


def _missed(truth: Truth, score: PictureScore) -> int:
    """Products of which at least half is visible, and that no box found."""
    return int((truth.visible_fraction >= 0.5).sum()) - len(score.unit)


def _result(
    cell: Cell, hash: str, arm: Arm, seeds: list[int], hashes: list[str], worst: list[dict[str, Any]],
    work: dict[str, float], conditions: dict[str, str],
) -> CellResult:  # fmt: skip
    experiment, scores, moments = cell.experiment, arm.scores, arm.moments
    rig: Rig = cell.rig
    settings = {key: getattr(experiment.settings, key) for key in SETTINGS}
    return CellResult(
        hash=hash,
        at=dict(cell.at),
        rig=rig.name,
        model=cell.model.name,
        runtime=experiment.runtime,
        renderer=experiment.renderer,
        settings={k: v for k, v in flat(settings).items() if v != {}},
        seeds=seeds,
        scenario_hashes=hashes,
        metrics={name: estimate_row(value) for name, value in scores.metrics.items()},
        counts={name: [list(m.counts[name]) for m in moments] for name in moments[0].counts},
        causes=dict(scores.causes),
        cause_shares={cause: estimate_row(value) for cause, value in scores.cause_shares.items()},
        facings=scores.facings,
        top1_by_px_per_m=scores.top1_by_ppm,
        px_per_m=round(arm.pixels_per_metre, 1),
        cost=rig.cost,
        cameras=len(rig.cameras),
        worst=worst,
        work=work,
        conditions=conditions,
    )
