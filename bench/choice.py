"""The decision: which arm, why, and how sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparison import Comparison, compare
from bench.experiment import Arm, Evidence
from bench.statistics import Estimate, paired_difference

DECIDING_METRIC = "facings_exact"


@dataclass(frozen=True)
class Choice:
    """The chosen arm and the runner-up; `comparison` is runner-up − chosen on the deciding metric, None for an arm that
    was alone."""

    arm: Arm
    runner_up: Arm
    difference: Estimate
    """Chosen − runner-up."""
    comparison: Comparison | None
    reason: str


def rank(arms: Sequence[Arm]) -> list[Arm]:
    """Arms by the deciding metric, the best first."""
    return sorted(arms, key=lambda arm: -arm.scores.metrics[DECIDING_METRIC].value)


def difference(a: Arm, b: Arm) -> Estimate:
    """a − b on the deciding metric, paired by scenario."""
    return paired_difference(a.scores.samples[DECIDING_METRIC], b.scores.samples[DECIDING_METRIC])


def against(baseline: Arm, arms: Sequence[Arm], metric: str = DECIDING_METRIC) -> list[tuple[Arm, Comparison]]:
    """Every other arm compared with one, corrected for as many comparisons as there are."""
    others = [arm for arm in arms if arm is not baseline]
    return list(zip(others, compare([a.scores.samples[metric] for a in others], baseline.scores.samples[metric])))


def choose(evidence: Evidence) -> Choice:
    """Choose the cheapest arm that is not shown to be worse than the most accurate one.

    An arm is shown to be worse when its difference to the best, paired by scenario, is real at 5 % after Holm's
    correction for all arms. Among arms of one cost the more accurate one wins. The runner-up is the most accurate of
    the others.
    """
    ranked = rank(evidence.arms)
    best = ranked[0]
    equal = [best] + [arm for arm, c in against(best, ranked) if not c.real]
    chosen = min(equal, key=lambda arm: (arm.rig.cost, ranked.index(arm)))
    others = against(chosen, ranked)
    if not others:
        reason = f"{_what(evidence, chosen, best)}; it was the only arm."
        return Choice(chosen, chosen, difference(chosen, chosen), None, reason)
    runner_up, comparison = others[0]
    gap = difference(chosen, runner_up)
    reason = f"{_what(evidence, chosen, best)}; {_how_sure(evidence, runner_up, gap, comparison)}."
    return Choice(chosen, runner_up, gap, comparison, reason)


def name(arm: Arm) -> str:
    return f"{arm.rig.name} + {arm.model.name}"


def _what(evidence: Evidence, chosen: Arm, best: Arm) -> str:
    value = chosen.scores.metrics[DECIDING_METRIC]
    if chosen is best:
        why = f"reads the most facings exactly ({_percent(value)} of all planned positions)"
    else:
        why = (
            f"costs {best.rig.cost - chosen.rig.cost:.0f} less than {name(best)} and is not shown to read worse "
            f"({_percent(value)} of all planned positions exact)"
        )
    cameras = len(chosen.rig.cameras)
    latency = float(np.median(evidence.latency_ms[chosen.model.name]["total"]))
    return (
        f"{name(chosen)}: {cameras} camera{'s' if cameras > 1 else ''} for {chosen.rig.cost:.0f}, {why}, "
        f"at {latency:.0f} ms a picture here"
    )


def _how_sure(evidence: Evidence, runner_up: Arm, gap: Estimate, comparison: Comparison) -> str:
    p = f"p {p_text(comparison.p_holm)}"
    if comparison.comparisons > 1:
        p = f"p {p_text(comparison.p)}, {p_text(comparison.p_holm)} corrected for {comparison.comparisons} comparisons"
    verdict = "so the order is sure" if comparison.real else f"so the order is not sure ({comparison.words()})"
    return (
        f"{100 * gap.value:+.1f} points against the runner-up {name(runner_up)}, 95 % interval {100 * gap.low:+.1f} to "
        f"{100 * gap.high:+.1f} over {len(evidence.scenarios)} paired scenarios ({p}), {verdict}"
    )


def p_text(p: float) -> str:
    """A p-value as it is printed: what 10,000 draws cannot tell apart is not told apart."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _percent(e: Estimate) -> str:
    return f"{100 * e.value:.1f} %, {100 * e.low:.1f} to {100 * e.high:.1f}"
