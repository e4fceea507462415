"""The proof: placements rendered in full and read by the real pipeline, all in the same worlds, which chose nothing.

A proof is a study whose rigs are the placements, so that pictures are shared and a proof that was stopped goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.comparison import compared
from bench.configs import compose
from bench.experiment import Experiment
from bench.placement.candidates import Aims, Candidates, of_rig
from bench.placement.chances import Chances, Change, chances
from bench.placement.problem import Problem
from bench.placement.visibility import visibility
from bench.response.response import Response
from bench.results import comparison_row, estimate_row, plain
from bench.statistics import Floats, Sample, interval, ratio, share_interval
from bench.studies.cell_result import read_cell, read_samples
from bench.studies.conduct import conduct
from bench.studies.crew import load_plan
from bench.studies.settings import Model, Settings
from bench.studies.study import Study, digest, study_over
from scenarios import InputError, Rig, Scenario

FIRST_SEED = 400_000
"""Of the worlds that prove: after those that choose (300000), before those of `shelfbench run` (500000)."""
OOS = "oos_recall"


@dataclass(frozen=True, eq=False)
class Measured:
    """What a rig's readings were worth: the share of the positions' value that was known (facings told exactly), and
    out-of-stock recall, each with the pull of every world."""

    known: Sample
    oos: Sample
    oos_events: Floats
    """(S,) positions out in each world."""
    exact: dict[str, float]
    """By position, in how many of the worlds its facings were told exactly."""


def proof_study(
    base: Scenario, scenario: str, rigs: Sequence[Rig], model: str, worlds: int, shoppers: int, workers: int,
    outputs: Path, first_seed: int = FIRST_SEED,
) -> Study:  # fmt: skip
    """The study that proves rigs. A scenario that has people keeps them; else `shoppers` stand in every second world.

    Its name has a digest of the rigs: other placements are another study.
    """
    models = compose("run", ["experiment=quickstart", f"+model@models.proof={model}"])["models"]
    crowd = base.conditions.crowd
    peopled = crowd.shoppers > 0 or crowd.density > 0
    experiment = Experiment(
        f"place-{base.layout.store.name}-{digest([dataclasses.asdict(rig) for rig in rigs])[:8]}-{worlds}", scenario,
        tuple(rigs), (Model(**models["proof"]),), first_seed=first_seed, scenarios=worlds, shoppers=shoppers,
        workers=workers, settings=Settings(crowd=dataclasses.asdict(crowd) if peopled else {}),
    )  # fmt: skip
    return study_over(experiment, {}, outputs)


def run_proof(study: Study, weight: Mapping[str, float]) -> tuple[dict[str, Measured], Path]:
    """Render and read what is missing; what each rig measured, by name, and the study's report. `weight` is what each
    position is worth, adding up to 1. Raises InputError where a rig could not be read."""
    report = conduct(study)
    plan = load_plan(study.folder)
    missing = [cell.name for cell, hash in zip(plan.study.cells, plan.hashes) if not plan.done(hash)]
    if missing:
        raise InputError(f"{study.folder}: {missing[0]} could not be read; see logs there, and run again")
    folders = [plan.cell_folder(hash) for hash in plan.hashes]
    return {cell.rig.name: measured(folder, weight) for cell, folder in zip(plan.study.cells, folders)}, report


def measured(folder: Path, weight: Mapping[str, float]) -> Measured:
    """What a cell's readings were worth."""
    rows = pd.read_parquet(folder / "positions.parquet")
    rows["exact"] = (rows["facings"] == rows["true_facings"]).astype(float)
    worth = (rows["exact"] * rows["position"].map(weight)).groupby(rows["seed"], sort=False).sum().to_numpy(float)
    return Measured(
        ratio(worth, np.ones(len(worth))), read_samples(folder)[OOS],
        np.array(read_cell(folder).counts[OOS], float)[:, 1],
        {str(k): round(float(v), 4) for k, v in rows.groupby("position", sort=False)["exact"].mean().items()},
    )  # fmt: skip


def foretold(
    rigs: Sequence[Rig], worlds: Sequence[Scenario], aims: Aims, responses: dict[str, Response],
    transfers: Mapping[str, Change], correlation: float, weight: Floats, folder: Path, limit: int, workers: int,
) -> dict[str, Sample]:  # fmt: skip
    """What is predicted of rigs in the very worlds of a proof, by name: what is then measured differs from it by what
    the prediction gets wrong, not by which worlds were drawn."""
    cameras = [camera for rig in rigs for camera in rig.cameras]
    found = of_rig(worlds[0].layout, Rig("all", tuple(cameras)), aims)
    rated = chances(found, visibility(found, worlds, folder, limit, workers), worlds, responses, transfers)
    problem = problem_of_cameras(found, rated, weight, len(worlds), correlation)
    ends = np.cumsum([len(rig.cameras) for rig in rigs])
    known = {rig.name: problem.known(range(end - len(rig.cameras), end)) for rig, end in zip(rigs, ends.tolist())}
    return {name: ratio(cells.reshape(len(worlds), -1) @ weight, np.ones(len(worlds))) for name, cells in known.items()}


