"""Scores of readings against truth: one definition of each metric, used everywhere.

A rig is scored over all planned positions, so that a blind rig cannot look good; `…_visible` metrics
are over those positions of which its cameras together see at least half of the front row.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.events import score_events
from bench.precision import Matches, PrecisionSamples, match
from bench.statistics import Estimate, Floats, Sample, interval, jackknife, leave_one_out, ratio, share_interval
from scenarios import Layout, ShelfState
from sim.truth import PositionTruth, Truth
from vision.pipeline import WEAKEST_PERSON
from vision.readings import PERSON, PRODUCT, PlaceReadings, PlaceState, Reading

HALF = 0.5
MISSES = 0.1
"""The share of truths that a 90 % interval misses."""
CAUSES = ("camera", "detector", "recognizer", "registration", "memory")
PPM_BINS = (0, 250, 350, 450, 550, 650, 800, 1000)

RATIOS = (
    "sku_top1", "sku_top1_lookalike", "facings_exact", "facings_exact_visible", "units_error", "units_coverage",
    "units_width", "units_interval_score", "oos_precision", "oos_recall", "oos_recall_visible",
    "misplaced_precision", "misplaced_recall", "unseen_by_camera", "person_recall",
)  # fmt: skip
SUMS = ("units_error", "units_width", "units_interval_score")
"""Ratios that are no shares."""
METRICS = ("detection_ap50", "detection_ap", *RATIOS, "units_interval_constant")
LOWER_IS_BETTER = ("units_error", "units_width", "units_interval_score", "units_interval_constant", "unseen_by_camera")


@dataclass(frozen=True, eq=False)
class PictureScore:
    """One picture read by one model: its matches, and of the matched products (M) which unit, whether
    its SKU was right, whether it belongs to a look-alike family, and the pixels per metre there."""

    matches: Matches
    unit: NDArray[np.int64]
    right: NDArray[np.bool_]
    lookalike: NDArray[np.bool_]
    pixels_per_metre: Floats
    false_boxes: Floats
    """(F, 4) product boxes that matched nothing and lie in no ignore region."""
    persons: tuple[int, int]
    """Of the persons of whom at least half is visible, how many were found, and how many there are."""


def score_picture(layout: Layout, truth: Truth, reading: Reading, pixels_per_metre: Floats) -> PictureScore:
    """Score one reading. The name that is right or wrong is the nearest product's, also where the reading says that it
    is unknown; `python -m bench.tuning.recognition` measures what is called unknown.

    `pixels_per_metre` (P,) is the camera's at every front-row place.
    """
    counted = np.flatnonzero(truth.visible_fraction >= HALF)
    ignored = (truth.visible_fraction > 0) & (truth.visible_fraction < HALF)
    found = reading.detections
    products = np.flatnonzero(found.class_id == PRODUCT)
    matches = match(
        found.xyxy[products].astype(float), found.confidence[products].astype(float),
        truth.visible_box[counted].astype(float), truth.visible_box[ignored].astype(float),
    )  # fmt: skip
    order = products[np.argsort(-found.confidence[products], kind="stable")[: len(matches.scores)]]
    hit = matches.hit[0] >= 0
    unit = counted[matches.hit[0][hit]]
    place = truth.place[unit]
    return PictureScore(
        matches,
        unit,
        found.nearest[order][hit] == truth.sku[unit],
        np.array([bool(layout.catalog[sku].family) for sku in truth.sku[unit]], bool),
        np.where(place >= 0, pixels_per_metre[place], np.nan),
        matches.boxes[~hit & ~matches.ignored[0]],
        _score_persons(truth, reading),
    )


def _score_persons(truth: Truth, reading: Reading) -> tuple[int, int]:
    """Persons found by boxes of IoU 0.5 or more, of all that the pipeline would hide in a stored picture."""
    found = reading.detections.where(
        (reading.detections.class_id == PERSON) & (reading.detections.confidence >= WEAKEST_PERSON)
    )
    seen = truth.person_visible_fraction >= HALF
    boxes, persons, half_hidden = (
        v.astype(float) for v in (found.xyxy, truth.person_box[seen], truth.person_box[~seen])
    )
    matches = match(boxes, found.confidence.astype(float), persons, half_hidden)
    return int((matches.hit[0] >= 0).sum()), len(persons)


def places_seen(truth: Truth, places: int) -> NDArray[np.bool_]:
    """Which front-row places (P,) a picture shows at least half of: the unit there, or the gap."""
    seen = np.zeros(places, bool)
    seen[truth.place[truth.front & (truth.visible_fraction >= HALF)]] = True
    seen[truth.gap_place[truth.gap_visible_fraction >= HALF]] = True
    return seen


@dataclass
class Moment:
    """Everything that an arm said of one scenario, reduced to what scores are made of.

    `counts[name]` is (numerator, denominator) of a ratio metric; `causes` splits the error of the
    facing count, with sign.
    """

    counts: dict[str, tuple[float, float]]
    pictures: list[PictureScore]
    causes: Counter[str]
    positions: list[dict] = field(default_factory=list)
    """One row a position, for the raw samples."""


def score_moment(
    layout: Layout,
    truths: Sequence[Truth],
    scores: Sequence[PictureScore],
    positions: Sequence[PositionTruth],
    fused: PlaceReadings,
    states: Sequence[ShelfState],
) -> Moment:
    """Score one scenario as a rig's cameras together read it."""
    counts: dict[str, tuple[float, float]] = {}
    right = np.concatenate([s.right for s in scores])
    lookalike = np.concatenate([s.lookalike for s in scores])
    counts["sku_top1"] = (float(right[~lookalike].sum()), float((~lookalike).sum()))
    counts["sku_top1_lookalike"] = (float(right[lookalike].sum()), float(lookalike.sum()))
    seen = np.any([places_seen(t, len(layout.places)) for t in truths], axis=0)
    owner = layout.places.position
    share = np.bincount(owner, seen) / np.bincount(owner)
    visible = share >= HALF
    exact = np.array([s.facings == p.facings for s, p in zip(states, positions)])
    out = np.array([p.level == "out" for p in positions])
    said_out = np.array([s.level == "out" for s in states])
    units = np.array([p.units for p in positions], float)
    said_units = np.array([s.units or 0.0 for s in states])
    counts["facings_exact"] = (float(exact.sum()), float(len(exact)))
    counts["facings_exact_visible"] = (float(exact[visible].sum()), float(visible.sum()))
    counts["units_error"] = (float(np.abs(said_units - units).sum()), float(units.sum()))
    counts |= _score_intervals(units, states)
    misplaced = np.array([p.intruder is not None for p in positions])
    said_misplaced = np.array([s.intruder is not None for s in states])
    for name, there, said in (("oos", out, said_out), ("misplaced", misplaced, said_misplaced)):
        events = score_events(there[None], said[None])
        counts |= {f"{name}_precision": events.precision, f"{name}_recall": events.recall}
    counts["oos_recall_visible"] = score_events((out & visible)[None], said_out[None]).recall
    front = truths[0].front
    best = np.max([t.visible_fraction for t in truths], axis=0)
    counts["unseen_by_camera"] = (float((best[front] < HALF).sum()), float(front.sum()))
    found, persons = np.sum([s.persons for s in scores], axis=0)
    counts["person_recall"] = (float(found), float(persons))
    rows = [
        {
            "position": s.position, "true_level": p.level, "level": s.level, "true_facings": p.facings,
            "facings": s.facings, "true_units": p.units, "units": s.units,
            "units_low": s.units_low, "units_high": s.units_high, "true_intruder": p.intruder,
            "intruder": s.intruder, "confidence": s.confidence, "visible_share": float(v),
        }
        for s, p, v in zip(states, positions, share)
    ]  # fmt: skip
    return Moment(counts, list(scores), split_errors(layout, truths, scores, fused), rows)


