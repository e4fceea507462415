"""Calibrated confidence: fitted curves give the shares that come true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import InputError
from vision import Gallery
from vision.confidence import UNCALIBRATED, Calibration, features, logistic
from vision.pipeline import WEIGHTS, weights_path
from vision.recognize import nearest
from vision.runtimes import open_session
from vision.training.calibration import Draws, draw_galleries, fit


def crops_of(skus: int, each: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Gallery]:
    """Embeddings of crops that lie around their SKU's only picture."""
    random = np.random.default_rng(seed)
    pictures = unit(random.normal(size=(skus, 16)))
    names = np.array([f"{seed}-{i:03d}" for i in range(skus)])
    crops = unit(np.repeat(pictures, each, axis=0) + random.normal(0, noise, (skus * each, 16)))
    return crops, np.repeat(names, each), Gallery(names, pictures, "net")


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def drawn(seed: int) -> Draws:
    crops, labels, studio = crops_of(60, 8, 0.18, seed)
    others = crops_of(40, 1, 0.0, seed + 1000)[2]
    similarities = np.concatenate([studio.similarities(crops), others.similarities(crops)], axis=1)
    names = np.concatenate([studio.names, others.names])
    return draw_galleries(similarities, names, labels, np.arange(len(names)) < 60, seed)


def test_chances_come_true_on_products_that_were_not_fitted_to() -> None:
    calibration, other = fit(drawn(1), "net"), drawn(2)
    known = logistic(calibration.known, other.values)
    named = known >= calibration.least_known
    assert abs(named[other.known].mean() - 0.95) < 0.04
    assert named[~other.known].mean() < 0.6
    weight = np.where(other.known, 0.5 / other.known.mean(), 0.5 / (~other.known).mean()) / len(known)
    gaps = [
        weight[there] @ (other.known - known)[there]
        for there in (np.minimum(known * 5, 4).astype(int) == b for b in range(5))
    ]
    assert np.abs(gaps).sum() < 0.08  # the expected calibration error
    right = logistic(calibration.right, other.values)[other.known]
    assert abs(right.mean() - other.right[other.known].mean()) < 0.05


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=6), st.integers(0, 5))
def test_confidence_is_a_chance_and_unknown_has_no_name(row: list[float], seed: int) -> None:
    gallery = Gallery(np.array([f"s{i}" for i in range(len(row))]), np.zeros((len(row), 2), np.float32), "net")
    calibration = Calibration((-8.0, 14.0, 4.0, -0.2), (0.0, 2.0, 20.0, -0.1), 0.1 * (seed + 1), "net")
    skus, similarity, confidence = nearest(gallery, np.array([row], np.float32), calibration)
    assert similarity[0] == np.float32(max(row))
    assert 0 <= confidence[0] <= 1
    known = logistic(calibration.known, features(np.array([row], np.float32)))[0]
    assert (skus[0] is None) == (known < calibration.least_known)


def test_a_calibration_reads_back_and_others_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "net.onnx"
    assert Calibration.of(weights, "abc") is UNCALIBRATED
    made = Calibration((1.0, 2.0, 3.0, 4.0), (5.0, 6.0, 7.0, 8.0), 0.4, "abc")
    made.save(tmp_path / "net.json")
    assert Calibration.of(weights, "abc") == made
    with pytest.raises(InputError, match=r"net.json: fitted for weights abc, net.onnx is def"):
        Calibration.of(weights, "def")
    for text in ("{}", "[1]", '{"known": [1], "right": [1], "least_known": 1, "network": "abc"}', "\x00"):
        (tmp_path / "net.json").write_text(text)
        with pytest.raises(InputError, match=r"net.json: "):
            Calibration.of(weights, "abc")


CALIBRATED = sorted(path for path in WEIGHTS.glob("*.json") if path.with_suffix(".onnx").exists())


@pytest.mark.parametrize("path", CALIBRATED, ids=lambda p: p.stem)
def test_shipped_calibrations_are_of_the_shipped_weights(path: Path) -> None:
    weights = weights_path(path.stem)
    assert Calibration.of(weights, open_session(weights).checksum) is not UNCALIBRATED
