"""result.json: every figure of a run, in a form that other programs read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.choice import Choice, against, difference, name, rank
from bench.comparison import Comparison
from bench.devices import conditions
from bench.experiment import Arm, Evidence
from bench.statistics import Estimate
from sim.render import describe

if TYPE_CHECKING:
    import pandas

COMPARED = (
    "facings_exact", "oos_precision", "oos_recall", "misplaced_precision", "misplaced_recall", "units_error",
    "sku_top1", "detection_ap50",
)  # fmt: skip
"""What arms are compared on; the first decides."""


def as_result(evidence: Evidence, choice: Choice, resolved: dict[str, Any]) -> dict[str, Any]:
    """The whole evidence as plain data; NaN becomes None."""
    experiment = evidence.experiment
    return {
        "command": f"run experiment={experiment.name}",
        "arms": [_arm(arm, experiment.runtime, choice) for arm in rank(evidence.arms)],
        "latency_ms": {m: {s: latency_row(v) for s, v in stages.items()} for m, stages in evidence.latency_ms.items()},
        "choice": {
            "rig": choice.arm.rig.name,
            "model": choice.arm.model.name,
            "runtime": experiment.runtime,
            "reason": choice.reason,
            "runner_up": name(choice.runner_up),
            "difference": estimate_row(choice.difference),
            "order_is_sure": choice.comparison is not None and choice.comparison.real,
            "more_scenarios": choice.comparison and choice.comparison.more_scenarios,
        },
        "comparisons": comparison_rows(evidence, choice.arm),
        "conditions": conditions()
        | {
            "renderer": describe(experiment.renderer),
            "runtime": experiment.runtime,
            "precision": "FP32",
            "scenario": experiment.scenario,
            "scenario_hashes": [s.hash for s in evidence.scenarios],
            "seeds": [s.seed for s in evidence.scenarios],
            "with_shoppers": sum(s.conditions.crowd.shoppers > 0 for s in evidence.scenarios),
            "readings_repeatable": evidence.repeatable,
            "timed_frames": {m: len(v["total"]) for m, v in evidence.latency_ms.items()},
            "skipped": [],
        },
        "config": resolved,
    }


def _arm(arm: Arm, runtime: str, choice: Choice) -> dict[str, Any]:
    scores = arm.scores
    return {
        "rig": arm.rig.name,
        "model": arm.model.name,
        "runtime": runtime,
        "metrics": {key: estimate_row(value) for key, value in scores.metrics.items()},
        "px_per_m": round(arm.pixels_per_metre, 1),
        "cost": arm.rig.cost,
        "cameras": len(arm.rig.cameras),
        "facings_exact_against_choice": estimate_row(difference(arm, choice.arm)),
        "facing_errors": scores.causes | {"of": scores.facings},
        "facing_error_shares": {cause: estimate_row(e) for cause, e in scores.cause_shares.items()},
        "top1_by_px_per_m": scores.top1_by_ppm,
    }


def estimate_row(e: Estimate) -> dict[str, float | None]:
    """An estimate as plain data."""
    return plain(dataclasses.asdict(e))


def comparison_rows(evidence: Evidence, chosen: Arm) -> list[dict[str, Any]]:
    """Every other arm against the chosen one, a row a metric, the deciding one first; `comparisons` says for how many
    `p_holm` is corrected. Metrics are not corrected for one another: the first decides, the others explain."""
    return [
        {"rig": arm.rig.name, "model": arm.model.name, "against": name(chosen), "metric": metric}
        | {"scenarios": len(evidence.scenarios)}
        | comparison_row(c)
        for metric in COMPARED
        for arm, c in against(chosen, rank(evidence.arms), metric)
    ]


def comparison_row(c: Comparison) -> dict[str, Any]:
    """A comparison as plain data, with what it means in words."""
    return plain(dataclasses.asdict(c)) | {"real": c.real, "words": c.words()}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row for JSON, which has no NaN and no infinity: None stands for them."""

    def value(v: Any) -> Any:
        return v if not isinstance(v, float) else round(v, 6) if math.isfinite(v) else None

    return {k: value(v) for k, v in row.items()}


