"""Clusters on this machine, for tests of what is spread over several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def two_nodes() -> Iterator[str]:
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    import ray
    from ray.cluster_utils import Cluster

    memory = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=memory | {"include_dashboard": False})
    try:
        cluster.add_node(**memory)
        yield cluster.address
    finally:
        ray.shutdown()  # a driver in this process
        cluster.shutdown()
