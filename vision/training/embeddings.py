"""The networks that a recognizer can be: crops (N, 3, 112, 80) RGB in 0..1 to unit vectors (N, D)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenarios import InputError
from vision.training.extras import import_extra

CROP_HEIGHT, CROP_WIDTH = 112, 80
RESIDUAL_CHANNELS = (24, 40, 80, 160)
HEAD_CHANNELS = 160
"""Of the feature map that the last, linear layer sees whole."""


def build_embedding(architecture: str, dimensions: int) -> Any:
    """A network of `ARCHITECTURES` with `dimensions` outputs, untrained. Raises InputError for another name.

    All end alike: a linear layer over a grid of 4 × 3 features, for a pack's layout tells as much as its
    colours, and L2 normalisation.
    """
    if architecture not in ARCHITECTURES:
        raise InputError(f"architecture {architecture!r} of a recognizer; expected one of {', '.join(ARCHITECTURES)}")
    torch = import_extra("torch")
    nn = torch.nn

    class Centre(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return (x - 0.45) / 0.25

    class Normalise(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return nn.functional.normalize(x, dim=1)

    grid = [nn.Flatten(), nn.Linear(HEAD_CHANNELS * 12, dimensions), Normalise()]
    return nn.Sequential(Centre(), *ARCHITECTURES[architecture](nn), *grid)


def _residual(nn: Any) -> list[Any]:
    """A small network of its own: one strided and one residual 3×3 convolution a stage."""

    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    layers, before = [_convolution(nn, 3, RESIDUAL_CHANNELS[0], 3, 2)], RESIDUAL_CHANNELS[0]
    for stage in RESIDUAL_CHANNELS[1:]:
        layers += [_convolution(nn, before, stage, 3, 2), Residual(_convolution(nn, stage, stage, 3, 1))]
        before = stage
    # The last feature map is 7 × 5: windows of 4 × 3 with stride 1 give the 4 × 3 grid.
    return [*layers, nn.AvgPool2d((4, 3), 1)]


def _mobilenetv2(nn: Any) -> list[Any]:
    """MobileNetV2 (Sandler et al. 2018); its stride of 32 leaves the grid of 4 × 3."""
    return [_models().mobilenet_v2(weights=None).features, _convolution(nn, 1280, HEAD_CHANNELS, 1, 1)]


def _resnet50(nn: Any) -> list[Any]:
    """ResNet-50 (He et al. 2015); its stride of 32 leaves the grid of 4 × 3."""
    backbone = list(_models().resnet50(weights=None).children())[:-2]  # without pooling and classifier
    return [*backbone, _convolution(nn, 2048, HEAD_CHANNELS, 1, 1)]


def _convolution(nn: Any, before: int, after: int, size: int, stride: int) -> Any:
    layers = (nn.Conv2d(before, after, size, stride, size // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU())
    return nn.Sequential(*layers)


def _models() -> Any:
    return import_extra("torchvision").models


ARCHITECTURES: dict[str, Callable[[Any], list[Any]]] = {
    "residual": _residual, "mobilenetv2": _mobilenetv2, "resnet50": _resnet50,
}  # fmt: skip
