"""Weights in other formats and precisions, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scenarios import InputError
from tests.refusal import refusal
from tests.vision.fakes import FakeSession, boxes_session
from vision import Detector, Recognizer
from vision.cli import main
from vision.export import command, parity
from vision.export.parity import FRAMES, compare_detectors, compare_recognizers, frames, same_boxes
from vision.readings import Detections
from vision.runtimes import RanOn, open_session
from vision.runtimes.onnx_header import onnx_header

BOXES = [(10, 10, 50, 60), (60, 10, 100, 60), (110, 10, 150, 60), (10, 70, 50, 90)]


def found(boxes: list[tuple[float, float, float, float]], classes: list[int]) -> Detections:
    return Detections(np.array(boxes, np.float32), np.full(len(boxes), 0.9, np.float32), np.array(classes))


@pytest.mark.parametrize(
    ("other", "classes", "pairs"),
    [
        (BOXES, [0, 0, 0, 1], [(0, 0), (1, 1), (2, 2), (3, 3)]),
        (BOXES[::-1], [1, 0, 0, 0], [(0, 3), (1, 2), (2, 1), (3, 0)]),
        (BOXES, [0, 0, 0, 0], [(0, 0), (1, 1), (2, 2)]),  # of another class
        ([(10, 10, 50, 60), (11, 10, 51, 60)], [0, 0], [(0, 0)]),  # one box is found once
        ([(30, 10, 70, 60)], [0], []),  # half of it beside
    ],
)
def test_boxes_are_the_same_once_each(other: list, classes: list[int], pairs: list[tuple[int, int]]) -> None:
    assert sorted((i, j) for i, j, _ in same_boxes(found(BOXES, [0, 0, 0, 1]), found(other, classes))) == pairs


def of_precision(session: FakeSession, precision: str) -> FakeSession:
    session.ran_on = RanOn("fake", precision, "none")
    return session


def test_a_detector_that_misses_or_adds_boxes_does_not_pass() -> None:
    image = np.zeros((96, 160, 3), np.uint8)
    reference = boxes_session(BOXES, [0.9] * 4, [0, 0, 0, 1], 1.0)
    same = of_precision(boxes_session(BOXES, [0.8] * 4, [0, 0, 0, 1], 1.0), "int8")
    told = compare_detectors(reference, same, [image])
    assert told.passed
    assert (told.figures["found"], told.figures["true"], told.figures["largest_score_difference"]) == (1.0, 1.0, 0.1)
    for boxes in (BOXES[:3], [*BOXES, (110, 70, 150, 90)]):
        other = boxes_session(boxes, [0.9] * len(boxes), [0, 0, 0, 1, 0][: len(boxes)], 1.0)
        assert not compare_detectors(reference, of_precision(other, "int8"), [image]).passed
    nothing = of_precision(boxes_session([], [], [], 1.0), "int8")
    assert not compare_detectors(nothing, nothing, [image]).passed  # nothing was compared


def test_a_recognizer_is_compared_by_the_cosines_of_its_embeddings() -> None:
    crops = np.random.default_rng(0).integers(0, 255, (8, 32, 24, 3), np.uint8)

    def session(noise: float) -> FakeSession:
        random = np.random.default_rng(1)

        def answer(batch: np.ndarray) -> np.ndarray:
            return batch.reshape(len(batch), -1)[:, :64] + noise * random.normal(size=(len(batch), 64))

        return of_precision(FakeSession(answer, (None, 3, 32, 24)), "fp16")

    assert compare_recognizers(session(0), session(1e-4), crops).passed
    assert not compare_recognizers(session(0), session(0.3), crops).passed


@pytest.mark.parametrize("image_size", [(48, 64), (300, 200), (20, 700)])
def test_a_detector_of_one_size_fits_every_picture_into_it(image_size: tuple[int, int]) -> None:
    """An engine takes one height and width."""
    seen = []
    session = boxes_session([(8, 8, 24, 40)], [0.9], [0], 1.0)
    answer = session.answer
    session.answer = lambda batch: (seen.append(batch.shape), answer(batch))[1]
    session.input_shape = (1, 3, 96, 128)
    detector = Detector(session)
    boxes = detector(np.zeros((*image_size, 3), np.uint8)).xyxy
    assert seen == [(1, 3, 96, 128)]
    scale = min(96 / image_size[0], 128 / image_size[1], 1)
    expected = np.clip(np.array([8, 8, 24, 40]) / scale, 0, [image_size[1], image_size[0]] * 2)
    np.testing.assert_allclose(boxes, [expected], rtol=1e-5)


def test_a_network_of_crops_is_no_detector() -> None:
    session = boxes_session([], [], [], 1.0)
    session.input_shape = (None, 3, 112, 80)
    with pytest.raises(InputError, match=r"takes \(112, 80\) pixels only; expected a free size, or multiples of 32"):
        Detector(session)


def test_frames_are_shipped_for_the_comparison() -> None:
    assert [image.shape for image in frames()] == [(640, 640, 3)] * 4


def test_wrong_input_ends_in_one_line_with_nothing_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed (extra: export)")
    out = tmp_path / "out"
    base = ["export", "embed", "--output", str(out)]
    assert "INT8 needs --calibration" in refusal(main, [*base, "--precision", "int8"], capsys)
    nowhere = ["--precision", "int8", "--calibration", str(tmp_path / "nowhere")]
    assert "nowhere: no such folder; expected pictures" in refusal(main, [*base, *nowhere], capsys)
    (tmp_path / "empty").mkdir()
    empty = ["--precision", "int8", "--calibration", str(tmp_path / "empty")]
    assert "empty: no pictures in it" in refusal(main, [*base, *empty], capsys)
    assert "TensorRT is not installed" in refusal(main, [*base, "--format", "tensorrt"], capsys)
    (tmp_path / "no.onnx").write_bytes(b"no network")
    wrong = ["export", str(tmp_path / "no.onnx"), "--output", str(out), "--precision", "fp16"]
    assert "no.onnx: not readable as an ONNX network" in refusal(main, wrong, capsys)
    assert not out.exists()


def test_what_differs_too_much_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parity.LEAST_COSINE, "fp32", 1.1)
    monkeypatch.setattr(command, "_crops", lambda session, images: np.zeros((2, 112, 80, 3), np.uint8))
    line = refusal(main, ["export", "embed", "--output", str(tmp_path / "out")], capsys)
    assert "as onnx fp32 it differs too much from FP32: mean cosine 1.0000 over 2 crops; expected 1.1" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_int8_recognizer_stands_in_for_a_format_that_cannot_be_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra: export)")
    out = tmp_path / "out"
    asked = ["--format", "tensorrt", "--precision", "int8", "--calibration", str(FRAMES), "--fallback", "onnx"]
    main(["export", "embed", *asked, "--output", str(out)])
    assert "instead of tensorrt int8: TensorRT is not installed" in capsys.readouterr().out
    made = out / "embed.int8.onnx"
    assert sorted(p.name for p in out.iterdir()) == [
        "embed.int8.json", "embed.int8.md", "embed.int8.onnx", "embed.int8.parity.json",
    ]  # fmt: skip
    told = json.loads((out / "embed.int8.parity.json").read_text())
    assert (told["format"], told["precision"]) == ("onnx", "int8")
    assert told["instead_of"].startswith("tensorrt int8: TensorRT is not installed")
    assert told["parity"]["mean_cosine"] > 0.99
    session = open_session(made)
    assert session.ran_on.precision == "int8"
    assert session.checksum == json.loads((out / "embed.int8.json").read_text())["network"]
    Recognizer(session)
    types = {node.op_type for node in onnx.load(str(made)).graph.node}
    assert "QuantizeLinear" in types
    assert made.stat().st_size < 0.4 * open_size("embed")
    assert "is int8; expected the FP32 weights" in refusal(main, ["export", str(made), "--precision", "fp16"], capsys)
    again = ["export", str(made), "--output", str(tmp_path / "again")]  # the same precision, as for an engine of it
    main(again)
    assert (tmp_path / "again" / "embed.int8.onnx").read_bytes() == made.read_bytes()
    assert "mean cosine 1.0000" not in (tmp_path / "again" / "embed.int8.md").read_text()  # against FP32, not itself
    made.write_bytes(made.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="the file is damaged"):
        open_session(made)


def open_size(name: str) -> int:
    return command.weights_path(name).stat().st_size


def test_float16_keeps_what_follows_the_last_convolution_in_float32() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra: export)")
    from vision.export.precision import as_fp16, tail

    model = small_network(onnx)
    assert tail(model) == ["scale"]
    half = as_fp16(small_network(onnx))
    kinds = {t.name: t.data_type for t in half.graph.initializer}
    assert kinds["first.weight"] == kinds["second.weight"] == onnx.TensorProto.FLOAT16
    assert kinds["pixels"] == onnx.TensorProto.FLOAT
    assert [i.type.tensor_type.elem_type for i in (*half.graph.input, *half.graph.output)] == [
        onnx.TensorProto.FLOAT
    ] * 2


def small_network(onnx):
    """Two convolutions, the second of which is followed by a product with a constant."""
    helper, random = onnx.helper, np.random.default_rng(0)
    weights = {
        "first.weight": random.normal(size=(8, 3, 3, 3)),
        "second.weight": random.normal(size=(4, 8, 3, 3)),
        "pixels": np.array([1024.0]),
    }
    nodes = [
        helper.make_node("Conv", ["images", "first.weight"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "second.weight"], ["c"], name="second"),
        helper.make_node("Mul", ["c", "pixels"], ["output0"], name="scale"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "small",
        [value("images", onnx.TensorProto.FLOAT, ["batch", 3, "h", "w"])],
        [value("output0", onnx.TensorProto.FLOAT, ["batch", 4, "y", "x"])],
        [onnx.numpy_helper.from_array(w.astype(np.float32), n) for n, w in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_an_exported_file_tells_its_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed (extra: export)")
    monkeypatch.setattr(command, "_crops", lambda session, images: np.zeros((2, 112, 80, 3), np.uint8))
    main(["export", "embed", "--precision", "fp16", "--output", str(tmp_path)])
    header = onnx_header(tmp_path / "embed.fp16.onnx")
    assert header.metadata["precision"] == "fp16"
    assert header.metadata["made_from"] == open_session(command.weights_path("embed")).checksum
