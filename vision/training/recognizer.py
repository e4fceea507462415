"""Training of the recognizer's embedding on crops of a labelled data set, and its export to ONNX."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.training.augmentation import augment
from vision.training.crops import Crops, load_crops
from vision.training.embeddings import CROP_HEIGHT, CROP_WIDTH, build_embedding
from vision.training.extras import has_bfloat16, import_extra
from vision.training.half import store_half
from vision.training.warm_start import start_recognizer

Row = dict[str, float]
Progress = Callable[[Row], None]


@dataclass(frozen=True)
class RecognizerPlan:
    """How to train the recognizer: on crops of `data`'s train split and its studio pictures.

    `crops_per_sku` bounds memory; a tenth of the brands is held out for the score. `start` are
    exported weights (.onnx) that the training begins with. `minutes` end the training early (0: no limit), with the
    learning rate down by then.
    """

    data: Path
    folder: Path
    epochs: int = 12
    batch: int = 128
    crops_per_sku: int = 60
    smallest: int = 14
    """Crops with a side below this many pixels are left out."""
    dimensions: int = 128
    seed: int = 0
    start: Path | None = None
    architecture: str = "residual"
    """One of `embeddings.ARCHITECTURES`."""
    minutes: float = 0.0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch) < 1 or self.minutes < 0:
            raise InputError(
                f"recognizer: epochs {self.epochs}, batch {self.batch}, minutes {self.minutes}; expected 1 or more, "
                "1 or more, 0 or more"
            )


@dataclass(frozen=True)
class TrainedRecognizer:
    """A training that has ended: `figures` of it, and a row for every pass over the data, those of earlier sessions
    included."""

    figures: dict[str, float]
    history: tuple[Row, ...]


def train_recognizer(plan: RecognizerPlan, output: Path, progress: Progress = lambda _: None) -> TrainedRecognizer:
    """Train a metric embedding by a cosine softmax over the SKUs (CosFace, Wang et al. 2018) and export it.

    Its figure is the share of held-out brands' shelf crops whose nearest studio picture is of their SKU.
    Every epoch is saved, so that an interrupted training goes on.
    """
    torch = import_extra("torch")
    train, held = (load_crops(plan.data, held, plan.crops_per_sku, plan.smallest, plan.seed) for held in (False, True))
    torch.manual_seed(plan.seed)
    network = build_embedding(plan.architecture, plan.dimensions)
    proxies = torch.nn.Parameter(torch.nn.functional.normalize(torch.randn(len(train.skus), plan.dimensions), dim=1))
    if plan.start is not None:
        _begin_with(torch, network, proxies, train, plan.start)
    network = network.to(memory_format=torch.channels_last)
    light = has_bfloat16(torch)
    steps = plan.epochs * (len(train.labels) // plan.batch)
    optimizer = torch.optim.AdamW([*network.parameters(), proxies], lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=3e-3 if plan.start is None else 1.5e-3, total_steps=steps + 1
    )
    plan.folder.mkdir(parents=True, exist_ok=True)
    checkpoint, history = plan.folder / "recognizer.pt", list[Row]()
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=False)
        network.load_state_dict(saved["network"])
        proxies.data.copy_(saved["proxies"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        history = saved["history"]
    begun = time.monotonic() - (history[-1]["minutes"] * 60 if history else 0)
    for epoch in range(len(history), plan.epochs):
        if schedule.last_epoch >= steps:
            break
        network.train()
        random = np.random.default_rng([plan.seed, epoch])
        order, losses = random.permutation(len(train.labels)), list[float]()
        for i in range(0, len(order) - plan.batch + 1, plan.batch):
            chosen = np.sort(order[i : i + plan.batch])
            crops = augment(torch, train.images[chosen], random)
            labels = torch.from_numpy(train.labels[chosen])
            with torch.autocast("cpu", torch.bfloat16, enabled=light):
                embeddings = network(crops.contiguous(memory_format=torch.channels_last))
            cosine = embeddings.float() @ torch.nn.functional.normalize(proxies, dim=1).T
            cosine[torch.arange(len(labels)), labels] -= 0.2
            loss = torch.nn.functional.cross_entropy(24.0 * cosine, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            by_clock = (time.monotonic() - begun) / (60 * plan.minutes) if plan.minutes else 0.0
            reached = min(steps, max(schedule.last_epoch + 1, int(steps * by_clock)))
            while schedule.last_epoch < reached:
                schedule.step()
            if reached == steps:
                break
        passes = epoch + len(losses) / (len(order) // plan.batch)
        scores = {"loss": float(np.mean(losses)), "held_out_top1": _held_out_top1(torch, network, held)}
        history.append({"epoch": epoch, "passes": passes, "minutes": (time.monotonic() - begun) / 60, **scores})
        progress(history[-1])
        state = {"network": network.state_dict(), "proxies": proxies.data, "optimizer": optimizer.state_dict()}
        torch.save(state | {"schedule": schedule.state_dict(), "history": history}, checkpoint)
    _export_recognizer(torch, network, output)
    top1 = _held_out_top1(torch, network, held)
    return TrainedRecognizer({"top-1 of held-out brands' shelf crops against studio pictures": top1}, tuple(history))


def _begin_with(torch: Any, network: Any, proxies: Any, train: Crops, start: Path) -> None:
    """Take over exported weights; every SKU's proxy begins at the mean of its studio pictures' embeddings."""
    random = np.random.default_rng(0)
    some = np.sort(random.permutation(len(train.labels))[:1024])
    start_recognizer(
        network, start, (_inputs(torch, train.images[some[i : i + 256]]) for i in range(0, len(some), 256))
    )
    studio = np.flatnonzero(train.studio)
    with torch.no_grad():
        for i in range(0, len(studio), 256):
            chosen = studio[i : i + 256]
            proxies.data.index_add_(
                0, torch.from_numpy(train.labels[chosen]), 3 * network(_inputs(torch, train.images[chosen]))
            )
        proxies.data.copy_(torch.nn.functional.normalize(proxies.data, dim=1))


def _inputs(torch: Any, images: NDArray[np.uint8]) -> Any:
    """The middles of crops (N, H, W, 3) with margin, as the network takes them: (N, 3, h, w) in 0..1."""
    high, wide = images.shape[1] - CROP_HEIGHT, images.shape[2] - CROP_WIDTH
    middle = images[:, high // 2 : high // 2 + CROP_HEIGHT, wide // 2 : wide // 2 + CROP_WIDTH]
    return torch.from_numpy(np.ascontiguousarray(middle)).permute(0, 3, 1, 2).float() / 255


def _held_out_top1(torch: Any, network: Any, held: Crops) -> float:
    """The share of shelf crops whose nearest studio picture is of their SKU; NaN where no brand was held out."""
    if not len(held.labels):
        return float("nan")
    network.eval()
    with torch.no_grad():
        parts = [network(_inputs(torch, held.images[i : i + 256])) for i in range(0, len(held.labels), 256)]
    embeddings = torch.cat(parts).numpy()
    gallery, shelf = embeddings[held.studio], embeddings[~held.studio]
    nearest = held.labels[held.studio][(shelf @ gallery.T).argmax(axis=1)]
    return float((nearest == held.labels[~held.studio]).mean())


def _export_recognizer(torch: Any, network: Any, output: Path) -> None:
    network.eval()
    output.parent.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(2, 3, CROP_HEIGHT, CROP_WIDTH)
    torch.onnx.export(
        network, (example,), str(output), input_names=["crops"], output_names=["embeddings"],
        dynamic_axes={"crops": {0: "batch"}, "embeddings": {0: "batch"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    onnx = import_extra("onnx")
    graph = onnx.load(output)
    store_half(graph)
    onnx.save(graph, output)
