"""`shelfbench dataset`: a labelled data set of random training stores, or of one store of the user's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.devices import PACKAGES, conditions
from bench.training_stores import SPLITS, groups_of, training_layout
from scenarios import InputError, Layout, load_scenario
from scenarios.files import build
from sim.data_card import write_card
from sim.dataset import DatasetPlan, make_dataset

RANDOM = (
    "Pictures of random stores that sell products of the training assortment. The splits share no store seed, no "
    "brand, no product and no artwork, and no experiment or named scenario uses any of them."
)
OWN = (
    "Pictures of the store {name}, with the dials of its scenario.yaml. The splits differ in their scenario seeds: in "
    "stock, light, people and cameras. They share all products, so that a model that learns from them knows this "
    "store, and its test figures say nothing about products that it has not seen."
)


def dataset(config: dict[str, Any], command: str) -> Path:
    """Make or go on with the data set that conf/dataset.yaml and its overrides describe; returns its card."""
    plans, about = plan_dataset(config)
    for plan in plans:
        layout_of = (
            partial(training_layout, split=plan.split) if plan.conditions is None else partial(_own, plan.source)
        )
        make_dataset(plan, layout_of)
    measured = conditions()
    origin = {"made by": command, "commit": measured["commit"], "python": measured["python"]}
    return write_card(plans, about, origin | {name: measured[name] for name in PACKAGES})


def plan_dataset(config: Mapping[str, Any]) -> tuple[list[DatasetPlan], str]:
    """A plan for each split, and what the card says of them. Raises InputError."""
    keys = dict(config)
    splits, folder, name = keys.pop("splits"), keys.pop("folder"), keys.pop("scenario")
    about = RANDOM
    if name is None:
        folder = folder or "data/training"
        for split in splits:
            groups_of(split)
    else:
        own = load_scenario(name)
        folder = folder or f"data/{own.layout.store.name}"
        about = OWN.format(name=own.layout.store.name)
        keys |= {"source": str(name)}
    plans = []
    for split, seeds in splits.items():
        if not isinstance(seeds, dict):
            raise InputError(
                f"dataset: splits.{split} is {seeds!r}; expected first_seed, stores and pictures_per_store"
            )
        plan = build(DatasetPlan, {"folder": folder, "split": split} | seeds | keys, f"dataset: {split}")
        plans.append(plan if name is None else replace(plan, conditions=own.conditions))
    if not plans:
        raise InputError(f"dataset: splits is empty; expected one of {', '.join(SPLITS)}")
    for a, b in itertools.combinations(plans, 2):
        if a.seeds[0] <= b.seeds[-1] and b.seeds[0] <= a.seeds[-1]:
            raise InputError(f"dataset: splits {a.split} and {b.split} share store seeds; expected ranges apart")
    return plans, about


def _own(name: str, _: int) -> Layout:
    """The store of a scenario, for every seed the same."""
    return load_scenario(name).layout
