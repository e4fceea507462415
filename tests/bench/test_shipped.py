"""The README says of the shipped weights what their cards say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.training.shipped import TOP1, figure, table
from bench.tuning.calibration import write_figures

README = Path(__file__).parents[2] / "README.md"
CARD = """# mine

- data: 12 pictures, 90 boxes
- recipe: epochs 8, starting from nothing
- trained as far as the time reached: 2.5 of 8 passes over the data in 3 minutes

Figures of this file:

- product AP50: 0.9000
"""


def test_the_readme_has_the_table_of_the_cards() -> None:
    block = README.read_text(encoding="utf-8").split("<!-- weights -->")[1]
    assert block.strip() == table()


def test_a_line_says_what_the_card_says(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(CARD)
    (tmp_path / "mine.onnx").write_bytes(bytes(2_000_000))
    line = table(tmp_path).splitlines()[-1]
    assert line == "| mine | 0.900 | – | – | – | 2.0 | 2.5 passes over 12 pictures |"


def test_a_calibration_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    card = tmp_path / "mine.md"
    card.write_text(CARD)
    for value in (0.5, 0.75):
        write_figures(card, 14, {TOP1: value})
    assert card.read_text().startswith(CARD)
    assert card.read_text().count("Calibration (mine.json)") == 1
    assert figure(card.read_text(), TOP1) == pytest.approx(0.75)
