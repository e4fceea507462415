"""A small store that several tests stand on."""

from __future__ import annotations

from scenarios import (
    Camera,
    CameraModel,
    Catalog,
    Conditions,
    Crowd,
    Fixture,
    Layout,
    Mess,
    Planogram,
    Position,
    Product,
    Room,
    Scenario,
    Shelf,
    Store,
)
from scenarios.products import FORMS

TIDY = Mess(out=0, plugged=0, misplaced=0, empty_column=0, shift=0, turn=0)
MODEL = CameraModel("test", 640, 480, 0.9, 100.0)


def product(sku: str, form: str = "box", width: float = 0.1, height: float = 0.2, depth: float = 0.06) -> Product:
    depth = width if form in ("can", "bottle", "jar", "tub") else depth
    return Product(sku, f"Brand{sku}", "Tomato Soup", "Classic", "Soup", "10 oz", form, width, height, depth, price=2.5)


def small_layout() -> Layout:
    """One bay, two shelves, one position of each pack form."""
    bay = Fixture("bay-1", 0.0, 0.0, 1.0, 0.45, (Shelf(0.3, 0.35), Shelf(0.7, 0.35)))
    products = tuple(product(form, form, 0.05 if form == "tube" else 0.1) for form in FORMS)
    positions = (
        Position("p-box", "bay-1", 0, 0.02, "box", 2, 1, 3, 1),
        Position("p-can", "bay-1", 0, 0.30, "can", 2, 1, 3, 1),
        Position("p-bottle", "bay-1", 0, 0.60, "bottle", 2, 1, 3, 1),
        Position("p-carton", "bay-1", 1, 0.05, "carton", 3, 1, 3, 1),
        Position("p-pouch", "bay-1", 1, 0.55, "pouch", 2, 1, 3, 1),
        Position("p-tube", "bay-1", 0, 0.238, "tube", 1, 1, 3, 1),
        Position("p-jar", "bay-1", 0, 0.83, "jar", 1, 1, 3, 1),
        Position("p-tub", "bay-1", 1, 0.40, "tub", 1, 1, 3, 1),
        Position("p-bag", "bay-1", 1, 0.77, "bag", 1, 1, 3, 1),
        Position("p-multipack", "bay-1", 1, 0.88, "multipack", 1, 1, 3, 1),
    )
    room = Room((-1.0, 2.0), (-2.4, 0.45), 3.0)
    return Layout(Store("small", room, (bay,)), Catalog(products), Planogram(positions))


def small_scenario(seed: int = 1, mess: Mess = TIDY, shoppers: int = 0) -> Scenario:
    return Scenario(small_layout(), Conditions("small", crowd=Crowd(shoppers), mess=mess), seed)


def front_camera() -> Camera:
    return Camera("front", MODEL, (0.5, -1.6, 1.2), (0.5, 0.0, 0.6))
