"""The check of the device set's wheels, by an index that is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from bench.wheels import PINS, PYTHONS, check, pins, table
from tests.test_house import ROOT

KEPT = (ROOT / "docs" / "wheels.md").read_text()


def recorded(pin: str, python: str) -> dict[str, Any] | None:
    """As the index answered when the kept table was made."""
    name, version = pin.split("==")
    for line in KEPT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[:3] == [python, name, version] and cells[3].endswith(".whl"):
            return {"download_info": {"url": f"https://index/{cells[3]}"}, "metadata": {}}
    return None


def test_every_pin_of_the_device_set_has_a_wheel_in_the_kept_table() -> None:
    wheels, wrong = check(PINS.read_text(), recorded)
    assert wrong == []
    assert {w.python for w in wheels} == set(PYTHONS)
    for wheel in wheels:
        tag = f"cp{wheel.python.replace('.', '')}"
        assert any(part in wheel.file for part in (tag, "abi3", "py3-none-any")), wheel
        assert any(part in wheel.file for part in ("aarch64", "none-any")), wheel
    assert table(wheels) in KEPT


def test_the_core_and_its_runtime_are_pinned_on_both_pythons() -> None:
    for python in PYTHONS:
        assert {"numpy", "pyyaml", "opencv-python-headless", "onnxruntime"} <= set(pins(PINS.read_text(), python))
    assert pins(PINS.read_text(), "3.10")["onnxruntime"] == "1.23.2"  # the last for Python 3.10


@pytest.mark.parametrize(
    ("wants", "told"),
    [
        (["numpy>=2"], []),
        (["numpy<2"], ["a 1.0 on Python 3.10 wants numpy<2; pinned is 2.2.6"]),
        (['numpy<2; python_version < "3.9"', 'x; sys_platform == "win32"', 'y; extra == "z"'], []),
        (["sympy"], []),  # which no device needs
        (["Other_Thing>=1"], ["a 1.0 on Python 3.10 wants Other_Thing>=1; pinned is nothing"]),
    ],
)
def test_what_a_wheel_wants_has_to_be_pinned(wants: list[str], told: list[str]) -> None:
    def ask(pin: str, python: str) -> dict[str, Any] | None:
        name = pin.split("==")[0]
        metadata = {"requires_dist": wants} if name == "a" else {}
        return {"download_info": {"url": f"https://index/{name}-py3-none-any.whl"}, "metadata": metadata}

    pinned = 'a==1.0; python_version < "3.11"\nnumpy==2.2.6\n'
    assert check(pinned, ask)[1] == told


def test_a_pin_without_a_wheel_is_named() -> None:
    wheels, wrong = check("# comment\nnumpy==2.2.6\n", lambda pin, python: None)
    assert [w.found for w in wheels] == [False, False]
    assert wrong[0] == "numpy 2.2.6 has no wheel for Python 3.10 on aarch64"
    assert "**none**" in table(wheels)
