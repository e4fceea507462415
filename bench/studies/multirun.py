"""Hydra's own multirun: sweepers and launchers as they come, with errors of one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from bench.configs import CONF, one_line, plain_words, register
from scenarios import InputError


def multirun(name: str, job: Callable[[Any], Any], overrides: Sequence[str]) -> None:
    """Run `job` for every combination of the overrides' values, by the launcher that they name.

    Raises InputError for what Hydra refuses; what a job raises comes through.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register()
    old, sys.argv = sys.argv, ["shelfbench", "--multirun", *plain_words(overrides)]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, instead of printing many lines and ending
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(job)()
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(one_line(error, name)) from None
    finally:
        sys.argv = old
        del os.environ["HYDRA_FULL_ERROR"]
