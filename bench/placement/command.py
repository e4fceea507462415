"""`shelfbench place`: from a store and a budget to a placement, what it will know, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.devices import conditions
from bench.placement.arms import ceiling_grid, geometry_only, random_placement, strategy_placements
from bench.placement.blind import best_alone, blind_positions
from bench.placement.candidates import Aims, Candidates, candidates
from bench.placement.mounts import Mount, Zone, mount_points
from bench.placement.plan import plan_file, rig_file
from bench.placement.problem import Problem
from bench.placement.solve import Answer, cheapest, solve
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
from bench.response.response import MODEL, SHIPPED, load_responses
from bench.results import estimate_row
from bench.statistics import Estimate, interval, ratio
from scenarios import Camera, CameraModel, InputError, Rig, Scenario, load_scenario
from vision.outputs import final_path, result_folder, write_json

ROBUST = ("crowd", "lights", "lost")
RANDOM_PLACEMENTS = 20
"""A random placement is worth what so many are on average; the median one is shown."""
REACHABLE = 1e9
"""A budget that never ends."""


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
        if self.apart < 0 or not 0 <= self.shoppers <= 50:
            raise ValueError(f"apart {self.apart}, shoppers {self.shoppers}; expected apart >= 0 and 0 to 50 shoppers")


def run_place(plan: PlacePlan, command: str) -> tuple[Path, dict[str, Any]]:
    """Find a placement and write result.json, rig.yaml and plan.svg; returns the folder and the result."""
    base = load_scenario(plan.scenario)
    responses = load_responses(Path(plan.responses) if plan.responses else SHIPPED, plan.model)
    mounts = mount_points(base.layout.store, plan.mounts, plan.no_go)
    found = candidates(base.layout, mounts, plan.camera_models, plan.aims, plan.candidates)
    check_budget(plan, found, base)
    weight = position_weights(base, Path(plan.weights) if plan.weights else None)
    worlds, group = draw_worlds(base, plan.first_seed, plan.worlds, plan.crowded, plan.shoppers, plan.failed)
    store = store_problem(
        found, worlds, group, responses, plan.costs, weight, Path(plan.outputs) / "sight",
        int(plan.cache_gb * 1e9), plan.workers,
    )  # fmt: skip
    usual = _problem(plan, store, ("usual",), False)
    answer, notes = _answer(plan, store, usual)
    arms = _arms(plan, store, usual, answer)
    blind = blind_positions(store, usual, answer.chosen)
    result = {
        "command": command, "store": base.layout.store.name, "scenario": plan.scenario,
        "positions": store.positions, "candidates": len(found), "mounts": _counts(found),
        "worlds": {name: int((group == n).sum()) for n, name in enumerate(GROUPS)},
        "seeds": [plan.first_seed, plan.first_seed + plan.worlds - 1], "robust": list(plan.robust),
        "bound": answer.bound, "gap": None if answer.cost_bound is not None else answer.gap,
        "cost_bound": answer.cost_bound, "notes": notes, "arms": arms,
        "strategies": {n: usual.value(c) for n, c in strategy_placements(usual, found).items()},
        "blind": blind, "certainty": certainty(store, usual, answer.chosen),
        "views": {"rendered": store.seen.rendered, "found": store.seen.found}, "conditions": conditions(),
    }  # fmt: skip
    rig = Rig("placed", tuple(found.camera(i, f"camera-{n}") for n, i in enumerate(answer.chosen, start=1)))
    with result_folder(Path(plan.outputs), "place") as folder:
        write_json(folder / "result.json", result)
        keys = dict(zip((m.name for m in plan.camera_models), plan.models))
        (folder / "rig.yaml").write_text(rig_file(rig, keys, command), encoding="utf-8")
        (folder / "plan.svg").write_text(plan_file(base.layout, rig), encoding="utf-8")
    return final_path(folder), result


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


def _arms(plan: PlacePlan, store: StoreProblem, usual: Problem, answer: Answer) -> list[dict[str, Any]]:
    spent = usual.with_budget(max(float(store.cost[answer.chosen].sum()), float(store.cost.min())))
    owner = store.worlds[0].layout.places.position
    drawn = [random_placement(spent, plan.first_seed + k) for k in range(RANDOM_PLACEMENTS)]
    drawn.sort(key=usual.value)
    placements = {
        "best": answer.chosen,
        "geometry": geometry_only(spent, store.found, owner, plan.seconds / 10),
        "ceiling grid": ceiling_grid(spent, store.found, len(answer.chosen)),
        "random": drawn[len(drawn) // 2],
    }
    problems = {name: _problem(plan, store, (name,), False) for name in GROUPS}
    return [_arm(name, chosen, store, problems) for name, chosen in placements.items()]


def _arm(name: str, chosen: list[int], store: StoreProblem, problems: dict[str, Problem]) -> dict[str, Any]:
    usual = problems["usual"]
    without = [usual.value([j for j in chosen if j != i]) for i in chosen]
    return {
        "arm": name, "cameras": [_plain(store.found.camera(i)) | {"kind": str(store.found.kind[i])} for i in chosen],
        "cost": round(float(store.cost[chosen].sum()), 2), "value": estimate_row(value_interval(usual, chosen, store)),
        "crowd": problems["crowd"].value(chosen), "lights": problems["lights"].value(chosen),
        "one_lost": min(without, default=0.0),
    }  # fmt: skip


def value_interval(usual: Problem, chosen: list[int], store: StoreProblem) -> Estimate:
    """What a placement knows, with the 95 % interval over worlds."""
    by_world = usual.known(chosen).reshape(-1, store.positions) @ store.weight
    return interval(ratio(by_world, np.ones(len(by_world))), 0.0, 1.0)


def certainty(store: StoreProblem, usual: Problem, chosen: list[int]) -> dict[str, float]:
    """How often a placement knows each position, by id."""
    known = usual.known(chosen).reshape(-1, store.positions).mean(axis=0)
    return {p.id: round(float(k), 4) for p, k in zip(store.worlds[0].layout.planogram.positions, known)}


def _plain(camera: Camera) -> dict[str, Any]:
    return {"model": camera.model.name, "position": list(camera.position), "target": list(camera.target)}


def _counts(found: Candidates) -> dict[str, int]:
    kinds, counts = np.unique(found.mounts.kind[np.unique(found.mount)].astype(str), return_counts=True)
    return dict(zip(kinds.tolist(), counts.tolist()))


def place_table(result: dict[str, Any]) -> str:
    """The arms for the terminal."""
    head = f"  {'arm':14s}{'cameras':>8}{'cost':>8}  {'predicted':22s}{'crowd':>7}{'lights':>8}{'one lost':>10}"
    lines = [head, "-" * len(head)]
    for arm in result["arms"]:
        v = arm["value"]
        known = f"{v['value']:.3f} [{v['low']:.3f}, {v['high']:.3f}]"
        lines.append(
            f"{'→' if arm['arm'] == 'best' else ' '} {arm['arm']:14s}{len(arm['cameras']):8d}{arm['cost']:8.0f}  "
            f"{known:22s}{arm['crowd']:7.3f}{arm['lights']:8.3f}{arm['one_lost']:10.3f}"
        )
    lines += ["-" * len(head), "predicted: share of the positions' value known, 95 % interval over worlds"]
    if result["cost_bound"] is not None:
        lines.append(f"no placement that reaches the target costs less than {result['cost_bound']:.0f}")
    else:
        lines.append(f"proven: no placement within the limits knows more than {result['bound']:.3f}, "
                     f"a gap of {100 * result['gap']:.1f} %")  # fmt: skip
    lines += result["notes"]
    reasons: dict[str, int] = {}
    for row in result["blind"]:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    lines += [f"blind: {count} positions {reason}" for reason, count in sorted(reasons.items(), key=lambda p: -p[1])]
    return "\n".join(lines)
