"""The options of commands that run networks."""

from __future__ import annotations

import argparse

from vision.runtimes.door import RUNTIMES


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Add --runtime and --fallback."""
    parser.add_argument("--runtime", choices=RUNTIMES, default="onnxruntime-cpu")
    parser.add_argument(
        "--fallback", choices=RUNTIMES, action="append", default=[], metavar="RUNTIME",
        help="what to run on where --runtime is not to be had; may be repeated, and is told (default: nothing)",
    )  # fmt: skip
