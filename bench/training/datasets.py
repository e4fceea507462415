"""`shelfbench dataset`: a labelled data set of random training stores, or of one store of the user's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.devices import PACKAGES, conditions
from bench.stores.dense import dense_layout
from bench.stores.training import SPLITS, check_split, training_layout
from scenarios import InputError, Layout, load_scenario
from scenarios.files import build
from sim.data_card import write_card
from sim.dataset import DatasetPlan, make_dataset
from sim.training_draws import is_dense

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
    first = plans[0]
    make_dataset(plans, partial(_random, first.dense) if first.conditions is None else partial(_own, first.source))
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
            check_split(split)
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


def _random(dense: float, seed: int, split: str) -> Layout:
    """A training store, of the kind that its seed has."""
    return (dense_layout if is_dense(seed, dense) else training_layout)(seed, split)


def _own(name: str, _: int, __: str) -> Layout:
    """The store of a scenario, for every seed and split the same."""
    return load_scenario(name).layout
