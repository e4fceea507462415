import dataclasses
from pathlib import Path

import pytest

from scenarios import InputError, Mess, load_layout, load_scenario
from scenarios.planogram import load_planogram, save_planogram
from scenarios.products import load_catalog, save_catalog
from tests.layouts import small_layout

STORE = """
name: small
room: {x: [-1, 2], y: [-2.4, 0.45], ceiling: 3}
fixtures:
  - {id: bay-1, x: 0, y: 0, width: 1, depth: 0.45, shelves: [{z: 0.3, clearance: 0.35}, {z: 0.7, clearance: 0.35}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    layout = small_layout()
    (tmp_path / "store.yaml").write_text(STORE)
    (tmp_path / "scenario.yaml").write_text("name: small\n")
    save_catalog(layout.catalog, tmp_path / "catalog.csv")
    save_planogram(layout.planogram, tmp_path / "planogram.csv")
    return tmp_path


def test_a_written_store_reads_back_unchanged(folder: Path) -> None:
    layout = load_layout(folder)
    assert layout == small_layout()
    save_catalog(layout.catalog, folder / "catalog-2.csv")
    save_planogram(layout.planogram, folder / "planogram-2.csv")
    assert load_catalog(folder / "catalog-2.csv") == layout.catalog
    assert load_planogram(folder / "planogram-2.csv") == layout.planogram


def test_a_scenario_keeps_its_hash_and_another_seed_changes_it(folder: Path) -> None:
    first = load_scenario(folder, seed=3)
    assert first.hash == load_scenario(folder, seed=3).hash
    assert first.hash != first.draw(4).hash
    assert first.hash != first.draw(3, shoppers=1).hash


BAD = [
    ("planogram.csv", "p-can,bay-1,0,0.3,can", "p-can,bay-1,0,0.3,soap", "row 3.*'soap' is not in the catalog"),
    (
        "planogram.csv",
        "p-box,bay-1,0,0.02,box,2",
        "p-box,bay-1,0,0.02,box,40",
        "row 2.*needs .* m .wide 40.*has 1.000 m",
    ),
    ("planogram.csv", "p-can,bay-1,0,0.3", "p-can,bay-9,0,0.3", "row 3.*fixture 'bay-9'.*expected one of bay-1"),
    ("planogram.csv", "p-can,bay-1,0,0.3", "p-can,bay-1,0,0.1", "row 3.*overlaps position 'p-box'"),
    ("planogram.csv", "p-can,bay-1,0,0.3", "p-can,bay-1,7,0.3", "row 3.*shelf 7.*shelves 0 to 1"),
    ("planogram.csv", "p-can,", "p-box,", "row 3.*stands in row 2 already"),
    ("catalog.csv", "can,0.1,0.2,0.1", "can,0.1,,0.1", "catalog.csv, row 3.*'height' is missing"),
    ("catalog.csv", "can,0.1,0.2,0.1", "can,0.1,tall,0.1", "catalog.csv, row 3.*height.*expected float, got 'tall'"),
    ("catalog.csv", "can,0.1,0.2,0.1", "tin,0.1,0.2,0.1", "catalog.csv, row 3.*form 'tin'.*box, can, bottle"),
    ("store.yaml", "ceiling: 3", "celing: 3", "store.yaml.*unknown key 'celing'; allowed: x, y, ceiling"),
    ("store.yaml", "width: 1, ", "", "store.yaml.*'width' is missing"),
    ("store.yaml", "room:", "room: [", "store.yaml: not readable as YAML"),
    ("scenario.yaml", "name: small", "name: small\nmess: {out: 3}", "scenario.yaml.*out 3.*share from 0 to 1"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_bad_files_are_named_with_row_or_key_and_what_was_expected(
    folder: Path, file: str, old: str, new: str, message: str
) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_scenario(folder)
    assert "\n" not in str(caught.value)
    assert file in str(caught.value)


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"named scenarios: .*quickstart"):
        load_scenario("no-such-store")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "catalog.csv").unlink()
    with pytest.raises(InputError, match=r"catalog.csv: no such file"):
        load_scenario(folder)


def test_mess_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Mess().out = 0.5  # type: ignore[misc]
