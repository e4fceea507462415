"""Planograms in the text format of ProSpace / Space Planning."""

import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import InputError, load_layout, load_scenario
from scenarios.planogram import SIDE_GAP, Planogram, Position, load_planogram, save_planogram
from scenarios.psa import load_psa

INCH = 0.0254
PRODUCTS = [  # UPC, ID, name, width, height, depth in inches, brand, package style
    ("0001", "A1", r"Tomato Soup\, Classic", 3.0, 4.0, 3.0, "Harvest", 2),
    ("0002", "A2", "Chicken Soup", 3.0, 4.0, 3.0, "Harvest", 2),
    ("0003", "A3", "Corn Flakes", 7.5, 11.0, 2.5, "Sunny", 0),
    ("0004", "A4", "Oat Rings", 7.5, 11.0, 2.5, "Sunny", 0),
    ("0005", "A5", "Olive Oil", 3.5, 10.5, 3.5, "Lund", 8),
    ("0006", "A6", "Honey", 3.0, 5.0, 3.0, "Lund", 1),
    ("0007", "A7", "Crème Fraîche", 3.75, 4.5, 3.75, "Nord", 0),
    ("0008", "A8", "Crackers", 2.5, 8.0, 6.0, "Nord", 0),
    ("0009", "A9", "Salt", 3.0, 5.5, 3.0, "Nord", 2),
]


def row(kind: str, length: int, **fields: object) -> str:
    """A record of `length` fields after its type; `f4=…` sets the fourth."""
    cells = [str(fields.get(f"f{i}", "")) for i in range(1, length + 1)]
    return ",".join([kind, *cells])


def product(upc: str, key: str, name: str, w: float, h: float, d: float, brand: str, style: int) -> str:
    fields = {"f1": upc, "f2": key, "f3": name, "f5": w, "f6": h, "f7": d, "f10": 12, "f11": "oz", "f13": "Pantry"}
    return row("Product", 273, **fields, f29=style, f33=2.5, f36=14, f49=2, f50=1, f51=3, f232=brand)


def fixture(name: str, x: float, y: float, kind: int = 0) -> str:
    return row("Fixture", 166, f1=kind, f2=name, f4=x, f5=48, f6=y, f7=1, f8=0, f9=18)


def position(
    upc: str, x: float, y: float, wide: int, deep: int = 3, high: int = 1, style: int = 0, pose: int = 0
) -> str:
    return row("Position", 166, f1=upc, f4=x, f6=y, f13=style, f14=wide, f15=high, f16=deep, f29=pose)


LINES = [
    "PROSPACE SCHEMATIC FILE",
    "; Version 2019.1.0",
    "; Codepage=1252",
    row("Project", 215, f1="Soup project", f3=0, f5=7, f12=0),
    *[product(*p) for p in PRODUCTS],
    row("Planogram", 264, f1="Soup bays", f3=96, f4=72, f5=18),
    row("Performance", 150, f1="0001"),
    row("Segment", 51, f4=48, f10=0),
    row("Segment", 51, f4=48, f10=48),
    fixture("B1S1", 0, 6),
    position("0001", 0, 7, 4, high=2),
    position("0002", 13, 7, 3),
    fixture("B1S2", 0, 22),
    position("0003", 0, 23, 6, deep=6),
    fixture("B2S1", 48, 6),
    position("0004", 48, 7, 3, deep=6),
    position("0005", 72, 7, 4),
    fixture("B2S2", 48, 22),
    position("0006", 50, 23, 4),
    position("0007", 64, 23, 3),
    position("0008", 80, 23, 2, deep=2),
    position("0009", 88, 23, 2),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, LINES)
    return tmp_path


def write(folder: Path, lines: list[str]) -> Path:
    path = folder / "planogram.psa"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))
    return path


def test_bays_shelves_products_and_facings_are_those_of_the_file(folder: Path) -> None:
    schematic = load_psa(folder / "planogram.psa")
    layout = schematic.layout
    assert layout.store.name == "Soup bays"
    assert [f.id for f in layout.store.fixtures] == ["bay-1", "bay-2"]
    assert [round(s.z / INCH, 2) for s in layout.store.fixture("bay-1").shelves] == [7, 23]
    assert [(p.sku, p.fixture, p.shelf, p.wide, p.high, p.deep) for p in layout.planogram.positions] == [
        ("0001", "bay-1", 0, 4, 2, 3), ("0002", "bay-1", 0, 3, 1, 3), ("0003", "bay-1", 1, 6, 1, 6),
        ("0004", "bay-2", 0, 3, 1, 6), ("0005", "bay-2", 0, 4, 1, 3), ("0006", "bay-2", 1, 4, 1, 3),
        ("0007", "bay-2", 1, 3, 1, 3), ("0008", "bay-2", 1, 2, 1, 2), ("0009", "bay-2", 1, 2, 1, 3),
    ]  # fmt: skip
    soup = layout.catalog["0001"]
    assert (soup.name, soup.brand, soup.form, soup.size, soup.category) == (
        "Tomato Soup, Classic", "Harvest", "can", "12 oz", "Pantry",
    )  # fmt: skip
    assert (soup.width, soup.height, soup.depth) == pytest.approx((3 * INCH, 4 * INCH, 3 * INCH), abs=1e-5)
    assert (soup.price, soup.daily_units) == (2.5, 2.0)
    assert layout.catalog["0007"].name == "Crème Fraîche"
    assert schematic.places[0] == "line 19"


