"""The decision: which arm, why, and how sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.experiment import Arm, Evidence
from bench.statistics import Estimate, paired_difference

DECIDING_METRIC = "facings_exact"


@dataclass(frozen=True)
class Choice:
    """The chosen arm and the runner-up; `difference` is chosen − runner-up on the deciding metric."""

    arm: Arm
    runner_up: Arm
    difference: Estimate
    reason: str


def rank(arms: list[Arm]) -> list[Arm]:
    """Arms by the deciding metric, the best first."""
    return sorted(arms, key=lambda arm: -arm.scores.metrics[DECIDING_METRIC].value)


def difference(a: Arm, b: Arm) -> Estimate:
    """a − b on the deciding metric, paired by scenario."""
    return paired_difference(a.scores.resampled[DECIDING_METRIC], b.scores.resampled[DECIDING_METRIC])


def choose(evidence: Evidence) -> Choice:
    """Choose the cheapest arm that is not shown to be worse than the most accurate one.

    An arm is shown to be worse when the whole 95 % interval of its paired difference to the best lies
    below zero. Among arms of one cost the more accurate one wins. The runner-up is the most accurate
    of the others.
    """
    ranked = rank(evidence.arms)
    best = ranked[0]
    equal = [arm for arm in ranked if arm is best or difference(arm, best).high >= 0]
    chosen = min(equal, key=lambda arm: (arm.rig.cost, ranked.index(arm)))
    others = [arm for arm in ranked if arm is not chosen]
    runner_up = others[0] if others else chosen
    gap = difference(chosen, runner_up)
    return Choice(chosen, runner_up, gap, _reason(evidence, chosen, best, runner_up, gap))


def name(arm: Arm) -> str:
    return f"{arm.rig.name} + {arm.model.name}"


def _reason(evidence: Evidence, chosen: Arm, best: Arm, runner_up: Arm, gap: Estimate) -> str:
    value = chosen.scores.metrics[DECIDING_METRIC]
    if chosen is best:
        why = f"reads the most facings exactly ({_percent(value)} of all planned positions)"
    else:
        why = (
            f"costs {best.rig.cost - chosen.rig.cost:.0f} less than {name(best)} and is not shown to read worse "
            f"({_percent(value)} of all planned positions exact)"
        )
    latency = float(np.median(evidence.latency_ms[chosen.model.name]["total"]))
    sure = (
        f"{'+' if gap.value >= 0 else ''}{100 * gap.value:.1f} points against the runner-up {name(runner_up)}, "
        f"95 % interval {100 * gap.low:+.1f} to {100 * gap.high:+.1f} over {len(evidence.scenarios)} paired scenarios"
    )
    verdict = (
        "so the order is sure" if gap.low > 0 or gap.high < 0 else "so the two cannot be told apart by this evidence"
    )
    return (
        f"{name(chosen)}: {len(chosen.rig.cameras)} cameras for {chosen.rig.cost:.0f}, {why}, "
        f"at {latency:.0f} ms a picture here; {sure}, {verdict}."
    )


def _percent(e: Estimate) -> str:
    return f"{100 * e.value:.1f} %, {100 * e.low:.1f} to {100 * e.high:.1f}"
