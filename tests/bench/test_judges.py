"""The judges: that a fit finds the likelihood ratio, knows how sure it may be, and what it is fitted to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench.tuning import shelf_samples
from bench.tuning.judges import attempt, fit
from bench.tuning.shelf_samples import Samples, cameras_at, measure, rows_filled, store_samples
from scenarios import Camera, Mess, Rig
from sim import World, capture
from tests.bench.synthetic import detections_of
from tests.layouts import MODEL, front_camera, small_layout, small_scenario
from vision import behind
from vision.readings import PRODUCT


def stores(count: int, share: float, noise: float = 0.0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Features of which the first is normal around ±1, and the second says nothing; `noise` of the truths are wrong."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        truth = random.random(2000) < share
        x = random.normal(np.where(truth, 1.0, -1.0), 1.0)
        flipped = truth ^ (random.random(2000) < noise)
        made.append((np.stack([x, random.normal(size=2000)], axis=1), flipped))
    return made


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_fit_finds_the_likelihood_ratio_whatever_the_share_in_the_sample(share: float) -> None:
    made = fit(stores(3, share))
    assert made.weights == pytest.approx((2.0, 0.0), abs=0.2)  # of normals around ±1 the ratio is 2 x
    assert made.offset == pytest.approx(0.0, abs=0.2)
    assert made == fit(stores(3, share))


def test_a_judge_is_no_surer_than_it_was_right_elsewhere() -> None:
    sure, unsure = fit(stores(3, 0.5)), fit(stores(3, 0.5, noise=0.1))
    assert unsure.surest < 2.5 < sure.surest  # one in ten wrong is a ratio of nine


def test_an_attempt_says_how_many_pairs_are_ranked_rightly() -> None:
    made = dataclasses.replace(fit(stores(2, 0.5)), weights=(1.0, 0.0), offset=0.0)
    x = np.array([[-2.0, 0], [-1.0, 0], [1.0, 0], [3.0, 0]])
    trial = attempt(made, x, np.array([False, True, False, True]))
    assert (trial.samples, trial.positive, trial.ranked, trial.wrong) == (4, 0.5, 0.75, 0.5)


def test_samples_say_what_stands_at_the_places_and_in_the_rows() -> None:
    scenario = small_scenario(mess=Mess(misplaced=0.5, empty_column=0.3), seed=4)
    camera = front_camera()
    with World(scenario.layout) as world:
        frame, truth = capture(world, scenario, camera)
    found = detections_of(dataclasses.replace(truth, **_front(truth)))
    names = np.array(sorted(p.sku for p in scenario.layout.catalog))
    similarities = np.array([[0.9 if name == sku else 0.1 for name in names] for sku in found.sku], np.float32)
    samples = measure(scenario, frame, truth, found.where(found.class_id == PRODUCT), similarities, names)
    own, rival, certainty = samples.identity.T
    assert samples.foreign.any()
    assert not samples.foreign.all()
    assert (samples.foreign == (rival > own)).all()
    assert (certainty > 0.5).all()
    assert samples.behind.shape == (len(samples.filled), len(behind.FEATURES))


def _front(truth) -> dict[str, np.ndarray]:
    """The units in front alone, which are what a detector finds."""
    front = truth.front & (truth.visible_fraction > 0.5)
    return {name: getattr(truth, name)[front] for name in ("sku", "place", "visible_box", "visible_fraction")}


def test_a_row_is_filled_by_an_upright_pack_of_its_own_on_its_top_level() -> None:
    scenario = small_scenario()
    filled = rows_filled(scenario)
    positions = scenario.layout.planogram.positions
    assert filled.shape[0] == sum(p.wide for p in positions)
    column = 0
    for p in positions:
        for c in range(p.wide):
            rows = {
                u.row
                for u in scenario.stock.units
                if (u.position, u.column, u.level, u.sku) == (p.id, c, p.high - 1, p.sku)
            }
            assert set(np.flatnonzero(filled[column]).tolist()) == rows
            column += 1


def test_a_rig_s_cameras_are_moved_to_the_middle_and_stay_in_the_room() -> None:
    layout = small_layout()
    second = dataclasses.replace(layout.store.fixtures[0], id="bay-2", x=1.0)
    store = dataclasses.replace(layout.store, fixtures=(layout.store.fixtures[0], second))
    layout = dataclasses.replace(layout, store=store)
    far = [Camera(f"far-{i}", MODEL, (x, -9.0, 9.0), (x, 0.0, 0.8)) for i, x in ((1, 1.0), (2, 3.0))]
    near = Camera("near-1", MODEL, (1.0, -1.0, 1.5), (1.0, 0.0, 0.8))
    moved = cameras_at(layout, Rig("rig", (*far, near)))
    assert [c.id for c in moved] == ["far", "near"]
    middle = (store.fixtures[0].x + second.x + second.width) / 2
    assert all(c.position[0] == c.target[0] == pytest.approx(middle) for c in moved)
    assert moved[1].position[1:] == near.position[1:]
    assert moved[0].position[1] > store.room.y[0]
    assert moved[0].position[2] < store.room.ceiling


def test_what_was_sampled_is_not_rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = np.array([True])
    made = Samples(np.zeros((2, 3)), np.array([True, False]), np.zeros((1, 8)), true, np.zeros((1, 4)), true)
    monkeypatch.setattr(shelf_samples, "training_layout", lambda seed, split: small_layout())
    monkeypatch.setattr(shelf_samples, "_shoot", lambda layout, seed, rig: [made, made])
    first = store_samples(7, "val", Rig("rig", ()), tmp_path)
    monkeypatch.setattr(shelf_samples, "_shoot", lambda layout, seed, rig: pytest.fail("rendered again"))
    again = store_samples(7, "val", Rig("rig", ()), tmp_path)
    assert first is not None
    assert again is not None
    assert first.foreign.tolist() == again.foreign.tolist() == [True, False] * 2
