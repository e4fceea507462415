"""What the shipped recognizer, which never saw a real pack, makes of real ones: the packaged part of the Grocery
Store Dataset (Klasson, Zhang, Kjellström, WACV 2019), where it lies beside the checkout in shared/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision import Recognizer, enroll
from vision.pictures import load_picture
from vision.pipeline import weights_path
from vision.runtimes import open_session

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra: cpu)")

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "grocery_store"


@pytest.mark.skipif(
    not PHOTOGRAPHS.is_dir(), reason="the Grocery Store photographs are not here (shared/grocery_store)"
)
def test_real_products_are_recognised_from_one_catalogue_picture() -> None:
    """31 products, 100 phone photographs; the middle of a photograph stands for a detection. 0.50 when written."""
    recognizer = Recognizer(open_session(weights_path("embed")))
    gallery = enroll(PHOTOGRAPHS / "iconic", recognizer)
    right = []
    for path in sorted((PHOTOGRAPHS / "natural" / "val").rglob("*.jpg")):
        image = load_picture(path)
        height, width = image.shape[:2]
        middle = np.array([[0.2 * width, 0.05 * height, 0.8 * width, 0.95 * height]], np.float32)
        best = gallery.similarities(recognizer.embed(image, middle))[0].argmax()
        right.append(gallery.names[best] == path.parent.name)
    assert len(right) == 100
    print(f"top-1 of {len(right)} photographs of {len(gallery.names)} products: {np.mean(right):.2f}")
    assert np.mean(right) >= 0.4
