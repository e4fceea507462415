"""Events over moments: a run of moments is one event and one alarm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.events import EventCounts, score_events


def flags(text: str) -> np.ndarray:
    """One position a word, one moment a letter: x is so, ? is unknown."""
    return np.array([[c == "x" for c in word] for word in text.split()]).T


@pytest.mark.parametrize(
    ("there", "said", "expected"),
    [
        ("..xxxx", "...xxx", EventCounts(1, 1, 1, 1)),  # late, but told of
        ("..xxxx", "......", EventCounts(0, 1, 0, 0)),
        ("xx..xx", "xxxxxx", EventCounts(2, 2, 1, 1)),  # one alarm that lasts over two events
        ("xxxxxx", "x.x.x.", EventCounts(1, 1, 3, 3)),  # said three times
        ("xxxxxx", "x??.x.", EventCounts(1, 1, 2, 2)),
        ("xxxxxx", "x??x..", EventCounts(1, 1, 1, 1)),  # a shopper passes: still one alarm
        ("xx....", "..x...", EventCounts(0, 1, 0, 1)),  # after it was over
        ("......", "?xx?x.", EventCounts(0, 0, 0, 1)),
        ("xxx ... xxx", "xxx x.x ...", EventCounts(1, 2, 1, 3)),  # runs of neighbours stay apart
        ("x . x .", "x x . .", EventCounts(1, 2, 1, 2)),  # a single moment: positions are events
    ],
)
def test_runs_are_events(there: str, said: str, expected: EventCounts) -> None:
    unknown = np.array([[c == "?" for c in word] for word in said.split()]).T
    assert score_events(flags(there), flags(said), unknown) == expected


@given(st.integers(1, 5).flatmap(lambda m: arrays(bool, (2, m, 4))))
def test_telling_the_truth_is_faultless_and_a_single_moment_counts_positions(both: np.ndarray) -> None:
    there, said = both
    same = score_events(there, there)
    assert same.told == same.events == same.right == same.alarms
    last = score_events(there[-1:], said[-1:])
    assert last.recall == ((there & said)[-1].sum(), there[-1].sum())
    assert last.precision == ((there & said)[-1].sum(), said[-1].sum())
    got = score_events(there, said)
    assert got.told <= got.events <= there.sum()
    assert got.right <= got.alarms <= said.sum()