def test_centimetres_are_read_as_centimetres(folder: Path) -> None:
    write(folder, [row("Project", 215, f12=1) if line.startswith("Project") else line for line in LINES])
    assert load_psa(folder / "planogram.psa").layout.catalog["0001"].width == 0.03


def test_a_full_shelf_keeps_its_facings_and_the_wider_bay_is_noted(folder: Path) -> None:
    schematic = load_psa(write(folder, LINES))
    assert schematic.notes == ()
    cereal = LINES.index(position("0003", 0, 23, 6, deep=6))
    full = [*LINES[:cereal], position("0001", 0, 23, 16), *LINES[cereal + 1 :]]
    schematic = load_psa(write(folder, full))
    assert len(schematic.notes) == 1
    assert "bay 1 is 1.315 m wide, not 1.219" in schematic.notes[0]
    first, second = schematic.layout.store.fixtures
    assert first.width == pytest.approx(48 * INCH + 16 * SIDE_GAP, abs=1e-3)
    assert second.x == pytest.approx(first.width, abs=1e-3)
    schematic.layout.check("planogram.psa", schematic.places)


def test_x_from_the_fixtures_edge_gives_the_same_layout(folder: Path) -> None:
    absolute = load_psa(folder / "planogram.psa").layout
    moved, left = [], 0.0
    for line in LINES:
        cells = line.split(",")
        if cells[0] == "Fixture":
            left = float(cells[4])
        if cells[0] == "Position":
            cells[4] = str(float(cells[4]) - left)
        moved.append(",".join(cells))
    assert load_psa(write(folder, moved)).layout == absolute


def test_what_cannot_be_honoured_is_named(folder: Path) -> None:
    changed = {
        position("0002", 13, 7, 3): position("0002", 13, 7, 2, deep=1, style=1),
        position("0008", 80, 23, 2, deep=2): position("0008", 80, 23, 1, deep=4, pose=2),
        position("0006", 50, 23, 4): position("0006", 50, 23, 4, style=5),
    }
    schematic = load_psa(write(folder, [changed.get(line, line) for line in LINES]))
    notes = "\n".join(schematic.notes)
    assert "merchandised by the tray; drawn as its single units" in notes
    assert "merchandising style loose of 0006" in notes
    assert "0008 shows its left side" in notes
    tray = next(p for p in schematic.layout.planogram.positions if p.sku == "0002")
    assert (tray.wide, tray.high, tray.deep) == (4, 1, 3)
    crackers = schematic.layout.catalog["0008"]
    assert (crackers.width, crackers.depth) == pytest.approx((6 * INCH, 2.5 * INCH), abs=1e-5)


def test_pegs_and_chests_become_their_own_fixtures(folder: Path) -> None:
    lines = [
        *LINES,
        fixture("Pegs", 96, 10, kind=7),
        position("0006", 100, 20, 2, deep=1),
        position("0009", 100, 40, 2, deep=1),
        fixture("Chest", 144, 4, kind=1),
        position("0003", 146, 4, 2),
    ]
    fixtures = load_psa(write(folder, lines)).layout.store.fixtures
    assert [f.kind for f in fixtures] == ["gondola", "gondola", "pegwall", "freezer"]
    assert [round(s.z / INCH, 2) for s in fixtures[2].shelves] == [20, 40]


def swap(old: str, new: str) -> list[str]:
    assert old in LINES
    return [new if line == old else line for line in LINES]


