"""A small experiment's evidence, made without rendering or reading anything."""

from __future__ import annotations

import dataclasses

import numpy as np

from bench.choice import choose
from bench.experiment import Arm, Evidence, Experiment, Model
from bench.results import as_result
from bench.scoring import score_moment, score_picture, summarise
from scenarios import Camera, CameraModel, Frame, Rig
from sim import position_truths
from tests.bench.synthetic import detections_of, full_stock, places_of, reading_of, truth_of
from tests.layouts import small_scenario
from vision import PlaceState, audit

MODEL = CameraModel("test", 320, 240, 0.9, 100.0)
LEFT = Camera("left", MODEL, (0.4, -1.6, 1.2), (0.4, 0.0, 0.6))
RIGHT = Camera("right", MODEL, (0.6, -1.6, 1.2), (0.6, 0.0, 0.6))
RIGS = (Rig("one", (LEFT,)), Rig("two", (LEFT, RIGHT)))
MODELS = (Model("good", "good", "embed"), Model("bad", "bad", "embed"))
SCENARIOS = 4


def evidence() -> Evidence:
    """Two rigs × two models over four scenarios; the bad model misses one pack and calls its place empty."""
    scenarios = [small_scenario(i, shoppers=i % 2) for i in range(SCENARIOS)]
    layout = scenarios[0].layout
    config = Experiment("test", "quickstart", RIGS, MODELS, scenarios=SCENARIOS)
    made = Evidence(config, [dataclasses.replace(s, layout=layout) for s in scenarios])
    for rig in RIGS:
        ppm = {c: c.pixels_per_metre(layout.places.base) for c in rig.cameras}
        for model in MODELS:
            missed = (3,) if model.name == "bad" else ()
            moments = []
            for i in range(SCENARIOS):
                stock = full_stock(layout, leave_out=(i,))
                truths = [truth_of(layout, stock, c) for c in rig.cameras]
                places = places_of(layout, truths[0], **{f"place_{p}": PlaceState.EMPTY for p in missed})
                readings = [
                    reading_of(layout, c, detections_of(t, missed), places) for c, t in zip(rig.cameras, truths)
                ]
                scores = [score_picture(layout, t, r, ppm[c]) for t, r, c in zip(truths, readings, rig.cameras)]
                states = audit(layout, places)
                moments.append(score_moment(layout, truths, scores, position_truths(layout, stock), places, states))
                for camera, truth, reading in zip(rig.cameras, truths, readings):
                    image = np.full((MODEL.height, MODEL.width, 3), 120, np.uint8)
                    made.examples[camera.id] = (Frame(image, camera), truth, reading)
            made.arms.append(Arm(rig, model, summarise(moments), moments, 400.0))
    stages = {"detect": 40.0, "recognize": 10.0, "register": 2.0, "count": 1.0, "total": 53.0}
    spread = np.linspace(0.9, 1.3, 40)
    made.latency_ms = {m.name: {s: ms * spread for s, ms in stages.items()} for m in MODELS}
    return made


def result_of(made: Evidence) -> dict:
    config = {
        "name": "test",
        "scenario": "quickstart",
        "scenarios": SCENARIOS,
        "rigs": [{"name": rig.name} for rig in RIGS],
        "models": [{"name": model.name} for model in MODELS],
    }
    return as_result(made, choose(made), config)
