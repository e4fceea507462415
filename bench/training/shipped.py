"""What is shipped and how good it is, as a table made of its cards: python -m bench.training.shipped"""

from __future__ import annotations

import re
from pathlib import Path

from vision.pipeline import NO_SHELF_READERS, WEIGHTS

TOP1 = "top-1 of held-out brands' shelf crops against studio pictures"
"""A recognizer's figure."""
FIGURES = ("product AP50", "product AP", "person AP50", TOP1)
COLUMNS = ("weights", "product AP50", "product AP", "person AP50", "top-1", "MB", "trained")
ORDER = (("yolov5n", "yolo11n", "yolo26n", "yolo26s"), ("embed", "mobilenetv2", "resnet50"))


def table(folder: Path = WEIGHTS) -> str:
    """A line of Markdown for each detector and recognizer shipped in `folder`; – where its card has no such figure."""
    known = [name for names in ORDER for name in names]
    shipped = [p.stem for p in folder.glob("*.onnx") if p.stem not in NO_SHELF_READERS]
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for name in sorted(shipped, key=lambda name: (known.index(name) if name in known else len(known), name)):
        card = (folder / f"{name}.md").read_text()
        size = (folder / f"{name}.onnx").stat().st_size / 1e6
        values = [f"{value:.3f}" if value is not None else "–" for value in (figure(card, f) for f in FIGURES)]
        lines.append(f"| {name} | {' | '.join(values)} | {size:.1f} | {_trained(card)} |")
    return "\n".join(lines)


def figure(card: str, name: str) -> float | None:
    """A figure of a card, None where it has none of this name."""
    found = re.search(rf"^- {re.escape(name)}: ([0-9.]+)$", card, re.MULTILINE)
    return float(found[1]) if found else None


def _trained(card: str) -> str:
    """On how many pictures, and for how many passes."""
    pictures = re.search(r"(\d+) pictures", card)
    passes = re.search(r"([0-9.]+) of \d+ passes", card) or re.search(r"epochs (\d+)", card)
    begun = "" if "starting from nothing" in card else ", begun with earlier weights"
    return f"{passes[1] if passes else '–'} passes over {pictures[1] if pictures else '–'} pictures{begun}"


if __name__ == "__main__":
    print(table())
