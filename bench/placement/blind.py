"""Which positions a placement does not know, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.placement.problem import Problem
from bench.placement.store_problem import GROUPS, StoreProblem

KNOWN = 0.5
"""A position that is known less often is blind."""
HIDDEN = 0.3
"""One of which no mount ever sees more than this is hidden."""

OUT_OF_REACH = "no allowed mount has all of it in a picture"
HIDDEN_FROM_ALL = "hidden from every mount by shelves, packs or people"
TOO_SMALL = "seen too small or too obliquely by every candidate"
NOT_CHOSEN = "in no chosen camera's picture"
PEOPLE = "hidden by people"
POORLY_SEEN = "seen too small, too obliquely or half hidden by the chosen cameras"


def blind_positions(store: StoreProblem, usual: Problem, chosen: Sequence[int]) -> list[dict[str, Any]]:
    """Positions that a placement knows less often than `KNOWN`, the least known first, each with its reason and the
    most that any one candidate would know of it. `usual` is the problem over the usual worlds."""
    layout = store.worlds[0].layout
    known = usual.known(chosen).reshape(-1, store.positions)
    best = best_alone(usual, store.positions)
    seen = _most_seen(store)
    here = np.zeros(store.positions, bool)
    for i in chosen:
        here[usual.cell[usual.start[i] : usual.start[i + 1]] % store.positions] = True
    worlds = [w for w, g in zip(store.worlds, store.group) if g == GROUPS.index("usual")]
    peopled = np.array([w.conditions.crowd.shoppers > 0 or w.conditions.crowd.density > 0 for w in worlds])
    rows = []
    for j in np.argsort(known.mean(axis=0), kind="stable"):
        mean = float(known[:, j].mean())
        if mean >= KNOWN:
            break
        alone = float(known[~peopled, j].mean()) if (~peopled).any() else mean
        reason = _reason(float(seen[j]), float(best[j]), bool(here[j]), alone)
        position, most = layout.planogram.positions[j].id, round(float(best[j]), 4)
        rows.append({"position": position, "known": round(mean, 4), "best_alone": most, "reason": reason})
    return rows


def _reason(seen: float, best: float, here: bool, without_people: float) -> str:
    if seen < 0:
        return OUT_OF_REACH
    if seen < HIDDEN:
        return HIDDEN_FROM_ALL
    if best < KNOWN:
        return TOO_SMALL
    if not here:
        return NOT_CHOSEN
    return PEOPLE if without_people >= KNOWN else POORLY_SEEN


def best_alone(problem: Problem, positions: int) -> np.ndarray:
    """(J,) the most that one candidate knows of each position, over all worlds."""
    worlds, best = problem.cells // positions, np.zeros(positions)
    for i in range(problem.candidates):
        part = slice(problem.start[i], problem.start[i + 1])
        alone = np.bincount(problem.cell[part] % positions, problem.chance[part], positions) / worlds
        best = np.maximum(best, alone)
    return best


def _most_seen(store: StoreProblem) -> np.ndarray:
    """(J,) the largest share of each position, over its places and worlds, that a mount sees; -1 where no candidate has
    all of it in its picture."""
    owner = store.worlds[0].layout.places.position
    usual = store.seen.share[store.group == GROUPS.index("usual")].mean(axis=0) / 255
    best = np.zeros(len(owner))
    np.maximum.at(best, store.seen.place, usual)
    most = np.minimum.reduceat(best, np.searchsorted(owner, np.arange(store.positions)))
    reached = np.zeros(len(owner), bool)
    reached[store.seen.place] = True
    whole = np.logical_and.reduceat(reached, np.searchsorted(owner, np.arange(store.positions)))
    return np.where(whole, most, -1.0)
