"""The text format of ProSpace, JDA and Blue Yonder Space Planning: planogram.psa into store, catalog and planogram.

A record a line, its type first, then fields between commas; a backslash escapes a comma. A Position belongs
to the Fixture line above it. Field numbers below count from the type, which is 0. They are published by no
vendor; they stand here as two independent open readers have them, both made from real files:
ShelfFoundry/psa-parser (docs/spec, versions 2018 on) and vazen-ai/toml (typescript/src/psa, versions 2017 to
2024.4: columns are only ever added at the end). Both agree on every field that is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.files import InputError
from scenarios.planogram import Layout, Planogram
from scenarios.products import Catalog, Product
from scenarios.psa_shelves import PsaFixture, PsaPosition, arrange

MAGIC = "PROSPACE SCHEMATIC FILE"
UNITS = {"0": 0.0254, "1": 0.01}
"""Metres for a unit of length, by the project's measurement: 0 inches, 1 centimetres."""
NEEDED = {"Project": 13, "Product": 12, "Planogram": 6, "Segment": 5, "Fixture": 10, "Position": 30}
"""Fields that a record of each type must have for us to read it."""
STYLES = ("unit", "tray", "case", "display", "alternate", "loose", "log stack")
TRAY_COUNTS = {"tray": 49, "case": 57, "display": 65, "alternate": 73}
"""Fields of a Product with how many units stand side by side, on each other and behind each other."""
FACES = ("front", "left side", "top", "back", "right side", "base")
PACKAGES = {"1": "jar", "2": "can", "4": "bag", "7": "bag", "8": "bottle"}
"""Our forms for the package styles; the others are boxes: to stand or hang, roll, with a hole, hairpin."""


@dataclass(frozen=True)
class Schematic:
    """What a PSA file holds. `places` says where in the file each position stands, `notes` what could
    not be honoured, a line each."""

    layout: Layout
    places: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """One line: its number from 1, and its fields, the type first."""

    where: str
    fields: tuple[str, ...]

    def text(self, index: int) -> str:
        return self.fields[index].strip() if index < len(self.fields) else ""

    def number(self, index: int, name: str) -> float:
        """A number; an empty or missing field is 0. Raises InputError."""
        text = self.text(index)
        try:
            value = float(text or 0)
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e9:
            raise InputError(f"{self.where}: {name} (field {index}) {text!r}; expected a number")
        return value

    def count(self, index: int, name: str) -> int:
        """A whole number from 1; an empty field or 0 is 1. Raises InputError."""
        value = self.number(index, name)
        if value < 0 or value != int(value) or value > 10_000:
            raise InputError(f"{self.where}: {name} (field {index}) {value:g}; expected a whole number")
        return max(1, int(value))


def load_psa(path: Path, own: Catalog | None = None) -> Schematic:
    """Read a PSA file with one planogram; what `own` says of a SKU comes before what the file says.

    Lengths become metres. Each run of boards becomes a fixture (`psa_shelves`). Raises InputError that
    names file and line: no PSA file, cut in the middle, a field that is no number, a position of an
    unknown product, or one that its fixture cannot hold.
    """
    records = _read(path)
    project, planogram = _only(records, "Project", path), _only(records, "Planogram", path)
    unit = UNITS.get(project.text(12))
    if unit is None:
        raise InputError(f"{project.where}: measurement (field 12) {project.text(12)!r}; expected 0, inch, or 1, cm")
    key = {"1": (2,), "2": (1, 2)}.get(project.text(3), (1,))
    notes: list[str] = []
    period = project.number(5, "movement period") or 7.0
    rows = {_key(r, key): r for r in records if r.fields[0] == "Product"}
    fixtures = _fixtures(records, rows, key, unit, notes)
    turned = _orientations(fixtures, notes)
    own = own or Catalog(())
    used = {p.sku for f in fixtures for p in f.positions}
    products = {
        s: own[s] if s in own else _product(rows[s], s, unit, period, turned.get(s, 0)) for s in rows if s in used
    }
    if not products:
        raise InputError(f"{path}: no Position records; expected a planogram with products on its fixtures")
    height = planogram.number(4, "planogram height") * unit
    name = planogram.text(1) or path.stem
    store, positions, places = arrange(name, fixtures, products, height, path, notes)
    layout = Layout(store, Catalog(tuple(products.values())), Planogram(positions))
    return Schematic(layout, places, tuple(dict.fromkeys(notes)))


def _read(path: Path) -> list[Record]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a ProSpace schematic") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    lines = text.splitlines()
    if not lines or not lines[0].startswith(MAGIC):
        raise InputError(f"{path}, line 1: {(lines or [''])[0][:40]!r}; expected {MAGIC!r}")
    records = [Record(f"{path}, line {n}", _split(line)) for n, line in enumerate(lines, start=1)]
    records = [r for r in records if r.fields[0] in NEEDED]
    for record in records:
        kind = record.fields[0]
        if len(record.fields) < NEEDED[kind]:
            raise InputError(
                f"{record.where}: {kind} has {len(record.fields) - 1} fields, expected {NEEDED[kind] - 1} or more; "
                "is the file cut in the middle?"
            )
    if text[-1] not in "\r\n":
        _check_last(lines[-1], records, f"{path}, line {len(lines)}")
    return records


def _check_last(line: str, records: Sequence[Record], where: str) -> None:
    """Refuse a last line without line end that is no whole record."""
    fields = _split(line)
    same = [len(r.fields) for r in records if r.fields[0] == fields[0] and r.where != where]
    part_of_a_type = fields[0] not in NEEDED and any(kind.startswith(fields[0]) for kind in NEEDED)
    if part_of_a_type or (same and len(fields) < min(same)):
        raise InputError(
            f"{where}: {line[:30]!r}… ends without a line end and is no whole record; the file is cut in the middle"
        )


