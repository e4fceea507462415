"""Do the readings, and the ranking of rigs and models, depend on the renderer? The same frames by two of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.choice import DECIDING_METRIC, difference, name, rank
from bench.devices import conditions
from bench.experiment import Arm, Evidence, Experiment, check, run
from bench.results import estimate_row
from bench.scoring import METRICS
from bench.statistics import Estimate, estimate, paired_difference, resample_weights
from scenarios import Camera, InputError, Rig
from sim import World, capture
from sim.render import describe, renderer


@dataclass(frozen=True)
class Comparison:
    """What `shelfbench renderers` runs: `experiment` by each of two renderers, the first the reference.

    `scale` is of the cameras' width and height in pixels; `pictures` frames are drawn side by side.
    """

    experiment: Experiment
    renderers: tuple[str, ...]
    scale: float = 0.5
    pictures: int = 4

    def __post_init__(self) -> None:
        if len(set(self.renderers)) != 2 or not 0.1 <= self.scale <= 1 or self.pictures < 0:
            raise InputError(
                f"renderers {list(self.renderers)}, scale {self.scale}, pictures {self.pictures}; "
                "expected two renderers, a scale from 0.1 to 1 and 0 pictures or more"
            )

    def by(self, name: str) -> Experiment:
        """The experiment by one renderer."""
        rigs = tuple(Rig(r.name, tuple(scaled(c, self.scale) for c in r.cameras)) for r in self.experiment.rigs)
        return dataclasses.replace(self.experiment, rigs=rigs, renderer=name)


def scaled(camera: Camera, scale: float) -> Camera:
    """The same view in fewer pixels."""
    width, height = round(camera.model.width * scale), round(camera.model.height * scale)
    return dataclasses.replace(camera, model=dataclasses.replace(camera.model, width=width, height=height))


def check_comparison(comparison: Comparison) -> None:
    """Raise InputError for what cannot be compared, before anything is rendered."""
    for by in comparison.renderers:
        renderer(by)
        check(comparison.by(by))


def compare(comparison: Comparison, folder: Path) -> dict[str, Any]:
    """Render, read and score by both renderers; write pictures into `folder` and return the result as plain data."""
    reference, other = (run(comparison.by(by), timed=0) for by in comparison.renderers)
    agreement = side_by_side(comparison, reference, folder)
    experiment = reference.experiment
    return {
        "command": f"renderers experiment={experiment.name}",
        "renderers": {by: describe(by) for by in comparison.renderers},
        "arms": [_arm(a, other, comparison.renderers) for a in rank(reference.arms)],
        "ranking": ranking(reference.arms, [_same_arm(a, other) for a in reference.arms]),
        "masks": agreement,
        "conditions": conditions()
        | {
            "scale": comparison.scale,
            "runtime": experiment.runtime,
            "scenario": experiment.scenario,
            "scenario_hashes": [s.hash for s in reference.scenarios],
            "seeds": [s.seed for s in reference.scenarios],
            "gallery": "studio pictures by raster, for both",
        },
    }


def _same_arm(arm: Arm, evidence: Evidence) -> Arm:
    return next(a for a in evidence.arms if (a.rig.name, a.model.name) == (arm.rig.name, arm.model.name))


def _arm(arm: Arm, other: Evidence, renderers: tuple[str, ...]) -> dict[str, Any]:
    twin = _same_arm(arm, other)
    metrics = {}
    for key in METRICS:
        change = paired_difference(twin.scores.samples[key], arm.scores.samples[key])
        both = {by: estimate_row(a.scores.metrics[key]) for by, a in zip(renderers, (arm, twin))}
        metrics[key] = both | {"difference": estimate_row(change)}
    return {"rig": arm.rig.name, "model": arm.model.name, "metrics": metrics}


def ranking(reference: list[Arm], other: list[Arm]) -> dict[str, Any]:
    """Whether arms, in one order in both lists, rank alike on the deciding metric.

    Kendall's tau (a: ties count 0) between the two, with its interval over scenarios. A pair of arms is
    `swapped` when the renderers order it differently, and `surely_swapped` when both are sure of their order.
    """
    values = [[a.scores.samples[DECIDING_METRIC] for a in arms] for arms in (reference, other)]
    weights = resample_weights(len(values[0][0].pull))
    tau = _tau(*(np.array([[s.value] for s in some]) for some in values))
    again = _tau(*(np.array([s.resampled(weights) for s in some]) for some in values))
    swapped, surely = [], []
    for i, j in combinations(range(len(reference)), 2):
        a, b = difference(reference[i], reference[j]), difference(other[i], other[j])
        if a.value * b.value < 0:
            pair = f"{name(reference[i])} against {name(reference[j])}"
            swapped.append(pair)
            if _sure(a) and _sure(b):
                surely.append(pair)
    order = [[name(a) for a in rank(arms)] for arms in (reference, other)]
    return {
        "metric": DECIDING_METRIC,
        "kendall_tau": estimate_row(estimate(float(tau[0]), again)),
        "pairs": len(reference) * (len(reference) - 1) // 2,
        "swapped": swapped,
        "surely_swapped": surely,
        "same_best": order[0][0] == order[1][0],
        "same_order": order[0] == order[1],
        "orders": order,
    }


def _tau(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-a of values (arms, R) for each of R; NaN where there is only one arm."""
    pairs = list(combinations(range(len(a)), 2))
    signs = [np.sign(a[i] - a[j]) * np.sign(b[i] - b[j]) for i, j in pairs]
    return np.mean(signs, axis=0) if pairs else np.full(a.shape[1], np.nan)


