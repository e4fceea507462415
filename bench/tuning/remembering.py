"""How memory does on watched sequences, and the rates that it rests on.

`python -m bench.tuning.remembering fit FOLDER SEED...` counts error rates in sequences of training stores (the
validation split, whose brands trained nothing; `python -m bench.tuning.watching val FOLDER SEED...` makes them),
chooses the constants of `vision.evidence` on them and writes vision/weights/evidence.json and its card.
`... judge WHERE FOLDER SEED...` compares memory with single moments on other sequences.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.devices import commit
from bench.events import score_events
from bench.statistics import Estimate, ratio, share_interval
from bench.tuning.watching import MOMENTS, SOLD, STEP, Watch, Watched, load, watch_of
from scenarios import ShelfState
from sim import PositionTruth, position_truths
from vision import Detections, Reading, audit, fuse
from vision.durable import write_whole
from vision.evidence import CONSTANTS, EDGES, SHIPPED, TRUE_IF, WORDS, Evidence, kinds
from vision.memory import Memory
from vision.pipeline import weights_path
from vision.view import view_of

SPLIT = "val"
COUNTED = (0, SOLD)
"""Moments that errors are counted at: one without shoppers and one with, apart, so that few are the same twice."""
GRID = {"lasts": (5.0, 15.0, 30.0, 60.0), "ceiling": (0.99, 0.999, 0.9999)}
SURE_OUT = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99)
EVENTS: dict[str, Callable[[Any], bool]] = {
    "out": lambda state: state.level == "out",
    "misplaced": lambda state: state.intruder is not None,
}
HIDDEN = 0.3
"""The share of a place that a person hides, from which on it is behind a shopper."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One watched store and what was read of it."""

    watch: Watch
    rows: list[Watched]

    def at(self, moment: int) -> list[Watched]:
        """All cameras at one moment."""
        return [row for row in self.rows if row.moment == moment]

    def readings(self, moment: int) -> list[Reading]:
        """What all cameras read at one moment."""
        nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
        return [Reading(row.camera, moment * STEP, (1, 1), nothing, row.places) for row in self.at(moment)]

    def in_sight(self, moment: int) -> NDArray[np.bool_]:
        """The positions (Q,) of which some camera has half of the front row before it and not behind a shopper."""
        layout = self.watch.layout
        views = {camera.id: view_of(layout, camera).visible for camera in self.watch.cameras}
        free = np.any([views[row.camera] & (row.covered < HIDDEN) for row in self.at(moment)], axis=0)
        return np.asarray(np.bincount(layout.places.position, free) / np.bincount(layout.places.position) >= 0.5)

    def truths(self, moment: int) -> tuple[PositionTruth, ...]:
        """What every position (Q) holds."""
        scenario = self.watch.scenario(moment)
        return position_truths(scenario.layout, scenario.stock)

    def levels(self, moment: int) -> NDArray[np.str_]:
        """The true level of every position (Q,)."""
        return np.array([p.level for p in self.truths(moment)])

    def ever_in_sight(self) -> NDArray[np.bool_]:
        """The positions (Q,) that some moment has in sight."""
        return np.any([self.in_sight(m) for m in range(MOMENTS)], axis=0)

    def said(self, evidence: Evidence) -> dict[str, list[Sequence[ShelfState]]]:
        """What is said at every moment of all positions: by that moment's cameras, fused, and by memory."""
        layout, memory = self.watch.layout, Memory(self.watch.layout, evidence)
        single: list[Sequence[ShelfState]] = []
        remembered: list[Sequence[ShelfState]] = []
        for moment in range(MOMENTS):
            now = self.readings(moment)
            single.append(audit(layout, fuse([r.places for r in now if r.places is not None], evidence)))
            remembered.append(memory.update(now))
        return {"single moment": single, "memory": remembered}


def trials(where: str, folder: Path, seeds: Sequence[int]) -> list[Trial]:
    """The sequences of these seeds that a folder holds."""
    watches = {seed: watch_of(where, seed) for seed in seeds if (folder / str(seed) / "readings.npz").is_file()}
    return [Trial(watch, load(folder / str(seed), watch)) for seed, watch in watches.items()]


