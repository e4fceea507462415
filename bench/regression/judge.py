"""A measurement against the baseline of its device class."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bench.gate.verdict import NO_VERDICT, PASS, REGRESSION, Finding
from bench.regression.measurement import Figure, Measurement

FAR = 2.8
"""Standard errors of a one-sided bound of 99.5 %, for a scatter between runs that some 20 differences tell."""


def judge(new: Measurement, baseline: Measurement | None, slower: float, loss: float) -> list[Finding]:
    """Compare with the limits `slower` and `loss`, both shares: past half of it and more than chance is a regression,
    bounded within it a pass. What has nothing to be compared with has no verdict; it never passes."""
    if new.void:
        return [Finding("measurement", NO_VERDICT, f"void: {'; '.join(new.void)}")]
    if baseline is None:
        return [Finding("baseline", NO_VERDICT, f"there is none of the class {new.device.name}")]
    if baseline.frames != new.frames:
        return [Finding("baseline", NO_VERDICT, f"it is of other frames: {baseline.frames}; these are {new.frames}")]
    between = baseline.between * math.sqrt(1 + 1 / baseline.runs)
    times = [_slower(name, new.figures.get(name), old, slower, between) for name, old in baseline.figures.items()]
    times += [Finding(n, NO_VERDICT, "the baseline has no such figure") for n in new.figures.keys() - baseline.figures]
    return times + _worse(new.accuracy, baseline.accuracy, loss)


def _slower(name: str, new: Figure | None, old: Figure, limit: float, between: float) -> Finding:
    if new is None:
        return Finding(name, NO_VERDICT, "the baseline has it, the measurement has not")
    if not old.median > 0 or not new.median > 0:
        return Finding(name, NO_VERDICT, f"{new.median:g} against {old.median:g}: nothing to compare")
    change = math.log(new.median / old.median)
    bound = FAR * math.hypot(new.error, old.error, between)
    low, high = math.expm1(change - bound), math.expm1(change + bound)
    told = f"{math.expm1(change):+.1%} ({low:+.1%} to {high:+.1%}), {old.median:.4g} to {new.median:.4g}"
    if math.expm1(change) > limit / 2 and low > 0:
        return Finding(name, REGRESSION, told)
    return Finding(name, PASS if high < limit else NO_VERDICT, told)


def _worse(new: Mapping[str, float], old: Mapping[str, float], limit: float) -> list[Finding]:
    """The pictures are the same: what is lost on them is lost, without chance."""
    findings = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            findings.append(Finding(name, NO_VERDICT, "only one of the two has it"))
            continue
        lost = old[name] - new[name]
        told = f"{old[name]:.3f} to {new[name]:.3f}"
        findings.append(Finding(name, REGRESSION if lost > limit / 2 else PASS, told))
    return findings
