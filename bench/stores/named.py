"""The named scenarios: stores that are hard in one way each, with products that training never saw.

A builder returns layout, conditions and a note; `NAMED` knows them all. `python -m bench.stores` writes them
to scenarios/NAME/.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bench.stores.assortment import load_products
from bench.stores.furniture import (
    CHEST,
    COOLER_SHELVES,
    DISPLAY,
    GONDOLA_SHELVES,
    LOW_SHELVES,
    PEG_LINES,
    RACK_LEVELS,
    bays,
    boards,
    panels,
    shelf_strips,
    tubes,
)  # fmt: skip
from bench.stores.merchandising import build_planogram, fill_bare_shelves
from bench.stores.selection import best_sellers, cases, fits, multipacks, quickstart_products
from scenarios import (
    Catalog,
    Conditions,
    Crowd,
    Fixture,
    Layout,
    Lighting,
    Lookalikes,
    Luminaire,
    Mess,
    Planogram,
    Position,
    Product,
    Room,
    Store,
    Window,
)  # fmt: skip

Named = tuple[Layout, Conditions, str]
DRINKS = ("Soft Drinks", "Juice", "Tea", "Coffee")
CHILLED = ("Soft Drinks", "Juice", "Dairy", "Beer", "Tea")
PANTRY = ("Cereal", "Pasta", "Pasta Sauce", "Soup", "Canned Meals", "Vegetables", "Rice & Sides", "Spreads", "Baking")
SWEETS = ("Cookies", "Candy", "Snacks", "Nuts", "Crackers", "Breakfast Bars", "Cocoa")
HOUSEHOLD = ("Cleaning", "Personal Care", "Laundry")


def quickstart() -> Named:
    fixtures = bays("bay", 4, 0.0, 0.0, 1.0, 0.45, GONDOLA_SHELVES)
    store = Store("quickstart", Room((-1.0, 5.0), (-2.4, 0.45), 3.0), fixtures)
    note = "A short aisle of a supermarket: four bays of five shelves; the opposite shelf stands at y = -2.4."
    return _layout(store, (fixtures, quickstart_products())), Conditions("quickstart"), note


def corner_shop() -> Named:
    """Three shallow bays and a drinks cooler; a counter and a freezer chest across a narrow aisle; a window."""
    wall = bays("bay", 3, 0.0, 0.0, 0.9, 0.38, ((0.10, 0.34), (0.47, 0.29), (0.79, 0.28), (1.10, 0.28), (1.41, 0.32)))
    cooler = bays("cooler", 1, 2.75, 0.0, 0.8, 0.5, COOLER_SHELVES, kind="cooler")
    counter = bays("counter", 2, 1.6, -1.5, 0.85, 0.4, LOW_SHELVES, facing=True)
    chest = bays("chest", 1, 0.0, -1.5, 1.3, 0.62, CHEST, kind="freezer", facing=True)
    store = Store(
        "corner_shop", Room((-0.5, 4.1), (-2.25, 0.52), 2.45), wall + cooler + counter + chest,
        tubes((0.0, 3.6), (-0.75,), 2.42, 2, 3200, 3500) + shelf_strips(cooler, 450, 5500),
        (Window("left", (-0.5, -0.8, 1.35), 1.3, 1.5, math.radians(200)),),
    )  # fmt: skip
    layout = _layout(
        store,
        (wall, best_sellers((*PANTRY, *HOUSEHOLD, "Condiments"), wall, 1.5)),
        (cooler, best_sellers(CHILLED, cooler, 1.4)),
        (counter, best_sellers(SWEETS, counter, 1.7)),
        (chest, best_sellers(("Frozen", "Dinner Mixes"), chest, 1.5, forms=("box", "bag", "pouch", "tub"))),
    )
    mess = Mess(out=0.10, misplaced=0.05, empty_column=0.12, receded=0.15, turned=0.06, leaning=0.02, shift=0.0025)
    conditions = Conditions("corner_shop", Lighting((250, 600), (3000, 4000), hour=10), Crowd(1, baskets=0.5), mess)
    return layout, conditions, "A small shop: low ceiling, narrow aisle, mixed categories, daylight from a window."


def supermarket_aisle() -> Named:
    """Ten bays on either side and an endcap on each row: everything that the split holds and a shelf carries."""
    shelves = ((0.10, 0.35), (0.48, 0.30), (0.81, 0.26), (1.10, 0.24), (1.37, 0.22), (1.62, 0.22), (1.87, 0.24))
    near = bays("near", 10, 0.0, 0.0, 1.4, 0.60, shelves)
    far = bays("far", 10, 0.0, -2.4, 1.4, 0.60, shelves, facing=True)
    end = 14.0 + 0.03 + 0.45
    caps = (
        Fixture("endcap-near", end, 0.0, 0.9, 0.45, boards(DISPLAY), "endcap", math.pi / 2),
        Fixture("endcap-far", end, -3.3, 0.9, 0.45, boards(DISPLAY), "endcap", math.pi / 2),
    )
    store = Store(
        "supermarket_aisle", Room((-1.5, 17.7), (-3.4, 1.0), 3.4), near + far + caps,
        tubes((-0.5, 16.7), (-0.75, -1.65), 3.35, 9, 4800, 4000),
    )  # fmt: skip
    aisle = near + far
    products = [p for p in load_products("quickstart") if fits(p, aisle)]
    layout = _layout(store, (aisle, products), (caps, [*multipacks(best_sellers(DRINKS, caps, 6.0))[:20]]))
    crowd = Crowd(shoppers=3, carts=0.5, baskets=0.3)
    mess = Mess(out=0.05, empty_column=0.05, receded=0.08, turned=0.02)
    note = "A long aisle: twenty bays, ten on either side, with some 950 SKUs, and an endcap on each row."
    return layout, Conditions("supermarket_aisle", Lighting((500, 1000)), crowd, mess), note


def lookalike_wall() -> Named:
    """Every vegetable of the split: more than half stand beside their look-alikes."""
    shelves = ((0.12, 0.27), (0.42, 0.27), (0.72, 0.27), (1.02, 0.27), (1.32, 0.27), (1.62, 0.27))
    fixtures = bays("bay", 3, 0.0, 0.0, 0.9, 0.45, shelves)
    lamps = tubes((0.2, 2.5), (-0.9,), 2.95, 2, 4200, 4000)
    store = Store("lookalike_wall", Room((-1.0, 3.7), (-2.4, 0.45), 3.0), fixtures, lamps)
    products = [p for p in load_products("quickstart") if p.category == "Vegetables" and fits(p, fixtures)]
    mess = Mess(out=0.06, plugged=0.5, misplaced=0.06, empty_column=0.08)
    conditions = Conditions("lookalike_wall", Lighting((400, 800)), mess=mess, lookalikes=Lookalikes(0.12))
    note = "One category in big families: neighbours that differ by a word or a colour band."
    return _layout(store, (fixtures, products)), conditions, note


def cooler_row() -> Named:
    """Four glass-door coolers with their own light."""
    fixtures = bays("cooler", 4, 0.0, 0.0, 1.25, 0.62, COOLER_SHELVES, kind="cooler", pushers=True)
    lamps = tubes((0.3, 4.7), (-1.2,), 2.95, 3, 2600, 4000) + shelf_strips(fixtures, 700, 5700)
    store = Store("cooler_row", Room((-1.0, 6.0), (-2.6, 0.68), 3.0), fixtures, lamps)
    drinks = best_sellers(CHILLED, fixtures, 1.9)
    conditions = Conditions("cooler_row", Lighting((250, 500), (3800, 4200)), mess=Mess(empty_column=0.12))
    return (
        _layout(store, (fixtures, drinks)),
        conditions,
        "Coolers with glass doors and strip light: bottles, cartons, cans, tubs.",
    )


def rush_hour() -> Named:
    """The quickstart's kind of aisle, both sides stocked, full of shoppers with carts and baskets."""
    near = bays("near", 4, 0.0, 0.0, 1.0, 0.45, GONDOLA_SHELVES)
    far = bays("far", 4, 0.0, -2.6, 1.0, 0.45, GONDOLA_SHELVES, facing=True)
    lamps = tubes((0.0, 4.0), (-0.8, -1.8), 2.95, 3, 4200, 4000)
    store = Store("rush_hour", Room((-1.5, 5.5), (-3.05, 0.45), 3.0), near + far, lamps)
    layout = _layout(
        store,
        (near, best_sellers((*PANTRY, "Condiments", "Dressings"), near, 2.0)),
        (far, best_sellers((*SWEETS, *DRINKS, *HOUSEHOLD), far, 2.0)),
    )
    crowd = Crowd(shoppers=2, density=0.4, carts=0.4, baskets=0.35)
    mess = Mess(out=0.14, empty_column=0.18, receded=0.3, misplaced=0.05, turned=0.08)
    note = "Saturday noon: a crowd with carts and baskets before shelves that are being emptied."
    return layout, Conditions("rush_hour", Lighting((500, 900)), crowd, mess), note


