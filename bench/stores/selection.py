"""Which products a named store carries, and how they are packed in bulk. All are of the quickstart split."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from bench.stores.assortment import load_groups, load_products
from bench.stores.merchandising import FULL, HAND_GAP, build_planogram, pitch, shelf_fill
from scenarios import Fixture, Product
from scenarios.planogram import FRONT_MARGIN
from scenarios.products import FORMS

QUICKSTART_CATEGORIES = (
    "Cereal", "Coffee", "Tea", "Juice", "Soft Drinks", "Soup", "Canned Meals", "Vegetables", "Canned Fruit",
    "Pasta Sauce", "Pasta", "Dinner Mixes", "Rice & Sides", "Baking", "Spreads", "Condiments", "Dressings", "Snacks",
    "Nuts", "Crackers", "Cleaning", "Personal Care", "Beer",
)  # fmt: skip
QUICKSTART_WIDTH = 0.15
"""Widest pack of the quickstart store in metres: narrower packs make room for more products."""
SCALES = (1.0, 0.93, 1.07, 0.87, 1.15, 0.8, 1.25, 0.7, 1.4, 0.6)
"""Of the facings wanted, tried in turn until every shelf is full."""
CASE_LIMITS = (0.60, 0.45, 0.60)
"""Greatest width, height and depth of a case that one person lifts, in metres."""


def quickstart_products() -> list[Product]:
    """Of each category one look-alike family (up to three members) and four single products of packs that a
    1080p camera reads from across the aisle: those that sell best for their width, brand by brand, so that the
    private label does not fill the store."""
    chosen: set[str] = set()
    carried: Counter[str] = Counter()
    for category in QUICKSTART_CATEGORIES:
        groups = [g[:3] for g in load_groups("quickstart") if g[0].category == category]
        groups = [g for g in groups if g[0].height <= 0.315 and 0.05 <= g[0].width <= QUICKSTART_WIDTH]
        for family, count in ((True, 1), (False, 4)):
            for _ in range(count):
                left = [g for g in groups if (len(g) > 1) == family and g[0].sku not in chosen]
                if left:
                    best = max(left, key=lambda g: g[0].daily_units / g[0].width / (1 + carried[g[0].brand]))
                    chosen |= {product.sku for product in best}
                    carried[best[0].brand] += len(best)
    return [p for p in load_products("quickstart") if p.sku in chosen]


def fits(product: Product, fixtures: Sequence[Fixture]) -> bool:
    """Whether some shelf of the fixtures holds the product."""
    return any(
        product.height + HAND_GAP <= s.clearance and product.depth + FRONT_MARGIN <= f.depth
        for f in fixtures
        for s in f.shelves
    )


def best_sellers(
    categories: Sequence[str], fixtures: Sequence[Fixture], facings: float, forms: Sequence[str] = FORMS,
    widest: float = 0.21,
) -> list[Product]:  # fmt: skip
    """Products of some categories in turn, families whole, that fill every shelf of the fixtures with about
    `facings` each: those that sell best for their width, brand by brand."""
    groups = [
        g
        for g in load_groups("quickstart")
        if g[0].category in categories and g[0].form in forms and g[0].width <= widest and fits(g[0], fixtures)
    ]
    width = sum(f.width * len(f.shelves) for f in fixtures)
    trials = [_ranked(categories, groups, width / (facings * scale)) for scale in SCALES]
    return max(trials, key=lambda products: _emptiest(products, fixtures))


def _ranked(categories: Sequence[str], groups: Sequence[tuple[Product, ...]], wanted: float) -> list[Product]:
    """Groups until they are `wanted` metres wide, the best of each category in turn."""
    pools = {c: [g for g in groups if g[0].category == c] for c in categories}
    chosen: set[str] = set()
    carried: Counter[str] = Counter()
    width = 0.0
    while width < wanted and any(pools.values()):
        for pool in filter(None, pools.values()):
            best = max(pool, key=lambda g: g[0].daily_units / g[0].width / (1 + carried[g[0].brand]) ** 2)
            pool.remove(best)
            chosen |= {product.sku for product in best}
            carried[best[0].brand] += len(best)
            width += sum(map(pitch, best)) / 1000
    return [p for p in load_products("quickstart") if p.sku in chosen]


def _emptiest(products: Sequence[Product], fixtures: Sequence[Fixture]) -> float:
    """How full the emptiest shelf would be; nothing is gained above `FULL`."""
    positions = build_planogram(products, fixtures).positions
    return min(FULL, *shelf_fill(positions, products, fixtures).values())


def cases(products: Iterable[Product]) -> list[Product]:
    """Shipping cases of products, 4 × 3 units each or fewer where a case would be too large to lift."""
    packed = (_bulk(p, (4, 3), "box", "Case", "case") for p in products)
    return [p for p in packed if p is not None]


def multipacks(products: Iterable[Product]) -> list[Product]:
    """Multipacks of the bottles and cans among products, 3 × 2 units each."""
    packed = (_bulk(p, (3, 2), "multipack", "Pack", "pack") for p in products if p.form in ("bottle", "can"))
    return [p for p in packed if p is not None]


def _bulk(product: Product, count: tuple[int, int], form: str, word: str, prefix: str) -> Product | None:
    wide, deep = count
    while deep > 1 and (wide * product.width > CASE_LIMITS[0] or deep * product.depth > CASE_LIMITS[2]):
        wide, deep = max(2, wide - 1), deep - 1
    size = (
        round(wide * product.width + 0.006, 3),
        round(product.height + 0.006, 3),
        round(deep * product.depth + 0.006, 3),
    )
    if any(value > limit for value, limit in zip(size, CASE_LIMITS)):
        return None
    number = wide * deep
    return dataclasses.replace(
        product, sku=f"{prefix}-{product.sku}", name=f"{product.name} {word}",
        size=f"{number} x {product.size}", form=form, width=size[0], height=size[1], depth=size[2],
        family=f"{prefix}-{product.family}" if product.family else "", price=round(number * product.price * 0.9, 2),
        daily_units=round(product.daily_units / number, 3),
    )  # fmt: skip
