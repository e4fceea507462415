"""Fit the judges of places: python -m bench.tuning.judges [FOLDER]

Renders stores of the validation split, whose brands trained nothing, through the quickstart's cameras, fits `behind`
(does a pack stand in a row behind?), `foreign` (is a pack another than the planned one?) and `stacked` (does one stand
on another?) of `vision.judge`, tries them on stores of the test split, and writes vision/weights/judges.json and its
card. What it samples is kept in FOLDER (data/judges), so that it goes on where it was stopped; 30 minutes of one core.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.devices import commit
from bench.stores.training import training_layout
from bench.tuning.shelf_samples import DETECTOR, RECOGNIZER, Samples, store_samples
from scenarios import Rig
from vision import behind, identity, stacks
from vision.judge import WEIGHTS, Judge
from vision.pipeline import weights_path

Floats = NDArray[np.float64]

FIT, TRIED = ("val", range(900_001, 900_013)), ("test", range(950_001, 950_006))
"""Splits and seeds of the stores that the judges are fitted to and tried on."""
STACKS = (("val", range(900_013, 900_061)), ("test", range(950_006, 950_021)))
"""More of them for `stacked`: those with `FEWEST_STACKS` positions or more on which packs stand on one another."""
FEWEST_STACKS = 6
RIDGE = 0.02
"""Of the penalty on squared weights: just enough for a solution where the samples could be parted without error."""
STEPS = 50
SURE_SHARE = 1 / 3
"""A judge is as sure at most as its surest third was right, on stores that it was not fitted to."""


@dataclass(frozen=True)
class Trial:
    """How a judge did on stores that it was not fitted to: samples, the share that is as asked, the share of pairs of
    one that is and one that is not that are ranked rightly, and the share on the wrong side of even odds."""

    samples: int
    positive: float
    ranked: float
    wrong: float


def fit(stores: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> Judge:
    """Fit to the features (N, F) and truths (N,) of every store. How sure the judge may be is measured by leaving one
    store out at a time."""
    ratios, truths = [], []
    for k in range(len(stores)):
        others = [s for i, s in enumerate(stores) if i != k]
        weights, offset = _regression(*_joined(others))
        ratios.append(offset + stores[k][0] @ weights)
        truths.append(stores[k][1])
    ratio, truth = np.concatenate(ratios), np.concatenate(truths)
    surest = np.abs(ratio) >= np.quantile(np.abs(ratio), 1 - SURE_SHARE)
    right = int(((ratio > 0) == truth)[surest].sum())
    weights, offset = _regression(*_joined(stores))
    limit = np.log((right + 0.5) / (surest.sum() - right + 0.5))
    return Judge(tuple(weights.tolist()), float(offset), float(limit))


def _joined(stores: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> tuple[Floats, NDArray[np.bool_]]:
    return np.concatenate([f for f, _ in stores]), np.concatenate([t for _, t in stores])


def _regression(features: Floats, truth: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights (F,) and offset of a logistic regression, by Newton's method, less the logarithm of the odds in the
    sample: what is left is a likelihood ratio."""
    x = np.concatenate([np.ones((len(features), 1)), features], axis=1)
    penalty = RIDGE * np.diag([0.0, *np.ones(features.shape[1])])
    w = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        slope = (x * (p * (1 - p) + 1e-9)[:, None]).T @ x + penalty
        w -= np.linalg.solve(slope, x.T @ (p - truth) + penalty @ w)
    return w[1:], float(w[0] - np.log(truth.mean() / (1 - truth.mean())))


def attempt(judge: Judge, features: Floats, truth: NDArray[np.bool_]) -> Trial:
    """Try a judge on other stores."""
    ratio = judge.offset + features @ np.array(judge.weights)
    order = np.argsort(ratio, kind="stable")
    rank = np.empty(len(ratio))
    rank[order] = np.arange(1, len(ratio) + 1)
    yes, no = int(truth.sum()), int((~truth).sum())
    ranked = (rank[truth].sum() - yes * (yes + 1) / 2) / max(yes * no, 1)
    return Trial(len(truth), float(truth.mean()), float(ranked), float(((ratio > 0) != truth).mean()))


