"""Training of the recognizer's embedding on crops of a labelled data set, and its export to ONNX."""

from __future__ import annotations

import json
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.readings import PRODUCT
from vision.training.extras import has_bfloat16, import_extra
from vision.training.warm_start import start_recognizer

CROP_HEIGHT, CROP_WIDTH = 112, 80
MARGIN = 0.06
"""Border around a box, as a share of its sides, kept in the crops so that training can shift them."""

Progress = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class RecognizerPlan:
    """How to train the recognizer: on crops of `data`'s train split and its studio pictures.

    `crops_per_sku` bounds memory; a tenth of the brands is held out for the score. `start` are
    exported weights (.onnx) that the training begins with.
    """

    data: Path
    folder: Path
    epochs: int = 12
    batch: int = 128
    crops_per_sku: int = 60
    smallest: int = 14
    """Crops with a side below this many pixels are left out."""
    channels: tuple[int, int, int, int] = (24, 40, 80, 160)
    """Of the four stages."""
    dimensions: int = 128
    seed: int = 0
    start: Path | None = None


@dataclass(frozen=True, eq=False)
class Crops:
    """`images` (N, H, W, 3) uint8 with a margin, `labels` (N,) into `skus`, `studio` (N,) whether enrolment."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    studio: NDArray[np.bool_]
    skus: tuple[str, ...]


def load_crops(plan: RecognizerPlan) -> tuple[Crops, Crops]:
    """Cut product crops out of a data set's pictures: those to train on, and those of held-out brands."""
    coco_path = plan.data / "train.json"
    if not coco_path.is_file():
        raise InputError(f"{coco_path}: no such file; expected a folder made by `shelfbench dataset`")
    coco = json.loads(coco_path.read_text())
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    wanted: dict[int, list[dict]] = defaultdict(list)
    taken: dict[str, int] = defaultdict(int)
    order = np.random.default_rng(plan.seed).permutation(len(coco["annotations"]))
    for i in order:
        a = coco["annotations"][i]
        if a["category_id"] != PRODUCT or min(a["bbox"][2:]) < plan.smallest or a["visible_fraction"] < 0.6:
            continue
        if taken[a["sku"]] < plan.crops_per_sku:
            taken[a["sku"]] += 1
            wanted[a["image_id"]].append(a)
    samples: list[tuple[NDArray[np.uint8], str, bool]] = []
    for image_id, boxes in sorted(wanted.items()):
        picture = _picture(plan.data / "images" / "train" / files[image_id])
        samples += [(_crop(picture, a["bbox"]), a["sku"], False) for a in boxes]
    for path in sorted((plan.data / "studio").glob("*/*.png")):
        picture = _picture(path)
        h, w = picture.shape[:2]
        samples.append((_crop(picture, (0, 0, w, h)), path.parent.name, True))
    brands = json.loads((plan.data / "brands.json").read_text())
    held = {sku for sku, brand in brands.items() if zlib.crc32(brand.encode()) % 10 == 0}
    return _pack([s for s in samples if s[1] not in held]), _pack([s for s in samples if s[1] in held])


def _picture(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)[..., ::-1]


def _crop(picture: NDArray[np.uint8], bbox: Any) -> NDArray[np.uint8]:
    x, y, w, h = bbox
    x0, y0 = x - MARGIN * w, y - MARGIN * h
    x1, y1 = x + (1 + MARGIN) * w, y + (1 + MARGIN) * h
    height, width = picture.shape[:2]
    part = picture[max(0, int(y0)) : min(height, int(y1 + 1)), max(0, int(x0)) : min(width, int(x1 + 1))]
    size = (round(CROP_WIDTH * (1 + 2 * MARGIN)), round(CROP_HEIGHT * (1 + 2 * MARGIN)))
    mode = cv2.INTER_AREA if part.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, size, interpolation=mode), np.uint8)


def _pack(samples: list[tuple[NDArray[np.uint8], str, bool]]) -> Crops:
    skus = tuple(sorted({s[1] for s in samples}))
    index = {sku: i for i, sku in enumerate(skus)}
    nothing = np.empty((0, round(CROP_HEIGHT * (1 + 2 * MARGIN)), round(CROP_WIDTH * (1 + 2 * MARGIN)), 3), np.uint8)
    return Crops(
        np.stack([s[0] for s in samples]) if samples else nothing,
        np.array([index[s[1]] for s in samples], np.int64),
        np.array([s[2] for s in samples], bool),
        skus,
    )


