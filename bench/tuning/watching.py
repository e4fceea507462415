"""Shelves watched over time: pictures in which shoppers pass and things sell out, and what is read of them.

`python -m bench.tuning.watching WHERE FOLDER SEED...` renders and reads; WHERE is a split of the training stores
("train", "val", "test") or "quickstart". What a folder holds is not made again: without its FOLDER/SEED/readings.npz a
sequence is read anew, by the weights of now. `bench.tuning.remembering` counts and judges.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import load_experiment
from bench.stores.training import SPLITS, training_layout
from bench.tuning.shelf_samples import KINDS, cameras_at
from scenarios import Camera, Conditions, Crowd, Frame, InputError, Layout, Mess, Scenario, load_scenario
from sim import World, studio_pictures
from sim.lens import distort
from sim.motion import motions
from sim.raster import render as draw
from sim.sensor import expose
from vision import Gallery, Pipeline, PlaceReadings, PlaceState, Recognizer, gallery_of
from vision.pictures import load_picture, save_picture
from vision.pipeline import WEAKEST_EVIDENCE, weights_path
from vision.privacy import with_people
from vision.runtimes import open_session
from vision.view import view_of

MOMENTS, STEP = 6, 5.0
"""Frames of a sequence, and the seconds between them."""
CROWDED, SHOPPERS = range(2, 5), 2
"""Moments with shoppers before the shelves: half of them, in one go, as a visit lasts."""
SOLD = 3
"""The moment from which more has sold out."""
COUNTING, SELLS = Mess(out=0.15, plugged=0.3, misplaced=0.08, empty_column=0.12), 0.08
"""The mess of training stores: more of what is rare, as rates are counted of each content by itself. SELLS is how
much the share of positions out grows."""


NEXT = 2.0
"""Metres along the aisle from a camera of the rigs to the next."""
NAMES = ("state", "confidence", "pixels_per_metre", "behind", "sight")
"""What is kept of a reading's places, beside the SKUs."""


@dataclass(frozen=True, eq=False)
class Watched:
    """One frame as it was read: its places, with their truth and the share of each that a person hides."""

    camera: str
    moment: int
    places: PlaceReadings
    true_state: NDArray[np.int8]
    covered: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Watch:
    """What is watched with a seed: a store through its cameras."""

    cameras: tuple[Camera, ...]
    layout: Layout
    conditions: Conditions
    seed: int

    def scenario(self, moment: int) -> Scenario:
        """The store at a moment."""
        mess, crowd = self.conditions.mess, Crowd(SHOPPERS if moment in CROWDED else 0)
        mess = replace(mess, out=mess.out + (SELLS if moment >= SOLD else 0.0))
        conditions = replace(self.conditions, crowd=crowd, mess=mess)
        return Scenario(self.layout, conditions, self.seed, moment * STEP)


def watch_of(where: str, seed: int) -> Watch:
    """The quickstart with its best rig, or a training store with one camera of either of its kinds and their next."""
    experiment, _, _ = load_experiment(["experiment=quickstart"])
    rig = next(rig for rig in experiment.rigs if rig.name == "both")
    if where == "quickstart":
        base = load_scenario(where)
        return Watch(rig.cameras, base.layout, base.conditions, seed)
    layout = training_layout(seed, where)
    cameras = cameras_at(layout, rig)
    beside = [_beside(camera, layout) for camera in cameras]
    return Watch((*cameras, *beside), layout, Conditions("watched", mess=COUNTING), seed)


def _beside(camera: Camera, layout: Layout) -> Camera:
    """The camera's neighbour along the aisle, as far as the room goes. It sees the store from aside."""
    x = min(camera.position[0] + NEXT, layout.store.room.x[1] - 0.1)
    return replace(camera, id=f"{camera.id}-beside", position=(x, *camera.position[1:]), target=(x, *camera.target[1:]))


def true_states(scenario: Scenario) -> NDArray[np.int8]:
    """What stands at every front-row place (P,), as PlaceState."""
    layout, stock = scenario.layout, scenario.stock
    starts = np.cumsum([0, *(p.facings for p in layout.planogram.positions)])
    index = {p.id: i for i, p in enumerate(layout.planogram.positions)}
    state = np.full(len(layout.places), PlaceState.EMPTY, np.int8)
    for unit, front in zip(stock.units, stock.foremost):
        if front:
            position = layout.planogram.positions[index[unit.position]]
            place = starts[index[unit.position]] + unit.column * position.high + unit.level
            state[place] = PlaceState.OWN if unit.sku == position.sku else PlaceState.FOREIGN
    return state


