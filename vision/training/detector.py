"""Training of a detector by ultralytics, and its export to the ONNX form that `vision.detect` reads."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import InputError
from vision.readings import CLASSES
from vision.training.extras import has_bfloat16, import_extra
from vision.training.warm_start import trainable_detector


@dataclass(frozen=True)
class DetectorPlan:
    """How to train a detector. `data` is a folder with data.yaml, as the data set command writes it.

    `architecture` is an ultralytics model YAML ("yolo11n.yaml"); `start` are weights that the training
    begins with: .pt, of which matching layers are taken over, or .onnx of the same architecture.
    """

    data: Path
    architecture: str
    folder: Path
    epochs: int = 10
    size: int = 416
    batch: int = 16
    start: Path | None = None
    seed: int = 0


def train_detector(plan: DetectorPlan) -> Path:
    """Train, or go on with, a detector and return its best weights (.pt); those of a finished training at once."""
    ultralytics = _ultralytics(plan.folder)
    if not (plan.data / "data.yaml").is_file():
        raise InputError(f"{plan.data}: no data.yaml; expected a folder made by `shelfbench dataset`")
    last = plan.folder / "train" / "weights" / "last.pt"
    best = last.with_name("best.pt")
    resume = last.exists()
    if resume and not _resumable(last):
        return best
    model = ultralytics.YOLO(str(last) if resume else plan.architecture)
    if not resume and plan.start is not None:
        start = plan.start
        if start.suffix == ".onnx":
            pictures = plan.data / "images" / "train"
            start = trainable_detector(
                start, plan.architecture, len(CLASSES), pictures, plan.size, plan.folder / "start.pt"
            )
        model.load(str(start))
    model.add_callback("on_train_start", _hasten)
    rate = 0.002 if plan.start is None else 0.001  # weights that are good already are moved less
    model.train(
        data=str(plan.data / "data.yaml"), imgsz=plan.size, epochs=plan.epochs, batch=plan.batch, seed=plan.seed,
        project=str(plan.folder.resolve()), name="train", exist_ok=True, resume=resume,
        device=None if import_extra("torch").cuda.is_available() else "cpu", workers=2, amp=False, plots=False,
        # The simulator varies scale, pose and light itself; tiles of four pictures would cut the shelves.
        mosaic=0.0, scale=0.3, translate=0.1, fliplr=0.5, hsv_h=0.03, hsv_s=0.5, hsv_v=0.4,
        optimizer="AdamW", lr0=rate, lrf=0.05, cos_lr=True, warmup_epochs=0.5, weight_decay=0.0005, close_mosaic=0,
        nbs=plan.batch,  # a step for every batch; the default saves gradients up to 64 pictures
        max_det=1000, cache="disk",
    )  # fmt: skip
    return best if best.exists() else last


def _hasten(trainer: Any) -> None:
    """Train on a CPU with all cores, and in bfloat16 and channels-last where it can: a step of yolo11n at 416
    pixels took 1.8 s of CPU time in place of 6.7 (AVX-512, beside other work). The loss stays in float32."""
    torch = import_extra("torch")
    if trainer.device.type != "cpu":
        return
    torch.set_num_threads(os.cpu_count() or 1)  # ultralytics leaves one free
    if not has_bfloat16(torch):
        return
    network = trainer.model.to(memory_format=torch.channels_last)
    predict = network.predict

    def predict_in_bfloat16(images: Any, *arguments: Any, **options: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            found = predict(images.contiguous(memory_format=torch.channels_last), *arguments, **options)
        return _to_float32(torch, found)

    network.predict = predict_in_bfloat16


def _to_float32(torch: Any, found: Any) -> Any:
    if isinstance(found, torch.Tensor):
        return found.float()
    if isinstance(found, dict):
        return {key: _to_float32(torch, value) for key, value in found.items()}
    return type(found)(_to_float32(torch, value) for value in found)


def _ultralytics(folder: Path) -> Any:
    """Import ultralytics with settings of its own under `folder`: no analytics, no loggers of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["YOLO_CONFIG_DIR"] = str(folder.resolve())
    ultralytics = import_extra("ultralytics")
    ultralytics.settings.update({"mlflow": False, "sync": False})
    return ultralytics


def detector_figures(folder: Path) -> dict[str, float]:
    """Figures of a detector's last epoch on the validation split, by name."""
    with (folder / "train" / "results.csv").open(encoding="utf-8") as stream:
        *_, last = csv.DictReader(stream)
    figures = {name.removeprefix("metrics/"): float(value) for name, value in last.items() if "metrics/" in name}
    return {f"{name.removesuffix('(B)')}, mean of {len(CLASSES)} classes": value for name, value in figures.items()}


def _resumable(weights: Path) -> bool:
    """Whether a checkpoint still holds its optimizer: a finished run's does not."""
    checkpoint = import_extra("torch").load(weights, map_location="cpu", weights_only=False)
    return checkpoint.get("epoch", -1) >= 0 and checkpoint.get("optimizer") is not None


def export_detector(weights: Path, output: Path, size: int = 1024) -> None:
    """Export .pt weights to the ONNX form that `vision.detect` reads: boxes and class scores before NMS.

    `size` is the long side at which pictures are read, stored in the file's metadata: on training-split stores, 1080p
    pictures read at 1024 gave the AP and the facings of 1280 (AP50 0.98 and 0.99) in two thirds of the time.
    """
    model = import_extra("ultralytics").YOLO(str(weights))
    names = tuple(model.names[i] for i in range(len(model.names)))
    if names != CLASSES:
        raise InputError(f"{weights}: classes {names}; expected {CLASSES}")
    # Without `nms` the boxes come before suppression, also from a head that could do without it: its
    # top-k would end at 300 boxes.
    path = Path(model.export(format="onnx", imgsz=640, dynamic=True, simplify=False, opset=17, device="cpu"))
    onnx = import_extra("onnx")
    graph = onnx.load(path)
    del graph.metadata_props[:]
    for key, value in {"image_size": str(size), "classes": ",".join(CLASSES)}.items():
        graph.metadata_props.add(key=key, value=value)
    output.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(graph, output)
