"""Networks in MLflow's model registry, with the signature that their file has."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vision.pipeline import weights_path


def register(client: Any, run: str, name: str) -> None:
    """Register the weights of a name as a version of the model `shelfbench-NAME`, with artifacts of `run`.

    Nothing is done where a version has the same checksum.
    """
    from mlflow.exceptions import MlflowException

    path = weights_path(name)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    model = f"shelfbench-{path.stem}"
    if any(v.tags.get("sha256") == checksum for v in client.search_model_versions(f"name = '{model}'")):
        return
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    with tempfile.TemporaryDirectory() as folder:
        _describe(path, Path(folder))
        client.log_artifacts(run, folder, f"models/{path.stem}")
    source = f"{client.get_run(run).info.artifact_uri}/models/{path.stem}"
    client.create_model_version(model, source, run, tags={"sha256": checksum})


def _describe(path: Path, folder: Path) -> None:
    """Write weights and the MLmodel file that describes them."""
    import onnxruntime
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(tensors: Any) -> Schema:
        sizes = [tuple(n if isinstance(n, int) else -1 for n in t.shape) for t in tensors]
        return Schema([TensorSpec(np.dtype(np.float32), size, t.name) for size, t in zip(sizes, tensors)])

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    model = Model(signature=ModelSignature(schema(session.get_inputs()), schema(session.get_outputs())))
    model.add_flavor("onnx", data="model.onnx", onnx_version="", providers=["CPUExecutionProvider"])
    shutil.copyfile(path, folder / "model.onnx")
    model.save(str(folder / "MLmodel"))
