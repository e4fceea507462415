"""What the page works on: a store with its rules, the cameras that it begins with, and what rates, proves and saves."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.configs import compose
from bench.economics import SHIPPED as SHIPPED_ASSUMPTIONS
from bench.economics import load_assumptions
from bench.placement.arms import geometry_only
from bench.placement.candidates import Candidates, candidates
from bench.placement.chances import Chances
from bench.placement.command import PlacePlan, hand_over, placement_study, plan_of, rig_of
from bench.placement.evaluate import REACHABLE
from bench.placement.mounts import mount_points
from bench.placement.plan import rig_file
from bench.placement.store_problem import (
    GROUPS,
    StoreProblem,
    camera_costs,
    draw_worlds,
    position_weights,
    problem_of,
)
from bench.placement.transfer import NONE, Transfer, drawn_by_lot, fit_transfers, view_table
from bench.placement.ui.proofs import Proofs
from bench.placement.ui.prove_job import Job, study_of_job
from bench.placement.ui.rating import Predicting, Rater, Rating, as_plain
from bench.placement.ui.rules import Rules, spots_of
from bench.placement.visibility import Visibility
from bench.response.response import SHIPPED, Response, load_responses
from bench.studies.cells import Bench
from bench.studies.pictures import PictureCache
from scenarios import Camera, CameraModel, InputError, Rig, Scenario, load_scenario
from scenarios.files import build
from vision.outputs import final_path, result_folder, write_json

BEGINNING = 2
"""So many cameras the page begins with where no budget tells how many."""
SEARCH = 2.0
"""Seconds that geometry searches for them."""


class Session:
    """The store, `models` by their key in conf/camera_models.yaml, and the cameras to begin with; made from the keys of
    conf/place_ui.yaml but for `start` and `port`. Ratings are made one at a time."""

    def __init__(self, config: Mapping[str, Any], start: str | None, command: str) -> None:
        self.config, self.command = dict(config), command
        self.plan = plan = plan_of(config)
        self.models = {key: build(CameraModel, value, key) for key, value in config["camera_models"].items()}
        self.base = base = load_scenario(plan.scenario)
        assumptions = load_assumptions(Path(plan.economics) if plan.economics else SHIPPED_ASSUMPTIONS)
        responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, plan.model)
        weight = position_weights(base, Path(plan.weights) if plan.weights else None)
        spots = spots_of(base.layout.store, plan.mounts, plan.no_go)
        given = self._named(start) if start else None
        self.rules = Rules(base.layout.store, spots, plan.no_go, plan.apart, plan.ceiling, plan.costs, plan.budget)
        self.transfers = NONE
        if plan.views or given is None:
            mounts = mount_points(base.layout.store, plan.mounts, plan.no_go)
            found = candidates(base.layout, mounts, plan.camera_models, plan.aims, plan.candidates)
            given = given or by_geometry(plan, base, found, weight)
            self.transfers = fit_by_lot(plan, base, found, responses) if plan.views else NONE
        self.start = given
        worlds, group = draw_worlds(base, plan.first_seed, plan.worlds, plan.crowded, plan.shoppers, plan.failed)
        usual = [w for w, g in zip(worlds, group) if g == GROUPS.index("usual")]
        predicting = Predicting(plan.aims, responses, self.transfers, plan.correlation, weight)
        self._rater, self._lock = Rater(usual, predicting, self.rules, assumptions), threading.Lock()
        self._rater.rate(self.start)  # compiles, and looks from where the page begins
        self.proofs = Proofs(Path(plan.outputs) / "proofs", lambda job: study_of_job(job, base).folder)

    def close(self) -> None:
        """Stop what runs."""
        self.proofs.stop()

    def rate(self, rig: Rig) -> Rating:
        """What a rig is worth."""
        with self._lock:
            return self._rater.rate(rig)

    def prove(self, rig: Rig, worlds: int, said: Any) -> None:
        """Begin to prove a rig in so many worlds; `said` is how the page names its cameras. Raises InputError without
        cameras, and while another proof runs."""
        if not rig.cameras:
            raise InputError("no cameras; expected one or more to prove")
        self.proofs.start(Job(self.config, rig.cameras, worlds, dict(self.transfers), self.rate(rig).known), said)

    def save(self, rig: Rig) -> Path:
        """Write the rig and what is handed over with it; returns the folder. Raises InputError without cameras."""
        if not rig.cameras:
            raise InputError("no cameras; expected one or more to save")
        rating = self.rate(rig)
        keys = {model.name: key for key, model in self.models.items()}
        with result_folder(Path(self.plan.outputs), "place") as folder:
            facts = {"command": self.command, "scenario": self.plan.scenario, "by_hand": True}
            write_json(folder / "result.json", facts | as_plain(rating))
            hand_over(folder, self.base.layout, rig, rig_file(rig, keys, self.command), rating.bill)
        return final_path(folder)

    def _named(self, name: str) -> Rig:
        """A rig of conf/rig. Raises InputError for one with another camera than those of conf/camera_models.yaml."""
        composed = compose("run", ["experiment=quickstart", f"+rig@rigs.start={name}"])
        rig = build(Rig, composed["rigs"]["start"], f"rig {name}")
        strange = [c.model.name for c in rig.cameras if c.model not in self.models.values()]
        if strange:
            raise InputError(f"start: {strange[0]!r} of rig {name} is not in conf/camera_models.yaml")
        return rig


def by_geometry(plan: PlacePlan, base: Scenario, found: Candidates, weight: np.ndarray) -> Rig:
    """What geometry alone chooses for the budget; without one, of two cameras."""
    none = Chances(np.zeros(len(found) + 1, int), np.zeros(0, np.int32), np.zeros(0, np.float32))
    unseen = Visibility(np.zeros(1, int), np.zeros(0, int), np.zeros((1, 0), np.uint8), 0, 0)
    cost = camera_costs(found, plan.costs)
    store = StoreProblem(found, unseen, (base,), np.zeros(1, int), none, cost, weight)
    most = plan.costs.cameras_at_most or (BEGINNING if plan.budget is None else None)
    budget = REACHABLE if plan.budget is None else plan.budget
    problem = problem_of(store, ("usual",), budget, 0.0, plan.apart, False, plan.ceiling, most)
    return rig_of(found, geometry_only(problem, found, base.layout.places.position, SEARCH), "start")


def fit_by_lot(
    plan: PlacePlan, base: Scenario, found: Candidates, responses: dict[str, Response]
) -> dict[str, Transfer]:
    """The response in this store, of pictures of candidates by lot: the first round of `shelfbench place`, which finds
    them kept."""
    study = placement_study(plan, base, [Rig("views", (found.camera(0),))], 2, plan.views_seed)
    experiment = dataclasses.replace(study.base, scenarios=plan.views)
    bench = Bench(PictureCache(study.pictures, int(study.cache_gb * 1e9)))
    try:
        drawn = drawn_by_lot(found, plan.views, plan.views_seed)
        return fit_transfers(view_table(found, drawn, experiment, responses, Path(plan.outputs) / "views", bench))
    finally:
        bench.close()


def camera(id: str, model: CameraModel, position: Any, target: Any, roll: float) -> Camera:
    """A camera from plain values. Raises InputError for one that aims at where it hangs."""
    made = Camera(id, model, tuple(position), tuple(target), roll)
    if np.linalg.norm(np.subtract(made.target, made.position)) < 0.01:
        raise InputError(f"{id} aims at where it hangs; expected another aim")
    return made
