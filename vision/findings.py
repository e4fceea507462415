"""Findings: what a store manager should know of the shelves, the worst first, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenarios import Layout, Position, Product, ShelfState

KINDS = ("out", "plugged", "wrong", "low", "refill", "unseen", "fine")
"""From worst to best: nothing there; another product in its whole place; another product among its own; few units;
empty facings with units enough; not seen; as planned."""
WORDS = {
    "out": "OUT", "plugged": "OUT, PLUGGED", "wrong": "WRONG PRODUCT", "low": "LOW", "refill": "REFILL",
    "unseen": "NOT SEEN", "fine": "OK",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What is to be said of one position, and what to do there. `sure` is the confidence in it, from 0 to 1."""

    position: str
    kind: str
    where: str
    sku: str
    product: str
    todo: str
    facings: int | None
    planned_facings: int
    units: float | None
    units_low: float | None
    units_high: float | None
    intruder: str
    intruder_product: str
    sure: float

    @property
    def words(self) -> str:
        return WORDS[self.kind]


def findings(layout: Layout, states: Sequence[ShelfState]) -> list[Finding]:
    """One for every position, the worst kind first; within a kind what sells for the most a day, then the surest."""
    names = place_names(layout)
    found = [_finding(layout, p, s, names[p.id]) for p, s in zip(layout.planogram.positions, states)]

    def worst(finding: Finding) -> tuple[int, float, float, str]:
        product = layout.catalog[finding.sku]
        return KINDS.index(finding.kind), -product.price * product.daily_units, -finding.sure, finding.position

    return sorted(found, key=worst)


def product_name(product: Product) -> str:
    """What is written on the pack, in the order of a shopping list."""
    words = (product.brand, product.name, product.variant, product.size)
    return " ".join(word for word in words if word)


def place_name(layout: Layout, position: Position) -> str:
    """Where it is, as one would tell somebody: shelves count from below, products from the left."""
    return place_names(layout)[position.id]


def place_names(layout: Layout) -> dict[str, str]:
    """Of all positions, by id, as `place_name`."""
    shelves: dict[tuple[str, int], list[Position]] = {}
    for position in sorted(layout.planogram.positions, key=lambda p: p.x):
        shelves.setdefault((position.fixture, position.shelf), []).append(position)
    return {
        position.id: f"{fixture}, shelf {shelf + 1}, no. {number}"
        for (fixture, shelf), row in shelves.items()
        for number, position in enumerate(row, start=1)
    }


def table(found: Sequence[Finding], most: int = 20) -> str:
    """What is to be done, for a terminal of 100 columns; at most `most` findings of it, two lines each."""
    count = {word: sum(f.words == word for f in found) for word in WORDS.values()}
    lines = [" · ".join(f"{word.lower()} {n}" for word, n in count.items() if n), ""]
    todo = [f for f in found if f.kind not in ("unseen", "fine")]
    if not todo:
        return "\n".join([*lines, "Nothing to do: all that was seen is as planned."])
    wide = max(len(word) for word in WORDS.values()) + 2
    for f in todo[:most]:
        lines.append(f"{f.words:{wide}}{_shortened(f.product, 96 - wide)}")
        lines.append(_shortened(f"{'':{wide}}{f.where}: {f.todo}", 85) + f"  ({100 * f.sure:.0f} % sure)")
    if len(todo) > most:
        lines.append(f"and {len(todo) - most} more in audit.csv")
    return "\n".join([*lines, "", "Shelves count from below, products from the left."])


def _finding(layout: Layout, position: Position, state: ShelfState, place: str) -> Finding:
    intruder = state.intruder or ""
    stranger = product_name(layout.catalog[intruder]) if intruder in layout.catalog else intruder
    kind = _kind(position, state)
    sure = state.intruder_confidence if kind == "wrong" else state.confidence
    return Finding(
        position.id, kind, place, position.sku, product_name(layout.product(position)),
        _todo(kind, position, state, stranger), state.facings, position.facings, state.units, state.units_low,
        state.units_high, intruder, stranger, round(sure, 3),
    )  # fmt: skip


def _kind(position: Position, state: ShelfState) -> str:
    if state.level == "out":
        return "plugged" if state.intruder else "out"
    if state.intruder:
        return "wrong"
    if state.level == "low":
        return "low"
    if state.level == "unknown":
        return "unseen"
    return "refill" if state.facings is not None and state.facings < position.facings else "fine"


def _todo(kind: str, position: Position, state: ShelfState, stranger: str) -> str:
    most = position.facings * position.deep
    if kind == "out":
        return f"bring up to {most}"
    if kind == "plugged":
        return f"take out {stranger}, bring up to {most}"
    if kind == "wrong":
        return f"take out {stranger}"
    if kind in ("low", "refill"):
        empty = position.facings - (position.facings if state.facings is None else state.facings)
        holes = f"{empty} of {position.facings} facings empty, " if empty else ""
        return f"{holes}about {state.units:.0f} left, room for {most}"
    return "look again" if kind == "unseen" else ""


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
