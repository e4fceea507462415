"""The service with the shipped weights on rendered pictures: it says what a plain watch says, to the last digit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import pytest

from scenarios import Frame, Layout
from tests.layouts import TIDY, front_camera, small_scenario
from tests.vision.service.served import Caller, service_of
from vision import Gallery, Pipeline, Recognizer, gallery_of
from vision.pictures import load_picture
from vision.pipeline import weights_path
from vision.privacy import Privacy
from vision.runtimes import open_session
from vision.service.settings import PictureSettings
from vision.watch import KeptInFolder, Watch


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> tuple[list[Path], Gallery, Layout, set[str]]:
    """A shelf that is full, and then has nothing on some of its positions, as JPEG files; its gallery
    and layout, and the positions that are out."""
    pytest.importorskip("pybullet", reason="pybullet is not installed (extra: sim)")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    from sim import World, capture, studio_pictures
    from sim.studio import VIEWS

    full = small_scenario(1)
    fewer = dataclasses.replace(small_scenario(2, dataclasses.replace(TIDY, out=0.3)), layout=full.layout)
    folder = tmp_path_factory.mktemp("rendered")
    with World(full.layout) as world:
        images = [capture(world, scenario, front_camera())[0].image for scenario in (full, fewer)]
    paths = [folder / "full.jpg", folder / "out.jpg"]
    for path, image in zip(paths, images):
        cv2.imwrite(str(path), image[..., ::-1])
    gallery = gallery_of(
        studio_pictures(list(full.layout.catalog), views=VIEWS[:1]), Recognizer(open_session(weights_path("embed")))
    )
    out = {p.id for p in full.layout.planogram.positions if fewer.stock.units_of(p) == 0}
    return paths, gallery, full.layout, out


@pytest.mark.slow
def test_the_service_says_what_a_plain_watch_says_of_the_same_pictures(rendered, tmp_path: Path) -> None:
    paths, gallery, layout, out = rendered
    shown = [paths[0]] * 2 + [paths[1]] * 6
    watch = Watch(KeptInFolder(tmp_path), Pipeline.load(gallery=gallery, layout=layout), [front_camera()])
    expected = []
    for i, path in enumerate(shown):
        expected += watch.see(Frame(load_picture(path), front_camera(), 30.0 * i))
        watch.keep()
    hide = Privacy(open_session(weights_path("centerface")))
    service = service_of(
        tmp_path / "service", pipeline=Pipeline.load(gallery=gallery, layout=layout), hide=hide,
        pictures=PictureSettings(keep=True, every=60),
    )  # fmt: skip
    with Caller(service) as caller:
        said = []
        for i, path in enumerate(shown):
            answer = caller.http.post(
                "/v1/cameras/front/frames",
                params={"time": 30.0 * i},
                content=path.read_bytes(),
                headers={"Content-Type": "image/jpeg"},
            )
            said += answer.json()["alerts"]
        states = caller.http.get("/v1/shelves").json()["positions"]
        first = caller.http.get("/v1/readings/1").json()
        picture = caller.http.get("/v1/cameras/front/picture")
    assert said == [dataclasses.asdict(alert) for alert in expected]
    assert states == [dataclasses.asdict(state) for state in watch.states]
    assert out
    assert {alert["subject"] for alert in said if alert["kind"] == "out"} == out
    named = [d for d in first["detections"] if d["class"] == "product" and d["sku"]]
    assert len(named) >= 10
    assert picture.status_code == 200
