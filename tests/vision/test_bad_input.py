"""What users give that is wrong: one clear line, or a skip that is counted; the rest is read all the same."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenarios import Frame, InputError, load_scenario
from scenarios.files import write_yaml
from scenarios.planogram import save_planogram
from scenarios.products import save_catalog
from tests.refusal import refusal
from tests.vision.fakes import FakeSession, boxes_session, mean_colour_session
from tests.vision.shipped import READERS
from vision import Detector, Gallery, Pipeline, Recognizer
from vision.cli import main
from vision.pictures import load_picture
from vision.pipeline import WEIGHTS
from vision.runtimes import open_session

CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUV"
    "FQwPFxgWFBgSFBUU/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAn/xAAUEAEAAAAAAAAAAAAAAAAA"
    "AAAA/9oADgRDAE0AWQBLAAA/AFTFUKoqb//Z"
)
"""8 x 8 pixels of pure red (0, 100 %, 100 %, 0), as Pillow writes CMYK."""
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def encoded(suffix: str, image: np.ndarray = PICTURE) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


READABLE = {
    "16-bit.png": (encoded(".png", PICTURE.astype(np.uint16) * 257), (48, 64, 3)),
    "grey.jpg": (encoded(".jpg", PICTURE[..., 0]), (48, 64, 3)),
    "grey-16-bit.png": (encoded(".png", PICTURE[..., 0].astype(np.uint16) * 257), (48, 64, 3)),
    "alpha.png": (encoded(".png", np.dstack([PICTURE, PICTURE[..., :1]])), (48, 64, 3)),
    "cmyk.jpg": (CMYK_JPEG, (8, 8, 3)),
    "1x1.png": (encoded(".png", PICTURE[:1, :1]), (1, 1, 3)),
    "flat.png": (encoded(".png", PICTURE[:1]), (1, 64, 3)),
    "trailer.jpg": (encoded(".jpg") + b"what a phone appends", (48, 64, 3)),
}
UNREADABLE = {
    "empty.jpg": (b"", "not readable as a picture"),
    "text.jpg": (b"no picture", "not readable as a picture"),
    "half.jpg": (encoded(".jpg")[:700], "ends too early"),
    "head.jpg": (encoded(".jpg")[:30], "ends too early"),
    "zeros.jpg": (encoded(".jpg")[:700] + bytes(3000), "ends too early"),
    "half.png": (encoded(".png")[:3000], "ends too early"),
    "damaged.png": (encoded(".png")[:40] + bytes(400) + encoded(".png")[440:], "not readable as a picture"),
}


@pytest.mark.parametrize("name", READABLE)
def test_pictures_of_every_depth_and_colour_are_read_as_rgb(name: str, tmp_path: Path) -> None:
    data, shape = READABLE[name]
    (tmp_path / name).write_bytes(data)
    image = load_picture(tmp_path / name)
    assert image.shape == shape
    assert image.dtype == np.uint8
    if name.endswith("16-bit.png") and not name.startswith("grey"):
        np.testing.assert_array_equal(image, PICTURE[..., ::-1])
    if name == "cmyk.jpg":
        np.testing.assert_allclose(image.mean(axis=(0, 1)), (255, 0, 0), atol=12)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_picture_that_cannot_be_read_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    data, reason = UNREADABLE[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=reason) as error:
        load_picture(tmp_path / name)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_every_jpeg_that_ends_too_early_is_noticed(tmp_path: Path) -> None:
    whole = encoded(".jpg")
    for length in range(4, len(whole) - 1, 97):
        (tmp_path / "cut.jpg").write_bytes(whole[:length])
        with pytest.raises(InputError):
            load_picture(tmp_path / "cut.jpg")


def test_a_folder_of_good_and_bad_pictures_is_read_and_the_bad_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    (tmp_path / "in").mkdir()
    for name, (data, _) in (READABLE | UNREADABLE).items():
        (tmp_path / "in" / name).write_bytes(data)
    main(["read", str(tmp_path / "in"), "--outputs", str(tmp_path / "out"), "--slice", "32"])
    latest = tmp_path / "out" / "latest"
    lines = [json.loads(line) for line in (latest / "readings.jsonl").read_text().splitlines()]
    assert {Path(line["source"]).name for line in lines} == set(READABLE)
    assert {Path(p).name for p in json.loads((latest / "result.json").read_text())["skipped"]} == set(UNREADABLE)
    assert len(list((latest / "annotated").iterdir())) == len(READABLE)


def test_a_bad_frame_leaves_the_pipeline_as_it_was() -> None:
    pipeline = Pipeline(Detector(boxes_session([(5, 5, 20, 30)], [0.9], [0], 1.0)))
    before = pipeline(Frame(PICTURE))
    for bad in (PICTURE[..., 0], PICTURE.astype(np.uint16), np.dstack([PICTURE, PICTURE[..., :1]]), PICTURE[:0]):
        with pytest.raises((ValueError, cv2.error)):
            pipeline(Frame(bad))
    after = pipeline(Frame(PICTURE))
    np.testing.assert_array_equal(after.detections.xyxy, before.detections.xyxy)


def answering(shape: tuple[int, ...], metadata: dict[str, str], takes: tuple) -> FakeSession:
    session = FakeSession(lambda _: np.zeros(shape), takes)
    session.metadata = metadata
    return session


FREE = (None, 3, None, None)
WRONG_DETECTORS: list[tuple[FakeSession, str]] = [
    (answering((1, 84, 9), {}, FREE), r"fake.onnx: answers \(84, 9\); expected \(8, boxes\)"),
    (answering((1, 128), {}, FREE), r"fake.onnx: answers \(128,\); expected"),
    (answering((1, 8, 9), {"classes": "person,bicycle"}, FREE), "fake.onnx: a network of the classes person,bicycle"),
    (answering((1, 8, 9), {}, (None, 3, 112, 80)), r"fake.onnx: takes \(112, 80\) pixels only"),
]


@pytest.mark.parametrize(("session", "message"), WRONG_DETECTORS)
def test_a_network_that_is_no_detector_of_ours_is_refused(session: FakeSession, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Detector(session)(PICTURE)


def test_a_network_that_is_no_recognizer_is_refused() -> None:
    with pytest.raises(InputError, match=r"fake.onnx: takes pictures of any size"):
        Recognizer(answering((1, 8, 9), {}, FREE))


@pytest.mark.parametrize(
    ("gallery", "message"),
    [
        (Gallery(np.array([], str), np.zeros((0, 3), np.float32), "fake"), "the gallery is empty"),
        (Gallery(np.array(["a"]), np.zeros((1, 3), np.float32), "another"), "another recognizer"),
    ],
)
def test_a_gallery_that_says_nothing_is_refused(gallery: Gallery, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Pipeline(Detector(boxes_session([], [], [], 1.0)), Recognizer(mean_colour_session()), gallery)


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], bool, str]] = {
    "a byte is another": (lambda b: b[:9000] + bytes([b[9000] ^ 1]) + b[9001:], True, "embed.md says"),
    "cut off": (lambda b: b[: len(b) // 2], True, "embed.md says"),
    "cut off, without a card": (lambda b: b[: len(b) // 2], False, "not readable as an ONNX network"),
    "empty": (lambda b: b"", False, "not readable as an ONNX network"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights_are_refused(damage: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    change, card, message = DAMAGE[damage]
    shutil.copy(WEIGHTS / "embed.md", tmp_path / ("embed.md" if card else "other.md"))
    (tmp_path / "embed.onnx").write_bytes(change((WEIGHTS / "embed.onnx").read_bytes()))
    with pytest.raises(InputError, match=message) as error:
        open_session(tmp_path / "embed.onnx")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detector", "centerface"], "centerface.onnx: a network of the classes face; expected product,gap"),
        (["--detector", "embed"], "embed.onnx: takes (112, 80) pixels only"),
        (["--detector", "yolo99"], f"shipped are {', '.join(READERS)}; or"),
    ],
)
def test_shipped_weights_of_another_kind_are_no_choice(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    (tmp_path / "a.png").write_bytes(encoded(".png"))
    words = ["read", str(tmp_path / "a.png"), *options, "--outputs", str(tmp_path / "out")]
    assert message in refusal(main, words, capsys)
    assert not (tmp_path / "out").exists()


def a_picture(folder: Path) -> str:
    (folder / "a.png").write_bytes(encoded(".png"))
    return str(folder / "a.png")


def a_gallery(skus: int, embeddings: int, network: str = "") -> Callable[[Path], list[str]]:
    def words(folder: Path) -> list[str]:
        known = network or hashlib.sha256((WEIGHTS / "embed.onnx").read_bytes()).hexdigest()
        Gallery(np.array(["a"] * skus, str), np.zeros((embeddings, 128), np.float32), known).save(folder / "g.npz")
        return ["read", a_picture(folder), "--gallery", str(folder / "g.npz")]

    return words


def half_a_gallery(folder: Path) -> list[str]:
    words = a_gallery(1, 1)(folder)
    (folder / "g.npz").write_bytes((folder / "g.npz").read_bytes()[:400])
    return words


def an_array(folder: Path) -> list[str]:
    np.save(folder / "g.npy", np.zeros(3))
    return ["read", a_picture(folder), "--gallery", str(folder / "g.npy")]


def a_gallery_of_broken_pictures(folder: Path) -> list[str]:
    (folder / "packs").mkdir()
    (folder / "packs" / "sku.jpg").write_bytes(UNREADABLE["half.jpg"][0])
    return ["read", a_picture(folder), "--gallery", str(folder / "packs")]


def damaged_weights(folder: Path) -> list[str]:
    shutil.copy(WEIGHTS / "embed.md", folder / "yolo.md")
    shutil.copy(WEIGHTS / "yolo11n.onnx", folder / "yolo.onnx")
    return ["read", a_picture(folder), "--detector", str(folder / "yolo.onnx")]


def outputs_that_are_a_file(folder: Path) -> list[str]:
    (folder / "file").write_text("mine")
    return ["read", a_picture(folder), "--outputs", str(folder / "file")]


def calibration_of(content: str) -> Callable[[Path], list[str]]:
    def words(folder: Path) -> list[str]:
        layout = load_scenario("quickstart").layout
        write_yaml(folder / "store.yaml", layout.store, "a store")
        save_catalog(layout.catalog, folder / "catalog.csv")
        save_planogram(layout.planogram, folder / "planogram.csv")
        (folder / "camera.yaml").write_text(content)
        return ["read", a_picture(folder), "--planogram", str(folder), "--camera", str(folder / "camera.yaml")]

    return words


def calibrating(picture: str, points: str = "fixture,shelf,x,u,v\n") -> Callable[[Path], list[str]]:
    def words(folder: Path) -> list[str]:
        calibration_of("")(folder)
        (folder / "b.png").write_bytes((READABLE[picture] if picture in READABLE else UNREADABLE[picture])[0])
        (folder / "points.csv").write_text(points)
        return ["calibrate", str(folder / "b.png"), "--store", str(folder), "--points", str(folder / "points.csv")]

    return words


CAMERA = """id: c
model: {name: m, width: 1920, height: 1080, horizontal_fov: 1.2, price: 0}
position: [1, -2, 1.5]
target: [1, 0, 1]
"""
WRONG_COMMANDS: list[tuple[Callable[[Path], list[str]], str]] = [
    (a_gallery(0, 0), "the gallery is empty"),
    (a_gallery(1, 1, "another"), "enrolled with another recognizer"),
    (a_gallery(2, 1), "(2,) SKUs and (1, 128) embeddings; expected one embedding for each picture"),
    (half_a_gallery, "g.npz: not a gallery"),
    (an_array, "g.npy: not a gallery"),
    (a_gallery_of_broken_pictures, "packs: no readable picture"),
    (damaged_weights, "the file is damaged"),
    (outputs_that_are_a_file, "Not a directory"),
    (calibration_of(CAMERA), "none of 1 pictures is readable"),
    (calibration_of("id: [c"), "camera.yaml"),
    (calibration_of(CAMERA.replace("target", "aim")), "camera.yaml"),
    (calibration_of(CAMERA.replace("1920", "-3")), "camera.yaml"),
    (calibration_of(""), "camera.yaml"),
    (calibrating("1x1.png"), "points.csv"),
    (calibrating("grey-16-bit.png", "fixture,shelf,x,u,v\nbay-1,0,0,900,2\n"), "points.csv, row 2"),
    (calibrating("half.jpg"), "b.png: the picture ends too early"),
]


@pytest.mark.parametrize(
    ("words", "message"), WRONG_COMMANDS, ids=[f"{n} {m[:24]}" for n, (_, m) in enumerate(WRONG_COMMANDS)]
)
def test_a_command_with_wrong_input_ends_with_one_line_and_writes_nothing(
    words: Callable[[Path], list[str]], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    arguments = words(tmp_path)
    given = arguments if "--outputs" in arguments else [*arguments, "--outputs", str(tmp_path / "out")]
    before = sorted(tmp_path.rglob("*"))
    error = refusal(main, given, capsys)
    assert error.startswith("shelfwatch: ")
    assert message in error
    assert sorted(tmp_path.rglob("*")) == before


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """This process can write no file of more than `size` bytes; no longer than needed, as its own output is a file."""
    resource = pytest.importorskip("resource", reason="this system cannot limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 100, 3000])
@pytest.mark.parametrize("command", ["read", "enroll"])
def test_a_disk_that_is_full_is_said_and_leaves_nothing_half_written(
    command: str, size: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")
    for i in range(9):
        cv2.imwrite(str(tmp_path / f"sku-{i}.png"), np.roll(PICTURE, i, axis=0).repeat(4, axis=0).repeat(4, axis=1))
    goal = {"read": ["--outputs", str(tmp_path / "out")], "enroll": ["--output", str(tmp_path / "packs.npz")]}
    before = sorted(tmp_path.rglob("*"))
    with full_disk(size):
        error = refusal(main, [command, str(tmp_path), *goal[command]], capsys)
    assert error.startswith(f"shelfwatch: {tmp_path}")
    assert error.endswith("File too large")
    assert sorted(tmp_path.rglob("*")) == before
