"""Shipped weights that training goes on from compute what the shipped file does."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vision.shipped import DETECTORS, RECOGNIZERS
from vision.pipeline import weights_path
from vision.runtimes import open_session


@pytest.mark.slow
@pytest.mark.parametrize("name", DETECTORS)
def test_a_network_made_trainable_again_computes_the_same(name: str, tmp_path: Path) -> None:
    for package in ("torch", "torchvision", "ultralytics", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra: train)")
    import torch

    from vision.training.warm_start import trainable_detector

    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (160, 160, 3)).astype(np.uint8) for _ in range(4)]
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"{i}.jpg"), cv2.GaussianBlur(picture, (0, 0), 3))
    made = trainable_detector(weights_path(name), f"{name}.yaml", 4, tmp_path, 160, tmp_path / "start.pt")
    network = torch.load(made, weights_only=False)["model"].eval()
    batch = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32) / 255
    with torch.no_grad():
        again = network(torch.from_numpy(batch))
    again = again[0] if isinstance(again, tuple) else again
    shipped = open_session(weights_path(name)).run(batch)
    np.testing.assert_allclose(again.numpy(), shipped, atol=0.01)
    # Normalisation by the batch, as in training, must not be far off either.
    assert all(float(m.running_var.min()) > 0 for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOGNIZERS)
def test_a_recognizer_made_trainable_again_embeds_the_same(name: str) -> None:
    for package in ("torch", "torchvision", "onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra: train)")
    import torch

    from vision.training.embeddings import build_embedding
    from vision.training.warm_start import start_recognizer

    batch = np.random.default_rng(0).random((64, 3, 112, 80)).astype(np.float32)
    network = build_embedding("residual" if name == "embed" else name, 128)
    start_recognizer(network, weights_path(name), [torch.from_numpy(batch)])
    with torch.no_grad():
        again = network(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(again, open_session(weights_path(name)).run(batch), atol=1e-3)
