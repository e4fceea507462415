"""Average precision: equal to faster-coco-eval on all pictures, and to itself on drawn-again ones."""

from __future__ import annotations

import numpy as np
import pytest

from bench.precision import Floats, Matches, PrecisionSamples, match

NONE = np.empty((0, 4))


def boxes(*left: float, top: float = 0.0, width: float = 10.0) -> Floats:
    """Boxes 10 pixels high and `width` wide with these left edges."""
    return np.array([[x, top, x + width, top + 10] for x in left], float).reshape(-1, 4)


def picture(seed: int, objects: int = 40, found: int = 60) -> Matches:
    """A crowded picture: displaced boxes, doubles, misses, and a fifth of the objects ignored."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 900, (objects, 2))
    truth = np.concatenate([corner, corner + random.uniform(20, 120, (objects, 2))], axis=1)
    guess = truth[random.integers(objects, size=found)] + random.normal(0, 6, (found, 4))
    guess[:, 2:] = np.maximum(guess[:, 2:], guess[:, :2] + 2)
    ignored = random.random(objects) < 0.2
    return match(guess, random.random(found), truth[~ignored], truth[ignored])


def samples(pictures: list[Matches]) -> PrecisionSamples:
    return PrecisionSamples(pictures, np.arange(len(pictures)), len(pictures))


@pytest.mark.parametrize(
    ("found", "scores", "objects", "ignored", "hits", "not_counted"),
    [
        (boxes(0), [0.9], boxes(0), NONE, [0], [False]),
        (boxes(30), [0.9], boxes(0), NONE, [-1], [False]),
        (boxes(0, 1), [0.8, 0.9], boxes(0), NONE, [0, -1], [False, False]),  # a double is false
        (boxes(0), [0.9], NONE, boxes(0), [-1], [True]),
        (boxes(0, 1, 2), [0.9, 0.8, 0.7], NONE, boxes(0, width=14), [-1, -1, -1], [True] * 3),
        (boxes(0), [0.9], boxes(0), boxes(0), [0], [False]),  # an object that counts comes first
        (boxes(0), [0.9], NONE, boxes(7), [-1], [False]),  # too little of it on the ignore region
        (NONE, [], boxes(0), NONE, [], []),
    ],
    ids=["hit", "miss", "double", "ignored", "ignored often", "object before ignored", "beside ignored", "none"],
)
def test_matching(
    found: Floats, scores: list[float], objects: Floats, ignored: Floats, hits: list[int], not_counted: list[bool]
) -> None:
    matches = match(found, np.array(scores), objects, ignored)
    assert matches.hit[0].tolist() == hits
    assert matches.ignored[0].tolist() == not_counted


@pytest.mark.parametrize("seed", range(8))
def test_equals_faster_coco_eval(seed: int) -> None:
    drawn = samples([picture(10 * seed + i) for i in range(4)])
    ap50, ap = drawn.reference()
    ours = drawn.average_precision(np.ones(4))
    assert ours[0] == pytest.approx(ap50, abs=1e-9)
    assert ours.mean() == pytest.approx(ap, abs=1e-9)


def test_equals_faster_coco_eval_where_recall_falls_on_its_grid() -> None:
    """With 100 objects every recall is one of COCO's 101 steps, up to the last bit."""
    random = np.random.default_rng(1)
    objects = boxes(*range(0, 2000, 20))
    found = np.concatenate([objects, boxes(*range(0, 2000, 20), top=500)])
    drawn = samples([match(found, random.random(len(found)), objects, NONE)])
    assert drawn.average_precision(np.ones(1))[0] == pytest.approx(drawn.reference()[0], abs=1e-9)


def test_counts_more_than_a_hundred_boxes_a_picture() -> None:
    objects = boxes(*range(0, 6000, 20))
    drawn = samples([match(objects, np.linspace(1, 0.5, len(objects)), objects, NONE)])
    assert drawn.reference() == (1.0, 1.0)
    assert drawn.average_precision(np.ones(1)).tolist() == [1.0] * 10


def test_a_picture_drawn_twice_counts_twice() -> None:
    pictures = [picture(i) for i in range(3)]
    again = samples([pictures[0], pictures[0], pictures[2]])
    weighted = samples(pictures).average_precision(np.array([2.0, 0.0, 1.0]))
    assert weighted.mean() == pytest.approx(again.reference()[1], abs=1e-9)


def test_known_value() -> None:
    """Two of four objects are found, with a false box between them in certainty: precision 1 up to recall
    0.25, two thirds up to 0.5, nothing beyond."""
    drawn = samples([match(boxes(0, 500, 20), np.array([0.9, 0.8, 0.7]), boxes(0, 20, 40, 60), NONE)])
    assert drawn.average_precision(np.ones(1))[0] == pytest.approx((26 + 25 * 2 / 3) / 101, abs=1e-12)


def test_nothing_to_find_is_not_a_score() -> None:
    drawn = samples([match(boxes(0), np.array([0.9]), NONE, NONE)])
    assert np.isnan(drawn.average_precision(np.ones(1))).all()
    assert np.isnan(drawn.reference()).all()
