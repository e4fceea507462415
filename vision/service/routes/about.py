"""What this device is, and what its clock says."""

from __future__ import annotations

import platform
import time
from functools import cache
from importlib import metadata

from fastapi import Request
from pydantic import BaseModel

from vision.service.routes.common import routes_with, the_service

router = routes_with("read")


class Network(BaseModel):
    """One network: the SHA-256 of its weights, and what it runs on."""

    weights: str
    runtime: str
    precision: str
    version: str
    instead_of: str = ""


class About(BaseModel):
    """This service and its machine. `clock` as in the settings; `arrived` and `answered` (seconds since 1970, by this
    machine's clock) say when this question came and went, for who compares clocks."""

    source: str
    version: str
    machine: str
    clock: str
    networks: dict[str, Network]
    skus: int
    arrived: float
    answered: float


@router.get("/v1/about")
def about(request: Request) -> About:
    """What this device is, and its clock."""
    arrived, service = time.time(), the_service(request)
    pipeline = service.pipelines[0]
    networks = {name: Network(weights=s.checksum, **vars(s.ran_on)) for name, s in pipeline.sessions.items()}
    gallery = pipeline.gallery
    return About(
        source=service.source_name, version=_version(), machine=f"{platform.machine()}, {platform.system()}",
        clock=service.settings.clock, networks=networks, skus=0 if gallery is None else len(gallery.names),
        arrived=arrived, answered=time.time(),
    )  # fmt: skip


@cache
def _version() -> str:
    try:
        return metadata.version("shelfbench")
    except metadata.PackageNotFoundError:  # run from where it was checked out
        return "unknown"
