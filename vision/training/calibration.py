"""The recognizer's calibration, fitted on crops of brands that its training left out.

`shelfbench train` makes it from the data set that it trained on. Pictures of a shop's own cameras are larger and
better: `python -m bench.tuning.calibration` makes that of the shipped weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.confidence import Calibration, features, logistic
from vision.recognize import Gallery, Recognizer, clip_boxes
from vision.runtimes import open_session
from vision.training.crops import MARGIN, Crops, load_crops

Floats = NDArray[np.float64]

ROUNDS = 12
"""Galleries that are drawn: of half of the left-out products, with others of the data set around them."""
RECALL = 0.95
"""Share of the products in the gallery that are named, not called unknown."""
FEWEST = 10
"""Products of left-out brands, seen on shelves, without which nothing can be said."""
CROPS_PER_SKU = 10
OTHERS = 400
"""Products that training saw, whose studio pictures stand in the larger galleries."""
SMALLEST = 45
"""Crops with a side below this many pixels are left out: cameras that are to tell SKUs apart show packs larger."""
RIDGE = 1e-2


@dataclass(frozen=True, eq=False)
class Draws:
    """Crops named by drawn galleries: `values` (N, 4) features, `known` (N,) whether the product was in the gallery,
    `right` (N,) whether the nearest SKU was its own."""

    values: Floats
    known: NDArray[np.bool_]
    right: NDArray[np.bool_]


def draw_galleries(
    similarities: NDArray[np.float32], names: NDArray[np.str_], labels: NDArray[np.str_], core: NDArray[np.bool_],
    seed: int = 0,
) -> Draws:  # fmt: skip
    """Name crops of SKUs `labels` (N,) by galleries of a random half of the `core` (K,) of the SKUs `names` (K,) each,
    together with none to all of the others. `similarities` (N, K) are those to all of them."""
    random = np.random.default_rng(seed)
    inner, outer = np.flatnonzero(core), np.flatnonzero(~core)
    values, known, right = [], [], []
    for number in range(ROUNDS):
        chosen = random.permutation(inner)[: max(2, len(inner) // 2)]
        crowd = random.permutation(outer)[: len(outer) * (number % 4) // 3]
        gallery = np.concatenate([chosen, crowd])
        seen = similarities[:, gallery]
        values.append(features(seen))
        known.append(np.isin(labels, names[chosen]))
        right.append(names[gallery[seen.argmax(axis=1)]] == labels)
    return Draws(np.concatenate(values), np.concatenate(known), np.concatenate(right))


def fit(draws: Draws, network: str) -> Calibration:
    """Fit both curves; of the known products `RECALL` lie above `least_known`. Known and unknown weigh alike."""
    known = _fit_logistic(draws.values, draws.known, _balance(draws.known))
    of_known = draws.values[draws.known]
    right = _fit_logistic(of_known, draws.right[draws.known], np.ones(len(of_known)))
    least = float(np.quantile(logistic(known, of_known), 1 - RECALL))
    return Calibration(known, right, least, network)


def _balance(known: NDArray[np.bool_]) -> Floats:
    return np.where(known, 0.5 / max(known.mean(), 1e-9), 0.5 / max(1 - known.mean(), 1e-9))


def _fit_logistic(values: Floats, truth: NDArray[np.bool_], weight: Floats) -> tuple[float, float, float, float]:
    """Weighted logistic regression by Newton's method, with a slight pull of the slopes to zero."""
    target = np.where(truth, (truth @ weight + 1) / (truth @ weight + 2), 1 / (~truth @ weight + 2))  # Platt's
    pull = RIDGE * np.array([0.0, 1.0, 1.0, 1.0])
    w = np.zeros(4)
    for _ in range(50):
        p = logistic(tuple(w), values)
        gradient = values.T @ (weight * (target - p)) - pull * w
        curvature = (values * (weight * p * (1 - p))[:, None]).T @ values + np.diag(pull + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        w += step
        if np.abs(step).max() < 1e-8:
            break
    a, b, c, d = (round(float(v), 5) for v in w)
    return a, b, c, d


def calibrate(data: Path, weights: Path) -> dict[str, float]:
    """Fit the calibration of exported weights on the left-out brands of a data set; write it beside them as NAME.json.

    Returns figures of the fit, and none where too few products were left out: then nothing is written.
    """
    held, others = load_crops(data, True, CROPS_PER_SKU, SMALLEST), load_crops(data, False, 0, products=OTHERS)
    labels = np.array(held.skus)[held.labels]
    if len(np.unique(labels[~held.studio])) < FEWEST:
        return {}
    recognizer = Recognizer(open_session(weights))
    shelf = recognizer.embed_crops(_trembling(held.images[~held.studio], recognizer))
    own, crowd = _gallery(recognizer, held), _gallery(recognizer, others)
    similarities = np.concatenate([own.similarities(shelf), crowd.similarities(shelf)], axis=1)
    names = np.concatenate([own.names, crowd.names])
    draws = draw_galleries(similarities, names, labels[~held.studio], np.arange(len(names)) < len(own.names))
    calibration = fit(draws, recognizer.session.checksum)
    calibration.save(weights.with_suffix(".json"))
    unknown = logistic(calibration.known, draws.values[~draws.known])
    return {
        "calibration: crops of held-out brands": float(len(shelf)),
        "calibration: unknown products rejected at 0.95 recall, where it was fitted": float(
            (unknown < calibration.least_known).mean()
        ),
    }


def _gallery(recognizer: Recognizer, crops: Crops) -> Gallery:
    """Enrol studio pictures, which are cut to the pack: they have no margin."""
    size = (recognizer.width, recognizer.height)
    whole = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in crops.images[crops.studio]]
    names = np.array(crops.skus)[crops.labels[crops.studio]]
    return Gallery(names, recognizer.embed_crops(np.array(whole, np.uint8)), recognizer.session.checksum)


def _trembling(images: NDArray[np.uint8], recognizer: Recognizer) -> NDArray[np.uint8]:
    """Cut crops with margin (N, H, W, 3) to boxes that are as far off as a detector's, and size them."""
    height, width = images.shape[1:3]
    edge = MARGIN / (1 + 2 * MARGIN)
    size, random = np.array([width, height, width, height]), np.random.default_rng(0)
    boxes = (np.array([edge, edge, 1 - edge, 1 - edge]) + random.normal(0, edge / 2, (len(images), 4))) * size
    crops = [
        cv2.resize(image[y0:y1, x0:x1], (recognizer.width, recognizer.height), interpolation=cv2.INTER_AREA)
        for image, (x0, y0, x1, y1) in zip(images, clip_boxes(boxes.astype(np.float32), images[0]))
    ]
    return np.array(crops, np.uint8)