CAN = position("0001", 0, 7, 4, high=2)
LAST = position("0009", 88, 23, 2)
BAD = [
    (["PROSPACE", *LINES[1:]], "line 1: 'PROSPACE'; expected 'PROSPACE SCHEMATIC FILE'"),
    (swap(CAN, position("9999", 0, 7, 4)), r"line 19: product '9999' is not in the file \(9 products\)"),
    (swap(CAN, CAN.replace("0001,,,0,", "0001,,,left,")), r"line 19: x \(field 4\) 'left'; expected a number"),
    (swap(CAN, CAN.replace("0001,,,0,", "0001,,,nan,")), r"line 19: x \(field 4\) 'nan'; expected a number"),
    (swap(CAN, position("0001", 0, 7, -4)), r"line 19: facings wide \(field 14\) -4; expected a whole number"),
    (swap(CAN, position("0001", 0, 7, 4, pose=31)), r"line 19: orientation \(field 29\) '31'; expected 0 to 23"),
    (swap(CAN, position("0001", 0, 7, 6)), "line 20: '0002' at 0.330 m overlaps the position of '0001', by 0.127 m"),
    (swap(LAST, position("0009", 88, 23, 4)), r"line 30: '0009' needs 1.321 m \(wide 4\); its fixture has 1.219 m"),
    (swap(CAN, position("0001", 0, 7, 4, high=9)), r"line 19: position 'p001' needs 0.914 m \(high 9\)"),
    (swap(CAN, position("0001", 0, 7, 4, deep=9)), r"line 19: '0001' needs 0.686 m \(deep 9\)"),
    (swap(LINES[3], row("Project", 215, f12=7)), r"line 4: measurement \(field 12\) '7'; expected 0, inch, or 1, cm"),
    (swap(LINES[4], product("0001", "A1", "Soup", 3, 0, 3, "Harvest", 2)),
     "line 5: .* 0 .* of 0001; expected dimensions > 0"),
    ([line for line in LINES if not line.startswith("Fixture")], "line 18: Position before any Fixture"),
    ([line for line in LINES if not line.startswith("Position")], "no Position records"),
    ([line for line in LINES if not line.startswith("Planogram")], "0 Planogram records; expected one"),
    ([*LINES, row("Planogram", 264, f1="Other")], r"2 Planogram records \('Soup bays', 'Other'\); expected one"),
    (swap(CAN, "Position,0001,,,0"), "line 19: Position has 4 fields, expected 29 or more; is the file cut"),
    ([*LINES, fixture("Sign", 96, 0, kind=11), position("0009", 97, 0, 1)],
     "line 32: a position on a fixture of type '11'"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "message"), BAD)
def test_bad_files_are_named_with_their_line(folder: Path, lines: list[str], message: str) -> None:
    write(folder, lines)
    with pytest.raises(InputError, match=message) as caught:
        load_layout(folder)
    assert "\n" not in str(caught.value)
    assert "planogram.psa" in str(caught.value)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.75, 0.9, 0.98, 0.998])
def test_a_file_cut_in_the_middle_is_refused(folder: Path, kept: float) -> None:
    whole = (folder / "planogram.psa").read_bytes()
    (folder / "planogram.psa").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(
        InputError, match=r"planogram\.psa.*(cut in the middle|expected one|no Position|not in the file)"
    ):
        load_layout(folder)


def test_a_folder_with_a_psa_file_alone_is_a_scenario(folder: Path) -> None:
    scenario = load_scenario(folder)
    assert scenario.name == folder.name
    assert scenario.stock.units


def test_a_catalog_beside_the_file_comes_before_it(folder: Path) -> None:
    (folder / "catalog.csv").write_text(
        "sku,brand,name,variant,category,size,form,width,height,depth\n"
        "0006,Lund,Forest Honey,Dark,Spreads,500 g,jar,0.07,0.12,0.07\n"
    )
    catalog = load_layout(folder).catalog
    assert catalog["0006"].name == "Forest Honey"
    assert catalog["0001"].brand == "Harvest"


def test_notes_are_warnings_of_load_layout(folder: Path) -> None:
    write(folder, swap(position("0006", 50, 23, 4), position("0006", 50, 23, 4, style=5)))
    with pytest.warns(UserWarning, match=r"planogram\.psa: line 27: merchandising style loose of 0006"):
        load_layout(folder)


def test_written_as_csv_it_is_the_same_layout(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    from bench.importing import import_planogram

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layout = load_layout(folder)
    target = tmp_path_factory.mktemp("plain") / "store"
    import_planogram(folder / "planogram.psa", target)
    assert load_layout(target) == layout
    assert load_scenario(target).name == "store"


def test_the_import_command_refuses_a_bad_file_with_one_line_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.cli import main

    write(folder, LINES[:6])
    with pytest.raises(SystemExit) as stopped:
        main(["import", str(folder / "planogram.psa"), str(folder / "store")])
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (folder / "store").exists()


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
POSITIONS = st.builds(
    Position, TEXT, TEXT, st.integers(0, 9), st.floats(0, 50), TEXT,
    st.integers(1, 99), st.integers(1, 9), st.integers(1, 99), st.integers(0, 9999),
)  # fmt: skip


@given(st.lists(POSITIONS, min_size=1, max_size=5))
def test_a_planogram_written_as_csv_reads_back_unchanged(positions: list[Position]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planogram.csv"
        save_planogram(Planogram(tuple(positions)), path)
        assert load_planogram(path) == Planogram(tuple(positions))
