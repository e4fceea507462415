"""Training goes on from shipped weights: an exported network turned back into one that can be trained.

The export folds every batch normalisation into the convolution before it. To train on, each is made
again from the mean and variance of that convolution's output over some pictures, with scale and shift
such that the network computes what the file does.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scenarios import InputError
from vision.training.extras import import_extra

PICTURES = 64
"""To measure the statistics on; each gives thousands of values a channel."""


def trainable(exported: Path, architecture: str, classes: int, pictures: Path, size: int, output: Path) -> Path:
    """Write `exported` (.onnx) as ultralytics weights (.pt) of `architecture`, and return `output`.

    `pictures` is a folder of JPEG files to measure on, read at `size` pixels. Raises InputError when
    the file's tensors are not those of the architecture.
    """
    torch = import_extra("torch")
    import_extra("ultralytics")
    tasks = importlib.import_module("ultralytics.nn.tasks")
    network = tasks.DetectionModel(architecture, nc=classes, verbose=False).eval()
    layers = dict(network.named_modules())
    tensors = _tensors(exported)
    own = network.state_dict()
    for name, value in tensors.items():
        layer, _, kind = name.rpartition(".")
        if kind == "bias" and f"{layer.removesuffix('.conv')}.bn.bias" in own:
            name = f"{layer.removesuffix('.conv')}.bn.bias"
        if name not in own or own[name].shape != value.shape:
            raise InputError(f"{exported}: tensor {name} {tuple(value.shape)} is not of {architecture}")
        own[name].copy_(value)
    for name in own:  # the head that does without suppression is not exported: it begins as the other is
        if ".one2one_" in name:
            own[name].copy_(own[name.replace(".one2one_", ".")])
    norms = [layer for layer in layers.values() if isinstance(layer, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.eps = 1e-3
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    sums = {norm: [0.0, 0.0, 0] for norm in norms}

    def add(norm: Any, inputs: Any) -> None:
        x = inputs[0].double()
        total = sums[norm]
        total[0], total[1] = total[0] + x.sum(dim=(0, 2, 3)), total[1] + (x**2).sum(dim=(0, 2, 3))
        total[2] += x.numel() // x.shape[1]

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    with torch.no_grad():
        for path in sorted(pictures.glob("*.jpg"))[:PICTURES]:
            picture = cv2.resize(np.asarray(cv2.imread(str(path)), np.uint8), (size, size))
            network(torch.from_numpy(np.ascontiguousarray(picture[..., ::-1])).permute(2, 0, 1)[None].float() / 255)
        for norm in norms:
            total, squares, count = sums[norm]
            if not count:  # a branch that only training uses
                continue
            mean = total / count
            variance = squares / count - mean**2
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)
    for hook in hooks:
        hook.remove()
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": network, "epoch": -1}, output)
    return output


def _tensors(exported: Path) -> dict[str, Any]:
    onnx, torch = import_extra("onnx"), import_extra("torch")
    if not exported.is_file():
        raise InputError(f"{exported}: no such file; expected exported weights to start from")
    graph = onnx.load(exported).graph
    return {
        t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
        for t in graph.initializer
        if t.name.startswith("model.")
    }
