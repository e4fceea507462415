"""`shelfbench place`: from a store and a budget to a placement, what it will know, and how sure that is."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from bench.configs import compose
from bench.devices import conditions
from bench.economics import SHIPPED as SHIPPED_ASSUMPTIONS
from bench.economics import Assumptions, Placed, load_assumptions, yearly_money
from bench.placement.arms import ceiling_grid, geometry_only, random_placement, strategy_placements
from bench.placement.blind import best_alone, blind_positions
from bench.placement.candidates import Aims, Candidates, candidates
from bench.placement.chances import chances
from bench.placement.dxf import write_dxf
from bench.placement.evaluate import REACHABLE, arm_row, by_world, certainty, losses, one_fewer, one_more
from bench.placement.handover import Part, bill_of_materials, bill_total, devices, write_bill, write_calibrations
from bench.placement.joint import Offer, OfferedDevice, mark_front, offers, option_row, planned
from bench.placement.joint_report import joint_figure
from bench.placement.kept import Choice, choice_of
from bench.placement.mounts import Mount, Zone, mount_points
from bench.placement.page import sample_pictures, write_page
from bench.placement.plan import plan_file, rig_file
from bench.placement.problem import Problem
from bench.placement.prove import FIRST_SEED, OOS, foretold, proof_result, proof_rows, proof_study, run_proof
from bench.placement.search import begin
from bench.placement.solve import Answer, cheap_enough, cheapest, solve
from bench.placement.store_problem import (
    GROUPS,
    Ceiling,
    Costs,
    StoreProblem,
    camera_costs,
    draw_worlds,
    position_weights,
    problem_of,
    store_problem,
)
from bench.placement.transfer import FIRST_SEED as VIEWS_SEED
from bench.placement.transfer import NONE, Transfer, drawn_by_lot, fit_transfers, transfer_rows, view_table
from bench.response.response import MODEL, SHIPPED, Response, load_responses
from bench.statistics import Estimate, interval
from bench.studies.cells import Bench
from bench.studies.pictures import PictureCache
from bench.studies.study import Study
from scenarios import CameraModel, InputError, Layout, Rig, Scenario, load_scenario
from scenarios.files import build
from vision.outputs import final_path, result_folder, write_json
from vision.pipeline import weights_path
from vision.runtimes.session import checked_sum

ROBUST = ("crowd", "lights", "lost")
RANDOM_PLACEMENTS = 20
"""A random placement is worth what so many are on average; the median one is shown."""
RATE = 0.2
"""Pictures a second of a camera where no rates are offered: one every five seconds."""
BEST, ONE_LOST = "best", "best less one"
ARMS = ("geometry", "ceiling grid", "random", ONE_LOST)
"""What is proved beside the best."""
NOT_CHOOSING = (
    "prove", "prove_seed", "prove_arms", "economics", "workers", "cache_gb", "outputs", "networks", "devices", "rates",
)  # fmt: skip
"""Keys that no choice depends on."""


@dataclass(frozen=True)
class PlacePlan:
    """conf/place.yaml; `camera_models` are those that `models` names, in its order."""

    scenario: str
    budget: float | None
    target: float | None
    robust: tuple[str, ...]
    models: tuple[str, ...]
    camera_models: tuple[CameraModel, ...]
    mounts: tuple[Mount, ...]
    no_go: tuple[Zone, ...]
    apart: float
    ceiling: Ceiling
    costs: Costs
    aims: Aims
    candidates: int
    weights: str | None
    correlation: float
    responses: str | None = None
    model: str = MODEL
    views: int = 16
    views_rounds: int = 2
    views_seed: int = VIEWS_SEED
    prove: int = 0
    prove_seed: int = FIRST_SEED
    prove_arms: tuple[str, ...] = ARMS
    economics: str | None = None
    networks: tuple[str, ...] = ()
    devices: tuple[OfferedDevice, ...] = ()
    rates: tuple[float, ...] = ()
    first_seed: int = 300_000
    worlds: int = 16
    crowded: int = 6
    shoppers: int = 2
    failed: float = 0.4
    seconds: float = 60.0
    workers: int = 2
    cache_gb: float = 5.0
    outputs: str = "outputs"

    def __post_init__(self) -> None:
        if (self.budget is None) == (self.target is None):
            raise ValueError("expected budget=MONEY or target=SHARE, one of the two")
        if self.target is not None and not 0 < self.target < 1:
            raise ValueError(f"target {self.target}; expected more than 0 and less than 1")
        unknown = [word for word in self.robust if word not in ROBUST]
        if unknown:
            raise ValueError(f"robust {unknown[0]!r}; expected some of {', '.join(ROBUST)}")
        if min(self.candidates, self.crowded, self.workers) < 1 or self.worlds < 2 or not self.models:
            raise ValueError("expected worlds >= 2, candidates, crowded and workers >= 1, and at least one of models")
        if not 0 <= self.correlation <= 1 or not 0 <= self.failed <= 1 or min(self.seconds, self.cache_gb) <= 0:
            raise ValueError("expected correlation and failed from 0 to 1, and seconds and cache_gb > 0")
        if self.prove < 0 or self.prove == 1 or self.views < 0 or self.views == 1 or self.views_rounds < 0:
            raise ValueError(f"prove {self.prove}, views {self.views}; expected 0, or 2 or more")
        views = self.views * (1 + self.views_rounds)
        uses = ((self.first_seed, self.worlds), (self.views_seed, views), (self.prove_seed, self.prove))
        for (first, count), (other, others) in itertools.combinations(uses, 2):
            if count and others and first < other + others and other < first + count:
                raise ValueError(
                    f"seeds {first} and {other}: expected other worlds to choose, to fit the response and to prove"
                )
        strange = [name for name in self.prove_arms if name not in ARMS]
        if strange:
            raise ValueError(f"prove_arms {strange[0]!r}; expected some of {', '.join(ARMS)}")
        if (self.networks or self.rates) and not self.devices:
            raise ValueError("networks and rates are chosen with devices; expected devices too")
        if self.devices and self.budget is None:
            raise ValueError("devices are chosen for a budget; expected budget=MONEY")
        if min(self.rates, default=1.0) <= 0:
            raise ValueError(f"rates {list(self.rates)}; expected pictures a second > 0")
        if self.apart < 0 or not 0 <= self.shoppers <= 50:
            raise ValueError(f"apart {self.apart}, shoppers {self.shoppers}; expected apart >= 0 and 0 to 50 shoppers")


def plan_of(config: Mapping[str, Any]) -> PlacePlan:
    """The plan of a composed configuration. Raises InputError."""
    unknown = [name for name in config["models"] if name not in config["camera_models"]]
    if unknown:
        raise InputError(f"models: {unknown[0]!r}; expected some of {', '.join(config['camera_models'])}")
    chosen = [config["camera_models"][name] for name in config["models"]]
    return build(PlacePlan, {**config, "camera_models": chosen, "mounts": list(config["mounts"].values())}, "place")


def run_place(plan: PlacePlan, command: str) -> tuple[Path, dict[str, Any]]:
    """Find a placement, prove it where that is asked for, and write what is handed over; returns the folder and the
    result."""
    base = load_scenario(plan.scenario)
    assumptions = load_assumptions(Path(plan.economics) if plan.economics else SHIPPED_ASSUMPTIONS)
    responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, plan.model)
    offered, left_out = _offered(plan) if plan.devices else ([], [])
    mounts = mount_points(base.layout.store, plan.mounts, plan.no_go)
    found = candidates(base.layout, mounts, plan.camera_models, plan.aims, plan.candidates)
    check_budget(plan, found, base)
    weight = position_weights(base, Path(plan.weights) if plan.weights else None)
    worlds, group = draw_worlds(base, plan.first_seed, plan.worlds, plan.crowded, plan.shoppers, plan.failed)
    store = store_problem(
        found, worlds, group, responses, NONE, plan.costs, weight, Path(plan.outputs) / "sight",
        int(plan.cache_gb * 1e9), plan.workers,
    )  # fmt: skip
    unfitted = store
    store, transfers, told = _fit_to_store(plan, base, store, responses)
    problems = {name: _problem(plan, store, (name,), False) for name in GROUPS}
    usual = problems["usual"]
    facts = [base.hash, dataclasses.asdict(plan) | dict.fromkeys(NOT_CHOOSING), weight.tolist(), told]
    choice = choice_of(Path(plan.outputs) / "placements", facts, lambda: _choose(plan, store, usual))
    answer, chosen = choice.answer, choice.answer.chosen
    rigs = {name: rig_of(found, c, name) for name, c in choice.placements.items() if c}
    joint = _jointly(plan, base, unfitted, store, offered, left_out, assumptions) if offered else None
    proof = _prove(plan, base, store, responses, transfers, problems, choice, rigs) if plan.prove else None
    bill = bill_of_materials(found, chosen, plan.costs)
    placed = Placed(
        bill_total(bill), len(chosen), devices(len(chosen), plan.costs), _recall(store, usual, chosen, proof)
    )
    sure = certainty(store, usual, chosen)
    result = {
        "command": command, "store": base.layout.store.name, "scenario": plan.scenario,
        "positions": store.positions, "candidates": len(found), "mounts": _counts(found),
        "worlds": {name: int((group == n).sum()) for n, name in enumerate(GROUPS)},
        "seeds": [plan.first_seed, plan.first_seed + plan.worlds - 1], "robust": list(plan.robust),
        "bound": answer.bound, "gap": None if answer.cost_bound is not None else answer.gap,
        "cost_bound": answer.cost_bound, "notes": choice.notes,
        "arms": [arm_row(name, c, store, problems) for name, c in choice.placements.items()],
        "strategies": {n: usual.value(c) for n, c in strategy_placements(usual, found).items()},
        "blind": blind_positions(store, usual, chosen), "certainty": sure,
        "losses": losses(store, problems, chosen), "one_more": one_more(store, usual, chosen),
        "one_fewer": one_fewer(store, usual, chosen), "proof": proof, "joint": joint,
        "bill": [dataclasses.asdict(part) for part in bill], "paid": bill_total(bill),
        "money": yearly_money(assumptions, base.layout, placed),
        "transfer": {"pictures": plan.views * (1 + plan.views_rounds), "outcomes": told},
        "views": {"rendered": store.seen.rendered, "found": store.seen.found}, "conditions": conditions(),
    }  # fmt: skip
    with result_folder(Path(plan.outputs), "place") as folder:
        write_json(folder / "result.json", result)
        if joint is not None:
            joint_figure(joint["rows"], folder / "joint.svg")
        keys = dict(zip((m.name for m in plan.camera_models), plan.models))
        hand_over(folder, base.layout, rigs[BEST], rig_file(rigs[BEST], keys, command), bill)
        pictures = sample_pictures(_proof_study(plan, base, [rigs[BEST]]), sure)
        write_page(folder, base.layout, rigs[BEST], result, pictures)
    return final_path(folder), result


def _fit_to_store(
    plan: PlacePlan, base: Scenario, store: StoreProblem, responses: dict[str, Response]
) -> tuple[StoreProblem, dict[str, Transfer], list[dict[str, Any]]]:
    """The problem with responses that pictures of this store were fitted to, and what these told. After candidates by
    lot come those that greedy would choose: where a response promises too much, that is what is chosen."""
    if not plan.views:
        return store, NONE, []
    first, tables = plan.views_seed, list[pd.DataFrame]()
    study = placement_study(plan, base, [Rig("views", (store.found.camera(0),))], 2, first)
    bench = Bench(PictureCache(study.pictures, int(study.cache_gb * 1e9)))
    try:
        for turn in range(1 + plan.views_rounds):
            drawn = drawn_by_lot(store.found, plan.views, first)
            if turn:
                usual = _problem(plan, store, ("usual",), False)
                chosen = begin(usual, list(strategy_placements(usual, store.found).values()))
                if plan.target is not None:
                    chosen = cheap_enough(usual, plan.target)
                drawn = [chosen[k % len(chosen)] for k in range(plan.views)]
            seeds = first + turn * plan.views
            experiment = dataclasses.replace(study.base, first_seed=seeds, scenarios=plan.views)
            folder = Path(plan.outputs) / "views"
            tables.append(view_table(store.found, drawn, experiment, responses, folder, bench))
            transfers = fit_transfers(pd.concat(tables))
            rated = chances(store.found, store.seen, store.worlds, responses, transfers)
            store = dataclasses.replace(store, chances=rated)
    finally:
        bench.close()
    return store, transfers, transfer_rows(pd.concat(tables, ignore_index=True), transfers)


def _offered(plan: PlacePlan) -> tuple[list[Offer], list[str]]:
    """All combinations that are offered, and those that are left out. Raises InputError."""
    names = plan.networks or (plan.model,)
    words = [f"+model@models.offered{n}={name}" for n, name in enumerate(names)]
    models = compose("run", ["experiment=quickstart", *words])["models"]
    for name in names:
        load_responses(Path(plan.responses) if plan.responses else SHIPPED, name)
    weights = {checked_sum(weights_path(models[f"offered{n}"]["detector"])): name for n, name in enumerate(names)}
    return offers(plan.devices, weights, plan.rates or (RATE,))


def _jointly(
    plan: PlacePlan, base: Scenario, unfitted: StoreProblem, own: StoreProblem, offered: list[Offer],
    left_out: list[str], assumptions: Assumptions,
) -> dict[str, Any]:  # fmt: skip
    """A placement for every combination, for the one budget; `own` is fitted to the plan's own network."""
    assert plan.budget is not None
    stores, made = {plan.model: own}, dict[tuple[str, float, int], list[int]]()
    seconds = plan.seconds / len({(o.network, o.price, o.streams) for o in offered})
    rows = []
    for offer in tqdm(offered, desc="offers", disable=None):
        if offer.network not in stores:
            responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, offer.network)
            rated = chances(unfitted.found, unfitted.seen, unfitted.worlds, responses, NONE)
            plain, other = dataclasses.replace(unfitted, chances=rated), dataclasses.replace(plan, model=offer.network)
            stores[offer.network], _, _ = _fit_to_store(other, base, plain, responses)
        store = stores[offer.network]
        usual = _problem(plan, store, ("usual",), False)
        key = (offer.network, offer.price, offer.streams)
        if key not in made:
            made[key] = planned(offer, store, usual, plan.budget, seconds)
        rows.append(option_row(offer, made[key], store, usual, plan.costs, assumptions))
    return {"rows": mark_front(rows), "left_out": left_out}


