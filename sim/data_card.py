"""The card of a data set: what is in it, how it was made, and a sheet of labelled samples to look at."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sim.contact_sheet import Row, Tile, contact_sheet, draw_boxes
from sim.dataset import DatasetPlan
from sim.labels import CLASSES

SAMPLES = 10
"""Labelled pictures of each split on the contact sheet."""


def write_card(plans: Sequence[DatasetPlan], about: str, origin: Mapping[str, str]) -> Path:
    """Write card.md, card.json and samples.jpg into the data set's folder; returns card.md.

    `about` says which stores and products, `origin` how it was made: command, commit, versions.
    """
    folder = plans[0].folder
    splits = {plan.split: json.loads((folder / f"{plan.split}.json").read_text()) for plan in plans}
    facts = {
        "about": about,
        "renderer": plans[0].renderer,
        "picture_size": plans[0].size,
        "dense": plans[0].dense,
        "min_visible": plans[0].min_visible,
        "splits": {plan.split: _split_facts(plan, splits[plan.split]) for plan in plans},
        "dials": _ranges(image["dials"] for coco in splits.values() for image in coco["images"]),
        "sha256": checksum(folder, splits),
        "origin": dict(origin),
    }
    (folder / "card.json").write_text(json.dumps(facts, indent=2) + "\n")
    (folder / "card.md").write_text(_as_text(facts))
    rows = [
        Row(f"{name}: {len(coco['images'])} pictures", _samples(folder, name, coco)) for name, coco in splits.items()
    ]
    rows = [Row(row.heading, row.tiles[i : i + 5]) for row in rows for i in range(0, len(row.tiles), 5)]
    title = f"{folder.name}: labelled samples   (green product, orange gap, blue price tag, pink person)"
    contact_sheet(title, rows, 560).save(folder / "samples.jpg", quality=90)
    return folder / "card.md"


def checksum(folder: Path, splits: Iterable[str]) -> str:
    """SHA-256 over the names and bytes of all pictures and labels and of the COCO files, in order of their names."""
    digest = hashlib.sha256()
    for split in sorted(splits):
        files = [*(folder / "images" / split).glob("*.jpg"), *(folder / "labels" / split).glob("*.txt")]
        for path in [*sorted(files), folder / f"{split}.json"]:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _split_facts(plan: DatasetPlan, coco: dict[str, Any]) -> dict[str, Any]:
    labels = coco["annotations"]
    boxes = Counter(CLASSES[label["category_id"]] for label in labels)
    held = Counter((label["image_id"], label["category_id"]) for label in labels)
    peopled = sum(category == CLASSES.index("person") for _, category in held)
    return {
        "store_seeds": [plan.seeds[0], plan.seeds[-1]],
        "stores": len(plan.seeds),
        "pictures": len(coco["images"]),
        "pictures_with_persons": peopled,
        "boxes": {name: boxes[name] for name in CLASSES},
        "skus": len({label["sku"] for label in labels if "sku" in label}),
    }


def _ranges(dials: Iterable[dict[str, Any]]) -> dict[str, list[float]]:
    """Least and greatest value of every dial that is a number or a range of numbers."""
    ranges: dict[str, list[float]] = {}
    for values in dials:
        for name, value in values.items():
            numbers = [float(v) for v in (value if isinstance(value, list) else [value]) if v is not None]
            if numbers:
                low, high = ranges.get(name, [np.inf, -np.inf])
                ranges[name] = [min(low, *numbers), max(high, *numbers)]
    return ranges


def _as_text(facts: dict[str, Any]) -> str:
    lines = [
        "# Data card",
        "",
        facts["about"],
        "",
        f"Square pictures of {facts['picture_size']} px by the renderer `{facts['renderer']}`; {facts['dense']:.0%} of "
        "the stores are photographed from the front (and full, where they are random ones), the others are seen as by "
        "cameras that hang. Units are labelled when "
        f"at least {facts['min_visible']:.0%} of their silhouette is seen; boxes bound the visible part, and the COCO "
        "files hold the amodal box, the visible fraction, SKU and position of each.",
        "",
        "| split | store seeds | pictures | with persons | " + " | ".join(CLASSES) + " | SKUs |",
        "|---|---|--:|--:|" + "--:|" * (len(CLASSES) + 1),
    ]
    for name, split in facts["splits"].items():
        first, last = split["store_seeds"]
        boxes = " | ".join(str(n) for n in split["boxes"].values())
        lines.append(
            f"| {name} | {first} to {last} | {split['pictures']} | {split['pictures_with_persons']} | {boxes} "
            f"| {split['skus']} |"
        )
    lines += ["", "| dial | least | greatest |", "|---|--:|--:|"]
    lines += [f"| {name} | {low:g} | {high:g} |" for name, (low, high) in facts["dials"].items()]
    lines += ["", *(f"- {name}: {value}" for name, value in facts["origin"].items())]
    return "\n".join([*lines, f"- SHA-256 of pictures and labels: {facts['sha256']}", ""])


def _samples(folder: Path, split: str, coco: dict[str, Any]) -> list[Tile]:
    """Pictures spread evenly over a split, with their labels."""
    chosen = [coco["images"][i] for i in np.linspace(0, len(coco["images"]) - 1, SAMPLES).round().astype(int)]
    wanted: dict[int, list[tuple[int, list[float], str]]] = {image["id"]: [] for image in chosen}
    for label in coco["annotations"]:
        if label["image_id"] in wanted:
            wanted[label["image_id"]].append((label["category_id"], label["bbox"], ""))
    tiles = []
    for image in {image["id"]: image for image in chosen}.values():
        picture = np.asarray(cv2.imread(str(folder / "images" / split / image["file_name"])), np.uint8)
        boxes = wanted[image["id"]]
        tiles.append(
            Tile(draw_boxes(picture[..., ::-1].copy(), boxes, 1), f"{image['file_name']}, {len(boxes)} labels")
        )
    return tiles
