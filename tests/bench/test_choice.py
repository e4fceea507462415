"""The decision: the cheapest arm that is not shown to be worse than the best."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bench.choice import choose, difference, rank
from bench.experiment import Arm, Evidence, Experiment, Model
from bench.scoring import METRICS, Scores
from bench.statistics import interval, ratio
from scenarios import Camera, CameraModel, Rig
from tests.layouts import small_scenario

SCENARIOS = 24
FAST, SLOW = Model("fast", "fast", "embed"), Model("slow", "slow", "embed")


def rig(name: str, price: float) -> Rig:
    return Rig(name, (Camera(name, CameraModel("test", 640, 480, 1.0, price), (0.0, -1.0, 2.0), (0.0, 0.0, 1.0)),))


def arm(of: Rig, model: Model, share: float, spread: float = 0.0, seed: int = 0) -> Arm:
    """An arm that counts `share` of its facings exactly, with scenario-to-scenario noise of its own."""
    exact = 100 * share + spread * np.random.default_rng(seed).standard_normal(SCENARIOS)
    exact += 100 * share - exact.mean()
    sample = ratio(exact, np.full(SCENARIOS, 100.0))
    scores = Scores(dict.fromkeys(METRICS, interval(sample)), {"facings_exact": sample}, Counter(), 100, {}, [])
    return Arm(of, model, scores, [], 500.0)


def evidence(*arms: Arm) -> Evidence:
    rigs = tuple({a.rig.name: a.rig for a in arms}.values())
    models = tuple({a.model.name: a.model for a in arms}.values())
    times = {"fast": {"total": np.array([100.0])}, "slow": {"total": np.array([300.0])}}
    experiment = Experiment("test", "quickstart", rigs, models)
    return Evidence(experiment, [small_scenario(i) for i in range(SCENARIOS)], list(arms), times)


CHEAP, DEAR = rig("cheap", 100), rig("dear", 300)


@pytest.mark.parametrize(
    ("arms", "chosen", "runner_up"),
    [
        ([arm(CHEAP, FAST, 0.8)], ("cheap", "fast"), ("cheap", "fast")),
        ([arm(CHEAP, FAST, 0.8), arm(DEAR, FAST, 0.9)], ("dear", "fast"), ("cheap", "fast")),
        # The dear rig is ahead by less than its noise: the money is not shown to buy anything.
        ([arm(CHEAP, FAST, 0.80, 5), arm(DEAR, FAST, 0.81, 5, 1)], ("cheap", "fast"), ("dear", "fast")),
        ([arm(CHEAP, FAST, 0.90), arm(DEAR, FAST, 0.80)], ("cheap", "fast"), ("dear", "fast")),
        ([arm(CHEAP, FAST, 0.5), arm(CHEAP, SLOW, 0.7), arm(DEAR, SLOW, 0.71, 9)], ("cheap", "slow"), ("dear", "slow")),
        # Same cost: a model that is shown to be worse is out, however fast it is.
        ([arm(CHEAP, FAST, 0.7), arm(CHEAP, SLOW, 0.8)], ("cheap", "slow"), ("cheap", "fast")),
    ],
    ids=["alone", "surely better", "not shown better", "cheap and better", "cheapest of the equal", "same cost"],
)
def test_choice(arms: list[Arm], chosen: tuple[str, str], runner_up: tuple[str, str]) -> None:
    choice = choose(evidence(*arms))
    assert (choice.arm.rig.name, choice.arm.model.name) == chosen
    assert (choice.runner_up.rig.name, choice.runner_up.model.name) == runner_up


def test_the_reason_names_figures_runner_up_and_interval() -> None:
    better, worse = arm(DEAR, SLOW, 0.9, 3), arm(CHEAP, FAST, 0.6, 3, 1)
    choice = choose(evidence(better, worse))
    gap = difference(better, worse)
    assert gap.low > 0
    for part in ("dear + slow", "90.0 %", "300", "cheap + fast", "+30.0", f"{100 * gap.low:+.1f}", "the order is sure"):
        assert part in choice.reason
    assert "p < 0.001)" in choice.reason


def test_the_reason_says_when_the_order_is_not_sure_and_what_would_do() -> None:
    choice = choose(evidence(arm(CHEAP, FAST, 0.8, 5), arm(DEAR, FAST, 0.82, 5, 1)))
    assert choice.comparison is not None
    assert choice.comparison.more_scenarios
    said = f"the order is not sure (not enough evidence: {choice.comparison.more_scenarios} more scenarios would do)"
    assert said in choice.reason
    assert choose(evidence(arm(CHEAP, FAST, 0.8))).reason.endswith("it was the only arm.")


def test_an_arm_is_out_only_after_correction_for_all_arms() -> None:
    """One cheap arm is worse by little more than its noise: alone that is real, as one of many it is not."""
    best, worse = arm(DEAR, FAST, 0.85, 3), arm(CHEAP, FAST, 0.834, 3, 1)
    bad = [arm(rig(f"bad-{i}", 200), SLOW, 0.85, 9, 2 + i) for i in range(12)]
    alone, many = choose(evidence(best, worse)), choose(evidence(best, worse, *bad))
    assert alone.arm is best
    assert alone.comparison is not None
    assert 0.05 / 13 < alone.comparison.p < 0.05
    assert many.arm is worse
    assert "corrected for 13 comparisons" in many.reason


def test_arms_are_ranked_by_exact_facings() -> None:
    arms = [arm(CHEAP, FAST, 0.5), arm(DEAR, SLOW, 0.9), arm(CHEAP, SLOW, 0.7)]
    assert [a.scores.metrics["facings_exact"].value for a in rank(arms)] == pytest.approx([0.9, 0.7, 0.5])
