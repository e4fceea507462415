"""Identity: the planned product is believed unless another one is clearly recognised."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import InputError
from vision.behind import FEATURES as TOPS
from vision.identity import FEATURES, FOREIGN, LEAST_CHANCE, chance_foreign, rivals
from vision.judge import judge

COSINE = st.floats(-0.2, 1.0)


def chance(own: float, rival: float, certainty: float = 0.8) -> float:
    return float(chance_foreign(*(np.array([v]) for v in (own, rival, certainty)))[0])


@pytest.mark.parametrize(
    ("own", "rival", "foreign"),
    [
        (0.85, 0.5, False),
        (0.1, 0.85, True),  # it resembles another product, and not the planned one
        (0.2, 0.4, False),  # it resembles nothing: turned, or half hidden
        (0.75, 0.85, False),  # a look-alike that is hardly nearer
        (0.45, 0.9, True),
    ],
)
def test_a_pack_is_foreign_when_it_resembles_another_product(own: float, rival: float, foreign: bool) -> None:
    assert (chance(own, rival) > LEAST_CHANCE) == foreign


@given(COSINE, COSINE, COSINE)
def test_more_like_the_rival_is_likelier_foreign_and_more_like_its_own_is_less(
    a: float, b: float, other: float
) -> None:
    low, high = sorted((a, b))
    assert chance(other, low) <= chance(other, high) + 1e-12
    assert chance(high, other) <= chance(low, other) + 1e-12


def test_no_pack_is_foreign_or_planned_for_certain() -> None:
    assert 0 < chance(1.0, -0.2) < FOREIGN < chance(-0.2, 1.0) < 1


def test_the_rival_is_the_most_similar_other_product() -> None:
    similarities = np.array([[0.9, 0.4, 0.6], [0.2, 0.7, 0.8], [0.2, 0.7, 0.8]], np.float32)
    own, rival, likeness = rivals(similarities, np.array([0, 2, -1]))
    assert own == pytest.approx([0.9, 0.8, 0.8])  # of the third there is no picture: it is taken for as similar
    assert rival.tolist() == [2, 1, 2]
    assert likeness == pytest.approx([0.6, 0.7, 0.8])


@pytest.mark.parametrize(("name", "names"), [("foreign", FEATURES), ("behind", TOPS)])
def test_the_shipped_judges_are_over_the_features_that_are_measured(name: str, names: tuple[str, ...]) -> None:
    shipped = judge(name, names)
    assert len(shipped.weights) == len(names)
    extreme = shipped(np.array([[50.0] * len(names), [-50.0] * len(names)]))
    assert np.abs(extreme) == pytest.approx([shipped.surest] * 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no judge 'foreign'"),
        ("{", "no judge 'foreign'"),
        ("[]", "no judge 'foreign'"),
        (json.dumps({"foreign": {"weights": {"own": 1}, "offset": 0}}), "no judge 'foreign'"),
        (json.dumps({"foreign": {"weights": {"own": 1}, "offset": 0, "surest": 3}}), "expected own, rival, certainty"),
    ],
)
def test_weights_that_cannot_be_used_are_named(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "judges.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        judge("foreign", FEATURES, path)
