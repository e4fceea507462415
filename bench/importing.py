"""A planogram of another program, written as the plain files of a store."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import yaml

from scenarios import InputError
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog
from scenarios.psa import load_psa


def import_planogram(path: Path, folder: Path) -> tuple[str, ...]:
    """Write store.yaml, catalog.csv, planogram.csv and scenario.yaml of a PSA file into a new folder.

    Returns what could not be honoured, a line each. Raises InputError and writes nothing when the file
    is wrong or the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: stands already; expected a new folder for the store's files")
    schematic = load_psa(path)
    schematic.layout.check(path, schematic.places)
    folder.mkdir(parents=True, exist_ok=True)
    store = _plain(dataclasses.asdict(schematic.layout.store))
    text = yaml.safe_dump(store, sort_keys=False, allow_unicode=True)
    (folder / "store.yaml").write_text(f"# From {path.name}. Metres; y into the shelf, z up.\n{text}", encoding="utf-8")
    (folder / "scenario.yaml").write_text(yaml.safe_dump({"name": folder.resolve().name}), encoding="utf-8")
    save_catalog(schematic.layout.catalog, folder / "catalog.csv")
    save_planogram(schematic.layout.planogram, folder / "planogram.csv")
    return schematic.notes


def _plain(value: object) -> object:
    """Tuples as lists, as YAML has them."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
