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
# # Talking to a running service
#
# `shelfwatch serve` watches a store; here we play a store to it and ask what it knows. The service runs on this machine
# for as long as the notebook does; for one of your own give its address, client and secret to `Client`, and leave the
# first cell out.

# %%
# %matplotlib inline
import time
from contextlib import ExitStack
from dataclasses import replace

import pandas as pd
from matplotlib import pyplot as plt

from bench.configs import compose
from bench.hardware.client import Client
from bench.twin.cameras import VirtualCameras
from bench.twin.own_service import own_service
from bench.twin.plan import plan_of
from bench.twin.sending import jpeg_of
from bench.twin.stock import Shelves
from scenarios import Catalog
from sim import World

# %% [markdown]
# ## A store and its service
#
# The bay of the first notebook, one camera, and a plan of how fast things sell. `own_service` writes the service's
# folder (store, packs, cameras, settings), starts it, and ends it with the notebook.

# %%
camera = "{name: c, width: 640, height: 608, horizontal_fov: 0.70, price: 120}"
look = f"{{id: across, model: {camera}, position: [0.62, -2.0, 1.5], target: [0.62, 0.0, 0.82]}}"
rig = f"+rig={{name: one, cameras: [{look}]}}"
config = compose("twin", ["scenario=kiosk", "~rig", rig, "port=0", "crowd=nobody", "pictures=false"])
plan = plan_of(config)
kiosk = plan.drawn()
selling = Catalog(tuple(replace(p, price=2.0, daily_units=6.0) for p in kiosk.layout.catalog))
scenario = replace(kiosk, layout=replace(kiosk.layout, catalog=selling))
cameras = plan.hung(scenario)
stay = ExitStack()
service = stay.enter_context(own_service(plan, scenario, cameras))
client: Client = service.client
about = client.get("/v1/about")
print(about["machine"], "·", about["networks"]["detector"]["runtime"], "·", about["skus"], "products")

# %% [markdown]
# ## An hour of the store
#
# A frame a minute, while the shelves sell twenty times what the catalog says (six units of each product a day). The
# answer to a frame comes once its reading is on the service's disk.

# %%
shelves = Shelves(scenario, sales=20.0, restock_after=1200.0)
begun, told = time.time(), []
with World(scenario.layout) as world:
    eyes = VirtualCameras(world)
    for minute in range(60):
        at = 60.0 * minute
        frame = eyes.frame(shelves.at(at), cameras[0], at)
        answer = client.request(
            "POST", f"/v1/cameras/{cameras[0].id}/frames", params={"time": begun + at}, content=jpeg_of(frame),
            headers={"Content-Type": "image/jpeg"},
        ).json()  # fmt: skip
        states = client.get("/v1/shelves")["positions"]
        levels = pd.Series([s["level"] for s in states]).value_counts()
        told.append({"minute": minute, "alerts": len(answer["alerts"]), **levels})
history = pd.DataFrame(told).fillna(0).set_index("minute")
history.tail(3)

# %%
there = [c for c in ("in_stock", "low", "out", "unknown") if c in history]
history[there].plot.area(
    figsize=(9, 3), color={"in_stock": "#8cc4ae", "low": "#e8b93f", "out": "#b63a12", "unknown": "#ccc"}
)
plt.ylabel("positions")
plt.xlabel("minute")
plt.show()

# %% [markdown]
# ## What is to be done
#
# Alerts are what somebody should act on; a task follows once nobody need be asked any more. The truth is at hand: what
# really was sold out, and when it was filled up.

# %%
events = pd.DataFrame([{**e["data"], "time": (e["time"] - begun) / 60} for e in client.get("/v1/alerts", limit=1000)])
events[["time", "event", "kind", "text", "confidence", "value"]].round(2).head(12)

# %%
changes = pd.DataFrame(
    [(c.time / 60, c.kind, c.position) for c in shelves.changes], columns=["time", "kind", "position"]
)
outs = changes[changes.kind == "out"]
raised = events[(events.event == "raised") & (events.kind == "out")]
found = [
    (o.position, o.time, raised[(raised.subject == o.position) & (raised.time >= o.time)].time.min())
    for o in outs.itertuples()
]
pd.DataFrame(found, columns=["position", "sold out", "told"]).assign(waited=lambda d: d.told - d["sold out"]).round(1)

# %% [markdown]
# ## Two clocks, and the end
#
# How far the service's clock is ahead of this one's; on one machine nothing, but for the time that an answer takes.

# %%
clock = client.clock()
print(f"ahead by {1000 * clock.ahead:.2f} ms ± {1000 * clock.bound:.2f} ms")
stay.close()
