"""The weights that are shipped: a new file is tested by being there."""

from vision.pipeline import NO_SHELF_READERS, WEIGHTS

READERS = sorted(p.stem for p in WEIGHTS.glob("*.onnx") if p.stem not in NO_SHELF_READERS)
DETECTORS = [name for name in READERS if name.startswith("yolo")]
RECOGNIZERS = [name for name in READERS if name not in DETECTORS]