def train_recognizer(plan: RecognizerPlan, output: Path, progress: Progress = lambda _: None) -> dict[str, float]:
    """Train a metric embedding by a cosine softmax over the SKUs (CosFace, Wang et al. 2018) and export it.

    Returns the share of held-out brands' shelf crops whose nearest studio picture is of their SKU.
    Every epoch is saved, so that an interrupted training goes on.
    """
    torch = import_extra("torch")
    train, held = load_crops(plan)
    torch.manual_seed(plan.seed)
    network = build_embedding(plan.channels, plan.dimensions)
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
    checkpoint, first = plan.folder / "recognizer.pt", 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=False)
        network.load_state_dict(saved["network"])
        proxies.data.copy_(saved["proxies"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        first = saved["epoch"] + 1
    for epoch in range(first, plan.epochs):
        network.train()
        random = np.random.default_rng([plan.seed, epoch])
        order, losses, start = random.permutation(len(train.labels)), [], time.monotonic()
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
            schedule.step()
            losses.append(float(loss.detach()))
        scores = {"loss": float(np.mean(losses)), "held_out_top1": _held_out_top1(torch, network, held)}
        progress({"epoch": epoch, **scores, "seconds": time.monotonic() - start})
        state = {"network": network.state_dict(), "proxies": proxies.data, "optimizer": optimizer.state_dict()}
        torch.save(state | {"schedule": schedule.state_dict(), "epoch": epoch}, checkpoint)
    _export_recognizer(torch, network, output)
    return {"top-1 of held-out brands' shelf crops against studio pictures": _held_out_top1(torch, network, held)}


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


def build_embedding(channels: tuple[int, ...], dimensions: int) -> Any:
    """A small residual network: one strided and one residual 3×3 convolution a stage, then a linear
    layer over a 4 × 3 grid of pooled features (a pack's layout tells as much as its colours), and L2
    normalisation."""
    torch = import_extra("torch")
    nn = torch.nn

    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    class Normalise(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return nn.functional.normalize(x, dim=1)

    class Centre(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return (x - 0.45) / 0.25

    def convolution(a: int, b: int, stride: int) -> Any:
        return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())

    layers, before = [Centre(), convolution(3, channels[0], 2)], channels[0]
    for stage in channels[1:]:
        layers += [convolution(before, stage, 2), Residual(convolution(stage, stage, 1))]
        before = stage
    # The last feature map is 7 × 5: windows of 4 × 3 with stride 1 give the 4 × 3 grid.
    layers += [nn.AvgPool2d((4, 3), 1), nn.Flatten(), nn.Linear(before * 12, dimensions), Normalise()]
    return nn.Sequential(*layers)


def augment(torch: Any, images: NDArray[np.uint8], random: np.random.Generator) -> Any:
    """Shift, blur, recolour, shade and hide parts of crops (N, H, W, 3) with margin; returns (N, 3, h, w) in 0..1."""
    high, wide = images.shape[1] - CROP_HEIGHT, images.shape[2] - CROP_WIDTH
    out = np.empty((len(images), CROP_HEIGHT, CROP_WIDTH, 3), np.uint8)
    for i, image in enumerate(images):
        y, x = random.integers(0, high + 1), random.integers(0, wide + 1)
        crop = image[y : y + CROP_HEIGHT, x : x + CROP_WIDTH]
        if random.random() < 0.5:  # as a camera further away would see it
            k = random.uniform(0.15, 0.8)
            small = cv2.resize(
                crop, (max(8, int(CROP_WIDTH * k)), max(10, int(CROP_HEIGHT * k))), interpolation=cv2.INTER_AREA
            )
            crop = cv2.resize(small, (CROP_WIDTH, CROP_HEIGHT), interpolation=cv2.INTER_LINEAR)
        out[i] = crop
    x = torch.from_numpy(out).permute(0, 3, 1, 2).float() / 255  # channels last in memory
    n = len(out)

    def draw(low: float, high: float, *shape: int) -> Any:
        return torch.from_numpy(random.uniform(low, high, shape).astype(np.float32))

    light = draw(0.6, 1.45, n, 1, 1, 1) * draw(0.92, 1.08, n, 3, 1, 1)
    contrast = draw(0.75, 1.25, n, 1, 1, 1)
    grey = (x.mean(dim=(2, 3), keepdim=True) * light).mean(dim=1, keepdim=True)
    x.mul_(light * contrast).add_(grey * (1 - contrast))
    noise = torch.Generator().manual_seed(int(random.integers(2**31)))
    x.add_(torch.randn(out.shape, generator=noise).permute(0, 3, 1, 2).mul_(draw(0, 0.04, n, 1, 1, 1)))
    for hidden in np.flatnonzero(random.random(n) < 0.25):  # a neighbour or a shopper's arm in front
        top, left = random.integers(0, CROP_HEIGHT // 2), random.integers(0, CROP_WIDTH // 2)
        x[hidden, :, top : top + CROP_HEIGHT // 3, left : left + CROP_WIDTH // 3] = float(random.random())
    return x.clamp_(0, 1)


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