def counts(found: Sequence[Trial]) -> NDArray[np.float64]:
    """What cameras said of places of each content, as `Evidence.counts`."""
    table = np.zeros((2, len(WORDS), len(TRUE_IF), len(EDGES) + 1))
    for row in (row for trial in found for moment in COUNTED for row in trial.at(moment)):
        seen = row.places.judged
        clear, word, grade = (kind[seen] for kind in kinds(row.places))
        np.add.at(table, (clear, np.searchsorted(WORDS, row.true_state[seen]), word, grade), 1)
    return table


def surprise(found: Sequence[Trial], evidence: Evidence) -> float:
    """How surprised the beliefs are by the truth: mean -log of the share they gave to it, over places seen."""
    surprises = []
    for trial in found:
        memory = Memory(trial.watch.layout, evidence)
        for moment in range(MOMENTS):
            memory.update(trial.readings(moment))
            truth = np.searchsorted(WORDS, trial.at(moment)[0].true_state)
            believed = memory.belief[np.arange(len(truth)), truth]
            surprises.append(-np.log(believed[np.isfinite(memory.seen_at)]))
    return float(np.concatenate(surprises).mean())


def fit(found: Sequence[Trial]) -> Evidence:
    """Count the rates; choose `lasts` and `ceiling` by least surprise, and of SURE_OUT the surest that finds as many
    sold out positions as the least sure: false outs are too few in any sequences at hand to choose by them."""
    table = counts(found)
    tried = [Evidence(table, lasts, ceiling, 0.9, SURE_OUT[0]) for lasts, ceiling in itertools.product(*GRID.values())]
    best = min(tried, key=lambda evidence: surprise(found, evidence))
    arms = [replace(best, sure_out=sure_out) for sure_out in SURE_OUT]
    in_time = [judge(found, evidence)["memory"]["found_in_time"] for evidence in arms]
    return arms[max(i for i, share in enumerate(in_time) if share >= in_time[0])]


def judge(found: Sequence[Trial], evidence: Evidence) -> dict[str, dict[str, float]]:
    """Single moments, fused, and memory, over all positions that were ever in sight of a camera."""
    said: dict[str, list[NDArray[np.str_]]] = {"single moment": [], "memory": []}
    truth, sight, event = [], [], []
    for trial in found:
        ever = trial.ever_in_sight()
        levels = np.stack([trial.levels(m) for m in range(MOMENTS)])[:, ever]
        truth.append(levels)
        sight.append(np.stack([trial.in_sight(m) for m in range(MOMENTS)])[:, ever])
        event.append((levels[SOLD] == "out") & (levels[SOLD - 1] != "out"))
        for arm, states in trial.said(evidence).items():
            said[arm].append(np.stack([_levels(s) for s in states])[:, ever])
    together = [np.concatenate(parts, axis=-1) for parts in (truth, sight, event)]
    return {arm: _rates(np.concatenate(parts, axis=-1), *together) for arm, parts in said.items()}


def events(found: Sequence[Trial], evidence: Evidence) -> dict[str, dict[str, Estimate]]:
    """Precision and recall over events of positions that were ever in sight, with intervals over stores: a position
    that is out, or holds what does not belong there, over a run of moments is one event."""
    counts: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for trial in found:
        ever, truths = trial.ever_in_sight(), [trial.truths(m) for m in range(MOMENTS)]
        for arm, said in trial.said(evidence).items():
            unknown = _flags(said, lambda s: s.level == "unknown")[:, ever]
            for name, is_so in EVENTS.items():
                scored = score_events(_flags(truths, is_so)[:, ever], _flags(said, is_so)[:, ever], unknown)
                for rate, pair in (("precision", scored.precision), ("recall", scored.recall)):
                    counts.setdefault(arm, {}).setdefault(f"{name} {rate}", []).append(pair)
    return {arm: {name: _share(pairs) for name, pairs in rates.items()} for arm, rates in counts.items()}


def _flags(moments: Sequence[Sequence[ShelfState | PositionTruth]], is_so: Callable[[Any], bool]) -> NDArray[np.bool_]:
    return np.array([[is_so(state) for state in states] for states in moments])