def _recall(store: StoreProblem, usual: Problem, chosen: list[int], proof: dict[str, Any] | None) -> Estimate:
    """The share of empty positions that is told: as measured; without a proof what is predicted to be known stands for
    it."""
    if proof is not None and proof["arms"][0][OOS]["value"] is not None:
        return Estimate(**proof["arms"][0][OOS])
    return interval(by_world(usual, chosen, store), 0.0, 1.0)


def _prove(
    plan: PlacePlan, base: Scenario, store: StoreProblem, responses: dict[str, Response],
    transfers: dict[str, Transfer], problems: dict[str, Problem], choice: Choice, rigs: dict[str, Rig],
) -> dict[str, Any]:  # fmt: skip
    """The best and `prove_arms`, one of which is the best without the camera that is missed most, measured in the same
    worlds."""
    usual, chosen = problems["usual"], choice.answer.chosen
    placements = {name: choice.placements[name] for name in rigs if name in (BEST, *plan.prove_arms)}
    if len(chosen) > 1 and ONE_LOST in plan.prove_arms:
        rests = [chosen[:k] + chosen[k + 1 :] for k in range(len(chosen))]
        worst = min(range(len(rests)), key=lambda k: usual.value(rests[k]))
        kept = rigs[BEST].cameras[:worst] + rigs[BEST].cameras[worst + 1 :]
        placements[ONE_LOST], rigs = rests[worst], rigs | {ONE_LOST: Rig(ONE_LOST, kept)}
    proved = [rigs[name] for name in placements]
    study = _proof_study(plan, base, proved)
    ids = [p.id for p in base.layout.planogram.positions]
    found, report = run_proof(study, dict(zip(ids, store.weight.tolist())))
    worlds = study.base.draw(base)
    there = foretold(
        proved, worlds, plan.aims, responses, transfers, plan.correlation, store.weight, Path(plan.outputs) / "sight",
        int(plan.cache_gb * 1e9), plan.workers,
    )  # fmt: skip
    rows = proof_rows(found, {name: by_world(usual, c, store) for name, c in placements.items()}, there, BEST)
    result = proof_result(rows, study, report, [s.seed for s in worlds])
    return result | {"exact": found[BEST].exact}


