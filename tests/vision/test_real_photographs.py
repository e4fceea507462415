"""What the shipped recognizer, which never saw a real pack, makes of real ones: the packaged part of the Grocery
Store Dataset (Klasson, Zhang, Kjellström, WACV 2019), where it lies beside the checkout in shared/."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vision import Gallery, Recognizer, enroll, gallery_of
from vision.confidence import Calibration
from vision.pictures import load_picture
from vision.pipeline import weights_path
from vision.runtimes import open_session
from vision.second_look import SecondLook

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "grocery_store"
pytestmark = pytest.mark.skipif(
    not PHOTOGRAPHS.is_dir(), reason="the Grocery Store photographs are not here (shared/grocery_store)"
)


def middle(path: Path) -> NDArray[np.uint8]:
    """The part of a photograph that stands for a detection: the pack is held into its middle."""
    image = load_picture(path)
    height, width = image.shape[:2]
    return image[round(0.05 * height) : round(0.95 * height), round(0.2 * width) : round(0.8 * width)]


def top1(gallery: Gallery, recognizer: Recognizer) -> tuple[float, float]:
    """Over the 100 photographs of `val`: at first sight, and with a second look where the name is in doubt."""
    path = weights_path("embed")
    look = SecondLook(gallery, Calibration.of(path, recognizer.session.checksum))
    right, took = [], 0.0
    for path in sorted((PHOTOGRAPHS / "natural" / "val").rglob("*.jpg")):
        crop = middle(path)
        whole = np.array([[0, 0, crop.shape[1], crop.shape[0]]], np.float32)
        embeddings = recognizer.embed(crop, whole)
        first = gallery.similarities(embeddings)
        begun = time.process_time()
        again = look(crop, whole, embeddings, first)
        took += time.process_time() - begun
        right.append([gallery.names[s[0].argmax()] == path.parent.name for s in (first, again)])
    assert len(right) == 100
    print(f"the second look: {10 * took:.0f} ms of processor a photograph")
    first_sight, second_look = np.mean(right, axis=0)
    return float(first_sight), float(second_look)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(open_session(weights_path("embed")))


def test_real_products_are_recognised_from_one_catalogue_picture(recognizer: Recognizer) -> None:
    """31 products."""
    gallery = enroll(PHOTOGRAPHS / "iconic", recognizer, second_look=True)
    first, again = top1(gallery, recognizer)
    told = f"{first:.2f} at first sight, {again:.2f} with a second look"
    print(f"top-1 of 100 photographs of {len(gallery.names)} products, one catalogue picture each: {told}")
    assert first >= 0.4
    assert again >= 0.6


def test_real_products_are_recognised_from_five_photographs(recognizer: Recognizer) -> None:
    """Five photographs of `train`, spread evenly over those of a product."""
    pictures = {}
    for folder in sorted({p.parent for p in (PHOTOGRAPHS / "natural" / "train").rglob("*.jpg")}):
        paths = sorted(folder.glob("*.jpg"))
        chosen = np.unique(np.linspace(0, len(paths) - 1, 5).round().astype(int))
        pictures[folder.name] = [middle(paths[i]) for i in chosen]
    first, again = top1(gallery_of(pictures, recognizer, second_look=True), recognizer)
    told = f"{first:.2f} at first sight, {again:.2f} with a second look"
    print(f"top-1 of 100 photographs of {len(pictures)} products, five photographs each: {told}")
    assert first >= 0.55  # more than from one picture, and than by the nearest of five alone
    assert again >= 0.7
