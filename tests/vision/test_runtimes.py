"""The door to the runtimes: which opens what, and that a fallback is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scenarios import InputError
from vision.pipeline import Pipeline, weights_path
from vision.runtimes import RUNTIMES, available_runtimes, door, lacking, on_onnxruntime, open_session

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")


def crops(number: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((number, 3, 112, 80), np.float32)


def test_a_runtime_that_is_not_here_is_an_error_and_not_another_one() -> None:
    missing = next(name for name in RUNTIMES if lacking(name))
    with pytest.raises(InputError):
        open_session(weights_path("embed"), missing)


def test_a_fallback_is_told_with_its_reason() -> None:
    missing = next(name for name in RUNTIMES if lacking(name))
    pipeline = Pipeline.load(runtime=missing, fallback=("onnxruntime-cpu",))
    where = pipeline.ran_on["detector"]
    assert (where.runtime, where.precision) == ("onnxruntime-cpu", "fp32")
    assert where.instead_of == f"{missing}: {lacking(missing)}"
    assert f"instead of {missing}" in str(where)
    assert open_session(weights_path("embed"), fallback=("openvino",)).ran_on.instead_of == ""


def test_where_no_fallback_opens_it_all_reasons_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(
        InputError, match=r"none of the runtimes opens it: tensorrt: .*; onnxruntime-cpu: .*not readable"
    ):
        open_session(tmp_path / "a.onnx", "tensorrt", fallback=("onnxruntime-cpu",))


def test_a_provider_that_does_not_start_is_not_replaced_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime goes on with its CPU provider and returns no error."""
    real = on_onnxruntime.onnxruntime()
    pretended = SimpleNamespace(
        __version__=real.__version__, SessionOptions=real.SessionOptions,
        get_available_providers=lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
        InferenceSession=lambda path, options, providers: real.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        ),
    )  # fmt: skip
    monkeypatch.setattr(on_onnxruntime, "onnxruntime", lambda: pretended)
    with pytest.raises(InputError, match="CUDAExecutionProvider did not start; ONNX Runtime would run on CPU"):
        open_session(weights_path("embed"), "onnxruntime-cuda")


def test_each_runtime_names_the_files_that_it_takes(tmp_path: Path) -> None:
    file = tmp_path / "a.weights"
    file.write_bytes(b"")
    for runtime, (_, _, suffixes) in door.OPENERS.items():
        with pytest.raises(InputError, match=f"{runtime} does not take it; expected {' or '.join(suffixes)}"):
            open_session(file, runtime)


def test_an_unknown_runtime_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match="runtime 'tpu'; expected one of onnxruntime-cpu, "):
        open_session(weights_path("embed"), "tpu")
    with pytest.raises(InputError, match="runtime 'tpu'"):
        open_session(weights_path("embed"), fallback=("tpu",))


@pytest.mark.parametrize("runtime", ["openvino", "torch-cpu"])
def test_other_runtimes_compute_the_same(runtime: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if runtime not in available_runtimes():
        pytest.skip(f"{runtime}: {lacking(runtime)}")
    pytest.importorskip("onnx", reason="onnx is not installed (extra: export)")
    monkeypatch.setenv("SHELFWATCH_CACHE", str(tmp_path))
    picture = np.random.default_rng(1).random((1, 3, 96, 128), np.float32)
    for name, batch in (("embed", crops()), ("yolo11n", picture), ("yolo26n", picture), ("centerface", picture)):
        reference, other = (open_session(weights_path(name), r) for r in ("onnxruntime-cpu", runtime))
        assert other.input_shape == reference.input_shape
        assert other.metadata == reference.metadata
        assert other.checksum == reference.checksum
        expected = reference.run(batch)
        np.testing.assert_allclose(other.run(batch), expected, atol=2e-3 * np.abs(expected).max())
        assert other.ran_on.runtime == runtime


def test_a_network_takes_the_cores_that_its_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    opener, lacking, suffixes = door.OPENERS["onnxruntime-cpu"]
    spy = (lambda path, runtime, threads: asked.append(threads) or opener(path, runtime, threads), lacking, suffixes)
    monkeypatch.setattr(door, "OPENERS", {**door.OPENERS, "onnxruntime-cpu": spy})
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {1}, raising=False)
    for threads in (0, 3):
        open_session(weights_path("embed"), threads=threads)
    assert asked == [1, 3]


def test_numpy_s_own_threads_do_not_spin_on_the_networks_cores() -> None:
    """OpenBLAS's threads kept a second core busy after each product of matrices, so that a frame took 1.3 times as long
    and 1.8 times the processor."""
    words = (
        "from threadpoolctl import threadpool_info; from vision.pipeline import weights_path; "
        "from vision.runtimes import open_session; "
        "open_session(weights_path('embed')); "
        "print({p['num_threads'] for p in threadpool_info() if p['internal_api'] == 'openblas'})"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{1}"  # of numpy's OpenBLAS, and of OpenCV's
