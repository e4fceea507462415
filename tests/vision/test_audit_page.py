"""The shelf audit as files: a page for a phone and a table for a spreadsheet."""

from __future__ import annotations

import csv
import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from scenarios import Camera, Layout
from scenarios.files import write_yaml
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog
from tests.layouts import front_camera, small_layout
from tests.refusal import refusal
from vision import Detections, PlaceReadings, PlaceState, Reading
from vision.audit_page import write_shelf_audit
from vision.behind import DEEPEST, columns
from vision.pictures import save_picture

LAYOUT = small_layout()
CAMERA = front_camera()
SIZE = (CAMERA.model.width, CAMERA.model.height)


def reading(layout: Layout = LAYOUT, unseen: int = 0, **changed: PlaceState) -> Reading:
    """All places as planned but for `p0=PlaceState.EMPTY`; the last `unseen` ones were not seen."""
    planned = np.array([layout.planogram.positions[i].sku for i in layout.places.position], object)
    n = len(planned)
    state = np.full(n, PlaceState.OWN, np.int8)
    for name, value in changed.items():
        state[int(name[1:])] = value
    state[n - unseen :] = PlaceState.UNSEEN
    sku = np.where(state == PlaceState.FOREIGN, "tub", np.where(state == PlaceState.OWN, planned, None))
    behind = np.full((len(columns(layout)), DEEPEST), 0.8, np.float32)
    places = PlaceReadings(state, sku, np.full(n, 0.9, np.float32), np.full(n, 500, np.float32), behind)
    nothing = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    return Reading(CAMERA.id, 0.0, SIZE, nothing, places)


def plain(image: np.ndarray, _: Reading) -> np.ndarray:
    return image


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "shelf.jpg"
    save_picture(path, np.full((SIZE[1], SIZE[0], 3), 120, np.uint8))
    return path


def test_the_page_stands_alone_and_numbers_each_finding_in_the_picture(tmp_path: Path, picture: Path) -> None:
    readings = [reading(unseen=2, p0=PlaceState.EMPTY, p1=PlaceState.EMPTY, p2=PlaceState.FOREIGN)]
    found = write_shelf_audit(tmp_path, LAYOUT, CAMERA, [picture], readings, plain)
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    HTMLParser().feed(page)
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"https?://|<script|@import|<link", page)
    assert "width=device-width" in page
    assert [f.kind for f in found[:2]] == ["out", "wrong"]
    todo = [f for f in found if f.kind not in ("unseen", "fine")]
    assert page.count("<rect") == page.count("<li id=") == len(todo)
    for finding in todo:
        assert finding.product in page
        assert finding.where in page


def test_the_table_has_a_row_for_every_position_the_worst_first(tmp_path: Path, picture: Path) -> None:
    write_shelf_audit(tmp_path, LAYOUT, CAMERA, [picture], [reading(p0=PlaceState.EMPTY, p1=PlaceState.EMPTY)], plain)
    with (tmp_path / "audit.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["position"] for row in rows) == sorted(p.id for p in LAYOUT.planogram.positions)
    assert (rows[0]["position"], rows[0]["kind"], rows[0]["units"]) == ("p-box", "out", "0.0")
    for row in rows:
        assert float(row["units_low"]) <= float(row["units"]) <= float(row["units_high"])


def test_pictures_of_one_moment_complete_each_other_but_are_no_better_evidence_together(
    tmp_path: Path, picture: Path
) -> None:
    half, whole = reading(unseen=3), reading()
    found = write_shelf_audit(tmp_path, LAYOUT, CAMERA, [picture, picture], [half, whole], plain)
    assert not any(f.kind == "unseen" for f in found)
    alone = write_shelf_audit(tmp_path, LAYOUT, CAMERA, [picture], [whole], plain)
    assert [f.units_low for f in found] == [f.units_low for f in alone]


def test_names_are_safe_in_the_page(tmp_path: Path, picture: Path) -> None:
    odd = tuple(dataclasses.replace(p, brand="<b>Fish & Co</b>") for p in LAYOUT.catalog)
    layout = dataclasses.replace(LAYOUT, catalog=type(LAYOUT.catalog)(odd))
    write_shelf_audit(
        tmp_path, layout, CAMERA, [picture], [reading(layout, p0=PlaceState.EMPTY, p1=PlaceState.EMPTY)], plain
    )
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "<b>Fish" not in page
    assert "&lt;b&gt;Fish &amp; Co" in page


def write_store(folder: Path, camera: Camera = CAMERA) -> Path:
    """The small store and its camera as files."""
    folder.mkdir()
    write_yaml(folder / "store.yaml", LAYOUT.store, "a small store")
    save_catalog(LAYOUT.catalog, folder / "catalog.csv")
    save_planogram(LAYOUT.planogram, folder / "planogram.csv")
    write_yaml(folder / "camera.yaml", camera, "its camera")
    return folder


def test_read_audits_against_a_planogram(tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    from vision.cli import main

    store, out = write_store(tmp_path / "store"), tmp_path / "out"
    words = ["read", str(picture), "--planogram", str(store), "--camera", str(store / "camera.yaml")]
    main([*words, "--outputs", str(out)])
    assert {"audit.html", "audit.csv", "readings.jsonl", "result.json"} <= {p.name for p in (out / "latest").iterdir()}
    printed = capsys.readouterr().out
    assert "audit.html" in printed
    assert "Without --gallery" in printed
    other = write_store(
        tmp_path / "other", dataclasses.replace(CAMERA, model=dataclasses.replace(CAMERA.model, width=800))
    )
    for arguments, expected in (
        ([*words[:-1], str(other / "camera.yaml")], "none of 1 pictures is readable"),
        (words[:4], "--planogram and --camera go together"),
        ([*words[:3], str(tmp_path / "none"), *words[4:]], "no such folder"),
    ):
        assert expected in refusal(main, [*arguments, "--outputs", str(tmp_path / "no")], capsys)
        assert not (tmp_path / "no").exists()


def test_the_page_holds_the_picture_without_its_people(tmp_path: Path, picture: Path) -> None:
    shown: list[int] = []

    def hide(image: np.ndarray, _: Reading) -> np.ndarray:
        shown.append(len(image))
        return np.zeros_like(image)

    some = [reading(p0=PlaceState.EMPTY)]
    write_shelf_audit(tmp_path, LAYOUT, CAMERA, [picture], some, plain)
    before = (tmp_path / "audit.html").read_text()
    write_shelf_audit(tmp_path, LAYOUT, CAMERA, [picture], some, hide)
    assert shown == [SIZE[1]]
    assert (tmp_path / "audit.html").read_text() != before
