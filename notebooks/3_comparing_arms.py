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
# # Comparing arms from MLflow
#
# Every run of `shelfbench run` keeps its evidence in MLflow. Here we read it back into pandas and ask what a table of
# means cannot say: is one arm (a rig with a model) better than another, or did it meet easier shelves? And if the
# evidence does not suffice: how many more stock states would do?

# %%
# %matplotlib inline
from pathlib import Path

import pandas as pd
from mlflow.artifacts import download_artifacts

from bench.comparison import compare, detectable, scenarios_needed
from bench.experiment import Experiment
from bench.figures import interval_figure
from bench.results import comparison_row
from bench.runs import read_runs, run_samples
from bench.studies.conduct import conduct
from bench.studies.settings import Model
from bench.studies.study import study_over
from scenarios import Camera, CameraModel, Rig

# %% [markdown]
# ## Some evidence
#
# A small study, so that there is something to read: the bay of the first notebook, two places for a camera, two
# detectors, ten stock states. Skip this cell where you have runs of your own, and set `outputs` to where they are; with
# a server, set the environment variable MLFLOW_TRACKING_URI instead.

# %%
outputs = Path("outputs")
model = CameraModel("small", width=640, height=608, horizontal_fov=0.70, price=120)
rigs = (
    Rig("across", (Camera("across", model, position=(0.62, -2.0, 1.5), target=(0.62, 0.0, 0.82)),)),
    Rig("ceiling", (Camera("ceiling", model, position=(0.62, -1.2, 2.6), target=(0.62, 0.0, 0.92)),)),
)
models = (Model("yolo11n", "yolo11n", "embed"), Model("yolo26n", "yolo26n", "embed"))
experiment = Experiment("arms", "kiosk", rigs, models, first_seed=300_000, scenarios=10, shoppers=0, workers=1)
folder = conduct(study_over(experiment, {}, outputs))

# %% [markdown]
# ## MLflow as a table
#
# A row for each finished arm, by the number of its run: parameters and metrics under their own names, the ends of a
# metric's 95 % interval as `…_low` and `…_high`. `mlflow.search_runs` gives the same runs with everything else that
# MLflow knows of them.

# %%
runs = read_runs(outputs)
runs = runs[runs["study"] == "arms"]
runs["arm"] = runs["rig"] + " + " + runs["model"]
runs.set_index("arm")[["px_per_m", "cost", "scenarios", "facings_exact", "facings_exact_low", "facings_exact_high"]]

# %%
titles = {"facings_exact": "Facings exact", "oos_recall": "Out-of-stock recall", "units_error": "Units error"}
interval_figure(runs.to_dict("records"), titles, label="arm")

# %% [markdown]
# Intervals that overlap say little: most of their width is that some stock states are hard for everybody. All arms saw
# the same ones.
#
# ## In pairs
#
# `run_samples` reads how far each stock state pulls each metric. The difference of two arms is taken state by state,
# so that what was hard for both cancels. The best arm is compared with every other one; `p_holm` is corrected for all
# three comparisons (Holm), because who looks at many differences finds a large one by chance.

# %%
samples = {arm: run_samples(outputs, run) for run, arm in runs["arm"].items()}
best, *others = sorted(samples, key=lambda arm: -samples[arm]["facings_exact"].value)
pairs = {}
for metric in ("facings_exact", "oos_recall"):
    found = compare([samples[arm][metric] for arm in others], samples[best][metric])
    pairs[metric] = pd.DataFrame([{"arm": arm} | comparison_row(c) for arm, c in zip(others, found)])
print(f"difference against {best}")
together = pd.concat(pairs, names=["metric", None]).droplevel(1).set_index("arm", append=True)
together[["difference", "low", "high", "p", "p_holm", "words"]].round(3)

# %%
drawn = pairs["facings_exact"].rename(columns={"low": "difference_low", "high": "difference_high"})
interval_figure(drawn.to_dict("records"), {"difference": f"Facings exact, against {best}"}, label="arm")

# %% [markdown]
# ## How many stock states?
#
# Where a difference is not shown, `words` says how many more would show one as large as the one seen. Before a study it
# is asked the other way round: given how paired differences scatter, how small a difference do *n* stock states find,
# four times in five?

# %%
spread = (samples[others[0]]["facings_exact"] - samples[best]["facings_exact"]).spread
plan = pd.Series({n: detectable(spread, n) for n in (6, 10, 15, 24, 40, 60, 100, 200)}, name="detectable difference")
axes = (100 * plan).plot(marker="o", logx=True, figsize=(5, 2.6), grid=True, xticks=plan.index)
axes.set(xlabel="Stock states", ylabel="Percentage points", xticklabels=plan.index, title=f"{others[0]} against {best}")
axes.minorticks_off()

# %%
for points in (1, 2, 5):
    needed = scenarios_needed(points / 100, spread, seen=10)
    print(f"to find a difference of {points} points: {needed} stock states")

# %% [markdown]
# ## Where is it wrong?
#
# Each run also holds a row for every position and stock state. The positions that the best arm reads wrong most often:

# %%
number = runs.index[runs["arm"] == best][0]
positions = pd.read_parquet(download_artifacts(run_id=number, artifact_path="positions.parquet"))
positions["wrong"] = positions["facings"] != positions["true_facings"]
positions["unseen"] = positions["visible_share"] < 0.5
positions.groupby("position")[["wrong", "unseen"]].mean().sort_values("wrong", ascending=False).head(6)

# %% [markdown]
# ## What to take away
#
# - **Compare in pairs.** Two intervals that overlap can belong to a difference that is real, because both arms met the
#   same hard shelves.
# - **Ask for the corrected p.** The more arms you try, the better the best of them looks by luck alone.
# - **"Not enough evidence" is not "no difference".** The curve says before you begin what a study of *n* stock states
#   can find at all: to halve the difference takes about four times as many.
# - **The positions at the bottom of this page are where to look**: `unseen` there means the camera, else the model.