def night_restock() -> Named:
    """After closing: pallets and roll cages in the aisle, every third lamp on, bare shelves."""
    near = bays("near", 4, 0.0, 0.0, 1.0, 0.45, GONDOLA_SHELVES)
    far = bays("far", 4, 0.0, -3.0, 1.0, 0.45, GONDOLA_SHELVES, facing=True)
    lamps = tubes((-0.2, 4.2), (-1.0, -2.0), 2.95, 3, 4200, 4000)
    lamps += (Luminaire("exit", "spot", (-0.9, -1.5, 2.6), 250, 5000, 0.3, 0.15, emergency=True),)
    store = Store("night_restock", Room((-1.5, 5.5), (-3.45, 0.45), 3.0), near + far, lamps)
    layout = _layout(
        store,
        (near, best_sellers((*PANTRY, "Oil & Spices", "Pickles"), near, 2.0)),
        (far, best_sellers((*SWEETS, *HOUSEHOLD, "Condiments"), far, 2.0)),
    )
    lighting = Lighting((90, 200), (3800, 4200), failed=0.5, hour=2)
    mess = Mess(out=0.25, plugged=0.05, misplaced=0.04, empty_column=0.3, receded=0.5, turned=0.05)
    note = "Night: half of the lamps off, pallets in the aisle, shelves half empty and not pulled forward."
    return layout, Conditions("night_restock", lighting, Crowd(shoppers=1, pallets=3), mess), note


