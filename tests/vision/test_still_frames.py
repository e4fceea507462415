"""Frames that show nothing new are given the last reading; whatever has changed on a shelf is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios import Camera, CameraModel, Conditions, Crowd, Frame, Lookalikes, Scenario, Sensor, Stock, Unit
from tests.layouts import TIDY, small_layout
from tests.vision.fakes import FakeSession, boxes_session
from vision import Detector, Pipeline
from vision.readings import PERSON, PRODUCT
from vision.service.database import Database, KeptInDatabase
from vision.watch import Watch

World = pytest.importorskip("sim", reason="the simulator is not installed here").World
render = pytest.importorskip("sim.render").renderer("raster")
expose = pytest.importorskip("sim.sensor").expose

Image = NDArray[np.uint8]
Change = Callable[[list[Unit]], list[Unit]]
EVERY = 0.4
"""Seconds between two frames: ten a second of four cameras."""
SENSORS = {
    "good": Sensor(),
    "small pixels": Sensor(pixel_pitch=1.4, full_well=4500, read_noise=5.0, bits=10, max_gain=10.7),
    "saving network": Sensor(quality=30),
    "recorder": Sensor(codec="h264", quality=34),
}


def camera_of(sensor: Sensor = SENSORS["good"]) -> Camera:
    """Two metres before the bay, with 240 pixels a metre: a camera of 640 pixels sees two bays so."""
    model = CameraModel("small", 480, 360, 0.9, 100.0, sensor=sensor)
    return Camera("front", model, (0.5, -2.05, 1.2), (0.5, 0.0, 0.6))


CAMERA = camera_of()


@dataclass(frozen=True)
class Moment(Scenario):
    """A scenario with what stands on its shelves then."""

    units: tuple[Unit, ...] = ()

    @property
    def stock(self) -> Stock:
        return Stock(self.units)


@pytest.fixture(scope="module")
def shop():
    """A small store of which pictures can be taken: `shop(change, time, camera, shoppers)`."""
    layout = small_layout()
    alike = {"form": "box", "brand": "Brand", "family": "soup"}
    family = [dataclasses.replace(p, variant=p.sku, **alike) if p.sku in ("box", "carton") else p
              for p in layout.catalog]  # fmt: skip
    layout = dataclasses.replace(layout, catalog=type(layout.catalog)(tuple(family)))
    with World(layout, lookalikes=Lookalikes(0.35)) as world:

        def moment(change: Change, time: float, shoppers: int) -> Moment:
            conditions = Conditions("small", crowd=Crowd(shoppers), mess=TIDY, lookalikes=Lookalikes(0.35))
            plain = Scenario(layout, conditions, 1, time)
            fields = {f.name: getattr(plain, f.name) for f in dataclasses.fields(Scenario)}
            return Moment(**fields, units=tuple(change(list(plain.stock.units))))

        @cache
        def scene(change: Change, time: float, shoppers: int) -> Any:
            world.set(moment(change, time, shoppers))
            return render(world, CAMERA, moment(change, time, shoppers))

        def picture(change: Change = list, time: float = 0.0, camera: Camera = CAMERA, shoppers: int = 0) -> Image:
            """The sensor's noise is another one at each time."""
            seen = scene(change, time if shoppers else 0.0, shoppers)
            return expose(seen, moment(change, time, shoppers), camera)

        yield picture


def front(units: Sequence[Unit], position: str, column: int = 0) -> Unit:
    return next(u for u in units if (u.position, u.column, u.row) == (position, column, 0))


def bought(units: list[Unit]) -> list[Unit]:
    """Somebody took one can from the front."""
    return [u for u in units if u is not front(units, "p-can")]


def sold_out(units: list[Unit]) -> list[Unit]:
    return [u for u in units if u.position != "p-jar"]


def swapped(units: list[Unit]) -> list[Unit]:
    """A look-alike of the same form, size and brand stands where a box stood."""
    there = front(units, "p-box")
    return [dataclasses.replace(u, sku="carton") if u is there else u for u in units]


def seer(found: Sequence[int] = (PRODUCT,), read_anew: float = 100.0) -> tuple[Pipeline, list[int]]:
    """A pipeline whose detector finds these classes in every frame, and the frames that it was shown."""
    session, seen = boxes_session([(20, 20, 60, 80)] * len(found), [0.9] * len(found), list(found), 1.0), []
    plain = session.answer

    def answer(batch: NDArray) -> NDArray:
        seen.append(len(seen))
        return plain(batch)

    return Pipeline(Detector(FakeSession(answer)), layout=small_layout(), read_anew=read_anew), seen


