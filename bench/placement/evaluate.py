"""What a placement is worth: over the sampled worlds, with a crowd, with failing lights, without any of its cameras,
and with one more. Differences are paired by world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.placement.problem import Problem
from bench.placement.store_problem import StoreProblem
from bench.results import estimate_row
from bench.statistics import Sample, interval, ratio
from scenarios import Camera

REACHABLE = 1e9
"""A budget that never ends."""


def by_world(problem: Problem, chosen: Sequence[int], store: StoreProblem) -> Sample:
    """The share of the value that a placement knows, with the pull of every world."""
    known = problem.known(chosen).reshape(-1, store.positions) @ store.weight
    return ratio(known, np.ones(len(known)))


def arm_row(name: str, chosen: list[int], store: StoreProblem, problems: Mapping[str, Problem]) -> dict[str, Any]:
    """An arm as plain data; `problems` are those of each group of worlds alone."""
    usual = problems["usual"]
    without = [usual.value([j for j in chosen if j != i]) for i in chosen]
    return {
        "arm": name, "cameras": [plain_camera(store, i) for i in chosen],
        "cost": round(float(store.cost[chosen].sum()), 2),
        "value": estimate_row(interval(by_world(usual, chosen, store), 0.0, 1.0)),
        "crowd": problems["crowd"].value(chosen), "lights": problems["lights"].value(chosen),
        "one_lost": min(without, default=0.0),
    }  # fmt: skip


def plain_camera(store: StoreProblem, i: int) -> dict[str, Any]:
    camera: Camera = store.found.camera(i)
    kind = str(store.found.kind[i])
    return {"model": camera.model.name, "position": list(camera.position), "target": list(camera.target), "kind": kind}


def certainty(store: StoreProblem, usual: Problem, chosen: list[int]) -> dict[str, float]:
    """How often a placement knows each position, by id."""
    known = usual.known(chosen).reshape(-1, store.positions).mean(axis=0)
    return {p.id: round(float(k), 4) for p, k in zip(store.worlds[0].layout.planogram.positions, known)}


def losses(store: StoreProblem, problems: Mapping[str, Problem], chosen: Sequence[int]) -> dict[str, Any]:
    """What losing each camera costs a placement, and what a crowd of the 95th percentile and failing lights do: shares
    of the value, with 95 % intervals over worlds."""
    usual = problems["usual"]
    whole = by_world(usual, chosen, store)
    cameras = []
    for n, i in enumerate(chosen, start=1):
        rest = by_world(usual, [j for j in chosen if j != i], store)
        cameras.append({"camera": f"camera-{n}", "loss": estimate_row(interval(whole - rest, 0.0, 1.0))})
    return {
        "cameras": cameras,
        **{group: estimate_row(_against(problems[group], usual, chosen, store)) for group in ("crowd", "lights")},
    }


def _against(other: Problem, usual: Problem, chosen: Sequence[int], store: StoreProblem) -> Any:
    """What is lost in the other worlds; the first ones of both have the same seeds."""
    there, here = (p.known(chosen).reshape(-1, store.positions) @ store.weight for p in (other, usual))
    both = min(len(there), len(here))
    return interval(ratio(here[:both] - there[:both], np.ones(both)), -1.0, 1.0)


def one_more(store: StoreProblem, usual: Problem, chosen: Sequence[int]) -> dict[str, Any] | None:
    """What the best camera beside those that are chosen would add, whatever the budget; None where none may hang."""
    free = usual.with_budget(REACHABLE)
    gains = np.where(free.free(chosen), free.gains(chosen), -1.0)
    if gains.max(initial=-1.0) < 0:
        return None
    i = int(np.argmax(gains))
    more = by_world(usual, [*chosen, i], store) - by_world(usual, chosen, store)
    return {"gain": estimate_row(interval(more, 0.0, 1.0)), "cost": float(store.cost[i])} | plain_camera(store, i)


def one_fewer(store: StoreProblem, usual: Problem, chosen: Sequence[int]) -> dict[str, Any] | None:
    """What the camera that is missed least would be missed for; None without cameras."""
    if not chosen:
        return None
    rests = [[j for j in chosen if j != i] for i in chosen]
    best = max(range(len(rests)), key=lambda k: usual.value(rests[k]))
    loss = by_world(usual, chosen, store) - by_world(usual, rests[best], store)
    return {
        "camera": f"camera-{best + 1}", "loss": estimate_row(interval(loss, 0.0, 1.0)),
        "saves": float(store.cost[chosen[best]]),
    }  # fmt: skip
