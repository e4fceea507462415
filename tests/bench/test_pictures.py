"""The cache of pictures, and the claims that share work out."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.studies import cells
from bench.studies.cells import Bench
from bench.studies.claims import SILENCE, claimed, owner, read
from bench.studies.pictures import LEFT_OUT, PictureCache, as_arrays, picture_key, picture_of
from scenarios import Product
from sim import Truth, World, capture
from tests.layouts import front_camera, small_scenario


def entry(value: int, size: int = 1000) -> dict[str, np.ndarray]:
    return {"image": np.full(size, value, np.uint8)}


def test_a_picture_and_its_truth_come_back_unchanged(tmp_path: Path) -> None:
    scenario, camera = small_scenario(shoppers=1), front_camera()
    with World(scenario.layout) as world:
        frame, truth = capture(world, scenario, camera)
    cache = PictureCache(tmp_path, 10**9)
    cache.put("a", as_arrays(frame.image, truth))
    found = cache.get("a")
    assert found is not None
    again, known = picture_of(found, scenario, camera)
    assert np.array_equal(again.image, frame.image)
    for field in dataclasses.fields(Truth):
        if field.name not in LEFT_OUT:
            kept, made = getattr(known, field.name), getattr(truth, field.name)
            assert kept.dtype == made.dtype
            assert np.array_equal(kept, made)


def test_what_decides_a_picture_names_it() -> None:
    scenario, camera = small_scenario(), front_camera()
    key = picture_key(scenario.hash, camera, "raster")
    assert key == picture_key(small_scenario().hash, front_camera(), "raster")
    moved = dataclasses.replace(camera, position=(0.5, -1.6, 1.3))
    others = {
        picture_key(scenario.draw(9).hash, camera, "raster"), picture_key(scenario.hash, moved, "raster"),
        picture_key(scenario.hash, camera, "pathtrace"),
    }  # fmt: skip
    assert len(others | {key}) == 4


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_entry_is_rendered_again(damage: str, tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 10**9)
    cache.put("a", entry(1))
    path = tmp_path / "a.npz"
    whole = bytearray(path.read_bytes())
    if damage == "changed":
        whole[len(whole) // 2] ^= 255
    path.write_bytes({"cut": whole[: len(whole) // 2], "changed": whole, "empty": b""}[damage])
    assert cache.get("a") is None
    assert np.array_equal(cache.make("a", lambda: entry(1))["image"], entry(1)["image"])
    assert (cache.rendered, cache.found) == (1, 0)


def test_the_entries_used_least_recently_go_first(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 5 * 1300)
    for i in range(6):
        cache.put(str(i), entry(i))
        os.utime(tmp_path / f"{i}.npz", (i, i))
    cache.get("0")
    cache.make_room()
    left = {p.stem for p in tmp_path.glob("*.npz")}
    assert "0" in left
    assert "1" not in left
    assert sum(p.stat().st_size for p in tmp_path.glob("*.npz")) <= 5 * 1300


def render_slowly(folder: Path, log: Path) -> None:
    cache = PictureCache(folder, 10**9)

    def render(i: int) -> dict[str, np.ndarray]:
        with log.open("a") as stream:
            stream.write(f"{i}\n")
        time.sleep(0.05)
        return entry(i)

    for i in range(8):
        cache.begin(str(i), lambda i=i: render(i))
    for i in range(8):
        assert cache.make(str(i), lambda i=i: render(i))["image"][0] == i


def test_processes_render_each_picture_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=render_slowly, args=(tmp_path / "pictures", log)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(log.read_text().split()) == sorted(str(i) for i in range(8))
    assert len(list((tmp_path / "pictures").glob("*.npz"))) == 8


def test_two_workers_share_out_the_studio_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once one took them all, 30 s of the quickstart store, and ended its last cell so much after the other."""
    monkeypatch.setattr("bench.studies.cells.STUDIO_PRODUCTS", 1)
    scenario = small_scenario()
    first, second = (Bench(PictureCache(tmp_path, 10**9)) for _ in range(2))
    photograph, parts = cells.studio_pictures, []

    def photographed(products: tuple[Product, ...], **dial: Any) -> dict[str, list[NDArray[np.uint8]]]:
        parts.append(products)
        if len(parts) == 1:
            second.render_studio(scenario)  # begun while the first is at its first part
        return photograph(products, **dial)

    monkeypatch.setattr(cells, "studio_pictures", photographed)
    first.render_studio(scenario)
    assert (first.cache.rendered, second.cache.rendered) == (1, len(list(scenario.layout.catalog)) - 1)
    assert len(parts) == len(set(parts))


def test_a_full_disk_leaves_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left") as error:
        PictureCache(tmp_path, 10**9).put("a", entry(1))
    assert error.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_held_by_one_and_passes_on_when_its_owner_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "x.claim"
    with claimed(path) as first, claimed(path) as second:
        assert first is not None
        assert second is None
        first.note(3)
        held = read(path)
        assert held is not None
        assert held["done"] == 3
    assert not path.exists()
    dead = owner() | {"pid": 2**22 + 1}
    path.write_text(json.dumps(dead))
    with claimed(path) as third:
        assert third is not None
        assert third.lost == dead


@pytest.mark.parametrize(("silent", "taken"), [(0, False), (SILENCE + 5, True)])
def test_an_owner_on_another_machine_is_told_by_its_signs_of_life(silent: float, taken: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.claim"
    path.write_text(json.dumps(owner() | {"host": "another"}))
    past = time.time() - silent
    os.utime(path, (past, past))
    with claimed(path) as claim:
        assert (claim is not None) == taken
