"""Recognition: crops of products to SKUs, by the most alike pictures of a gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from scenarios import InputError
from vision.confidence import UNCALIBRATED, Calibration, features, logistic
from vision.pictures import PICTURE_SUFFIXES, load_picture
from vision.prints import Print, joined, parted, print_of
from vision.runtimes import ON_PROCESSOR, Session

LARGEST_BATCH, ON_CORES = 256, 32
"""Crops in one run of the network, and where it runs on the processor: what is more goes in slices, so that memory
stays bounded. 160 crops at once took 203 MB more than none and 0.98 to 1.18 ms of one core each, in slices of 32 30 MB
and 0.76 to 0.78 ms."""


class Recognizer:
    """An embedding network. The session maps crops (B, 3, H, W) RGB in 0..1 to unit vectors (B, D)."""

    def __init__(self, session: Session) -> None:
        self.session = session
        _, _, self.height, self.width = (n or 0 for n in session.input_shape)
        if not self.height or not self.width:
            raise InputError(f"{session.source}: takes pictures of any size; expected a recognizer, which takes crops")
        self.largest_batch = ON_CORES if session.ran_on.runtime in ON_PROCESSOR else LARGEST_BATCH

    def embed(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed the boxes (N, 4) of an image (H, W, 3) uint8 RGB together; returns (N, D) unit vectors."""
        crops = np.empty((len(xyxy), self.height, self.width, 3), np.uint8)
        for crop, (x0, y0, x1, y1) in zip(crops, clip_boxes(xyxy, image)):
            mode = cv2.INTER_AREA if x1 - x0 > self.width else cv2.INTER_LINEAR
            cv2.resize(image[y0:y1, x0:x1], (self.width, self.height), dst=crop, interpolation=mode)
        return self.embed_crops(crops)

    def embed_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops (N, height, width, 3) uint8 RGB of the network's size; returns (N, D) unit vectors."""
        parts = []
        for start in range(0, len(crops), self.largest_batch):
            some = crops[start : start + self.largest_batch]
            planes = np.empty((len(some), 3, *some.shape[1:3]), np.uint8)
            for crop, plane in zip(some, planes):
                cv2.split(crop, list(plane))  # numpy's own way through a turned array takes half as long again
            parts.append(self.session.run(np.divide(planes, np.float32(255), out=np.empty(planes.shape, np.float32))))
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty((0, 1), np.float32)


