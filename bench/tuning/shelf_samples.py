"""Samples for the judges of places: what is measured at the places of training stores, and what stands there.

Every store is seen by the cameras of a rig, moved to its middle. A store's samples lie in one file, so that a run that
was stopped goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.stores.training import training_layout
from scenarios import Camera, Conditions, Crowd, Frame, Layout, Lighting, Lookalikes, Rig, Scenario, rng
from sim import Truth, World, capture, studio_pictures
from sim.training_draws import draw_conditions
from vision import Detections, Recognizer, behind, gallery_of, identity, stacks
from vision.detect import Detector
from vision.pipeline import WEAKEST_EVIDENCE, weights_path
from vision.readings import PRODUCT
from vision.register import assign
from vision.runtimes import open_session
from vision.view import view_of

DETECTOR, RECOGNIZER = "yolo11n", "embed"
"""The shipped pair that the judges are fitted for."""
KINDS = ("gondola", "cooler", "endcap", "rack")
"""Fixtures with boards: on others no rows are seen behind the front one."""
MOMENTS = 3
"""Of each store. The second one has the mess, light and people of a training picture, the others are tidy."""
MISPLACED = 0.15
"""Share of the positions with a foreign pack: more than there are, so that there is something to learn from."""
FREE = 0.1
"""A camera hangs at least this far from what stands across the aisle, in metres; half as far from the ceiling."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Parallel arrays: at places where a product was found (N) `identity` (N, 3), the features of `vision.identity`,
    and whether the pack is `foreign` (N,); at tops behind full fronts (M) `behind` (M, F), those of `vision.behind`,
    and whether a pack stands in the row, `filled` (M,); on packs that were found and have a place on them where nothing
    was (K) `stacked` (K, 4), those of `vision.stacks`, and whether a pack stands there, `topped` (K,)."""

    identity: NDArray[np.float64]
    foreign: NDArray[np.bool_]
    behind: NDArray[np.float64]
    filled: NDArray[np.bool_]
    stacked: NDArray[np.float64]
    topped: NDArray[np.bool_]

    @staticmethod
    def joined(parts: Sequence[Samples]) -> Samples:
        return Samples(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Samples)))


def store_samples(seed: int, split: str, rig: Rig, folder: Path) -> Samples | None:
    """The samples of one training store, rendered and read unless `folder` has them; None for a store of another
    kind than `KINDS`."""
    path = folder / f"{split}-{seed}.npz"
    if not path.exists():
        layout = training_layout(seed, split)
        if layout.store.fixtures[0].kind not in KINDS:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **vars(Samples.joined(_shoot(layout, seed, rig))))
        os.replace(part, path)
    with np.load(path, allow_pickle=False) as data:
        return Samples(**{f.name: data[f.name] for f in fields(Samples)})


def _shoot(layout: Layout, seed: int, rig: Rig) -> list[Samples]:
    random = rng(seed, "places")
    alike = Lookalikes(round(float(random.uniform(0.2, 0.8)), 2))
    recognizer = Recognizer(open_session(weights_path(RECOGNIZER), "onnxruntime-cpu"))
    gallery = gallery_of(studio_pictures(list(layout.catalog)), recognizer)
    detector = Detector(open_session(weights_path(DETECTOR), "onnxruntime-cpu"), WEAKEST_EVIDENCE)
    parts = []
    with World(layout, lookalikes=alike) as world:
        for moment in range(MOMENTS):
            scenario = Scenario(layout, _conditions(random, alike, tidy=moment % 2 == 0), seed * 1000 + moment)
            for camera in cameras_at(layout, rig):
                frame, truth = capture(world, scenario, camera)
                found = detector(frame.image)
                products = found.where(found.class_id == PRODUCT)
                similarities = gallery.similarities(recognizer.embed(frame.image, products.xyxy))
                parts.append(measure(scenario, frame, truth, products, similarities, gallery.names))
    return parts


def _conditions(random: np.random.Generator, alike: Lookalikes, tidy: bool) -> Conditions:
    drawn = draw_conditions(random, alike)
    mess = replace(drawn.mess, misplaced=MISPLACED)
    if not tidy:
        return replace(drawn, mess=mess)
    mess = replace(mess, receded=0.0, turned=0.0, leaning=0.0, fallen=0.0, shift=0.002, turn=0.03)
    return replace(drawn, mess=mess, crowd=Crowd(), lighting=Lighting())


def cameras_at(layout: Layout, rig: Rig) -> list[Camera]:
    """The rig's cameras that differ in more than their place along the aisle, moved to the middle of the first two
    bays, and to where the store has room for them."""
    first, second = layout.store.fixtures[:2]
    middle = (first.x + second.x + second.width) / 2
    across = layout.store.fixtures[2].y if len(layout.store.fixtures) > 2 else layout.store.room.y[0]
    moved: dict[Camera, None] = {}
    for camera in rig.cameras:
        _, y, z = camera.position
        height = min(z, layout.store.room.ceiling - FREE / 2)
        target = (middle, *camera.target[1:])
        name = camera.id.rsplit("-", 1)[0]
        moved[replace(camera, id=name, position=(middle, max(y, across + FREE), height), target=target)] = None
    return list(moved)


def measure(
    scenario: Scenario,
    frame: Frame,
    truth: Truth,
    products: Detections,
    similarities: NDArray[np.float32],
    names: NDArray[np.str_],
) -> Samples:
    """What the products (N) found in one picture tell of places, by their cosines (N, K) to `names`, beside what
    stands there."""
    layout, camera = scenario.layout, frame.camera
    assert camera is not None
    planned = np.array([p.sku for p in layout.planogram.positions], object)[layout.places.position]
    there = np.full(len(layout.places), None, object)
    there[truth.place[truth.front]] = truth.sku[truth.front]
    own = (there == planned).astype(bool)
    view = view_of(layout, camera)
    match = assign(view, products)
    place = np.flatnonzero(match >= 0)
    pack = match[place]
    column = {name: i for i, name in enumerate(names.tolist())}
    likeness, _, rival = identity.rivals(
        similarities[pack], np.array([column[sku] for sku in planned[place]], np.int64)
    )
    foreign = ~own[place] & (there[place] != np.array(None))
    tops = behind.tops_of(layout, camera)
    filled = rows_filled(scenario)
    judged = tops.compared & filled[:, :1]
    top = np.flatnonzero((layout.places.level > 0) & view.visible & (match < 0))
    top = top[own[top - 1] & (match[top - 1] >= 0)]
    return Samples(
        identity.features(likeness, rival, products.confidence[pack]),
        foreign.astype(bool),
        behind.features(frame.image, tops, products)[judged],
        filled[judged],
        stacks.measure(view, products, match, top),
        own[top],
    )


def rows_filled(scenario: Scenario) -> NDArray[np.bool_]:
    """Which rows (C, R) of the columns of `vision.behind` hold an upright pack of their own SKU on their top level."""
    positions = scenario.layout.planogram.positions
    first = dict(zip((p.id for p in positions), np.cumsum([0, *(p.wide for p in positions)]).tolist()))
    by_id = {p.id: p for p in positions}
    filled = np.zeros((sum(p.wide for p in positions), behind.DEEPEST), bool)
    for unit in scenario.stock.units:
        p = by_id[unit.position]
        upright = unit.sku == p.sku and unit.condition == "standing"
        if upright and unit.level == p.high - 1 and unit.row < behind.DEEPEST:
            filled[first[p.id] + unit.column, unit.row] = True
    return filled
