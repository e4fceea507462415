"""What memory and alerts, as they are deployed, make of a day's frames: how soon and how rightly they tell what is out,
and what is misplaced.

A spell is the time in which a position holds no unit of its SKU, from the moment that the last one leaves until some
come; or in which another product stands in its front row. Frames of a camera that watches are those of
`bench.day.rendered`, or drawn ones in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from bench.day.glances import Glance, fronts_of
from bench.day.rendered import Look
from bench.events import score_events
from bench.statistics import Floats
from scenarios import Layout, rng
from scenarios.demand import HOUR
from scenarios.timeline import Timeline
from vision.alerts import Alerts
from vision.memory import Memory
from vision.readings import Detections, PlaceState, Reading
from vision.review import Question, ReviewQueue

SHARES = (
    "alert_precision", "alert_recall", "sent_precision", "sent_recall", "misplaced_precision", "misplaced_recall",
)  # fmt: skip
NEVER = 1e9
"""Seconds, in the place of infinitely many."""
LEVELS = ("in_stock", "low", "out", "unknown")
MEASURES = (*SHARES, "alert_false", "sent_false", "misplaced_false", "questions")


@dataclass(frozen=True)
class Reviewer:
    """Who says yes or no to the questions of alerts that a position is out: `after` seconds later by looking at the
    shelf, and rightly with a chance of `right`. Both assumed."""

    after: float = 300.0
    right: float = 0.98

    def __post_init__(self) -> None:
        if not (self.after >= 0 and 0 <= self.right <= 1):
            raise ValueError(f"after {self.after}, right {self.right}; expected 0 s or more, and a share")

    def says(self, question: Question, out: bool) -> bool:
        """The answer where a position truly is out or not, which hangs on the question alone."""
        return out == bool(rng(0, "reviewer", question.id).random() < self.right)


@dataclass(frozen=True, eq=False)
class Followed:
    """A day as memory and alerts followed it: at every frame's time (M,) of which positions (M, Q) an alert that they
    are out was standing (`told`), of which of these nobody had to be asked any more (`sent`), of which one that another
    product stands there (`misplaced`), in the front row of which one truly stood (`astray`), which the frame showed
    clearly (`clear`), and the `level` of each as an index of LEVELS; a glance at every moment asked, and how many
    `questions` were answered."""

    times: Floats
    told: NDArray[np.bool_]
    sent: NDArray[np.bool_]
    misplaced: NDArray[np.bool_]
    astray: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    level: NDArray[np.int8]
    glances: list[Glance]
    questions: int = 0


class _Forgets:
    """The log of a review queue that lasts a day."""

    def read(self, start: int = 0) -> tuple[list[dict[str, Any]], int]:
        return [], start

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep nothing."""


def follow(
    layout: Layout, looks: Sequence[Look], timeline: Timeline, asked: Sequence[float],
    reviewer: Reviewer | None = None,
) -> Followed:  # fmt: skip
    """Give a day's frames, in the order of their times, to a memory and to alerts, and ask what the memory then holds
    at some moments, which rise. Frames and moments at which the cameras are silent are left out. Without a reviewer
    nobody answers; with one, only what alerts say of positions that are out is answered."""
    queue = ReviewQueue(_Forgets())
    memory, alerts = Memory(layout), Alerts(layout, queue)
    row = {p.id: n for n, p in enumerate(layout.planogram.positions)}
    looks = [look for look in looks if not timeline.silent("vision", look.time)]
    left = [at for at in asked if not timeline.silent("vision", at)]
    told, sent, misplaced = np.zeros((3, len(looks), len(row)), bool)
    level, glances = np.zeros((len(looks), len(row)), np.int8), []
    at = [look.time for look in looks]
    out = timeline.units_at(at) == 0
    for n, look in enumerate(looks):
        while left and left[0] < look.time:
            glances.append(_glance(memory, left.pop(0)))
        states = memory.update([_reading(look)] if look.places is not None else [], look.time)
        alerts.update(look.time, states)
        level[n] = [LEVELS.index(state.level) for state in states]
        for question in queue.pending:
            if reviewer is not None and question.kind == "out" and look.time - question.time >= reviewer.after:
                queue.answer(question.id, reviewer.says(question, bool(out[n, row[question.subject]])))
                alerts.update(look.time)
        standing = [a for a in alerts.standing if a.kind == "out"]
        told[n, [row[a.subject] for a in standing]] = True
        sent[n, [row[a.subject] for a in standing if not a.review]] = True
        misplaced[n, [row[a.subject] for a in alerts.standing if a.kind == "misplaced"]] = True
    glances += [_glance(memory, moment) for moment in left]
    astray, clear = misplaced_at(timeline, at), np.array([look.clear for look in looks])
    return Followed(np.array(at), told, sent, misplaced, astray, clear, level, glances, len(queue.answers))


def _reading(look: Look) -> Reading:
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    return Reading(look.camera, look.time, (0, 0), nothing, look.places)


def _glance(memory: Memory, at: float) -> Glance:
    """What the memory holds at a moment, as facings counted at places that are known."""
    memory.update([], at)
    places, owner = memory.places(), memory.layout.places.position
    flags = places.state == PlaceState.OWN, places.counted
    own, known = (np.bincount(owner, some).astype(np.int64) for some in flags)
    return Glance(at, own, known)


@dataclass(frozen=True)
class Spell:
    """A position, by its row in the plan, that is out, or holds a misplaced product, from `begin` until `end`
    seconds."""

    position: int
    begin: float
    end: float


