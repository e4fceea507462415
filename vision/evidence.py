"""How far a camera's word on a place is to be trusted: measured error rates of detector and recognizer.

The rates lie in `weights/evidence.json`; the card beside it says with which weights and on which stores they were
counted. Other weights have other rates: `python -m bench.tuning.remembering fit` counts them anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.readings import PlaceReadings, PlaceState, Sight

Floats = NDArray[np.float64]

WORDS = (PlaceState.EMPTY, PlaceState.OWN, PlaceState.FOREIGN)
"""What a place can hold, and what a camera can say of one that it sees."""
TRUE_IF = np.array([0, 1, 2, 0])
"""Which of WORDS holds where a word is right: of these, and of "empty" where it is only inferred."""
PRIOR: Floats = np.array([0.083, 0.897, 0.02])
"""How often a place holds each of WORDS when nothing is known of it. Empty: the world average of items out of
stock (Gruen, Corsten and Bharadwaj, Retail Out-of-Stocks, 2002); foreign: assumed, as in scenarios' `Mess`."""
UNSEEN_YET = 0.5
"""Events added to each kind (Jeffreys' prior): what was never seen is rare and not impossible. Of 0.5, 1 and 3 the one
whose fusion is wrong least often on a training store when it was counted on the six others."""
EDGES = (0.15, 0.3, 0.5, 0.7)
"""Between the bins of confidence."""
LEAST_WRONG = 0.02
"""Over time no wrong word is taken to be rarer: assumed, as an error that lasts comes again with every frame."""
SHIPPED = Path(__file__).parent / "weights" / "evidence.json"
CONSTANTS = ("lasts", "ceiling", "sure", "sure_out")


@dataclass(frozen=True, eq=False)
class Evidence:
    """`counts` (2, 3, 4, bins): seen poorly or clearly, of the places that truly held each of WORDS, how often which
    word was said with which confidence; the fourth is that it is empty, but only inferred. `lasts`: seconds after which
    a camera's error is a new one, not the last one again. `ceiling`: the surest that a belief may be, since some errors
    never end. `sure`: what the belief in a place's content has to reach before it is said, `sure_out` that in a
    position being out."""

    counts: Floats
    lasts: float
    ceiling: float
    sure: float
    sure_out: float

    def __post_init__(self) -> None:
        shape = (2, len(WORDS), len(TRUE_IF), len(EDGES) + 1)
        if self.counts.shape != shape or not (self.counts >= 0).all():
            raise ValueError(f"counts {self.counts.shape}; expected {shape}, none negative")
        if not self.lasts > 0 or not all(0.5 <= v < 1 for v in (self.ceiling, self.sure, self.sure_out)):
            raise ValueError("expected lasts > 0 and ceiling, sure and sure_out from 0.5 to below 1")

    def log_likelihood(self, places: PlaceReadings, least_wrong: float = 0.0) -> Floats:
        """Log of how likely each place's (P,) word is if it held each of WORDS: (P, 3), zeros where it said none. No
        wrong word is taken to be rarer than `least_wrong`; with one, for words that are said again and again, none
        speaks against itself."""
        clear, word, grade = kinds(places)
        found = self._table(least_wrong)[clear, :, word, grade]
        return np.where(places.judged[:, None], found, 0)

    def _table(self, least_wrong: float) -> Floats:
        """Log of P(word, confidence | truth), as `counts`.

        P(word | truth) has UNSEEN_YET events added to each. The confidence of a word where it is right is counted by
        itself; where it is wrong, which is seldom, over whatever is truly there. One event is added to each bin of
        both, and a surer word is never worth less than one that is less sure, also where no bin has seen it.

        "Own", said of a pack that is seen clearly and hardly resembles itself, was wrong more often than not. Once that
        is worth knowing; with every frame of the same pack it made a full shelf empty within minutes.
        """
        said = self.counts.sum(axis=3) + UNSEEN_YET
        word = np.maximum(said / said.sum(axis=2, keepdims=True), least_wrong)
        word /= word.sum(axis=2, keepdims=True)
        is_right = np.arange(len(WORDS))[:, None] == TRUE_IF  # (truth, word)
        hits = np.where(is_right[..., None], self.counts, 0).sum(axis=1)  # (2, word, bins)
        doubt = _log_shares(self.counts.sum(axis=1) - hits + 1)
        right = doubt + np.maximum.accumulate(_log_shares(hits + 1) - doubt, axis=2)
        bins = np.where(is_right[..., None], right[:, None], doubt[:, None])
        table = np.asarray(np.log(word)[..., None] + bins)
        if not least_wrong:
            return table
        meant = table[:, TRUE_IF, np.arange(len(TRUE_IF))]  # (2, word, bins)
        return np.minimum(table, meant[:, None])

    def weight(self, since: Floats) -> Floats:
        """The share of a word (P,) that is news, `since` seconds after the camera's last one on the place; all of
        the first one, when `since` is NaN.

        Errors that last fade as exp(-t ÷ lasts): a thousand frames of one second are not a thousand witnesses.
        """
        return np.where(np.isnan(since), 1.0, 1 - np.exp(-np.nan_to_num(since) / self.lasts))

    def bounded(self, belief: Floats) -> Floats:
        """Beliefs (P, 3) of which none is nearer to certainty than the ceiling, so that a change is believed in
        time (clamping, as in OctoMap: Hornung and others, 2013)."""
        floor = (1 - self.ceiling) / (len(WORDS) - 1)
        raised = np.maximum(belief, floor)
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    @staticmethod
    @lru_cache(maxsize=4)
    def load(path: Path = SHIPPED) -> Evidence:
        """Read measured rates. Raises InputError for a file that holds none."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return Evidence(np.array(data["counts"], float), *(float(data[k]) for k in CONSTANTS))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: {type(error).__name__} {error}; expected measured error rates") from None


def kinds(places: PlaceReadings) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each place (P,) what `counts` are over: whether it was seen clearly, its word (EMPTY where there is none),
    and the bin of its confidence."""
    sight = np.full(len(places), Sight.CLEAR) if places.sight is None else places.sight
    word = np.searchsorted(WORDS, np.where(places.judged, places.state, WORDS[0]))
    word[sight == Sight.INFERRED] = len(WORDS)
    return (sight == Sight.CLEAR).astype(np.int64), word, np.digitize(places.confidence, EDGES)


def _log_shares(counts: Floats) -> Floats:
    return np.asarray(np.log(counts / counts.sum(axis=-1, keepdims=True)))


def normalised(log: Floats) -> Floats:
    """Logs of weights (P, K) as probabilities that add up to 1."""
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