def interval_scores(low: Floats, high: Floats, truth: Floats) -> Floats:
    """The interval score of central 90 % intervals (Gneiting & Raftery, Strictly Proper Scoring Rules, 2007, eq. 43):
    their width, and what the truth lies outside of them times 2 / 0.1."""
    return high - low + 2 / MISSES * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0))


def _score_intervals(units: Floats, states: Sequence[ShelfState]) -> dict[str, tuple[float, float]]:
    """Coverage, mean width and interval score of the units, over the positions of which some were seen."""
    known = np.array([s.units is not None for s in states])
    low, high = (np.array([getattr(s, name) or 0.0 for s in states])[known] for name in ("units_low", "units_high"))
    inside = (low <= units[known]) & (units[known] <= high)
    sums = {
        "units_coverage": inside.sum(),
        "units_width": (high - low).sum(),
        "units_interval_score": interval_scores(low, high, units[known]).sum(),
    }
    return {name: (float(value), float(known.sum())) for name, value in sums.items()}


def constant_interval(moments: Sequence[Moment]) -> Sample:
    """The interval score of the best interval of one width around the same estimates: what an interval is worth that
    knows nothing of the position. The width is the one that turns out best on these very moments, and is chosen again
    where one of them is left out."""
    errors = [
        np.array([abs(row["units"] - row["true_units"]) for row in m.positions if row["units"] is not None])
        for m in moments
    ]
    half = np.unique(np.concatenate([[0.0], *errors]))  # between two of these the score is linear in the width
    sums = np.array([interval_scores(-half, half, e[:, None]).sum(axis=0) if len(e) else 0 * half for e in errors])
    counts = np.array([len(e) for e in errors], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(sums.sum(axis=0).min() / counts.sum()) if counts.sum() else math.nan
        weights = leave_one_out(len(moments))
        return jackknife(value, (weights @ sums).min(axis=1) / (weights @ counts))


def split_errors(
    layout: Layout, truths: Sequence[Truth], scores: Sequence[PictureScore], fused: PlaceReadings
) -> Counter[str]:
    """Split (facings read − facings there) into its causes, with sign; the parts add up to the whole.

    A unit that was not read is the camera's where no camera shows half of it, the detector's where no
    camera's boxes found it, the recognizer's where it was taken for another product, and else the
    registration's. A facing read where none is: the recognizer's where a foreign pack stands, the
    detector's where a box without an object lies there, and else the registration's.
    """
    planned = np.array([p.sku for p in layout.planogram.positions], object)[layout.places.position]
    there = np.full(len(layout.places), None, object)
    unit_at = np.full(len(layout.places), -1)
    front = np.flatnonzero(truths[0].front)
    there[truths[0].place[front]] = truths[0].sku[front]
    unit_at[truths[0].place[front]] = front
    found = np.zeros(len(truths[0].sku), bool)
    for score in scores:
        found[score.unit] = True
    best = np.max([t.visible_fraction for t in truths], axis=0)
    causes: Counter[str] = Counter(dict.fromkeys(CAUSES, 0))
    for place in np.flatnonzero((there == planned) != (fused.state == PlaceState.OWN)):
        unit = unit_at[place]
        if there[place] == planned[place]:
            if best[unit] < HALF:
                cause = "camera"
            elif not found[unit]:
                cause = "detector"
            else:
                misnamed = fused.state[place] in (PlaceState.FOREIGN, PlaceState.UNNAMED)
                cause = "recognizer" if misnamed else "registration"
            causes[cause] -= 1
        else:
            if unit >= 0:
                cause = "recognizer"
            else:
                cause = "detector" if _false_box_at(place, truths, scores) else "registration"
            causes[cause] += 1
    return causes


def _false_box_at(place: np.int64, truths: Sequence[Truth], scores: Sequence[PictureScore]) -> bool:
    for truth, score in zip(truths, scores):
        gap = truth.gap_box[truth.gap_place == place]
        if len(gap) and len(score.false_boxes):
            centre = (score.false_boxes[:, :2] + score.false_boxes[:, 2:]) / 2
            if ((centre >= gap[0, :2]) & (centre <= gap[0, 2:])).all(axis=1).any():
                return True
    return False


@dataclass(frozen=True, eq=False)
class Scores:
    """An arm's metrics with intervals, and each one's sample of scenarios for paired comparisons."""

    metrics: dict[str, Estimate]
    samples: dict[str, Sample]
    causes: dict[str, int]
    facings: int
    """Front-row units of the planned SKU, over all scenarios: what `causes` are errors of."""
    cause_shares: dict[str, Estimate]
    """Each cause's part of `facings`, and that of `all`; the parts add up to the whole, with sign."""
    top1_by_ppm: list[dict]


def summarise(moments: Sequence[Moment]) -> Scores:
    """Turn an arm's moments, one a scenario, into metrics."""
    samples, metrics = {}, {}
    for name in RATIOS:
        numerator, denominator = np.array([m.counts[name] for m in moments]).T
        samples[name] = ratio(numerator, denominator)
        share = name not in SUMS
        metrics[name] = share_interval(samples[name], denominator) if share else interval(samples[name], least=0.0)
    samples["units_interval_constant"] = constant_interval(moments)
    metrics["units_interval_constant"] = interval(samples["units_interval_constant"], least=0.0)
    samples |= precision_samples(
        [p.matches for m in moments for p in m.pictures],
        np.repeat(np.arange(len(moments)), [len(m.pictures) for m in moments]),
        len(moments),
    )
    metrics |= {name: interval(samples[name], 0.0, 1.0) for name in ("detection_ap50", "detection_ap")}
    ordered = {name: metrics[name] for name in METRICS}
    facings = np.array([sum(row["true_facings"] for row in m.positions) for m in moments], float)
    parts = {c: np.array([m.causes[c] for m in moments], float) for c in CAUSES}
    shares = {c: interval(ratio(n, facings)) for c, n in (parts | {"all": sum(parts.values(), 0 * facings)}).items()}
    causes = {c: int(n.sum()) for c, n in parts.items()}
    return Scores(ordered, samples, causes, int(facings.sum()), shares, _top1_by_ppm(moments))


def precision_samples(pictures: Sequence[Matches], scenario: NDArray[np.int64], scenarios: int) -> dict[str, Sample]:
    """`detection_ap50` and `detection_ap` of pictures (P,), of which `scenario` (P,) says where each was taken."""
    made = PrecisionSamples(pictures, scenario, scenarios)
    curves = np.array([made.average_precision(w) for w in leave_one_out(scenarios)])
    ap50, ap = made.reference()
    return {"detection_ap50": jackknife(ap50, curves[:, 0]), "detection_ap": jackknife(ap, curves.mean(axis=1))}


def _top1_by_ppm(moments: Sequence[Moment]) -> list[dict]:
    """`sku_top1` outside and inside look-alike families in bins of pixels per metre."""
    rows = []
    for low, high in zip(PPM_BINS, (*PPM_BINS[1:], np.inf)):
        for lookalike in (False, True):
            pairs = []
            for moment in moments:
                chosen = [
                    p.right[(p.lookalike == lookalike) & (p.pixels_per_metre >= low) & (p.pixels_per_metre < high)]
                    for p in moment.pictures
                ]
                pairs.append((sum(int(c.sum()) for c in chosen), sum(len(c) for c in chosen)))
            array = np.array(pairs, float)
            if array[:, 1].sum() >= 30:
                e = share_interval(ratio(array[:, 0], array[:, 1]), array[:, 1])
                rows.append(
                    {
                        "low": low,
                        "high": None if np.isinf(high) else high,
                        "lookalike": lookalike,
                        "units": int(array[:, 1].sum()),
                    }
                    | {"value": e.value, "interval": [e.low, e.high]}
                )
    return rows