def _sure(e: Estimate) -> bool:
    return e.low > 0 or e.high < 0


def side_by_side(comparison: Comparison, evidence: Evidence, folder: Path) -> list[dict[str, Any]]:
    """Write frames of both renderers and the pixels where their masks differ next to one another, as PNG; return
    the share of such pixels in each, at the edges of the masks and inside."""
    scenarios = evidence.scenarios
    cameras = list(dict.fromkeys(c for rig in comparison.by(comparison.renderers[0]).rigs for c in rig.cameras))
    frames = [(i, camera) for i in range(len(scenarios)) for camera in cameras][: comparison.pictures]
    rows = []
    with World(scenarios[0].layout, lookalikes=scenarios[0].conditions.lookalikes) as world:
        for i, camera in frames:
            (a, truth), (b, other) = (capture(world, scenarios[i], camera, by) for by in comparison.renderers)
            differ, inside = truth.mask != other.mask, interior(truth.mask) & interior(other.mask)
            shown = (a.image * np.float32(0.3)).astype(np.uint8)
            shown[differ] = (255, 40, 40)
            path = folder / f"{scenarios[i].seed}-{camera.id}.png"
            cv2.imwrite(str(path), np.concatenate([a.image, b.image, shown], axis=1)[..., ::-1])
            rows.append(
                {
                    "picture": path.name,
                    "differ": round(float(differ.mean()), 6),
                    "differ_inside": round(float((differ & inside).mean()), 6),
                }
            )
    return rows


def interior(mask: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels of a mask (H, W) whose eight neighbours show the same."""
    picture, square = mask.astype(np.float32), np.ones((3, 3), np.uint8)
    return np.asarray(cv2.erode(picture, square) == cv2.dilate(picture, square))


SHOWN = (("AP50", "detection_ap50"), ("top-1", "sku_top1"), ("facings", "facings_exact"), ("OOS R", "oos_recall"))


def table(result: dict[str, Any]) -> str:
    """The comparison for the terminal."""
    first, second = result["renderers"]
    wide = max(len(f"{a['rig']} + {a['model']}") for a in result["arms"]) + 2
    lines = [f"{'':{wide}}" + "".join(f"{title:>28}" for title, _ in SHOWN)]
    lines.append(f"{'':{wide}}" + f"{f'{first}, {second}, change':>28}" * len(SHOWN))
    for arm in result["arms"]:
        line = f"{arm['rig']} + {arm['model']}".ljust(wide)
        for _, key in SHOWN:
            m = arm["metrics"][key]
            a, b, change = (m[by]["value"] for by in (first, second, "difference"))
            text = "–"
            if a is not None and b is not None and change is not None:
                half = (m["difference"]["high"] - m["difference"]["low"]) / 2
                text = f"{a:.3f} {b:.3f} {change:+.3f}±{half:.3f}"
            line += f"{text:>28}"
        lines.append(line)
    r = result["ranking"]
    tau = r["kendall_tau"]
    if tau["value"] is not None:
        lines += [
            "",
            f"Ranking by {r['metric']}: Kendall's tau {tau['value']:.2f} [{tau['low']:.2f}, {tau['high']:.2f}]",
        ]
        best = "the same arm is best" if r["same_best"] else "another arm is best"
        lines.append(
            f"  {best}; {len(r['swapped'])} of {r['pairs']} pairs swap, {len(r['surely_swapped'])} beyond the intervals"
        )
    return "\n".join(lines)
