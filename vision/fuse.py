"""Fusion: one moment as several cameras saw it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision.readings import PlaceReadings, PlaceState


def fuse(readings: Sequence[PlaceReadings]) -> PlaceReadings:
    """Combine what cameras say of the same places.

    Each camera's word weighs its confidence times its pixels per metre; the state with the greatest
    weight wins. A camera that did not see a place has no say there.
    """
    if not readings:
        raise ValueError("nothing to fuse; expected at least one camera's places")
    state = np.stack([r.state for r in readings])
    weight = np.stack([r.confidence * r.pixels_per_metre for r in readings])
    weight[state == PlaceState.UNSEEN] = 0
    votes = np.stack([np.where(state == s, weight, 0).sum(axis=0) for s in PlaceState])
    votes[PlaceState.UNSEEN] = 0
    winner = np.where(votes.max(axis=0) > 0, votes.argmax(axis=0), PlaceState.UNSEEN)
    # The spokesman is the camera that is surest of the winning state.
    spokesman = np.where(state == winner, weight, -1.0).argmax(axis=0)
    place = np.arange(state.shape[1])
    seen = winner != PlaceState.UNSEEN
    # Cameras look from different sides, so that what each says of the rows behind counts by itself.
    behind = [r.behind for r in readings if r.behind is not None]
    agreement = votes.max(axis=0) / np.maximum(votes.sum(axis=0), 1e-9)
    return PlaceReadings(
        winner.astype(np.int8),
        np.where(seen, np.stack([r.sku for r in readings])[spokesman, place], np.array(None, object)),
        np.where(seen, np.stack([r.confidence for r in readings])[spokesman, place] * agreement, 0).astype(np.float32),
        np.where(seen, np.stack([r.pixels_per_metre for r in readings])[spokesman, place], 0).astype(np.float32),
        np.sum(behind, axis=0) if behind else None,
    )