def _split(line: str) -> tuple[str, ...]:
    """The fields of a line; a backslash takes what follows it as it is."""
    fields, field, characters = [], "", iter(line)
    for character in characters:
        if character == "\\":
            field += next(characters, "")
        elif character == ",":
            fields.append(field)
            field = ""
        else:
            field += character
    return (*fields, field)


def _only(records: Sequence[Record], kind: str, path: Path) -> Record:
    found = [r for r in records if r.fields[0] == kind]
    if len(found) != 1:
        names = ", ".join(repr(r.text(1)) for r in found)
        raise InputError(f"{path}: {len(found)} {kind} records{f' ({names})' if names else ''}; expected one")
    return found[0]


def _key(record: Record, key: tuple[int, ...]) -> str:
    """What names a product: its UPC (field 1), its ID (2), or both, as the project says."""
    name = " ".join(record.text(i) for i in key).strip()
    if not name:
        raise InputError(
            f"{record.where}: {record.fields[0]} without {' and '.join('UPC' if i == 1 else 'ID' for i in key)}"
        )
    return name


def _fixtures(
    records: Sequence[Record], rows: dict[str, Record], key: tuple[int, ...], unit: float, notes: list[str]
) -> list[PsaFixture]:
    fixtures: list[PsaFixture] = []
    for record in records:
        if record.fields[0] == "Fixture":
            x, width, y, height, _, depth = (
                record.number(i, n) * unit for i, n in zip(range(4, 10), ("x", "width", "y", "height", "z", "depth"))
            )
            fixtures.append(PsaFixture(record.where, record.text(2), record.text(1), x, width, y, height, depth, []))
        elif record.fields[0] == "Position":
            if not fixtures:
                raise InputError(f"{record.where}: Position before any Fixture; expected it below its own")
            sku = _key(record, key)
            if sku not in rows:
                raise InputError(f"{record.where}: product {sku!r} is not in the file ({len(rows)} products)")
            fixtures[-1].positions.append(_position(record, sku, rows[sku], unit, notes))
    return fixtures


def _position(record: Record, sku: str, product: Record, unit: float, notes: list[str]) -> PsaPosition:
    line = record.where.rpartition(", ")[2]
    counts = [record.count(i, n) for i, n in zip((14, 15, 16), ("facings wide", "facings high", "facings deep"))]
    style = STYLES[int(record.text(13))] if record.text(13) in list("0123456") else "unit"
    if style in TRAY_COUNTS and product.number(TRAY_COUNTS[style], f"{style} number wide") >= 1:
        first = TRAY_COUNTS[style]
        counts = [c * product.count(first + i, f"{style} number") for i, c in enumerate(counts)]
        notes.append(f"{line}: merchandised by the {style}; drawn as its single units")
    elif style != "unit":
        notes.append(f"{line}: merchandising style {style} of {sku}; drawn as single units")
    if any(record.number(i, "cap") for i in (17, 21, 25)):
        notes.append(f"{line}: units laid on top, beside or behind (caps) of {sku} are left out")
    orientation = record.text(29) or "0"
    if orientation not in [str(n) for n in range(24)]:
        raise InputError(f"{record.where}: orientation (field 29) {orientation!r}; expected 0 to 23")
    x, y = record.number(4, "x") * unit, record.number(6, "y") * unit
    return PsaPosition(record.where, sku, x, y, counts[0], counts[1], counts[2], int(orientation))


def _orientations(fixtures: Sequence[PsaFixture], notes: list[str]) -> dict[str, int]:
    """How each product is turned: a pack's own dimensions are those that it has on the shelf."""
    turned: dict[str, int] = {}
    for position in (p for f in fixtures for p in f.positions):
        first = turned.setdefault(position.sku, position.orientation)
        line = position.where.rpartition(", ")[2]
        if position.orientation != first:
            notes.append(f"{line}: {position.sku} turned another way than at its first position; drawn as there")
        elif position.orientation:
            notes.append(f"{position.sku} shows its {_face(first)}; drawn in that pose with its front's artwork")
    return turned


def _face(orientation: int) -> str:
    """Codes 0 to 11: faces, each upright and turned by 90°; 12 to 23: each turned by 180° and 270°."""
    face, turn = FACES[orientation % 12 // 2], orientation % 2 * 90 + orientation // 12 * 180
    return f"{face} turned by {turn}°" if turn else face


def _product(record: Record, sku: str, unit: float, period: float, orientation: int) -> Product:
    width, height, depth = (record.number(i, n) * unit for i, n in ((5, "width"), (6, "height"), (7, "depth")))
    if min(width, height, depth) <= 0:
        raise InputError(f"{record.where}: {width:g} × {height:g} × {depth:g} m of {sku}; expected dimensions > 0")
    face = orientation % 12 // 2
    if face in (1, 4):
        width, depth = depth, width
    elif face in (2, 5):
        height, depth = depth, height
    if orientation % 2:
        width, height = height, width
    form = PACKAGES.get(record.text(29), "box") if orientation in (0, 6, 12, 18) else "box"
    size = " ".join(t for t in (record.text(10), record.text(11)) if t)
    brand = record.text(232) or record.text(12) or "Unbranded"
    category = record.text(13) or "Unknown"
    movement = max(0.0, record.number(36, "unit movement")) / period
    try:
        return Product(
            sku, brand, record.text(3) or sku, record.text(233) or "Classic", category, size, form,
            round(width, 5), round(height, 5), round(depth, 5),
            price=max(0.0, record.number(33, "price")), daily_units=movement,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"{record.where}: {error}") from None