def _proof_study(plan: PlacePlan, base: Scenario, rigs: list[Rig]) -> Study:
    return placement_study(plan, base, rigs, plan.prove or 2, plan.prove_seed)


def placement_study(plan: PlacePlan, base: Scenario, rigs: list[Rig], worlds: int, first_seed: int) -> Study:
    """The study that reads rigs in so many worlds of the plan's store."""
    return proof_study(
        base, plan.scenario, rigs, plan.model, worlds, plan.shoppers, plan.workers, Path(plan.outputs), first_seed
    )


def rig_of(found: Candidates, chosen: list[int], name: str) -> Rig:
    """The cameras of a placement, numbered."""
    return Rig(name, tuple(found.camera(i, f"camera-{n}") for n, i in enumerate(chosen, start=1)))


def hand_over(folder: Path, layout: Layout, rig: Rig, poses: str, bill: list[Part]) -> None:
    """Write poses, plans, bill of materials and calibrations."""
    (folder / "rig.yaml").write_text(poses, encoding="utf-8")
    (folder / "plan.svg").write_text(plan_file(layout, rig), encoding="utf-8")
    write_dxf(folder / "plan.dxf", layout, rig)
    write_bill(folder / "bill_of_materials.csv", bill)
    write_calibrations(folder / "calibration", rig)