def failing_lights() -> Named:
    """Lamps that are dark or flicker over a plain aisle."""
    fixtures = bays("bay", 4, 0.0, 0.0, 1.0, 0.45, GONDOLA_SHELVES)
    lamps = tubes((-0.4, 4.4), (-0.9,), 2.65, 5, 3700, 6500)
    store = Store("failing_lights", Room((-1.0, 5.0), (-2.2, 0.45), 2.7), fixtures, lamps)
    layout = _layout(store, (fixtures, best_sellers((*PANTRY, *SWEETS, *DRINKS), fixtures, 2.2)))
    lighting = Lighting((220, 450), (5000, 6500), failed=0.6, flicker=0.8, hour=21)
    return layout, Conditions("failing_lights", lighting), "Cold old tubes: three of five dark, the others flicker."


def messy_promotion() -> Named:
    """An offer after the rush: display, pallet and peg wall with fallen, leaning, turned and misplaced packs."""
    gondola = bays("bay", 2, 0.0, 0.0, 1.0, 0.45, GONDOLA_SHELVES)
    cap = bays("endcap", 1, 2.08, 0.0, 0.95, 0.45, DISPLAY, kind="endcap")
    pegs = bays("pegs", 1, 3.12, 0.0, 1.0, 0.3, PEG_LINES, kind="pegwall")
    pallet = bays("pallet", 1, 4.25, -0.25, 1.2, 0.8, ((0.144, 1.05),), kind="pallet")
    store = Store(
        "messy_promotion", Room((-0.8, 6.2), (-2.8, 0.62), 3.2), gondola + cap + pegs + pallet,
        tubes((0.0, 5.6), (-1.1,), 3.15, 4, 4200, 3500),
    )  # fmt: skip
    offers = best_sellers((*SWEETS, *DRINKS), cap, 3.0)
    layout = _layout(
        store,
        (gondola, best_sellers((*SWEETS, "Condiments", "Dressings", "Coffee"), gondola, 2.0)),
        (cap, offers),
        (
            pegs,
            best_sellers(
                (*SWEETS, "Rice & Sides", "Personal Care"),
                pegs,
                2.2,
                forms=("pouch", "box", "bag", "tube"),
                widest=0.19,
            ),
        ),
        (pallet, cases(offers)),
    )
    mess = Mess(
        out=0.10, plugged=0.5, misplaced=0.12, empty_column=0.15, receded=0.25, turned=0.20, leaning=0.12, fallen=0.10,
        shift=0.004, turn=0.06,
    )  # fmt: skip
    note = "A promotion after the rush: endcap, pallet display and peg wall with packs turned, fallen and misplaced."
    return layout, Conditions("messy_promotion", crowd=Crowd(1, carts=1.0), mess=mess), note


