"""Pack forms, their artwork, and the look-alike dial."""

from __future__ import annotations

import dataclasses
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from scenarios import Lookalikes, Product
from scenarios.products import FORMS
from sim import studio_pictures
from sim.lettering import barcode
from sim.packaging import front_panel
from sim.packs import pack_mesh

SIZES = {
    "box": (0.19, 0.29, 0.06), "can": (0.066, 0.10, 0.066), "bottle": (0.11, 0.30, 0.08), "jar": (0.08, 0.13, 0.08),
    "carton": (0.095, 0.23, 0.07), "pouch": (0.14, 0.21, 0.08), "tub": (0.11, 0.08, 0.11), "tube": (0.055, 0.17, 0.04),
    "bag": (0.2, 0.28, 0.09), "multipack": (0.26, 0.13, 0.2),
}  # fmt: skip
VARIANTS = ("Cherry", "Mint")


def product(form: str, brand: str = "Velora", sku: str = "1", **changes: object) -> Product:
    size = "12 x 12 oz" if form == "multipack" else "12 oz"
    whole = Product(sku, brand, "Chunky Soup", "Classic", "Soup", size, form, *SIZES[form])
    return dataclasses.replace(whole, **changes)


def family(number: int) -> list[Product]:
    return [
        product("box", f"Brand{number}", f"{number}-{word}", variant=word, family=f"soup-{number}") for word in VARIANTS
    ]


@pytest.mark.parametrize("brand", ["Velora", "Norimo", "Kelbana"])
@pytest.mark.parametrize("form", FORMS)
def test_packs_fill_their_box_and_are_light(form: str, brand: str) -> None:
    p = product(form, brand)
    mesh = pack_mesh(p, density=300)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    half = np.array([p.width / 2, p.depth / 2])
    assert (low >= [*-half - 1e-9, -1e-9]).all()
    assert (high <= [*half + 1e-9, p.height + 1e-9]).all()
    assert low[2] == pytest.approx(0, abs=1e-9)
    assert high - low == pytest.approx([p.width, p.depth, p.height], rel=0.04)
    assert len(mesh.triangles) <= (420 if form == "multipack" else 320)
    assert mesh.finish in ("matt", "gloss", "metal")


@pytest.mark.parametrize("form", FORMS)
def test_packs_are_closed_and_face_outwards(form: str) -> None:
    """A fallen pack showed the engine's ground through its open bottom."""
    mesh = pack_mesh(product(form), density=300)
    a, b, c = (mesh.vertices[mesh.triangles[:, i]] for i in range(3))
    area = np.cross(b - a, c - a) / 2
    normals = mesh.normals[mesh.triangles].mean(axis=1)
    assert ((area * normals).sum(axis=1)[np.linalg.norm(area, axis=1) > 1e-9] > 0).mean() > 0.97
    foot = mesh.vertices[mesh.vertices[:, 2] < 1e-9][:, :2].astype(np.float32)
    below = np.all([corner[:, 2] < 1e-9 for corner in (a, b, c)], axis=0)
    assert -area[below, 2].sum() == pytest.approx(cv2.contourArea(cv2.convexHull(foot)), rel=0.01)


@pytest.mark.parametrize(
    ("form", "category", "clear"),
    [("jar", "Spreads", True), ("bottle", "Juice", True), ("bottle", "Cleaning", False), ("box", "Cereal", False)],
)
def test_glass_is_see_through_and_card_is_not(form: str, category: str, clear: bool) -> None:
    mesh = pack_mesh(product(form, category=category), density=300)
    assert (mesh.clear is not None) == clear
    if mesh.clear is not None:
        assert len(mesh.clear) == len(mesh.triangles)
        assert 0.2 < mesh.clear.mean() < 0.9


def test_a_barcode_can_be_read() -> None:
    symbol = barcode(400638133393, 2 * 113, 100)
    page = np.full((300, 426), 255, np.uint8)
    page[100:200, 100:326] = symbol
    assert cv2.barcode.BarcodeDetector().detectAndDecode(page)[0] == "4006381333931"


def small(p: Product, distance: float) -> np.ndarray:
    return np.asarray(front_panel(p, p.width, p.height, 150, distance).resize((40, 60), Image.Resampling.BOX), float)


def apart(products: list[Product], distance: float) -> float:
    pictures = [small(p, distance) for p in products]
    return float(np.mean([np.abs(a - b).mean() for a, b in itertools.combinations(pictures, 2)]))


def test_families_part_as_the_dial_is_turned_up() -> None:
    families = [family(number) for number in range(8)]
    dial = [float(np.mean([apart(f, distance) for f in families])) for distance in np.linspace(0, 1, 11)]
    assert dial[0] == 0
    assert (np.diff(dial) > 0).all(), dial
    strangers = apart([f[0] for f in families], 0.35)
    assert dial[3] < 0.25 * strangers
    assert dial[-1] == pytest.approx(strangers, rel=0.15)


def test_distance_zero_is_the_same_pack_to_the_pixel() -> None:
    one, *others = (pack_mesh(p, 400, 0.0) for p in family(3))
    for other in others:
        np.testing.assert_array_equal(one.vertices, other.vertices)
        np.testing.assert_array_equal(np.asarray(one.texture), np.asarray(other.texture))


def test_the_dial_leaves_products_outside_families_alone() -> None:
    p = product("jar")
    np.testing.assert_array_equal(
        np.asarray(pack_mesh(p, 300, 0.0).texture), np.asarray(pack_mesh(p, 300, 1.0).texture)
    )


def test_a_member_looks_the_same_whoever_else_is_carried() -> None:
    """A look that hung on the first member of a catalogue would change from store to store."""
    members = family(1)
    for_all = studio_pictures(members, 96, Lookalikes(0.6))
    alone = studio_pictures(members[1:2], 96, Lookalikes(0.6))
    np.testing.assert_array_equal(for_all[members[1].sku][0], alone[members[1].sku][0])


def test_the_studio_takes_the_dial() -> None:
    members = family(2)[:2]
    same, apart_ = (studio_pictures(members, 96, Lookalikes(distance)) for distance in (0.0, 1.0))
    np.testing.assert_array_equal(*(same[p.sku][0] for p in members))
    assert np.abs(apart_[members[0].sku][0].mean((0, 1)) - apart_[members[1].sku][0].mean((0, 1))).max() > 5
