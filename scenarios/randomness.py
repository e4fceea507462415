"""Common random numbers: every draw is keyed by what is drawn, never by when it is drawn."""

from __future__ import annotations

import zlib

import numpy as np


def rng(scenario_seed: int, axis: str, *index: int | str) -> np.random.Generator:
    """Return the generator of one axis ("stock", "light", …) and index of a scenario.

    The same key gives the same stream in any order and any process, so that changing a camera
    never reshuffles a shelf. Text is keyed by its CRC-32, which is the same on every machine.
    """
    words = [scenario_seed, _word(axis), *map(_word, index)]
    return np.random.default_rng(np.random.SeedSequence(words))


def _word(key: int | str) -> int:
    return zlib.crc32(key.encode()) if isinstance(key, str) else key