def read(pipeline: Pipeline, seen: list[int], images: Sequence[Image], camera: Camera = CAMERA) -> list[bool]:
    """Which of some frames were read."""
    which = []
    for n, image in enumerate(images):
        before = len(seen)
        reading = pipeline(Frame(image, camera, EVERY * n))
        which.append(len(seen) > before)
        assert (reading.age == 0) == which[-1]
        assert reading.time == EVERY * n
    return which


@pytest.mark.parametrize("sensor", SENSORS)
def test_the_sensor_s_noise_is_no_change(shop, sensor: str) -> None:
    camera = camera_of(SENSORS[sensor])
    images = [shop(time=EVERY * n, camera=camera) for n in range(12)]
    assert read(*seer(), images, camera) == [True] * 2 + [False] * 10


@pytest.mark.parametrize("change", [bought, sold_out, swapped])
@pytest.mark.parametrize("sensor", SENSORS)
def test_what_happens_to_one_pack_is_read_at_once_and_once_more(shop, sensor: str, change) -> None:
    camera = camera_of(SENSORS[sensor])
    images = [shop(time=EVERY * n, camera=camera) for n in range(6)]
    images += [shop(change, EVERY * n, camera) for n in range(6, 9)]
    assert read(*seer(), images, camera) == [True] * 2 + [False] * 4 + [True, True, False]


def test_light_that_fades_slowly_hides_no_change(shop) -> None:
    def faded(image: Image, n: int) -> Image:
        return np.clip(image * (1 - 0.004 * n), 0, 255).round().astype(np.uint8)

    images = [faded(shop(time=EVERY * n), n) for n in range(20)]
    images += [faded(shop(bought, EVERY * n), n) for n in range(20, 22)]
    which = read(*seer(), images)
    assert sum(which[:20]) <= 4
    assert which[20]


def test_a_lamp_that_goes_out_is_read(shop) -> None:
    images = [shop(time=EVERY * n) for n in range(4)]
    images += [(shop(time=EVERY * n) * 0.7).astype(np.uint8) for n in range(4, 6)]
    assert read(*seer(), images) == [True, True, False, False, True, True]


def test_a_shopper_is_read_on_coming_and_on_going(shop) -> None:
    images = [shop(time=EVERY * n, shoppers=int(3 <= n < 5)) for n in range(7)]
    assert not np.array_equal(images[3], shop(time=EVERY * 3))
    which = read(*seer(), images)
    assert (which[:4], which[5:]) == ([True, True, False, True], [True, True])


def test_while_a_person_stands_in_view_every_frame_is_read(shop) -> None:
    images = [shop(time=EVERY * n) for n in range(4)]
    assert read(*seer([PRODUCT, PERSON]), images) == [True] * 4


def test_all_is_read_anew_after_a_while_and_its_age_is_told(shop) -> None:
    pipeline, seen = seer(read_anew=1.0)
    images = [shop(time=EVERY * n) for n in range(7)]
    assert read(pipeline, seen, images) == [True, True, False, False, True, False, False]
    ages = [pipeline(Frame(images[0], CAMERA, 1.6 + EVERY * n)).age for n in range(1, 3)]
    assert ages == pytest.approx([0.4, 0.8])


def test_without_it_every_frame_is_read(shop) -> None:
    images = [shop(time=EVERY * n) for n in range(3)]
    assert read(*seer(read_anew=0.0), images) == [True] * 3
    pipeline, seen = seer()
    plain = Pipeline(pipeline.detector, layout=pipeline.layout, reuse=False, read_anew=100.0)
    assert read(plain, seen, images) == [True] * 3


def test_what_is_said_again_is_no_second_witness(shop, tmp_path: Path) -> None:
    """The memory believes no more of a shelf for having been shown the same picture again."""
    pipeline, _ = seer()
    watch = Watch(KeptInDatabase(Database(tmp_path / "d"), small_layout()), pipeline, [CAMERA])
    images = [shop(time=EVERY * n) for n in range(4)]
    for n in range(2):
        watch.see(Frame(images[n], CAMERA, EVERY * n))
    first = watch.memory.as_plain()["bays"]
    for n in range(2, 4):
        watch.see(Frame(images[n], CAMERA, EVERY * n))
        assert watch.reading is not None
        assert watch.reading.age == pytest.approx(EVERY * (n - 1))
    assert watch.memory.as_plain()["bays"] == first
