"""Training goes on from shipped weights: an exported network turned back into one that can be trained.

The export folds every batch normalisation into the convolution before it. To train on, each is made
again from the mean and variance of that convolution's output over some pictures, with scale and shift
such that the network computes what the file does.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scenarios import InputError
from vision.training.extras import import_extra
from vision.training.half import weights_of

PICTURES = 64
"""To measure a detector's statistics on; each gives thousands of values a channel."""


def trainable_detector(
    exported: Path, architecture: str, classes: int, pictures: Path, size: int, output: Path
) -> Path:
    """Write `exported` (.onnx) as ultralytics weights (.pt) of `architecture`, and return `output`.

    `pictures` is a folder of pictures to measure on, read at `size` pixels. Raises InputError when
    the file's tensors are not those of the architecture.
    """
    torch = import_extra("torch")
    import_extra("ultralytics")
    layers = importlib.import_module("vision.training.trainer").single_headed(architecture)
    network = importlib.import_module("ultralytics.nn.tasks").DetectionModel(layers, nc=classes, verbose=False)
    own = network.state_dict()
    for name, value in _tensors(exported).items():
        layer, _, kind = name.rpartition(".")
        if kind == "bias" and f"{layer.removesuffix('.conv')}.bn.bias" in own:
            name = f"{layer.removesuffix('.conv')}.bn.bias"
        if name.startswith("model."):
            _copy(own, name, value, exported)
    images = (np.asarray(cv2.imread(str(path)), np.uint8) for path in sorted(pictures.iterdir())[:PICTURES])
    arrays = (np.ascontiguousarray(cv2.resize(image, (size, size))[..., ::-1]) for image in images)
    _restore_norms(network, (torch.from_numpy(a).permute(2, 0, 1)[None].float() / 255 for a in arrays))
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": network, "epoch": -1}, output)
    return output


def start_recognizer(network: Any, exported: Path, batches: Iterable[Any]) -> None:
    """Give a recognizer's network (`build_embedding`) the weights of `exported` (.onnx); measure on `batches`.

    The exporter names convolutions by number: they come in the order of the layers.
    """
    torch, tensors = import_extra("torch"), _tensors(exported)
    own = network.state_dict()
    folded = [value for name, value in tensors.items() if name.startswith("onnx::Conv")]
    layers = [
        (name, m) for name, m in network.named_modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.BatchNorm2d))
    ]
    if len(folded) != len(layers):
        raise InputError(f"{exported}: {len(folded)} convolution tensors; expected {len(layers)}")
    for (name, layer), value in zip(layers, folded):
        _copy(own, f"{name}.{'weight' if isinstance(layer, torch.nn.Conv2d) else 'bias'}", value, exported)
    for name, value in tensors.items():
        if not name.startswith("onnx::"):
            _copy(own, name, value, exported)
    _restore_norms(network, batches)


def _copy(own: dict[str, Any], name: str, value: Any, exported: Path) -> None:
    if name not in own or own[name].shape != value.shape:
        raise InputError(f"{exported}: tensor {name} {tuple(value.shape)} is not of this architecture")
    own[name].copy_(value)


def _restore_norms(network: Any, batches: Iterable[Any]) -> None:
    """Give every batch normalisation, whose bias is the folded one, statistics measured on `batches`."""
    torch = import_extra("torch")
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    sums: dict[Any, list[Any]] = {norm: [0.0, 0.0, 0] for norm in norms}

    def add(norm: Any, inputs: Any) -> None:
        x = inputs[0].double()
        total, squares, count = sums[norm]
        sums[norm] = [total + x.sum((0, 2, 3)), squares + (x**2).sum((0, 2, 3)), count + x.numel() // x.shape[1]]

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    network.eval()
    with torch.no_grad():
        for batch in batches:
            network(batch)
        for norm, (total, squares, count) in sums.items():
            mean = total / count
            variance = squares / count - mean**2
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)
    for hook in hooks:
        hook.remove()


def _tensors(exported: Path) -> dict[str, Any]:
    onnx, torch = import_extra("onnx"), import_extra("torch")
    if not exported.is_file():
        raise InputError(f"{exported}: no such file; expected exported weights to start from")
    return {name: torch.from_numpy(values.copy()) for name, values in weights_of(onnx.load(exported)).items()}
