"""Recognition: crops of products to SKUs, by the nearest picture of a gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.pictures import PICTURE_SUFFIXES, load_picture
from vision.runtimes import Session

BATCH = 32
SMALLEST_SIMILARITY = 0.35
"""Below this cosine to its nearest gallery picture, a product is unknown."""


class Recognizer:
    """An embedding network. The session maps crops (B, 3, H, W) RGB in 0..1 to unit vectors (B, D)."""

    def __init__(self, session: Session) -> None:
        self.session = session
        _, _, self.height, self.width = (n or 0 for n in session.input_shape)
        if not self.height or not self.width:
            raise InputError(f"{session.source}: takes pictures of any size; expected a recognizer, which takes crops")

    def embed(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed the boxes (N, 4) of an image (H, W, 3) uint8 RGB; returns (N, D) unit vectors."""
        parts = []
        for start in range(0, len(xyxy), BATCH):
            crops = [self._crop(image, box) for box in xyxy[start : start + BATCH]]
            parts.append(self.session.run(np.asarray(cv2.dnn.blobFromImages(crops, 1 / 255.0), np.float32)))
        return np.concatenate(parts) if parts else np.empty((0, 1), np.float32)

    def _crop(self, image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        x0, y0 = max(0, min(int(box[0]), width - 1)), max(0, min(int(box[1]), height - 1))
        x1, y1 = min(width, max(int(np.ceil(box[2])), x0 + 1)), min(height, max(int(np.ceil(box[3])), y0 + 1))
        part = image[y0:y1, x0:x1]
        mode = cv2.INTER_AREA if part.shape[1] > self.width else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (self.width, self.height), interpolation=mode), np.uint8)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Enrolled pictures: `skus` (M,) names, one or more pictures each, and `embeddings` (M, D).

    `network` is the checksum of the recognizer that made them: another one's would mean nothing.
    """

    skus: NDArray[np.str_]
    embeddings: NDArray[np.float32]
    network: str

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """The distinct SKUs (K,), sorted."""
        return np.unique(self.skus)

    def similarities(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of embeddings (N, D) to the nearest picture of every SKU: (N, K), in `names` order."""
        if len(embeddings) == 0:
            return np.empty((0, len(self.names)), np.float32)
        pictures, starts = self._by_name
        return np.maximum.reduceat(embeddings @ pictures.T, starts, axis=1)

    @cached_property
    def _by_name(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The embeddings in the order of `names`, and where each name starts."""
        order = np.argsort(self.skus, kind="stable")
        return self.embeddings[order], np.searchsorted(self.skus[order], self.names)

    def save(self, path: Path) -> None:
        np.savez(path, skus=self.skus, embeddings=self.embeddings, network=np.array(self.network))

    @staticmethod
    def load(path: Path) -> Gallery:
        """Read a gallery that `save` wrote. Raises InputError if it is not one."""
        try:
            with np.load(path, allow_pickle=False) as data:
                return Gallery(data["skus"], data["embeddings"], str(data["network"]))
        except (OSError, ValueError, KeyError, EOFError):
            raise InputError(f"{path}: not a gallery; make one with `shelfwatch enroll FOLDER`") from None


def nearest(
    gallery: Gallery, similarities: NDArray[np.float32], lowest: float = SMALLEST_SIMILARITY
) -> tuple[NDArray[np.object_], NDArray[np.float32]]:
    """The most similar SKU of each row (N, K) and its cosine; None where it is below `lowest`."""
    if len(similarities) == 0:
        return np.empty(0, object), np.empty(0, np.float32)
    best = similarities.argmax(axis=1)
    similarity = similarities[np.arange(len(best)), best]
    skus = gallery.names[best].astype(object)
    skus[similarity < lowest] = None
    return skus, similarity.astype(np.float32)


def gallery_of(pictures: dict[str, list[NDArray[np.uint8]]], recognizer: Recognizer) -> Gallery:
    """Enrol pictures (H, W, 3) uint8 RGB, each cut to its pack, by SKU."""
    skus, embeddings = [], []
    for sku, images in pictures.items():
        for image in images:
            height, width = image.shape[:2]
            skus.append(sku)
            embeddings.append(recognizer.embed(image, np.array([[0, 0, width, height]], np.float32))[0])
    return Gallery(np.array(skus), np.stack(embeddings), recognizer.session.checksum)


def enroll(folder: Path, recognizer: Recognizer, skipped: Callable[[str], None] = print) -> Gallery:
    """Make a gallery from FOLDER/…/SKU/any.jpg or FOLDER/SKU.jpg, FOLDER/SKU__any.jpg.

    Unreadable pictures are told to `skipped` and left out. Raises InputError if none can be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one picture or folder of pictures a SKU")
    pictures: dict[str, list[NDArray[np.uint8]]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES):
        sku = path.stem.split("__")[0] if path.parent == folder else path.parent.name
        try:
            pictures.setdefault(sku, []).append(load_picture(path))
        except InputError as error:
            skipped(str(error))
    pictures = {sku: images for sku, images in pictures.items() if images}
    if not pictures:
        raise InputError(f"{folder}: no readable picture; expected FOLDER/SKU/*.jpg or FOLDER/SKU.jpg")
    return gallery_of(pictures, recognizer)
