"""What has not changed in a camera's pictures is not read again: crops keep their embeddings, and frames in which
nothing has changed the last reading."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scenarios import Frame
from vision.changes import Changes
from vision.readings import Reading
from vision.recognize import Recognizer

SAME_BOX = 0.7
"""Least overlap (IoU) of a box with the one of a frame before: a detector's boxes tremble."""


class Unchanged:
    """One camera's last reading, and its crops: where they were, and their embeddings.

    For a frame call `look`, then `embed` if there is a recognizer, then `keep`. What is older than `read_anew`
    seconds is not used again; with 0 crops may be of any age, frames are always read, and crops that one frame does
    not have are forgotten. A crop keeps the box that it was embedded with for as long as it is reused, and is compared
    with what was seen there then, so that slow drift adds up until it is seen.
    """

    def __init__(self, recognizer: Recognizer | None = None, read_anew: float = 0.0) -> None:
        self.recognizer, self.read_anew = recognizer, read_anew
        self._changes = Changes()
        self._time = 0.0
        self._xyxy = np.empty((0, 4), np.float32)
        self._embeddings = np.empty((0, 1), np.float32)
        self._made_at = np.empty(0)
        self._held = np.empty((0, 4), np.float32)
        self._reading: Reading | None = None
        self._read_at = 0.0
        """When the oldest part of the reading was read."""
        self._witnessed = False
        """Whether two frames in a row were read that look the same."""

    def look(self, frame: Frame) -> Reading | None:
        """Compare a frame with what was read before; the last reading, as of now, if that is still all there is to see.

        It is not where a person was in view, or where some of it is `read_anew` seconds old; nor in the first frame
        that looks like the one before, which is read as well: what is believed of a shelf wants two witnesses.
        """
        changed, last = self._changes.look(frame.image), self._reading
        self._time, self._held = frame.time, self._held[:0]
        young = 0 <= frame.time - self._read_at < self.read_anew
        same = last is not None and not changed.any() and not len(last.people)
        if last is not None and same and self._witnessed and young:
            return replace(last, time=frame.time, age=frame.time - last.time)
        self._read_at, self._witnessed = frame.time, same
        return None

    def embed(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """As `Recognizer.embed`, but boxes (N, 4) in which nothing has changed are given their last embedding."""
        assert self.recognizer is not None
        old = self._same_place(xyxy)
        again = np.flatnonzero(old >= 0)
        # What stands at the old box now: the detector's trembling is not taken for a change.
        again = again[self._usable()[old[again]]]
        fresh = np.setdiff1d(np.arange(len(xyxy)), again)
        made = self.recognizer.embed(image, xyxy[fresh])
        source = old[again]
        embeddings = np.empty((len(xyxy), max(made.shape[1], self._embeddings.shape[1])), np.float32)
        embeddings[fresh] = made if len(fresh) else 0
        embeddings[again] = self._embeddings[source]
        kept, made_at = xyxy.copy(), np.full(len(xyxy), self._time)
        kept[again], made_at[again] = self._xyxy[source], self._made_at[source]
        self._read_at = float(made_at.min(initial=self._time))
        hidden = self._hidden(source, xyxy[fresh])
        self._held = np.concatenate([kept[again], self._xyxy[hidden]])
        self._made_at = np.concatenate([made_at, self._made_at[hidden]])
        self._embeddings = np.concatenate([embeddings, self._embeddings[hidden]]) if len(hidden) else embeddings
        self._xyxy = np.concatenate([kept, self._xyxy[hidden]])
        return embeddings

    def keep(self, reading: Reading) -> None:
        """Take note of what the frame was found to show."""
        self._changes.read(but=self._held)
        self._reading = reading

    def _usable(self) -> NDArray[np.bool_]:
        """Which crops look as they did when they were embedded, and that not too long ago."""
        same = ~self._changes.touched(self._xyxy)
        return same & self._young() if self.read_anew else same

    def _young(self) -> NDArray[np.bool_]:
        return np.asarray(self._time - self._made_at < self.read_anew)

    def _hidden(self, used: NDArray[np.int64], fresh: NDArray[np.float32]) -> NDArray[np.int64]:
        """The crops that nothing in this frame is, and that may be seen again: who walks by hides them for a while.
        What was read anew where they were ends them."""
        if not self.read_anew or self._changes.changed.all():
            return np.empty(0, np.int64)
        young = self._young()
        young[used] = False
        others = np.flatnonzero(young)
        return others[~(_shared(self._xyxy[others], fresh) > 0).any(axis=1)]

    def _same_place(self, xyxy: NDArray[np.float32]) -> NDArray[np.int64]:
        """For every box (N,) the one of before that it overlaps most, -1 where that is too little."""
        if not len(xyxy) or not len(self._xyxy):
            return np.full(len(xyxy), -1, np.int64)
        shared = _shared(xyxy, self._xyxy)
        overlap = shared / np.maximum(_area(xyxy)[:, None] + _area(self._xyxy)[None] - shared, 1e-6)
        best = overlap.argmax(axis=1)
        return np.where(overlap[np.arange(len(xyxy)), best] >= SAME_BOX, best, -1)


def _shared(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The area (N, M) that boxes (N, 4) and others (M, 4) have in common."""
    a, b = one[:, None], other[None]
    size = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    return np.asarray(size[..., 0] * size[..., 1])


def _area(xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    return (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