def check_budget(plan: PlacePlan, found: Candidates, base: Scenario) -> None:
    """Raises InputError for a budget that no camera can be had for."""
    least = float(camera_costs(found, plan.costs).min())
    if plan.budget is not None and plan.budget < least:
        raise InputError(
            f"budget {plan.budget:g}: the cheapest camera for {base.layout.store.name}, with its mount and cable, "
            f"costs {least:g}; expected as much or more"
        )


def _problem(plan: PlacePlan, store: StoreProblem, groups: tuple[str, ...], lost: bool) -> Problem:
    budget = REACHABLE if plan.budget is None else plan.budget
    return problem_of(
        store, groups, budget, plan.correlation, plan.apart, lost, plan.ceiling, plan.costs.cameras_at_most
    )


def _answer(plan: PlacePlan, store: StoreProblem, usual: Problem) -> tuple[Answer, list[str]]:
    groups = ("usual", *(g for g in GROUPS[1:] if g in plan.robust))
    problem = _problem(plan, store, groups, "lost" in plan.robust) if plan.robust else usual
    starts = list(strategy_placements(usual, store.found).values())
    if plan.target is None:
        return solve(problem, plan.seconds, starts), []
    answer = cheapest(problem, plan.target, plan.seconds)
    if answer.value >= plan.target:
        return answer, []
    never = int((best_alone(usual, store.positions) < 0.5).sum())
    return answer, [
        f"target {plan.target:g} is not reached: {answer.value:.3f} is the best that was found with the allowed mounts "
        f"and models, and no single candidate knows {never} of {store.positions} positions every second time"
    ]


def _choose(plan: PlacePlan, store: StoreProblem, usual: Problem) -> Choice:
    answer, notes = _answer(plan, store, usual)
    spent = usual.with_budget(max(float(store.cost[answer.chosen].sum()), float(store.cost.min())))
    owner = store.worlds[0].layout.places.position
    drawn = [random_placement(spent, plan.first_seed + k) for k in range(RANDOM_PLACEMENTS)]
    drawn.sort(key=usual.value)
    placements = {
        BEST: answer.chosen,
        "geometry": geometry_only(spent, store.found, owner, plan.seconds / 10),
        "ceiling grid": ceiling_grid(spent, store.found, len(answer.chosen)),
        "random": drawn[len(drawn) // 2],
    }
    return Choice(answer, notes, {name: [int(i) for i in chosen] for name, chosen in placements.items()})


def _counts(found: Candidates) -> dict[str, int]:
    kinds, counts = np.unique(found.mounts.kind[np.unique(found.mount)].astype(str), return_counts=True)
    return dict(zip(kinds.tolist(), counts.tolist()))
