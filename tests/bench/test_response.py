"""Responses: a known truth is found again, curves are monotone, and odd samples make no odd answers."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.response.fit import OUTCOMES, Fit, fit, scenario_of
from bench.response.response import AXES, SHIPPED, Curve, Response, load_responses, save_responses
from bench.response.tables import (
    calibration,
    confusion_curves,
    confusion_rows,
    dori_rows,
    reliability,
    robustness_rows,
)
from scenarios import InputError
from tests.bench.response_world import CEILING, NEEDED, STEEPNESS, made_up, true_chance

DETECT = OUTCOMES["detect"]
VIEWS = {
    "px_per_m": np.geomspace(20, 8000, 60), "angle": np.linspace(0, 1.6, 60), "lux": np.geomspace(5, 5000, 60),
    "visible_fraction": np.linspace(0.01, 1, 60), "lookalike_distance": np.linspace(0, 1, 60),
}  # fmt: skip


@pytest.fixture(scope="module")
def samples() -> pd.DataFrame:
    return made_up(6000)


@pytest.fixture(scope="module")
def found(samples: pd.DataFrame) -> Fit:
    return fit(DETECT, samples, replicates=60)


def finite_and_monotone(response: Response) -> None:
    for name, values in VIEWS.items():
        chance = response.predict(**({"px_per_m": 800.0} | {name: values}))  # type: ignore[arg-type]
        assert ((chance >= 0) & (chance <= 1)).all()
        steps = np.diff(np.broadcast_to(chance, values.shape))
        assert (steps >= -1e-12).all() if AXES[name].rises else (steps <= 1e-12).all()


def test_a_known_truth_is_found_again(found: Fit) -> None:
    random = np.random.default_rng(5)
    ppm, angle, visible = (
        np.exp(random.uniform(5, 7.6, 4000)),
        random.uniform(0, 1.1, 4000),
        random.uniform(0.1, 1, 4000),
    )
    error = found.response.predict(ppm, angle, 500.0, visible) - true_chance(ppm, angle, visible)
    assert np.sqrt(np.mean(error**2)) < 0.03
    finite_and_monotone(found.response)
    # Light has no part in the truth, so that its curve may not have one either.
    assert np.ptp(found.response.predict(300.0, lux=VIEWS["lux"])) < 0.06


@pytest.mark.parametrize("chance", [0.5, 0.7, 0.9])
def test_the_pixels_that_a_chance_needs_lie_in_their_interval(found: Fit, chance: float) -> None:
    angle = AXES["angle"].reference
    truth = NEEDED * math.exp((math.log(chance / (CEILING - chance)) + 1.5 * angle**2) / STEEPNESS)
    needed = found.response.least_px_per_m(chance)
    again = [r.least_px_per_m(chance) for r in found.replicates]
    assert np.quantile(again, 0.005) <= truth <= np.quantile(again, 0.995)
    assert found.response.predict(needed) == pytest.approx(chance, abs=1e-6)


def test_a_chance_above_the_ceiling_needs_no_number_of_pixels(found: Fit) -> None:
    assert found.response.least_px_per_m(0.9999) == math.inf
    assert found.response.least_px_per_m(0.001) == found.response.measured[0]
    (row,) = dori_rows({"detect": found}, 0.9999)
    assert row["px_per_m"] is None
    assert row["people_px_per_m"] == 25


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 300), stores=st.integers(1, 6), flips=st.floats(0, 1))
def test_any_samples_give_monotone_chances(seed: int, rows: int, stores: int, flips: float) -> None:
    table = made_up(rows, stores, seed, gaps=0)
    wrong = np.random.default_rng(seed).random(rows) < flips
    table["sku_right"] ^= wrong
    finite_and_monotone(fit(OUTCOMES["sku"], table, replicates=0).response)


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [
        ({"found": True}, 0.97, 1.0),
        ({"found": False}, 0.0, 0.03),
        ({"px_per_m": 900.0, "angle": 0.2, "lux": 500.0, "visible_fraction": 1.0}, 0.85, 0.95),
        ({"px_per_m": "far"}, 0.5, 1.0),
        ({"px_per_m": "halves"}, 0.8, 0.97),
    ],
    ids=["all right", "all wrong", "one view", "only near", "an empty middle"],
)
def test_samples_of_one_sort_give_sensible_chances(change: dict, low: float, high: float) -> None:
    table = made_up(3000, seed=3, gaps=0)
    if change.get("px_per_m") == "far":
        table = table[table["px_per_m"] > 700]
    elif change.get("px_per_m") == "halves":
        table = table[~table["px_per_m"].between(400, 1500)]
    else:
        table = table.assign(**change)
        if "found" not in change:
            ok = true_chance(table["px_per_m"], table["angle"], table["visible_fraction"])
            table["found"] = np.random.default_rng(1).random(len(table)) < ok
    response = fit(DETECT, table, replicates=0).response
    finite_and_monotone(response)
    assert low <= float(response.predict(900.0, 0.2)) <= high


def test_samples_without_a_row_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples of: a gap"):
        fit(OUTCOMES["gap"], made_up(50, gaps=0))


def test_stores_are_resampled_where_there_are_several_and_seeds_within_one() -> None:
    assert len(set(scenario_of(made_up(400, stores=4)))) == 4
    assert len(set(scenario_of(made_up(400, stores=1)))) == 8  # a seed every 50 rows


def test_nothing_is_seen_without_pixels_or_behind_something() -> None:
    response = Response(3.0, {}, (100.0, 1000.0))
    np.testing.assert_array_equal(
        response.predict([0.0, 500.0, 500.0], visible_fraction=[1.0, 0.0, 1.0]) > 0, [0, 0, 1]
    )
    assert response.predict(np.ones((3, 1)), np.ones(4)).shape == (3, 4)


def test_farther_than_measured_is_worth_less_and_less(found: Fit) -> None:
    low = found.response.measured[0]
    chance = found.response.predict(np.array([low, low / 2, low / 4]))
    assert chance[0] > 1.5 * chance[1] > 2.25 * chance[2]


def test_larger_pictures_need_as_many_more_pixels(found: Fit) -> None:
    large = found.response.for_pictures(3840)
    assert large.least_px_per_m(0.8) == pytest.approx(2 * found.response.least_px_per_m(0.8))
    np.testing.assert_allclose(large.predict(2 * VIEWS["px_per_m"]), found.response.predict(VIEWS["px_per_m"]))


def test_saved_responses_predict_the_same(found: Fit, tmp_path: Path) -> None:
    save_responses(tmp_path / "response.json", {"a+b": {"detect": found.response}}, {"command": "test"})
    again = load_responses(tmp_path / "response.json", "a+b")["detect"]
    np.testing.assert_allclose(again.predict(VIEWS["px_per_m"]), found.response.predict(VIEWS["px_per_m"]), atol=1e-3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "No such file"),
        ("{", "response.json"),
        ("[]", "response.json"),
        ('{"models": {"m": {"detect": {"intercept": 1}}}}', "no 'curves'"),
        ('{"models": {"m": {"detect": {"curves": {"smell": {}}}}}}', "unknown axis smell"),
        ('{"models": {"other": {}}}', "no response of model 'm'; it has other"),
    ],
)
def test_files_that_hold_no_response_are_refused(text: str | None, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "response.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=expected) as error:
        load_responses(path, "m")
    assert "\n" not in str(error.value)


def test_curves_have_rising_coordinates() -> None:
    with pytest.raises(ValueError, match="rising"):
        Curve(np.array([0.0, 0.0]), np.zeros(2))


def test_the_shipped_responses_are_monotone_and_of_all_outcomes() -> None:
    shipped = load_responses(SHIPPED)
    assert set(shipped) == set(OUTCOMES)
    for response in shipped.values():
        finite_and_monotone(response)
    assert shipped["sku"].predict(1500.0) > shipped["sku"].predict(1500.0, lookalike_distance=0.0)


def test_a_fit_is_calibrated_on_stores_that_it_has_not_seen(found: Fit) -> None:
    check = calibration(found, made_up(4000, seed=9, first=100))
    assert check is not None
    assert check["expected_calibration_error"]["value"] < 0.04
    assert check["brier"] < check["brier_of_mean"]
    assert calibration(found, made_up(40).assign(kind="gap")) is None


def test_overconfidence_is_an_error_of_its_size() -> None:
    scenario, right = np.arange(4000) % 20, np.arange(4000) % 10 < 6
    check = reliability(np.full(4000, 0.85), right.astype(float), scenario)
    error = check["expected_calibration_error"]
    assert error["value"] == pytest.approx(0.25, abs=1e-9)
    assert error["low"] <= 0.25 <= error["high"]
    assert check["bins"] == [{"predicted": 0.85, "observed": 0.6, "low": 0.6, "high": 0.6, "samples": 4000}] or (
        check["bins"][0]["low"] <= 0.6 <= check["bins"][0]["high"]
    )


def test_look_alikes_are_confused_less_the_further_apart_they_are(samples: pd.DataFrame) -> None:
    observed = [row["rate"] for row in confusion_rows(samples)]
    assert observed[0] > 3 * observed[-1]
    apart = fit(OUTCOMES["apart"], samples, replicates=20)
    for curve in confusion_curves(apart):
        rates = [row["rate"] for row in curve["curve"]]
        assert rates == sorted(rates, reverse=True)
    assert confusion_rows(samples.assign(lookalike=False)) == []


def test_a_planted_loss_is_measured_in_pairs() -> None:
    clean = made_up(6000, seed=2, gaps=0).assign(condition="clean", found=True)
    dim = clean.assign(condition="dim")
    dim.loc[dim.index % 10 == 0, "found"] = False
    extra = clean.assign(condition="same", store="elsewhere")  # of no scenario that the clean scene has
    table = pd.concat([clean, dim, pd.concat([clean.head(600).assign(condition="same"), extra])])
    rows = {row["condition"]: row for row in robustness_rows(table, DETECT)}
    assert rows["dim"]["loss"]["value"] == pytest.approx(0.1, abs=0.005)
    assert rows["dim"]["loss"]["low"] > 0
    assert rows["same"]["loss"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert rows["same"]["scenarios"] < rows["dim"]["scenarios"]
    with pytest.raises(ValueError, match="'clean'"):
        robustness_rows(dim, DETECT)


def test_a_table_of_many_rows_is_thinned_and_fits_the_same(samples: pd.DataFrame, found: Fit) -> None:
    many = fit(DETECT, pd.concat([samples] * 5), replicates=0)
    assert many.samples == 20_000
    ppm = VIEWS["px_per_m"][20:]
    np.testing.assert_allclose(many.response.predict(ppm), found.response.predict(ppm), atol=0.03)
    assert dataclasses.is_dataclass(many)
