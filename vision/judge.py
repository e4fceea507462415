"""Judges: how much likelier one thing than another is in a picture, by a logistic regression over measured features."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError

Floats = NDArray[np.float64]
WEIGHTS = Path(__file__).parent / "weights" / "judges.json"


@dataclass(frozen=True)
class Judge:
    """`weights` (F,) of features and their `offset`; no judgement is surer than `surest`, a log of odds."""

    weights: tuple[float, ...]
    offset: float
    surest: float

    def __call__(self, features: Floats) -> Floats:
        """The log of the likelihood ratio (…) of features (…, F)."""
        return np.clip(self.offset + features @ np.array(self.weights), -self.surest, self.surest)

    def chance(self, features: Floats, prior: float) -> Floats:
        """The probability (…) by features (…, F) of what has this one, 0 to 1, when nothing is known."""
        return 1 / (1 + np.exp(-self(features) - math.log(prior / (1 - prior))))


@cache
def judge(name: str, features: tuple[str, ...], path: Path = WEIGHTS) -> Judge:
    """The judge of this name, fitted by `python -m bench.tuning.judges`. Raises InputError for other features."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))[name]
        fitted = {str(key): float(value) for key, value in read["weights"].items()}
        made = Judge(tuple(fitted.values()), float(read["offset"]), float(read["surest"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: no judge {name!r}; `python -m bench.tuning.judges` makes it") from None
    if tuple(fitted) != features:
        raise InputError(f"{path}: {name} is over {', '.join(fitted)}; expected {', '.join(features)}")
    return made
