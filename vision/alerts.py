"""Alerts: which states somebody should act on, once each, the dearest first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios import InputError, Layout, Position, ShelfState
from scenarios.files import build
from vision.evidence import PRIOR
from vision.findings import place_name, product_name
from vision.health import CameraLook, faults
from vision.review import Question, ReviewQueue

SHELF_KINDS = ("out", "low", "misplaced")
CAMERA_KINDS = ("camera silent", "camera dark", "camera blocked", "camera moved")
HOLD = {
    "out": 10.0, "low": 10.0, "misplaced": 20.0, "camera silent": 0.0, "camera dark": 10.0, "camera blocked": 60.0,
    "camera moved": 10.0,
}  # fmt: skip
"""Seconds that a state has to last before it is one to act on, and to be gone before it has ended: two frames some
seconds apart at least. A shopper stands 4 to 14 s at a stop (scenarios/shoppers), and others may follow. Silence has
lasted when it is noticed."""
TARGET = 0.95
"""The share of alerts sent without review that is to be right."""
SPOT_CHECK = 10
"""Every so many alerts that need no review one is asked about all the same, so that a threshold can rise again."""


@dataclass(frozen=True)
class Alert:
    """One thing to act on, or what became of it.

    `subject` is a position or a camera. `event`: "raised"; "confirmed" or "withdrawn" by a person's yes or no;
    "resolved" when the state has ended. `review`: a person is to be asked first. `value` is what is at stake, in
    the catalog's money a day.
    """

    id: str
    kind: str
    subject: str
    event: str
    since: float
    time: float
    confidence: float
    value: float
    review: bool = False
    detail: str = ""


@dataclass(frozen=True)
class _Claim:
    """What one moment says of a kind and subject: whether it holds, how surely, and what is at stake."""

    kind: str
    subject: str
    holds: bool
    confidence: float
    value: float
    detail: str = ""


@dataclass(frozen=True)
class _Track:
    """A claim over time: since when it has held, since when it is gone, and the alert once there is one.
    `silenced`: a person said no, and nothing more is said of it until it has ended."""

    since: float
    gone: float | None = None
    alert: Alert | None = None
    silenced: bool = False


class Alerts:
    """All alerts of a store. Not safe for several threads at once."""

    def __init__(self, layout: Layout, queue: ReviewQueue, target: float = TARGET) -> None:
        if not 0.5 <= target < 1:
            raise ValueError(f"target {target}; expected a share from 0.5 to below 1")
        self.layout, self.queue, self.target = layout, queue, target
        self._tracks: dict[tuple[str, str], _Track] = {}
        self._sent = 0
        self._daily = {
            p.id: layout.product(p).price * layout.product(p).daily_units for p in layout.planogram.positions
        }

    def update(
        self,
        time: float,
        states: Sequence[ShelfState] = (),
        looks: Iterable[CameraLook] = (),
    ) -> tuple[Alert, ...]:
        """What is new at a moment, by falling value. `states` are the memory's, one a position in plan order.

        An unknown position and a camera without a look say nothing: what was raised stays, what was not waits.
        """
        claims = [
            claim
            for position, state in zip(self.layout.planogram.positions, states)
            for claim in self._of_position(position, state)
        ]
        claims += [claim for look in looks for claim in self._of_camera(look)]
        new = [*self._answered(time), *(alert for claim in claims for alert in self._follow(claim, time))]
        return tuple(sorted(new, key=lambda a: (-a.value, a.kind, a.subject)))

    @property
    def standing(self) -> tuple[Alert, ...]:
        """What was raised and has not ended, by falling value."""
        found = [t.alert for t in self._tracks.values() if t.alert and not t.silenced]
        return tuple(sorted(found, key=lambda a: (-a.value, a.kind, a.subject)))

    def _of_position(self, position: Position, state: ShelfState) -> list[_Claim]:
        """At stake are the sales that are lost until tomorrow if nobody acts: of an out position all, of a low one
        what its units do not cover, of a misplaced pack those of the facing that it takes. What stands before all
        places may hide how many units there are, but not itself."""
        daily, price = self._daily[position.id], self.layout.product(position).price
        short = max(0.0, daily - (state.units or 0.0) * price)
        misplaced = _Claim(
            "misplaced", position.id, state.intruder is not None, state.intruder_confidence,
            daily / position.facings, state.intruder or "",
        )  # fmt: skip
        if state.level == "unknown":
            return [misplaced] if misplaced.holds and state.facings is not None and not state.age else []
        return [
            _Claim("out", position.id, state.level == "out", state.confidence, daily),
            _Claim("low", position.id, state.level == "low", state.confidence, short),
            misplaced,
        ]

    def _of_camera(self, look: CameraLook) -> list[_Claim]:
        """At stake is what the positions that it watches lose while nobody is told that they are out."""
        found = faults(look)
        at_stake = PRIOR[0] * sum(self._daily[p] for p in look.watches)
        # Silent, a camera says nothing else; dark, not whether it is blocked; blocked, not whether it was moved.
        judged = CAMERA_KINDS[: CAMERA_KINDS.index(min(found, key=CAMERA_KINDS.index)) + 1] if found else CAMERA_KINDS
        return [_Claim(kind, look.camera, kind in found, 1.0, float(at_stake)) for kind in judged]

    def _follow(self, claim: _Claim, time: float) -> list[Alert]:
        key = (claim.kind, claim.subject)
        track = self._tracks.get(key)
        if not claim.holds:
            return self._end(track, key, time) if track else []
        track = dataclasses.replace(track, gone=None) if track else _Track(time)
        new = []
        if track.alert is None and time - track.since >= HOLD[claim.kind]:
            alert = self._raise(claim, track.since, time)
            track, new = dataclasses.replace(track, alert=alert), [alert]
        self._tracks[key] = track
        return new

    def _raise(self, claim: _Claim, since: float, time: float) -> Alert:
        """A new alert; into the review queue with it if it is not sure enough, or its turn for a spot check."""
        name = f"{claim.kind}/{claim.subject}/{since:.3f}"
        shelf = claim.kind in SHELF_KINDS
        review = shelf and claim.confidence < self.queue.threshold(claim.kind, self.target)
        self._sent += shelf and not review
        alert = Alert(
            name, claim.kind, claim.subject, "raised", since, time, claim.confidence, claim.value, review, claim.detail
        )
        if review or (shelf and self._sent % SPOT_CHECK == 0):
            text = in_words(self.layout, alert)
            self.queue.ask(Question(name, alert.kind, alert.subject, alert.confidence, time, alert.value, text))
        return alert

    def _end(self, track: _Track, key: tuple[str, str], time: float) -> list[Alert]:
        """Take note that a claim does not hold; what was raised ends when it has been gone for long enough."""
        gone = time if track.gone is None else track.gone
        if track.alert is not None and time - gone < HOLD[track.alert.kind]:
            self._tracks[key] = dataclasses.replace(track, gone=gone)
            return []
        del self._tracks[key]
        return [] if track.alert is None or track.silenced else [_next(track.alert, "resolved", time)]

    def _answered(self, time: float) -> list[Alert]:
        """The alerts that a person has said yes or no to since the last moment."""
        new = []
        for key, track in list(self._tracks.items()):
            right = self.queue.verdict(track.alert.id) if track.alert and not track.silenced else None
            if track.alert is None or right is None:
                continue
            # Who says which product it is has said yes to the rest.
            product = self.queue.product(track.alert.id) or track.alert.detail
            if right and not track.alert.review and product == track.alert.detail:
                continue
            alert = _next(track.alert, "confirmed" if right else "withdrawn", time)
            alert = dataclasses.replace(alert, detail=product)
            self._tracks[key] = dataclasses.replace(track, alert=alert, silenced=not right)
            new.append(alert)
        return new

    def as_plain(self) -> dict[str, Any]:
        """What was raised, as JSON holds it, so that a restart raises nothing twice."""
        tracks = [{"kind": k, "subject": s, "track": dataclasses.asdict(t)} for (k, s), t in self._tracks.items()]
        return {"sent": self._sent, "tracks": tracks}

    def take(self, data: Any, where: str) -> None:
        """Take up what `as_plain` gave, but for positions that are planned no more. Raises InputError for what is no
        such list; `where` names it."""
        try:
            rows = {(str(r["kind"]), str(r["subject"])): r["track"] for r in data["tracks"]}
            self._sent = int(data["sent"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {type(error).__name__} {error}; expected a list of alerts") from None
        kept = {k: row for k, row in rows.items() if k[0] in CAMERA_KINDS or k[1] in self._daily}
        self._tracks = {key: build(_Track, row, where) for key, row in kept.items()}


def in_words(layout: Layout, alert: Alert) -> str:
    """What and where, as one would tell somebody: "out: Acme Soup 10 oz at bay-1, shelf 2, no. 3"."""
    position = next((p for p in layout.planogram.positions if p.id == alert.subject), None)
    if position is None:
        return f"{alert.kind}: {alert.subject}"
    text = f"{alert.kind}: {product_name(layout.product(position))} at {place_name(layout, position)}"
    if not alert.detail:
        return text
    intruder = product_name(layout.catalog[alert.detail]) if alert.detail in layout.catalog else alert.detail
    if alert.kind != "misplaced":
        return f"{text}, {intruder} in its place"
    return f"misplaced: {intruder} among {text.removeprefix('misplaced: ')}"


def _next(alert: Alert, event: str, time: float) -> Alert:
    return dataclasses.replace(alert, event=event, time=time, review=False)
