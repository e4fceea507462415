"""Fusion: two cameras together are at least as good as the better one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.placewords import RATES, drawn
from vision import PlaceReadings, PlaceState, fuse
from vision.evidence import PRIOR, WORDS, Evidence
from vision.fuse import rows_together
from vision.readings import Sight
from vision.view import CLEAR_PIXELS_PER_METRE

UNSEEN, EMPTY, OWN, FOREIGN, UNNAMED = PlaceState
SAYS = {UNSEEN: None, EMPTY: None, OWN: "own", FOREIGN: "other", UNNAMED: None}


def say(*words: tuple[PlaceState, float, float]) -> PlaceReadings:
    """One camera's words, each a state, a confidence and pixels per metre."""
    state, confidence, ppm = zip(*words)
    sku = np.array([SAYS[s] for s in state], object)
    metres = np.array(ppm, np.float32)
    sight = np.where(metres >= CLEAR_PIXELS_PER_METRE, Sight.CLEAR, Sight.POOR).astype(np.int8)
    return PlaceReadings(np.array(state, np.int8), sku, np.array(confidence, np.float32), metres, sight=sight)


TOGETHER = [
    # one camera's word, the other's, and what they say together
    pytest.param((FOREIGN, 0.35, 350), (OWN, 0.8, 600), OWN, id="a coarse, unsure stranger gives way to a sure pack"),
    pytest.param((FOREIGN, 0.35, 350), (UNSEEN, 0, 0), FOREIGN, id="alone it is worth a look"),
    pytest.param((FOREIGN, 0.9, 600), (UNSEEN, 0, 0), FOREIGN, id="a sure stranger is, behind a shopper for the other"),
    pytest.param((FOREIGN, 0.4, 600), (FOREIGN, 0.4, 600), FOREIGN, id="two unsure witnesses agree"),
    pytest.param((EMPTY, 0.2, 350), (UNSEEN, 0, 0), EMPTY, id="a gap hardly seen is one: few are wrong"),
    pytest.param((EMPTY, 0.2, 350), (OWN, 0.8, 600), OWN, id="but not where another sees a pack clearly"),
    pytest.param((OWN, 0.3, 350), (EMPTY, 0.4, 600), EMPTY, id="who sees clearly counts for more"),
    pytest.param((UNSEEN, 0, 0), (UNSEEN, 0, 0), UNSEEN, id="nobody saw it"),
    pytest.param((UNNAMED, 0.9, 600), (OWN, 0.5, 350), OWN, id="who cannot name it leaves the word to who can"),
    pytest.param((UNNAMED, 0.9, 600), (UNSEEN, 0, 0), UNNAMED, id="if there is one"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "together"), TOGETHER)
def test_words_weigh_what_they_are_worth(one, other, together) -> None:
    for pair in ((one, other), (other, one)):
        fused = fuse([say(w) for w in pair], RATES)
        assert fused.state.tolist() == [together]
        assert fused.sku.tolist() == [SAYS[together]]
        assert (fused.confidence[0] > 0) == (together != UNSEEN)


word = st.tuples(st.sampled_from(PlaceState), st.floats(0.05, 1), st.floats(130, 900))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(word, word, word), min_size=1, max_size=5), st.permutations(range(3)))
def test_the_order_of_cameras_does_not_matter_and_who_saw_nothing_changes_nothing(places, order) -> None:
    cameras = [say(*(p[i] for p in places)) for i in range(3)]
    blind = say(*[(UNSEEN, 0, 0)] * len(places))
    first = fuse(cameras)
    again = fuse([*(cameras[i] for i in order), blind])
    assert first.state.tolist() == again.state.tolist()
    assert first.sku.tolist() == again.sku.tolist()


def metrics(said: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Share of places that are right, and precision and recall in one (F1) of gone and of foreign packs; unseen is a
    miss and never a false alarm."""

    def f1(found: np.ndarray, there: np.ndarray) -> float:
        return float(2 * (found & there).sum() / (found.sum() + there.sum()))

    gone, said_gone = truth != OWN, np.isin(said, (EMPTY, FOREIGN))
    return {"exact": float((said == truth).mean()), "out": f1(said_gone, gone),
            "misplaced": f1(said == FOREIGN, truth == FOREIGN)}  # fmt: skip


@pytest.mark.parametrize("rates", [Evidence.load(), RATES], ids=["shipped", "made up"])
@pytest.mark.parametrize("clear", [(False, True), (True, True)])
def test_two_cameras_are_at_least_as_good_as_the_better_one(rates: Evidence, clear: tuple[bool, bool]) -> None:
    random = np.random.default_rng(1)
    truth = random.choice(np.array(WORDS), 20_000, p=PRIOR)
    cameras = [drawn(truth, c, random, unseen=0.1, rates=rates) for c in clear]
    alone = [metrics(fuse([c], rates).state, truth) for c in cameras]
    together = metrics(fuse(cameras, rates).state, truth)
    for name, value in together.items():
        assert value >= max(a[name] for a in alone), name


def test_two_cameras_on_the_rows_behind_are_worth_more_than_one_and_less_than_two() -> None:
    one, other = np.array([[0.0, 2.0, -1.0, 0.0]]), np.array([[0.0, 2.0, 1.0, 3.0]])
    together = rows_together([one, other])
    assert together is not None
    assert together[0].tolist() == pytest.approx([0, 4 / 2**0.5, 0, 3])
    assert rows_together([]) is None
