"""The gate's arithmetic: what is slower, what is worse, and what cannot be told."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench.gate.accuracy import loss
from bench.gate.evidence import PLANTS, read, table
from bench.gate.timing import slowdown
from bench.gate.verdict import NO_VERDICT, PASS, REGRESSION, Finding, Limits, judge_accuracy, judge_time, overall

LIMITS = Limits(slowdown=5.0, loss=2.0)


def times(change: float, seed: int, pairs: int = 40, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Base and head on a machine whose speed drifts by a half, that now and then stops, and that serves whoever comes
    second 6 % worse; A B, B A."""
    random = np.random.default_rng(seed)
    drift = 1 + 0.5 * np.sin(np.linspace(0, 5, pairs))
    stops = np.where(random.random((2, pairs)) < 0.1, 1 + 3 * random.random((2, pairs)), 1)
    took = 0.08 * drift * stops * np.exp(random.normal(0, noise, (2, pairs)))
    turn = np.arange(pairs) % 2
    took[1] *= np.where(turn == 0, 1.06, 1) * (1 + change)
    took[0] *= np.where(turn == 1, 1.06, 1)
    return took[0], took[1]


def judged(change: float, seed: int, **how: float) -> int:
    return judge_time({"processor": slowdown(*times(change, seed, **how))}, "processor", LIMITS)[0].status  # type: ignore[arg-type]


def test_the_same_speed_is_no_slowdown_and_five_per_cent_is_one() -> None:
    assert [judged(0.0, seed) for seed in range(30)].count(REGRESSION) == 0
    assert [judged(0.05, seed) for seed in range(30)].count(REGRESSION) >= 28


def test_half_of_the_limit_is_not_called_on_chance() -> None:
    """Fewer pairs and more noise: what is seen past half the limit is no regression until it is more than chance."""
    found = [judged(0.0, seed, pairs=16, noise=0.15) for seed in range(30)]
    assert found.count(REGRESSION) == 0
    assert found.count(NO_VERDICT) > 20


def test_the_middle_of_the_ratios_is_told_with_its_bounds() -> None:
    s = slowdown(*times(0.10, 1, pairs=200))
    assert s.value == pytest.approx(0.10, abs=0.02)
    assert 0.07 < s.low < s.value < s.high < 0.14
    few = slowdown([1.0], [2.0])
    assert math.isnan(few.value)
    assert judge_time({"processor": few}, "processor", LIMITS)[0].status == NO_VERDICT


def test_a_wait_is_heard_by_the_clock_that_does_not_decide() -> None:
    """A version that sleeps costs the processor nothing."""
    same, slow = slowdown(*times(0.0, 1, noise=0.01)), slowdown(*times(0.5, 2))
    found = judge_time({"processor": same, "clock": slow}, "processor", LIMITS)
    assert [f.status for f in found] == [PASS, REGRESSION]
    wide = slowdown(*times(0.0, 3, pairs=16, noise=0.3))
    assert judge_time({"processor": same, "clock": wide}, "processor", LIMITS)[1].status == PASS


def counts(found: float, seed: int, each: int = 60, scenarios: int = 20) -> np.ndarray:
    random = np.random.default_rng(seed)
    there = random.integers(each - 10, each + 10, scenarios)
    return np.stack([random.binomial(there, found), there], axis=1).astype(float)


def test_two_points_fewer_are_found_and_the_same_is_not_called() -> None:
    verdicts = []
    for seed in range(40):
        base = counts(0.95, seed)
        lost = np.random.default_rng(1000 + seed).binomial(base[:, 0].astype(int), 0.02 / 0.95)
        head = base - np.stack([lost, 0 * lost], axis=1)
        assert judge_accuracy({"detection_recall": loss(base, base)}, LIMITS)[0].status == PASS
        verdicts.append(judge_accuracy({"detection_recall": loss(base, head)}, LIMITS)[0].status)
    assert verdicts.count(REGRESSION) >= 37


def test_disjoint_scenarios_of_the_same_version_are_no_regression() -> None:
    found = [judge_accuracy({"oos_recall": loss(counts(0.8, s), counts(0.8, 500 + s))}, LIMITS)[0] for s in range(60)]
    assert [f.status for f in found].count(REGRESSION) <= 1
    assert "cannot tell" in " ".join(f.reason for f in found)


def test_no_loss_among_few_events_is_no_verdict() -> None:
    """Twenty gaps, all found by both: a version that loses 2 of 100 would most likely look the same."""
    few, many = np.full((20, 2), 1.0), np.full((20, 2), 30.0)
    assert judge_accuracy({"oos_recall": loss(few, few)}, LIMITS)[0].status == NO_VERDICT
    assert judge_accuracy({"oos_recall": loss(many, many)}, LIMITS)[0].status == PASS
    nothing = np.zeros((20, 2))
    assert judge_accuracy({"oos_recall": loss(nothing, nothing)}, LIMITS)[0].status == NO_VERDICT


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([PASS, PASS], PASS),
        ([PASS, NO_VERDICT], NO_VERDICT),
        ([NO_VERDICT, REGRESSION, PASS], REGRESSION),
        ([], NO_VERDICT),
    ],
)
def test_one_regression_is_enough_and_a_pass_needs_all(statuses: list[int], expected: int) -> None:
    assert overall([Finding("", status, "") for status in statuses]) == expected


def test_the_documented_figures_are_those_of_the_kept_runs() -> None:
    """And they are what a gate has to reach: at most 1 false alarm of 100, 95 of 100 of what was planted found."""
    rows = read()
    text = (Path(__file__).parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
    assert f"<!-- evidence -->\n{table(rows)}\n<!-- /evidence -->" in text
    by_plant = {kind: [int(r["status"]) for r in rows if r["planted"] == kind] for kind in PLANTS}
    assert by_plant["nothing"].count(REGRESSION) <= 0.01 * len(by_plant["nothing"])
    for kind in ("slowdown", "loss"):
        assert by_plant[kind].count(REGRESSION) >= 0.95 * len(by_plant[kind])


def test_kept_runs_say_which_status_their_figures_give() -> None:
    """A slowdown that was called one is past half the limit, as rounded, and one that passed is not."""
    for row in read():
        if row["planted"] == "slowdown":
            slower = float(row["processor"]) >= LIMITS.slowdown / 2 and float(row["processor_low"]) > 0
            assert slower == (int(row["status"]) == REGRESSION), row


def test_plants_fit_the_pipeline_as_it_is() -> None:
    pipeline = (Path(__file__).parents[2] / "vision" / "pipeline.py").read_text(encoding="utf-8")
    assert all(pipeline.count(old) == 1 for changes in PLANTS.values() for old, _ in changes)