def warehouse_rack() -> Named:
    """Cases and multipacks on pallet racks under a high ceiling."""
    near = bays("near", 3, 0.0, 0.0, 2.7, 1.1, RACK_LEVELS, kind="rack")
    far = bays("far", 3, 0.0, -3.2, 2.7, 1.1, RACK_LEVELS, kind="rack", facing=True)
    store = Store(
        "warehouse_rack", Room((-2.0, 10.1), (-4.45, 1.25), 6.5), near + far, panels((0.3, 7.8), -1.6, 6.3, 4, 16000),
    )  # fmt: skip
    many = bays("pool", 30, 0.0, 0.0, 1.0, 0.45, GONDOLA_SHELVES)
    bulk = best_sellers((*PANTRY, *HOUSEHOLD, *DRINKS, *SWEETS), many, 2.0)
    layout = _layout(store, (near, cases(bulk[0::4])), (far, [*multipacks(bulk[1::3]), *cases(bulk[2::8])]))
    mess = Mess(out=0.08, misplaced=0.02, empty_column=0.15, receded=0.1, shift=0.01, turn=0.05)
    conditions = Conditions("warehouse_rack", Lighting((200, 400), (4000, 5000)), Crowd(pallets=1), mess)
    return layout, conditions, "A wholesale aisle: pallet racks under a high ceiling, cases and multipacks."


NAMED: dict[str, Callable[[], Named]] = {
    build.__name__: build
    for build in (
        quickstart, corner_shop, supermarket_aisle, lookalike_wall, cooler_row, rush_hour, night_restock,
        failing_lights, messy_promotion, warehouse_rack,
    )
}  # fmt: skip


def _layout(store: Store, *parts: tuple[Sequence[Fixture], Sequence[Product]]) -> Layout:
    """Plan each part's products over its fixtures; the catalog holds what found a place, in the split's order."""
    positions: list[Position] = []
    products: dict[str, Product] = {}
    bay = 1
    for fixtures, wanted in parts:
        planned = fill_bare_shelves(build_planogram(wanted, fixtures, bay), wanted, fixtures, bay).positions
        bay += len(fixtures)
        positions += planned
        held = {position.sku for position in planned}
        products |= {product.sku: product for product in wanted if product.sku in held}
    order = {p.sku: i for i, p in enumerate(load_products("quickstart"))}
    catalog = sorted(products.values(), key=lambda p: order.get(p.sku, len(order)))
    return Layout(store, Catalog(tuple(catalog)), Planogram(tuple(positions)))