def misplaced_at(timeline: Timeline, times: Sequence[float]) -> NDArray[np.bool_]:
    """In the front row of which positions (M, Q) another product truly stands at some moments, which rise."""
    planned = [(p.id, {"", p.sku}) for p in timeline.layout.planogram.positions]
    return np.array([
        [any(sku not in expected for _, sku in fronts_of(shelves, id)) for id, expected in planned]
        for shelves in timeline.walk(times)
    ])  # fmt: skip


def misplaced_spells(there: NDArray[np.bool_], times: Floats) -> list[Spell]:
    """The spells of `misplaced_at` that begin after the first moment: from the first at which it is so, until the first
    at which it is so no more."""
    found = []
    for q in np.flatnonzero(there.any(axis=0)):
        changes = np.diff(np.concatenate([[False], there[:, q], [False]]).astype(int))
        for begin, end in zip(np.flatnonzero(changes > 0), np.flatnonzero(changes < 0)):
            if begin > 0:
                found.append(Spell(int(q), float(times[begin]), float(times[end]) if end < len(times) else np.inf))
    return found


def spells(timeline: Timeline) -> list[Spell]:
    """All spells without a unit that begin within the day; the last of them end at infinity."""
    stays, found = timeline.stays, []
    for q in range(len(timeline.layout.planogram.positions)):
        own = stays.own & (stays.position == q)
        # What comes at the very moment at which the last one leaves leaves no spell.
        changes = [(t, 1) for t in stays.since[own].tolist()] + [(t, -1) for t in stays.until[own].tolist()]
        units, begin = 0, None
        for at, change in sorted(c for c in changes if c[0] < np.inf):
            if begin is not None and at > begin:
                found.append(Spell(q, begin, at))
            units, begin = units + change, None
            if units == 0:
                begin = at
        if begin is not None:
            found.append(Spell(q, begin, np.inf))
    return found


@dataclass(frozen=True)
class Delay:
    """How long it took to tell of a spell, in seconds from its beginning and from the first frame that showed the
    position clearly; infinite where it was not told of while it lasted, and None where no frame showed it. `open`: the
    day ended before it was told of, so that it would have taken longer."""

    from_event: float
    from_visible: float | None
    open: bool = False


def delays(spells: Sequence[Spell], followed: Followed, flags: NDArray[np.bool_]) -> list[Delay]:
    """Of every spell that begins before the last frame and of which nothing was told before it began, where `flags`
    (M, Q), `told` or another of `followed`, are what is told."""
    found, times = [], followed.times
    for spell in spells:
        first, last = np.searchsorted(times, [spell.begin, spell.end])
        if first == len(times) or (first and flags[first - 1, spell.position]):
            continue
        told = first + np.flatnonzero(flags[first:last, spell.position])
        seen = first + np.flatnonzero(followed.clear[first:last, spell.position])
        still = bool(not len(told) and last == len(times))
        at = float(times[told[0]]) if len(told) else float(times[-1]) if still else np.inf
        from_visible = max(at - float(times[seen[0]]), 0.0) if len(seen) else None
        found.append(Delay(at - spell.begin, from_visible, still))
    return found


def counts(timeline: Timeline, followed: Followed) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of every measure of a day's alerts: what is out, or misplaced, at the frames' times are
    events; of all that was told, and of what somebody was sent for."""
    out = timeline.units_at(followed.times.tolist()) == 0
    told, sent = score_events(out, followed.told), score_events(out, followed.sent)
    misplaced = score_events(followed.astray, followed.misplaced)
    hours = float(np.ptp(followed.times)) / HOUR * out.shape[1] / 1000
    return {
        "alert_precision": told.precision, "alert_recall": told.recall,
        "alert_false": (float(told.alarms - told.right), hours),
        "sent_precision": sent.precision, "sent_recall": sent.recall,
        "sent_false": (float(sent.alarms - sent.right), hours),
        "misplaced_precision": misplaced.precision, "misplaced_recall": misplaced.recall,
        "misplaced_false": (float(misplaced.alarms - misplaced.right), hours),
        "questions": (float(followed.questions), hours),
    }  # fmt: skip


def delay_spreads(delays: Sequence[Delay], every: float) -> dict[str, dict[str, float | None]]:
    """From the event and from first visibility: how many spells, the share told of, and after how many seconds and
    frames of `every` seconds half and 95 of 100 were; None for never. Of one that the day's end cut short it is not
    known how long it would have taken but that it is longer (Kaplan and Meier, 1958)."""
    return {
        "from_event": _spread([(d.from_event, d.open) for d in delays], every),
        "from_first_visibility": _spread(
            [(d.from_visible, d.open) for d in delays if d.from_visible is not None], every
        ),
    }


def _spread(seconds: Sequence[tuple[float, bool]], every: float) -> dict[str, float | None]:
    ended, cut = ([s for s, open in seconds if open == flag] for flag in (False, True))
    found: dict[str, float | None] = {"spells": len(seconds), "cut_short": len(cut), "told": None}
    told = np.zeros((2, 0))
    if ended:
        found["told"] = round(float(np.isfinite(ended).mean()), 4)
        curve = ecdf(CensoredData(uncensored=np.minimum(ended, NEVER), right=cut)).cdf
        told = np.stack([curve.quantiles, curve.probabilities])[:, curve.quantiles < NEVER]
    for name, q in (("p50", 0.5), ("p95", 0.95)):
        by_then = told[0, told[1] >= q - 1e-9]
        value = float(by_then[0]) if len(by_then) else None
        found[f"{name}_seconds"] = None if value is None else round(value, 1)
        found[f"{name}_frames"] = None if value is None else round(value / every, 2)
    return found
