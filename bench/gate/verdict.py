"""The verdict: what was measured against the user's limits.

A limit is what must not go unnoticed. What was measured is called a regression past half of it, where being equal and
being worse by the limit are as likely, and only when it is more than chance; it passes when its bound lies within the
limit; else there is no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.gate.accuracy import METRICS, Loss
from bench.gate.timing import FEWEST_BLOCKS, Slowdown

PASS, REGRESSION, NO_VERDICT = 0, 1, 3
"""Exit statuses of the gate."""
WORDS = {PASS: "pass", REGRESSION: "regression", NO_VERDICT: "no verdict"}


@dataclass(frozen=True)
class Limits:
    """`slowdown` in per cent of base's median time, `loss` in points of a share."""

    slowdown: float = 5.0
    loss: float = 2.0

    def __post_init__(self) -> None:
        for name in ("slowdown", "loss"):
            if not 0 < getattr(self, name) <= 100:
                raise ValueError(f"{name} {getattr(self, name)}; expected more than 0 and at most 100")


@dataclass(frozen=True)
class Finding:
    """One figure's own verdict, and why."""

    name: str
    status: int
    reason: str


def judge_time(measured: Mapping[str, Slowdown], deciding: str, limits: Limits) -> list[Finding]:
    """Judge the time by each clock. The one that decides has to pass; the other is only heard where the whole of its
    interval is past half the limit, since programs beside the gate stretch it."""
    limit, findings = limits.slowdown / 100, []
    for clock, s in measured.items():
        slower = s.shown() and s.value > limit / 2
        if clock != deciding:
            status = REGRESSION if slower and s.low > limit / 2 else PASS
            reason = f"slower by {s.value:.1%}" if status else "not slower beyond doubt; does not decide"
        elif s.pairs < 2 * FEWEST_BLOCKS:
            status, reason = NO_VERDICT, f"{s.pairs} pairs; expected {2 * FEWEST_BLOCKS} or more"
        elif slower:
            status, reason = REGRESSION, f"slower by {s.value:.1%}"
        elif s.high < limit and s.value <= limit / 2:
            status, reason = PASS, f"at most {s.high:.1%} slower" if s.high > 0 else "not slower"
        else:
            status, reason = NO_VERDICT, f"too noisy: {s.low:+.1%} to {s.high:+.1%}"
        findings.append(Finding(f"time by the {clock}", status, reason))
    return findings


def is_sure(measured: Slowdown, limits: Limits) -> bool:
    """Whether more pairs would hardly change what is said of the deciding clock."""
    half = limits.slowdown / 200
    return measured.pairs >= 2 * FEWEST_BLOCKS and (measured.high < half or (measured.shown() and measured.low > half))


def judge_accuracy(losses: Mapping[str, Loss], limits: Limits) -> list[Finding]:
    """Judge every metric of accuracy."""
    limit, findings = limits.loss / 100, []
    for name, lost in losses.items():
        title = METRICS[name]
        if not lost.events:
            status, reason = NO_VERDICT, "nothing was there to find"
        elif lost.shown() and lost.value > limit / 2:
            status, reason = REGRESSION, f"{100 * lost.value:.1f} points fewer"
        elif lost.high < limit:
            status, reason = PASS, f"at most {100 * lost.high:.1f} points fewer"
        else:
            bounds = f"{100 * lost.low:+.1f} to {100 * lost.high:+.1f} points fewer"
            status, reason = NO_VERDICT, f"cannot tell from {lost.events} events: {bounds}"
        findings.append(Finding(title, status, reason))
    return findings


def overall(findings: list[Finding]) -> int:
    """A regression if any is one, a pass if all are, else no verdict."""
    statuses = {f.status for f in findings}
    return REGRESSION if REGRESSION in statuses else PASS if statuses == {PASS} else NO_VERDICT