def problem_of_cameras(found: Candidates, rated: Chances, weight: Floats, worlds: int, correlation: float) -> Problem:
    """The problem of cameras that hang already, over worlds that count alike: no limit but their number."""
    return Problem(
        rated.start, rated.cell, rated.chance, np.tile(weight / worlds, worlds)[None], correlation,
        np.ones((1, len(found))), np.array([float(len(found))]), found.place,
    )  # fmt: skip


def proof_rows(
    found: Mapping[str, Measured], predicted: Mapping[str, Sample], there: Mapping[str, Sample], best: str
) -> list[dict[str, Any]]:
    """A row an arm: what was predicted, what was predicted of the proof's worlds (`there`), what was measured, by how
    much the last two disagree, world by world, and what the best has over it, in pairs."""
    others = [name for name in found if name != best]
    margins = {
        metric: dict(zip(others, compared([getattr(found[best], part) - getattr(found[n], part) for n in others])))
        for metric, part in (("value", "known"), (OOS, "oos"))
    }
    rows = []
    for name, m in found.items():
        off = interval(m.known - there[name], -1.0, 1.0)
        row: dict[str, Any] = {
            "arm": name, "predicted": estimate_row(interval(predicted[name], 0.0, 1.0)),
            "predicted_there": estimate_row(interval(there[name], 0.0, 1.0)),
            "measured": estimate_row(interval(m.known, 0.0, 1.0)), "off": estimate_row(off),
            "agrees": bool(off.low <= 0 <= off.high), OOS: estimate_row(share_interval(m.oos, m.oos_events)),
        }  # fmt: skip
        if name != best:
            row["best_has_more"] = {metric: comparison_row(of[name]) for metric, of in margins.items()}
        rows.append(row)
    return rows


def proof_result(rows: list[dict[str, Any]], study: Study, report: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """The proof as plain data."""
    base = study.base
    conditions = {"renderer": base.renderer, "runtime": base.runtime, "model": base.models[0].name}
    off = [abs(row["off"]["value"]) for row in rows]
    return {
        "seeds": [seeds[0], seeds[-1]], "worlds": len(seeds), "arms": rows, "study": str(study.folder),
        "report": str(report), **conditions, **plain({"mean_absolute_error": float(np.mean(off))}),
    }  # fmt: skip


def proof_table(proof: Mapping[str, Any]) -> list[str]:
    """Predicted beside measured for the terminal, and in words where they disagree."""
    head = f"  {'arm':22s}{'predicted':>10s}{'in these worlds':>17s}{'measured':>24s}{'off':>8s}{'OOS recall':>24s}"
    lines = [head, "-" * len(head)]
    for row in proof["arms"]:
        before, there = (row[key]["value"] for key in ("predicted", "predicted_there"))
        known, told = (_with_interval(row[key]) for key in ("measured", OOS))
        off = 100 * row["off"]["value"]
        lines.append(f"  {row['arm']:22s}{before:10.3f}{there:17.3f}{known:>24s}{off:+8.1f}{told:>24s}")
    lines.append("-" * len(head))
    lines.append(
        f"measured: {proof['worlds']} worlds that chose nothing (seeds from {proof['seeds'][0]}), rendered in full, "
        f"read by {proof['model']}; 95 % intervals; off: measured less predicted of these worlds, points"
    )
    for row in proof["arms"]:
        if "best_has_more" in row:
            said = "; ".join(
                f"{_points(row['best_has_more'][metric])} of {title}"
                for metric, title in (("value", "value"), (OOS, "OOS recall"))
            )
            lines.append(f"best against {row['arm']}, in pairs: {said}")
    return lines + disagreements(proof)


def disagreements(proof: Mapping[str, Any]) -> list[str]:
    """A line for every arm whose measured value lies off the predicted one by more than chance explains."""
    return [
        f"predicted and measured disagree for {row['arm']}: {100 * row['off']['value']:+.1f} points, "
        f"{100 * row['off']['low']:+.1f} to {100 * row['off']['high']:+.1f}; "
        "trust the measured value, and fit the response to more pictures of this store (views=)"
        for row in proof["arms"]
        if not row["agrees"]
    ]


def _with_interval(e: Mapping[str, float | None]) -> str:
    return "–" if e["value"] is None else f"{e['value']:.3f} [{e['low']:.3f}, {e['high']:.3f}]"


def _points(c: Mapping[str, Any]) -> str:
    if c["difference"] is None:
        return "nothing to compare"
    return f"{100 * c['difference']:+.1f} points ({100 * c['low']:+.1f} to {100 * c['high']:+.1f}, {c['words']})"
