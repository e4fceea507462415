"""What is sold: products with their packs, and the catalog that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.files import InputError, read_csv, write_csv

FORMS = ("box", "can", "bottle", "jar", "carton", "pouch", "tub", "tube", "bag", "multipack")
ROUND = ("can", "bottle", "jar", "tub")
"""Forms that are round when they are as wide as deep."""


@dataclass(frozen=True)
class Product:
    """One SKU: a product in one size. Width, height and depth of its pack are in metres."""

    sku: str
    brand: str
    name: str
    variant: str
    category: str
    size: str
    form: str
    width: float
    height: float
    depth: float
    family: str = ""
    """Products of one look-alike family differ by variant text and a colour only."""
    price: float = 0.0
    daily_units: float = 0.0

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form {self.form!r} of {self.sku}; expected one of {', '.join(FORMS)}")
        for name in ("width", "height", "depth"):
            if not 0.005 <= getattr(self, name) <= 2.0:
                raise ValueError(f"{name} {getattr(self, name)} m of {self.sku}; expected 0.005 to 2 m")

    @property
    def is_round(self) -> bool:
        """Whether it takes the same place however it is turned."""
        return self.form in ROUND and abs(self.width - self.depth) < 0.003


@dataclass(frozen=True)
class Catalog:
    """All products of a store, by SKU."""

    products: tuple[Product, ...]
    _by_sku: dict[str, Product] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_sku", {p.sku: p for p in self.products})

    def __getitem__(self, sku: str) -> Product:
        return self._by_sku[sku]

    def __contains__(self, sku: str) -> bool:
        return sku in self._by_sku

    def __iter__(self) -> Iterator[Product]:
        return iter(self.products)

    def __len__(self) -> int:
        return len(self.products)


def load_catalog(path: Path) -> Catalog:
    """Read catalog.csv. Raises InputError on a missing dimension or a SKU given twice."""
    products = read_csv(path, Product)
    seen: dict[str, int] = {}
    for row, product in enumerate(products, start=2):
        if product.sku in seen:
            raise InputError(f"{path}, row {row}: sku {product.sku!r} stands in row {seen[product.sku]} already")
        seen[product.sku] = row
    return Catalog(tuple(products))


def save_catalog(catalog: Catalog, path: Path) -> None:
    write_csv(path, catalog)
