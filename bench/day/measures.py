"""What days show: how right units are and how sure, what discrepancies are found, how soon, what is lost.

Every measure is a ratio, added up by day; its interval is over days (`bench.statistics`), and arms of the same days are
compared in pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.day.play import Course, Said, said_out
from bench.events import score_events
from bench.scoring import interval_scores
from bench.statistics import Estimate, Floats, Sample, interval, ratio, share_interval
from scenarios import Layout
from scenarios.demand import HOUR
from scenarios.events import Damage, Event, LostSale, Restock, Sale, Theft, WrongReplenishment, kind_of

LASTING = HOUR
"""Seconds that phantom inventory has to last to be one that should be found: what is in a cart is paid for before."""
LOSSES = ("theft", "damage", "short delivery", "wrong replenishment")
"""Kinds of events that leave fewer units on the shelf than in the books."""
SHARES = (
    "units_coverage", "phantom_precision", "phantom_recall", "wrong_books_precision", "wrong_books_recall",
    "out_precision", "out_recall", "osa",
)  # fmt: skip
RATIOS = (
    *SHARES, "units_error", "units_width", "units_interval_score", "lost_sales", "false_alerts",
)  # fmt: skip


def counts(course: Course, arm: str) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of every measure of an arm, of one day."""
    said, truth = course.said[arm], course.units
    moments = float(truth.size)
    phantom = course.phantom
    found = score_events(phantom, said.phantom)
    lasting = score_events(_lasting(phantom, course.times), said.phantom)
    out, told = truth == 0, said_out(said)
    outs = score_events(out, told)
    hours = (course.times[-1] - course.times[0]) / HOUR * truth.shape[1] / 1000
    lost = sum(isinstance(e, LostSale) for e in course.timeline.events)
    sold = sum(isinstance(e, Sale) for e in course.timeline.events)
    return {
        "units_error": (float(np.abs(said.units - truth).sum()), float(truth.sum())),
        "units_coverage": (float(((said.low <= truth) & (truth <= said.high)).sum()), moments),
        "units_width": (float((said.high - said.low).sum()), moments),
        "units_interval_score": (float(interval_scores(said.low, said.high, truth.astype(float)).sum()), moments),
        "phantom_precision": found.precision,
        "phantom_recall": lasting.recall,
        **_wrong_books(course, said),
        "out_precision": outs.precision,
        "out_recall": outs.recall,
        "false_alerts": (float(outs.alarms - outs.right), hours),
        "osa": (float((truth > 0).sum()), moments),
        "lost_sales": (float(lost), float(sold + lost)),
    }


def _wrong_books(course: Course, said: Said) -> dict[str, tuple[float, float]]:
    """Of the position-moments at which a discrepancy was told of, how many had it, by kind; and of those at which books
    and shelf differed, how many were told of. What is in a cart is off the shelf and still in the books."""
    row = {p.id: n for n, p in enumerate(course.timeline.layout.planogram.positions)}
    off = course.units - np.round(np.nan_to_num(course.record))
    told = right = 0
    for m, found in enumerate(said.found):
        for d in found:
            told += 1
            right += bool(off[m, row[d.position]] > 0 if d.kind == "record too low" else off[m, row[d.position]] < 0)
    return {
        "wrong_books_precision": (float(right), float(told)),
        "wrong_books_recall": (float(right), float((off != 0).sum())),
    }


def _lasting(flags: NDArray[np.bool_], times: Floats) -> NDArray[np.bool_]:
    """Flags (M, Q) without the runs that are shorter than LASTING."""
    kept = np.zeros_like(flags)
    for q in range(flags.shape[1]):
        for begin, end in _runs(flags[:, q]):
            kept[begin:end, q] = times[end - 1] - times[begin] >= LASTING
    return kept


def delays(there: NDArray[np.bool_], said: NDArray[np.bool_], times: Floats) -> list[float]:
    """Seconds from the first moment of every event to the first at which it was told of, by flags (M, Q) at times (M,);
    infinite where it never was while it lasted. What was there at the first moment is no event: nobody saw it begin."""
    found = []
    for q in range(there.shape[1]):
        for begin, end in _runs(there[:, q]):
            told = np.flatnonzero(said[begin:end, q])
            if begin:
                found.append(float(times[begin + told[0]] - times[begin]) if len(told) else np.inf)
    return found


def event_delays(course: Course, said: Said) -> dict[str, list[float]]:
    """By kind of event, seconds until it was told of that a position holds fewer units than the books say; infinite
    where it was not before the day's end. Left out are events of positions of which it was told already."""
    layout = course.timeline.layout
    row = {p.id: n for n, p in enumerate(layout.planogram.positions)}
    fewer = np.zeros(course.units.shape, bool)
    for m, found in enumerate(said.found):
        fewer[m, [row[d.position] for d in found if d.kind != "record too low"]] = True
    delays = loss_delays(course.timeline.events, fewer, course.times, layout)
    return {kind: [delay for delay, _ in rows] for kind, rows in delays.items()}


def loss_delays(
    events: Iterable[Event], fewer: NDArray[np.bool_], times: Floats, layout: Layout
) -> dict[str, list[tuple[float, int]]]:
    """By kind of loss, seconds until it was told of, and units that were lost, by where `fewer` units than in the books
    were told of (M, Q) at times (M,). Otherwise as `event_delays`."""
    row = {p.id: n for n, p in enumerate(layout.planogram.positions)}
    delay: dict[str, list[tuple[float, int]]] = {kind: [] for kind in LOSSES}
    for event in events:
        kind = kind_of(event)
        if kind not in LOSSES:
            continue
        assert isinstance(event, (Theft, Damage, Restock, WrongReplenishment))
        q, after = row[event.position], int(np.searchsorted(times, event.time))
        if after and fewer[after - 1, q]:
            continue
        told = np.flatnonzero(fewer[after:, q])
        came = len(event.columns) if isinstance(event, Restock) else 0
        units = len(event.columns) if isinstance(event, (Theft, Damage)) else event.booked - came
        delay[kind].append((float(times[after + told[0]] - event.time) if len(told) else np.inf, units))
    return delay


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where runs of flags (M,) begin, and where the next moment after each is."""
    edges = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()))


def samples(days: Sequence[Mapping[str, tuple[float, float]]], names: Sequence[str] = RATIOS) -> dict[str, Sample]:
    """Measures over days, of which numerator and denominator are given of each."""
    return {name: ratio(*np.array([d[name] for d in days], float).T) for name in names}


def estimates(
    days: Sequence[Mapping[str, tuple[float, float]]], names: Sequence[str] = RATIOS, shares: Sequence[str] = SHARES
) -> dict[str, Estimate]:
    """Measures, of which `shares` lie between 0 and 1, with their 95 % intervals over days."""
    return {
        name: share_interval(sample, np.array([d[name][1] for d in days]))
        if name in shares
        else interval(sample, least=0.0)
        for name, sample in samples(days, names).items()
    }