def main(folder: Path, output: Path = WEIGHTS) -> None:
    """Sample, fit, try, and write the judges and their card."""
    from bench.cli import load_experiment

    rig = next(rig for rig in load_experiment(["experiment=quickstart"])[0].rigs if rig.name == "both")
    fitted, tried = (_sample(split, seeds, rig, folder) for split, seeds in (FIT, TRIED))
    more, others = (_sample(split, _with_stacks(split, seeds), rig, folder) for split, seeds in STACKS)
    judges, trials = {}, {}
    for name, names, parts, to, on in (
        ("behind", behind.FEATURES, lambda s: (s.behind, s.filled), fitted, tried),
        ("foreign", identity.FEATURES, lambda s: (s.identity, s.foreign), fitted, tried),
        ("stacked", stacks.FEATURES, lambda s: (s.stacked, s.topped), fitted | more, tried | others),
    ):
        judge = fit([parts(s) for s in to.values()])
        weights = dict(zip(names, (round(w, 4) for w in judge.weights)))
        judges[name] = {"weights": weights, "offset": round(judge.offset, 4), "surest": round(judge.surest, 3)}
        trials[name] = attempt(judge, *parts(Samples.joined(list(on.values()))))
    output.write_text(json.dumps(judges, indent=1) + "\n", encoding="utf-8")
    card = _card(fitted, tried, more, others, trials, rig)
    output.with_suffix(".md").write_text(card, encoding="utf-8")
    print(f"{card}\n{output}")


def _with_stacks(split: str, seeds: range) -> list[int]:
    layouts = ((seed, training_layout(seed, split)) for seed in seeds)
    return [seed for seed, layout in layouts if sum(p.high > 1 for p in layout.planogram.positions) >= FEWEST_STACKS]


def _sample(split: str, seeds: Iterable[int], rig: Rig, folder: Path) -> dict[int, Samples]:
    found = {}
    for seed in seeds:
        samples = store_samples(seed, split, rig, folder)
        if samples is not None:
            found[seed] = samples
        print(f"{split} {seed}  {'no boards' if samples is None else len(samples.foreign)}", flush=True)
    return found


def _card(
    fitted: dict[int, Samples], tried: dict[int, Samples], more: dict[int, Samples], others: dict[int, Samples],
    trials: dict[str, Trial], rig: Rig,
) -> str:  # fmt: skip
    checksums = (hashlib.sha256(weights_path(name).read_bytes()).hexdigest()[:12] for name in (DETECTOR, RECOGNIZER))
    all_of = Samples.joined(list(fitted.values()))
    lines = [
        "# judges",
        "",
        f"- made by: `python -m bench.tuning.judges` at commit {commit()}",
        f"- for: {DETECTOR} {next(checksums)} and {RECOGNIZER} {next(checksums)}; pictures of the cameras of rig "
        f"{rig.name}, {rig.cameras[0].model.width} x {rig.cameras[0].model.height}",
        f"- fitted to: stores {', '.join(map(str, fitted))} of the validation split, {len(all_of.filled)} tops and "
        f"{len(all_of.foreign)} packs, {int(all_of.foreign.sum())} of them foreign",
        f"- tried on: stores {', '.join(map(str, tried))} of the test split",
        f"- stacked also fitted to {', '.join(map(str, more))}, and tried on {', '.join(map(str, others))}",
        "- licence: AGPL-3.0",
        "",
    ]
    for name, t in trials.items():
        lines.append(
            f"- {name}: of {t.samples} samples, {t.positive:.3f} of which are, {t.ranked:.4f} of the pairs are ranked "
            f"rightly and {t.wrong:.4f} of the samples are on the wrong side of even odds"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/judges"))
