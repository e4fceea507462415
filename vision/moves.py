"""Moves: how what a source said is carried forward to now, by what has left the shelf since and what may have."""

from __future__ import annotations

import numpy as np

from vision.unit_words import Floats, Ints, Room, Trust

UNSURE = 2.0
"""Unseen sales are negative binomial of this size: as Poisson ones whose rate is known to some 70 %, since hours and
days differ (assumed)."""


def leaving_chances(most: int, unseen: Floats, losses: Floats, trust: Trust) -> Floats:
    """The chance (Q, most + 1) that so many units have left unnoticed: sales of which `unseen` (Q,) are expected, and
    with chance `losses` (Q,) a theft or the like, of `lost_units` on average."""
    k = np.arange(most)
    p = UNSURE / (UNSURE + unseen[:, None])
    sales = np.concatenate([p**UNSURE, (k + UNSURE) / (k + 1) * (1 - p)], axis=1)
    sales = np.cumprod(sales, axis=1)
    lot = 1 / trust.lost_units
    lost = np.concatenate([1 - losses[:, None], losses[:, None] * lot * (1 - lot) ** k], axis=1)
    length = 2 * most + 2
    both = np.fft.irfft(np.fft.rfft(sales, length) * np.fft.rfft(lost, length), length)[:, : most + 1]
    return np.asarray(np.maximum(both, 0.0))


def carried(chances: Floats, sold: Ints, leaving: Floats) -> Floats:
    """Where numbers of units (Q, N + 1) end up when `sold` (Q,) have left for sure and others with chances `leaving`
    (Q, N + 1); a shelf cannot be emptier than empty."""
    most = chances.shape[1] - 1
    at = np.arange(most + 1) + sold[:, None]
    left = np.where(at <= most, np.take_along_axis(chances, np.minimum(at, most), axis=1), 0.0)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(left, ((0, 0), (0, most))), most + 1, axis=1)
    moved = np.einsum("qnk,qk->qn", windows, leaving)
    all_gone = 1 - np.cumsum(leaving, axis=1) + leaving  # k units or more
    moved[:, 0] = (left * np.maximum(all_gone, 0)).sum(axis=1)
    return np.asarray(moved)


def carried_word(word: Floats, room: Room, sold: Ints, leaving: Floats, refilled: Floats) -> Floats:
    """A word of then as a word of now. With chance `refilled` (Q,) somebody has filled up unnoticed, and it only says
    from how many or fewer."""
    ways = carried(room.fits.astype(float), sold, leaving)
    moved = carried(word, sold, leaving)
    # Numbers that cannot be any more are for the others to rule out.
    now = np.divide(moved, ways, out=np.ones_like(moved), where=ways > 1e-9)
    upwards = np.cumsum(now * room.fits, axis=1) / np.arange(1, word.shape[1] + 1)
    return np.where(room.fits, (1 - refilled[:, None]) * now + refilled[:, None] * upwards, 0.0)


def carried_belief(belief: Floats, room: Room, sold: Ints, leaving: Floats, refilled: Floats) -> Floats:
    """A belief of then, as probabilities, as a belief of now."""
    moved = carried(belief, sold, leaving)
    total = moved.sum(axis=1, keepdims=True)
    flat = room.fits / (room.capacity[:, None] + 1)
    moved = np.where(total > 1e-12, moved / np.maximum(total, 1e-12), flat)
    upwards = np.cumsum(moved / np.maximum(room.capacity[:, None] - np.arange(moved.shape[1]) + 1, 1), axis=1)
    return np.where(room.fits, (1 - refilled[:, None]) * moved + refilled[:, None] * upwards, 0.0)


def filled(belief: Floats, room: Room, units: int, row: int, trust: Trust) -> Floats:
    """One row's belief (N + 1,) after `units` were booked into its position: all of them came, but for the share
    `short`, of which any number did; what has no room does not stand there."""
    came = np.full(units + 1, trust.short / max(units, 1))
    came[units] = 1 - trust.short if units else 1.0
    after = np.convolve(belief, came)
    capacity = int(room.capacity[row])
    held = np.zeros(len(belief))
    held[: capacity + 1] = after[: capacity + 1]
    held[capacity] += after[capacity + 1 :].sum()
    return held / held.sum()
