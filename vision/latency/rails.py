"""The power of a board by its rails, as tegrastats and the INA3221 monitors name them.

Which rails add up to the whole board differs from board to board, so that a set of rails that is not known here is
named, and no power is guessed from it. Sources: "Jetson ... Series" of the Jetson Linux Developer Guide, section
"Software-based power consumption modeling", and the tables of rails of each module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenarios import InputError


@dataclass(frozen=True)
class Board:
    """A kind of board: the rails that tell it from others, and those whose sum is what it takes."""

    name: str
    known_by: frozenset[str]
    total: tuple[str, ...]


BOARDS = (
    Board("Jetson AGX Thor", frozenset({"VDD_CPU_SOC_MSS", "VIN"}), ("VIN",)),
    Board("Jetson Orin Nano / Orin NX / Xavier NX", frozenset({"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"}), ("VDD_IN",)),
    # The memory's rail VDDQ_VDD2_1V8AO is fed by VIN_SYS_5V0 and within it.
    Board(
        "Jetson AGX Orin",
        frozenset({"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"}),
        ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
    ),
    Board(
        "Jetson AGX Xavier",
        frozenset({"GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"}),
        ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
    ),
)
UNUSED = "NC"
"""What tegrastats calls a channel that nothing is connected to."""


def board_of(rails: Mapping[str, float]) -> Board:
    """The kind of board that has these rails. Raises InputError for rails of none that is known."""
    names = {name for name in rails if name != UNUSED}
    for board in BOARDS:
        if board.known_by <= names:
            return board
    known = "; ".join(f"{b.name}: {', '.join(sorted(b.known_by))}" for b in BOARDS)
    raise InputError(f"power rails {', '.join(sorted(names)) or 'none'} are of no board known here; expected {known}")


def total_watts(rails: Mapping[str, float]) -> float:
    """What the whole board takes, of its rails in watts. Raises InputError for rails of no known board."""
    return sum(rails[name] for name in board_of(rails).total)