def render(folder: Path, watch: Watch) -> None:
    """Write the pictures of a sequence as a camera sends them, JPEG, and their truth; last of all `truth.npz`."""
    states, covered = [], []
    with World(watch.layout, lookalikes=watch.conditions.lookalikes) as world:
        for moment in range(MOMENTS):
            scenario = watch.scenario(moment)
            world.set(scenario)
            states.append(true_states(scenario))
            for camera in watch.cameras:
                shot = distort(draw(world, camera.pinhole, scenario), camera)
                image = expose(shot, scenario, camera, motions(world, camera))
                save_picture(folder / f"{moment}-{camera.id}.jpg", with_people(image), quality=95)
                covered.append(_covered(view_of(watch.layout, camera).box, np.isin(shot.body, world.shopper_bodies)))
    _write(folder / "truth.npz", state=np.stack(states), covered=np.stack(covered))


def _covered(box: NDArray[np.float64], person: NDArray[np.bool_]) -> NDArray[np.float32]:
    share = np.zeros(len(box), np.float32)
    height, width = person.shape
    for i, (x0, y0, x1, y1) in enumerate(np.clip(box, 0, [width, height, width, height]).astype(int)):
        share[i] = person[y0:y1, x0:x1].mean() if x1 > x0 and y1 > y0 else 0.0
    return share


def read(folder: Path, watch: Watch, recognizer: Recognizer) -> None:
    """Read the pictures of a sequence with the shipped weights and write `readings.npz`."""
    gallery = folder.parent / (f"gallery-{watch.layout.store.name}.npz")
    if not gallery.is_file():
        gallery_of(studio_pictures(list(watch.layout.catalog)), recognizer).save(gallery)
    pipeline = Pipeline.load(gallery=Gallery.load(gallery), layout=watch.layout, score=WEAKEST_EVIDENCE)
    rows = []
    for moment in range(MOMENTS):
        for camera in watch.cameras:
            frame = Frame(load_picture(folder / f"{moment}-{camera.id}.jpg"), camera, moment * STEP)
            places = pipeline(frame).places
            assert places is not None
            rows.append(places)
    arrays = {name: np.stack([getattr(places, name) for places in rows]) for name in NAMES}
    _write(folder / "readings.npz", sku=np.stack([places.sku for places in rows]).astype(str), **arrays)


def _write(path: Path, **arrays: NDArray[Any]) -> None:
    draft = path.with_name(f".{path.name}")
    np.savez_compressed(draft, allow_pickle=False, **arrays)
    draft.replace(path)


def load(folder: Path, watch: Watch) -> list[Watched]:
    """What was read of a sequence, with its truth."""
    with np.load(folder / "truth.npz") as truth, np.load(folder / "readings.npz") as file:
        state, covered = truth["state"], truth["covered"]
        a = {name: file[name] for name in file.files}
    sku = np.where(a["sku"] == "None", np.array(None, object), a["sku"].astype(object))
    rows = []
    for i in range(MOMENTS * len(watch.cameras)):
        moment, k = divmod(i, len(watch.cameras))
        places = PlaceReadings(sku=sku[i], **{name: a[name][i] for name in NAMES})
        rows.append(Watched(watch.cameras[k].id, moment, places, state[moment], covered[i]))
    return rows


def make(where: str, folder: Path, seeds: list[int]) -> None:
    """Watch every seed whose sequence is not in the folder yet; stores without boards, such as chests, are left out."""
    if where not in (*SPLITS, "quickstart"):
        raise InputError(f"{where}: expected quickstart or a split of the training stores, {', '.join(SPLITS)}")
    recognizer = Recognizer(open_session(weights_path("embed")))
    for seed in seeds:
        watch, own = watch_of(where, seed), folder / str(seed)
        if watch.layout.store.fixtures[0].kind not in KINDS:
            continue
        own.mkdir(parents=True, exist_ok=True)
        if not (own / "truth.npz").is_file():
            render(own, watch)
        if not (own / "readings.npz").is_file():
            read(own, watch, recognizer)
        print(own, flush=True)


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]), [int(seed) for seed in sys.argv[3:]])