def latency_row(milliseconds: np.ndarray) -> dict[str, float]:
    """Median and 95th percentile, milliseconds."""
    return {"p50": round(float(np.median(milliseconds)), 3), "p95": round(float(np.quantile(milliseconds, 0.95)), 3)}


def metrics_table(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> pandas.DataFrame:
    """`arms` of a result.json, or `cells` of a study's, as a table: rig, model, a column for each axis, and each metric
    with the ends of its 95 % interval as `…_low` and `…_high`."""
    import pandas

    return pandas.DataFrame(
        [
            {"rig": row["rig"], "model": row["model"], **row.get("at", {})}
            | {m + end: row["metrics"][m][key] for m in metrics for end, key in ENDS}
            for row in rows
        ]
    )


ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))
COLUMNS = (
    ("AP50", "detection_ap50"), ("top-1", "sku_top1"), ("facings exact", "facings_exact"),
    ("visible", "facings_exact_visible"), ("OOS P", "oos_precision"), ("OOS R", "oos_recall"),
    ("units", "units_error"), ("unseen", "unseen_by_camera"),
)  # fmt: skip
"""Title and metric of the terminal's table, which is at most 100 columns wide for names of up to 9 letters."""
UNITS_COLUMNS = (
    ("error", "units_error"), ("coverage", "units_coverage"), ("width", "units_width"),
    ("score", "units_interval_score"), ("constant width", "units_interval_constant"),
    ("misplaced P", "misplaced_precision"), ("misplaced R", "misplaced_recall"),
)  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """The ranked table for the terminal."""
    wide = {key: max(len(key), *(len(arm[key]) for arm in result["arms"])) + 1 for key in ("rig", "model")}
    head = f"  {'rig':{wide['rig']}}{'model':{wide['model']}}"
    head += "".join(f"{title:>{_width(title)}}" for title, _ in COLUMNS) + f"{'px/m':>6}{'cost':>6}"
    lines = [head, "-" * len(head)]
    for arm in result["arms"]:
        chosen = all(arm[k] == result["choice"][k] for k in ("rig", "model"))
        line = f"{'→' if chosen else ' '} {arm['rig']:{wide['rig']}}{arm['model']:{wide['model']}}"
        for title, key in COLUMNS:
            m = arm["metrics"][key]
            text = "–" if m["value"] is None else f"{m['value']:.3f}"
            if key == "facings_exact" and m["value"] is not None:
                text += f" ±{(m['high'] - m['low']) / 2:.3f}"
            line += f"{text:>{_width(title)}}"
        lines.append(line + f"{arm['px_per_m']:6.0f}{arm['cost']:6.0f}")
    lines += ["-" * len(head), "OOS P, R: precision and recall of out-of-stock; units, unseen: less is better", ""]
    lines += [*_units_table(result, wide), ""]
    lines.append("ms a picture on this machine, p50/p95")
    for model, stages in result["latency_ms"].items():
        parts = "   ".join(f"{s} {v['p50']:.0f}/{v['p95']:.0f}" for s, v in stages.items())
        lines.append(f"  {model:{wide['model']}} {parts}")
    return "\n".join(lines)


def _units_table(result: dict[str, Any], wide: dict[str, int]) -> list[str]:
    """Units with their 90 % intervals, whose score is to be compared with that of intervals of one width."""
    lines = ["units, their 90 % intervals (width and interval score in units, less is better), misplaced products"]
    lines.append(
        f"  {'rig':{wide['rig']}}{'model':{wide['model']}}" + "".join(f"{t:>{_width(t)}}" for t, _ in UNITS_COLUMNS)
    )
    for arm in result["arms"]:
        values = [(title, arm["metrics"][key]["value"]) for title, key in UNITS_COLUMNS]
        cells = "".join(f"{'–' if v is None else f'{v:.3f}':>{_width(title)}}" for title, v in values)
        lines.append(f"  {arm['rig']:{wide['rig']}}{arm['model']:{wide['model']}}{cells}")
    return lines


def _width(title: str) -> int:
    return max(len(title) + 2, 7)
