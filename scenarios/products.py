"""What is sold: products with their packs, and the catalog that holds them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scenarios.artwork import digest, mesh_file, side_pictures
from scenarios.files import InputError, read_csv, write_csv

FORMS = ("box", "can", "bottle", "jar", "carton", "pouch", "tub", "tube", "bag", "multipack")
ARTWORK = ("pictures", "mesh")
"""The columns that name files of the user's."""
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
    pictures: str = ""
    """The user's photographs of the pack: one of the front, or a folder with `front` alone or all six sides."""
    mesh: str = ""
    """The user's OBJ or GLB file of the pack. In catalog.csv, paths are relative to its folder."""

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form {self.form!r} of {self.sku}; expected one of {', '.join(FORMS)}")
        for name in ("width", "height", "depth"):
            if not 0.005 <= getattr(self, name) <= 2.0:
                raise ValueError(f"{name} {getattr(self, name)} m of {self.sku}; expected 0.005 to 2 m")
        if self.pictures and self.mesh:
            raise ValueError(f"pictures and mesh of {self.sku} are both given; expected one of them")

    @property
    def artwork_files(self) -> dict[str, Path]:
        """The files that the pack is drawn from: the picture of each side, or the mesh. Raises InputError."""
        if self.pictures:
            return side_pictures(Path(self.pictures))
        return {"mesh": mesh_file(Path(self.mesh))} if self.mesh else {}

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

    @cached_property
    def artwork(self) -> dict[str, str]:
        """The content digest of each product's own pictures or mesh, by SKU. Read once."""
        return {p.sku: digest(p.artwork_files.values()) for p in self.products if p.pictures or p.mesh}


def load_catalog(path: Path) -> Catalog:
    """Read catalog.csv. The paths of pictures and meshes become absolute.

    Raises InputError on a missing dimension, a SKU given twice, or a picture or mesh that is not there.
    """
    products = read_csv(path, Product)
    seen: dict[str, int] = {}
    for row, product in enumerate(products, start=2):
        if product.sku in seen:
            raise InputError(f"{path}, row {row}: sku {product.sku!r} stands in row {seen[product.sku]} already")
        seen[product.sku] = row
    return Catalog(tuple(_located(p, path, row) for row, p in enumerate(products, start=2)))


def _located(product: Product, path: Path, row: int) -> Product:
    """The product with absolute paths to its pictures or mesh, all of which are there."""
    folder = path.parent.resolve()
    paths = {
        column: str((folder / getattr(product, column)).resolve()) for column in ARTWORK if getattr(product, column)
    }
    located = _with_paths(product, paths)
    try:
        _ = located.artwork_files
    except InputError as error:
        raise InputError(f"{path}, row {row}: {', '.join(paths)}: {error}") from None
    return located


def _with_paths(product: Product, paths: dict[str, str]) -> Product:
    return dataclasses.replace(product, pictures=paths.get("pictures", ""), mesh=paths.get("mesh", ""))


def save_catalog(catalog: Catalog, path: Path) -> None:
    """Write catalog.csv, with the paths of pictures and meshes relative to its folder."""
    folder = path.parent.resolve()
    rows = []
    for product in catalog:
        paths = {c: os.path.relpath(getattr(product, c), folder) for c in ARTWORK if getattr(product, c)}
        rows.append(_with_paths(product, {c: Path(p).as_posix() for c, p in paths.items()}))
    write_csv(path, rows, optional=ARTWORK)