def _share(pairs: Sequence[tuple[float, float]]) -> Estimate:
    numerator, denominator = np.array(pairs).T
    return share_interval(ratio(numerator, denominator), denominator)


def _levels(states: Sequence[ShelfState]) -> NDArray[np.str_]:
    return np.array([state.level for state in states])


def _rates(
    said: NDArray[np.str_], truth: NDArray[np.str_], sight: NDArray[np.bool_], event: NDArray[np.bool_]
) -> dict[str, float]:
    """Of what was said of positions, (moments, positions). `late`: moments from when a position that sold out was first
    in sight until it was said to be out, 0 for at once, over those of which it was said; `found_in_time` is their
    share of all that came in sight."""
    out, truly = said == "out", truth == "out"
    late, seen = [], 0
    for q in np.flatnonzero(event):
        since = np.flatnonzero(sight[SOLD:, q])
        seen += len(since) > 0
        told = np.flatnonzero(out[SOLD:, q])
        late += [int(told[0]) - int(since[0])] if len(since) and len(told) else []
    hidden = ~sight
    return {
        "position_moments": float(out.size), "false_out": float((out & ~truly).mean()),
        "out_found": float(out[truly & sight].mean()), "unknown": float((said == "unknown").mean()),
        "unknown_behind_shopper": float((said == "unknown")[hidden].mean()) if hidden.any() else 0.0,
        "sold_out": float(seen), "found_in_time": len(late) / max(seen, 1),
        "late_mean": float(np.mean(late)) if late else np.nan, "late_most": float(np.max(late)) if late else np.nan,
    }  # fmt: skip


def write(evidence: Evidence, found: Sequence[Trial]) -> None:
    """Write the shipped rates and their card."""
    constants = {name: getattr(evidence, name) for name in CONSTANTS}
    write_whole(SHIPPED, {"counts": evidence.counts.tolist(), **constants})
    seeds = " ".join(str(trial.watch.seed) for trial in found)
    sums = [hashlib.sha256(weights_path(name).read_bytes()).hexdigest()[:12] for name in ("yolo11n", "embed")]
    words = int(evidence.counts.sum())
    rates = judge(found, evidence)["memory"]
    SHIPPED.with_suffix(".md").write_text(
        f"# evidence\n\n- made by: `python -m bench.tuning.watching {SPLIT} FOLDER {seeds}`, then "
        f"`python -m bench.tuning.remembering fit FOLDER {seeds}`, at commit {commit()}\n"
        f"- for: yolo11n {sums[0]} and embed {sums[1]}; pictures of the rig both's two kinds of camera\n"
        f"- counted on: training stores {seeds} of the split {SPLIT}, {words} words of cameras on places, "
        f"{int(evidence.counts.sum(axis=(0, 2, 3))[0])} of empty ones and "
        f"{int(evidence.counts.sum(axis=(0, 2, 3))[2])} of foreign packs\n"
        f"- constants: lasts and ceiling by least surprise on the same sequences; sure_out the surest of "
        f"{', '.join(map(str, SURE_OUT))} that finds as many sold out positions there as the least sure "
        f"({rates['found_in_time']:.3f}; false outs {rates['false_out']:.4f} of {rates['position_moments']:.0f} "
        "position-moments); sure is chosen\n- licence: AGPL-3.0\n",
        encoding="utf-8",
    )


def main(verb: str, *arguments: str) -> None:
    """Fit, or judge and print."""
    where = SPLIT if verb == "fit" else arguments[0]
    folder, *seeds = arguments if verb == "fit" else arguments[1:]
    found = trials(where, Path(folder), [int(seed) for seed in seeds])
    evidence = fit(found) if verb == "fit" else Evidence.load()
    if verb == "fit":
        write(evidence, found)
        print("  ".join(f"{name} {getattr(evidence, name)}" for name in CONSTANTS))
    print(f"{len(found)} sequences of {MOMENTS} moments, {STEP:.0f} s apart, with shoppers in half of them")
    for arm, rates in judge(found, evidence).items():
        print(f"{arm:14s} " + "  ".join(f"{name} {value:.4g}" for name, value in rates.items()))
    for arm, shares in events(found, evidence).items():
        print(f"{arm:14s} " + "  ".join(f"{name} {share}" for name, share in shares.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