def clip_boxes(xyxy: NDArray[np.float32], image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Boxes (N, 4) as whole pixels x0, y0, x1, y1 inside of an image, each at least one pixel wide and high."""
    height, width = image.shape[:2]
    low = np.clip(np.floor(xyxy[:, :2]), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(xyxy[:, 2:]), low + 1, (width, height))
    return np.concatenate([low, high], axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Enrolled pictures: `skus` (M,) names, one or more pictures each, and `embeddings` (M, D).

    `network` is the checksum of the recognizer that made them: another one's would mean nothing. With `prints`, one for
    each picture, crops whose name is in doubt are looked at again (`vision.second_look`).
    """

    skus: NDArray[np.str_]
    embeddings: NDArray[np.float32]
    network: str
    prints: tuple[Print, ...] | None = None

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """The distinct SKUs (K,), sorted."""
        return np.unique(self.skus)

    def similarities(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """How alike embeddings (N, D) and every SKU are, (N, K), in `names` order: half of the cosine to its nearest
        picture and half of that to the middle of its pictures.

        One picture may be near by its light or its background alone; the middle is what all of them share. On real
        photographs the middle alone is as good, on packs that were photographed from three sides the nearest picture.
        """
        if len(embeddings) == 0:
            return np.empty((0, len(self.names)), np.float32)
        pictures, starts = self._by_name
        alike = np.maximum.reduceat(pictures @ embeddings.T, starts, axis=0)
        alike += self._middles @ embeddings.T
        alike *= 0.5
        return np.ascontiguousarray(alike.T)

    @cached_property
    def _by_name(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The embeddings in the order of `names`, and where each name starts."""
        order = np.argsort(self.skus, kind="stable")
        return self.embeddings[order], np.searchsorted(self.skus[order], self.names)

    @cached_property
    def _middles(self) -> NDArray[np.float32]:
        """The middle of each name's embeddings, a unit vector as they are: (K, D)."""
        pictures, starts = self._by_name
        middles = np.add.reduceat(pictures, starts, axis=0)
        return middles / np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)

    @cached_property
    def prints_by_name(self) -> list[list[Print]]:
        """The prints of each of `names`; none where the pictures have none."""
        prints = self.prints or ()
        found: dict[str, list[Print]] = {str(name): [] for name in self.names}
        for sku, picture in zip(self.skus, prints):
            found[str(sku)].append(picture)
        return list(found.values())

    def save(self, path: Path) -> None:
        """Write it as .npz, whole or not at all. Raises OSError."""
        draft = path.with_name(f".{path.stem}.draft.npz")
        prints = joined(self.prints) if self.prints is not None else {}
        try:
            np.savez(draft, skus=self.skus, embeddings=self.embeddings, network=np.array(self.network), **prints)  # type: ignore[arg-type]
            draft.replace(path)
        except OSError as error:
            error.filename = str(path)
            draft.unlink(missing_ok=True)
            raise

    @staticmethod
    def load(path: Path) -> Gallery:
        """Read a gallery that `save` wrote. Raises InputError if it is not one."""
        try:
            data = np.load(path, allow_pickle=False)
            gallery = Gallery(data["skus"], data["embeddings"], str(data["network"]), parted(data))
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
            raise InputError(f"{path}: not a gallery; make one with `shelfwatch enroll FOLDER`") from None
        if gallery.embeddings.ndim != 2 or gallery.skus.shape != gallery.embeddings.shape[:1]:
            shapes = f"{gallery.skus.shape} SKUs and {gallery.embeddings.shape} embeddings"
            raise InputError(f"{path}: {shapes}; expected one embedding for each picture")
        if gallery.prints is not None and len(gallery.prints) != len(gallery.skus):
            raise InputError(f"{path}: {len(gallery.prints)} prints of {len(gallery.skus)} pictures; expected as many")
        return gallery


def nearest(
    gallery: Gallery, similarities: NDArray[np.float32], calibration: Calibration = UNCALIBRATED
) -> tuple[NDArray[np.object_], NDArray[np.float32], NDArray[np.float32]]:
    """Name each row (N, K) of similarities: SKU, its similarity, and the chance that the name is right.

    A product that is probably not in the gallery is unknown: its SKU is None, its confidence the chance that it is
    indeed in none of its pictures.
    """
    if not len(similarities):
        return np.empty(0, object), np.empty(0, np.float32), np.empty(0, np.float32)
    values = features(similarities)
    known = logistic(calibration.known, values)
    skus = gallery.names[similarities.argmax(axis=1)].astype(object)
    unknown = known < calibration.least_known
    skus[unknown] = None
    confidence = np.where(unknown, 1 - known, known * logistic(calibration.right, values))
    return skus, values[:, 1].astype(np.float32), confidence.astype(np.float32)


def gallery_of(
    pictures: dict[str, list[NDArray[np.uint8]]], recognizer: Recognizer, second_look: bool = False
) -> Gallery:
    """Enrol pictures (H, W, 3) uint8 RGB, each cut to its pack, by SKU; with their prints for a second look."""
    skus, embeddings, prints = [], [], []
    for sku, images in pictures.items():
        for image in images:
            height, width = image.shape[:2]
            skus.append(sku)
            embeddings.append(recognizer.embed(image, np.array([[0, 0, width, height]], np.float32))[0])
            if second_look:
                prints.append(print_of(image))
    network = recognizer.session.checksum
    return Gallery(np.array(skus), np.stack(embeddings), network, tuple(prints) if second_look else None)


def enroll(
    folder: Path, recognizer: Recognizer, skipped: Callable[[str], None] = print, second_look: bool = False
) -> Gallery:
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
    return gallery_of(pictures, recognizer, second_look)
