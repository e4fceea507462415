"""Engines: what they are kept under, that no other is ever loaded, and how they run. The GPU is a fake."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from scenarios import InputError
from tests.vision.fake_gpu import FakeCuda, FakeTensorrt
from vision.export.formats import to_tensorrt
from vision.pipeline import weights_path
from vision.readings import CLASSES
from vision.runtimes import on_tensorrt, open_session
from vision.runtimes.cuda_driver import CudaDriver
from vision.runtimes.engines import FORM, EngineKey, engine_path, read_engine, write_engine
from vision.runtimes.onnx_header import OnnxHeader, onnx_header

KEY = EngineKey("a" * 64, "10.3.0", "Orin", "8.7", 8, "fp16", "1x3x640x640")
OTHER = {
    "weights": "b" * 64,
    "tensorrt": "10.7.0",
    "gpu": "Thor",
    "compute_capability": "11.0",
    "multiprocessors": 16,
    "precision": "int8",
    "shape": "1x3x960x1280",
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHELFWATCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def board(cache: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTensorrt:
    """An Orin with TensorRT."""
    return plug_in(monkeypatch, FakeCuda())


def plug_in(monkeypatch: pytest.MonkeyPatch, library: FakeCuda, version: str = "10.3.0") -> FakeTensorrt:
    trt, driver = FakeTensorrt(library, version), CudaDriver(library)
    monkeypatch.setattr(on_tensorrt, "tensorrt", lambda: trt)
    monkeypatch.setattr(on_tensorrt, "cuda", lambda: driver)
    monkeypatch.setattr("vision.runtimes.cuda_driver.cuda", lambda: driver)
    return trt


def test_every_field_of_the_key_has_another_value_here() -> None:
    assert set(OTHER) == {field.name for field in dataclasses.fields(EngineKey)}


@pytest.mark.parametrize("field", OTHER)
def test_an_engine_of_which_one_field_differs_is_never_loaded(field: str, cache: Path) -> None:
    other = dataclasses.replace(KEY, **{field: OTHER[field]})
    kept = engine_path(Path("yolo11n.onnx"), other)
    write_engine(kept, other, {}, b"plan")
    assert engine_path(Path("yolo11n.onnx"), KEY) != kept
    with pytest.raises(InputError, match=f"an engine for {field} {OTHER[field]}; here it is"):
        read_engine(kept, KEY)
    kept.rename(engine_path(Path("yolo11n.onnx"), KEY))  # even under the right name
    with pytest.raises(InputError, match=f"an engine for {field} "):
        read_engine(engine_path(Path("yolo11n.onnx"), KEY), KEY)


def test_an_engine_is_read_as_it_was_written(cache: Path) -> None:
    path = engine_path(Path("yolo11n.onnx"), KEY)
    write_engine(path, KEY, {"image_size": "640"}, b"a plan\nwith lines")
    engine = read_engine(path, KEY)
    assert (engine.key, engine.plan, engine.metadata) == (KEY, b"a plan\nwith lines", {"image_size": "640"})


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[:-1], "the engine is damaged"),
        (lambda data: data.replace(b'"gpu"', b'"cpu"'), "head of the engine is damaged"),
        (lambda data: data[:40], "head of the engine is damaged"),
        (lambda data: b"\x1a\x00\x00\x00" + json.dumps({"imgsz": 640}).encode() + data, "not an engine of"),
    ],
)
def test_a_damaged_engine_is_named(damage, told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.engine"
    write_engine(path, KEY, {}, b"plan")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=told) as error:
        read_engine(path, KEY)
    assert "\n" not in str(error.value)


def test_an_engine_is_built_kept_and_run(board: FakeTensorrt, tmp_path: Path) -> None:
    weights = weights_path("yolo11n")
    with pytest.raises(InputError, match=r"no engine for Orin, TensorRT 10.3.0, fp32, 1x3x1024x1024 in .*; build it"):
        open_session(weights, "tensorrt")
    to_tensorrt(weights, tmp_path / "unused", None)
    assert board.profiles == [("images", ((1, 3, 1024, 1024),) * 3)]
    session = open_session(weights, "tensorrt")
    assert session.input_shape == (1, 3, 1024, 1024)
    assert session.metadata["classes"] == "product,gap,price_tag,person"
    assert str(session.ran_on) == "tensorrt fp32 (TensorRT 10.3.0)"
    for size in (2, 5, 3):  # memory grows, and is kept
        batch = np.random.default_rng(size).random((1, 3, 8, size), np.float32)
        answer = session.run(batch)
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, batch * 2, rtol=1e-3)
    assert len(board.cuda.memory) == 2
    with pytest.raises(InputError, match="does not take"):
        session.run(np.zeros((1, 4, 8, 8), np.float32))


def test_a_recognizers_engine_takes_any_number_of_crops(board: FakeTensorrt, tmp_path: Path) -> None:
    to_tensorrt(weights_path("embed"), tmp_path / "unused", None)
    assert board.profiles == [("images", ((1, 3, 112, 80), (64, 3, 112, 80), (256, 3, 112, 80)))]
    assert open_session(weights_path("embed"), "tensorrt").input_shape == (None, 3, 112, 80)


def test_an_engine_file_of_another_gpu_is_refused(
    board: FakeTensorrt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = to_tensorrt(weights_path("yolo11n"), tmp_path / "unused", (640, 640))
    assert open_session(engine, "tensorrt").input_shape == (1, 3, 640, 640)
    plug_in(monkeypatch, FakeCuda("Orin", (8, 7), 16))  # an Orin with more of the same GPU
    with pytest.raises(InputError, match="an engine for multiprocessors 8; here it is 16: build it here"):
        open_session(engine, "tensorrt")
    plug_in(monkeypatch, FakeCuda(), version="10.7.0")
    with pytest.raises(InputError, match=r"an engine for tensorrt 10\.3\.0; here it is 10\.7\.0"):
        open_session(engine, "tensorrt")


def test_a_plan_that_tensorrt_refuses_and_a_call_that_fails_are_named(board: FakeTensorrt, tmp_path: Path) -> None:
    engine = to_tensorrt(weights_path("yolo11n"), tmp_path / "unused", (640, 640))
    board.plan = b"of another build"
    with pytest.raises(InputError, match="does not take the engine; build it again"):
        open_session(engine, "tensorrt")
    board.plan = None
    with pytest.raises(InputError, match="cannot build an fp32 engine of the network"):
        to_tensorrt(weights_path("yolo11n"), tmp_path / "unused", None)
    board.cuda.fails["cuMemAlloc_v2"] = 2
    board.plan = b"plan"
    with pytest.raises(InputError, match="CUDA: cuMemAlloc_v2 failed with error 2"):
        open_session(engine, "tensorrt").run(np.zeros((1, 3, 8, 8), np.float32))


def test_device_memory_is_told_from_any_thread(board: FakeTensorrt) -> None:
    driver = on_tensorrt.cuda()
    entered = board.cuda.entered
    assert driver.free_memory() == (3 * 2**30, 8 * 2**30)
    assert board.cuda.entered == entered + 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yolo11n", OnnxHeader({"image_size": "1024", "classes": ",".join(CLASSES)}, (None, 3, None, None))),
        ("embed", OnnxHeader({}, (None, 3, 112, 80))),
        ("centerface", OnnxHeader({"classes": "face"}, (None, 3, None, None))),
    ],
)  # fmt: skip
def test_the_header_of_shipped_weights_is_read_without_a_package(name: str, expected: OnnxHeader) -> None:
    assert onnx_header(weights_path(name)) == expected


@pytest.mark.parametrize("data", [b"", b"no network", FORM, bytes(64)])
def test_what_is_no_onnx_file_has_no_header(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(data)
    with pytest.raises(InputError, match="not readable as an ONNX network"):
        onnx_header(tmp_path / "a.onnx")
