# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Latency, precision and energy
#
# How many cameras does a device carry? That hangs on how long a picture takes from its file to the shelf audit, and
# smaller numbers make it shorter: FP16, INT8. Here the same pictures are timed in three precisions, it is measured what
# INT8 costs in accuracy, and both are put into one plot. The commands are the ones that run on a Jetson, where nothing
# of the workbench is installed; this page was made on the machine that the first table names.

# %%
# %matplotlib inline
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
from IPython.display import Image

from bench.choice import choose
from bench.comparison import compare
from bench.device_choice import Devices, options, plot
from bench.experiment import Experiment, run
from bench.kit import make_kit
from bench.latency import read_latency
from bench.results import as_result, comparison_row, metrics_table
from bench.studies.settings import Model
from scenarios import Camera, CameraModel, Rig


def shelfwatch(*words: str) -> str:
    """What a device's command prints; `shelfwatch …` in a terminal does the same."""
    command = [sys.executable, "-m", "vision.cli", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# %% [markdown]
# ## What a device is measured with
#
# A *kit*: pictures of one camera, the store's files, the camera's calibration, pictures of its products. It is made
# once and copied to every device, so that all are measured with the same.

# %%
make_kit(Path("kit"), pictures=4)
print(shelfwatch("enroll", "kit/packs", "--output", "kit/packs.npz"))

# %% [markdown]
# ## Three precisions
#
# `export` writes a file and compares it with FP32 on four pictures; what differs too much is refused. INT8 needs
# pictures to measure ranges on: those of your own shelves are best, here it is those of the kit.

# %%
print(shelfwatch("export", "yolo11n", "--precision", "fp16", "--output", "weights"))
print(shelfwatch("export", "yolo11n", "--precision", "int8", "--calibration", "kit/pictures", "--output", "weights"))

# %% [markdown]
# ## From file to audit
#
# `latency` times every stage of every frame. Twenty-four frames are far too few to tell a 99th percentile, of which the
# result itself says that it is void for a gate; the default is 662, as many as MLPerf asks for.

# %%
detectors = {"FP32": "yolo11n", "FP16": "weights/yolo11n.fp16.onnx", "INT8": "weights/yolo11n.int8.onnx"}
kit = ["kit/pictures", "--planogram", "kit/store", "--camera", "kit/camera.yaml", "--gallery", "kit/packs.npz"]
files = {}
for precision, detector in detectors.items():
    outputs = f"outputs/{precision}"
    shelfwatch("latency", *kit, "--detector", detector, "--frames", "24", "--threads", "1", "--outputs", outputs)
    files[precision] = str(Path(outputs) / "latest" / "result.json")
results = {precision: read_latency(Path(file)) for precision, file in files.items()}
print(results["FP32"]["device"]["processor"])
for reason in results["FP32"]["void_for_gate"]:
    print("void for a gate:", reason)

# %%
stages = pd.DataFrame({p: {s: t["p50"] for s, t in r["runs"][0]["stages_ms"].items()} for p, r in results.items()}).T
axes = stages.plot.barh(stacked=True, figsize=(7, 2.4), colormap="cividis")
axes.set(xlabel="Milliseconds a frame (sum of the stages' medians)", ylabel="")
axes.legend(ncols=6, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1))
stages.round(1)

# %% [markdown]
# A processor gains nothing from FP16: it computes it in float32. INT8 makes the detector cheaper; all other stages
# stay what they are, and so the frame gains less than the network does. The pictures of a kit are of different stock
# states, so that nearly every crop is embedded anew; in a store, where a crop that has not changed since the last frame
# is not embedded again, *recognize* is a fraction of this.

# %% [markdown]
# ## The tail
#
# A camera that waits does not wait for the median. p99 over p50 says how even a device is; a hot one that throttles
# shows here first.

# %%
tails = pd.DataFrame({p: r["runs"][0]["end_to_end_ms"] for p, r in results.items()}).T
tails["p99 / p50"] = tails["p99"] / tails["p50"]
tails.round(2)

# %% [markdown]
# ## Energy
#
# Joules a frame are mean watts times the time, over the frames, with what the device takes while idle in it. Where
# nothing tells the power, there is no figure: none is made up.

# %%
for precision, result in results.items():
    power = result["runs"][0]["power"]
    joules = "unknown" if power["joules_per_frame"] is None else f"{power['joules_per_frame']:.2f} J"
    print(f"{precision}: {joules} a frame, power told by: {power['source']}")

# %% [markdown]
# On a Jetson the source is `tegrastats`, and a year of a device that reads a picture every `s` seconds costs
# `joules / s × 8.76` kWh: 2 J a frame, every five seconds, are 3.5 kWh.
#
# ## What INT8 costs
#
# The same stock states, read in FP32 and in INT8; differences are taken state by state.

# %%
model = CameraModel("small", width=640, height=608, horizontal_fov=0.70, price=120)
rigs = (Rig("across", (Camera("across", model, position=(0.62, -2.0, 1.5), target=(0.62, 0.0, 0.82)),)),)
models = tuple(Model(p, d, "embed") for p, d in detectors.items() if p != "FP16")
experiment = Experiment("precision", "kiosk", rigs, models, first_seed=300_000, scenarios=8, shoppers=0, workers=1)
evidence = run(experiment, timed=0)
config = {"models": [{"name": m.name, "detector": m.detector} for m in models]}
result = as_result(evidence, choose(evidence), config)
metrics_table(result["arms"], ["facings_exact", "oos_recall", "detection_ap50"]).round(3)

# %%
exact = {arm.model.name: arm.scores.samples["facings_exact"] for arm in evidence.arms}
(difference,) = compare([exact["INT8"]], exact["FP32"])
print("facings exact, INT8 against FP32:", comparison_row(difference)["words"])

# %% [markdown]
# `docs/export.md` has the same on 512 pictures.
#
# ## Cameras against accuracy
#
# One point for each model, precision and device: how many cameras it carries at a picture every five seconds, and how
# well they are read. Results of other devices are files: copy their `result.json` here and name them. Hollow triangles
# are figures that others published of other networks: a hint of the order of magnitude, and no more.

# %%
devices = Devices(results=tuple(files[m.name] for m in models), every=5.0)
found = options(devices, [results[m.name] for m in models], json.loads(json.dumps(result)))
plot(found, devices.every, Path("outputs/devices.png"))
Image("outputs/devices.png", width=800)

# %% [markdown]
# ## What to take away
#
# - **Time the whole way**, from the file to the audit: a network that is twice as fast rarely makes a frame so.
# - **A figure has conditions**: the device, its power mode, whether it throttled, how many frames. A result carries
#   them, and says what it is not good for.
# - **Look at precision and accuracy together, in pairs**, on your own store: the four pictures of `export` only catch
#   what is broken.
# - `shelfbench run experiment=device_choice "devices.results=[…]"` makes the last plot for your store and devices.
