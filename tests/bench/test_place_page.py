"""The page to place cameras on by hand, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import configs
from bench.placement.ui.session import Session
from tests.vision.service.browser import MISSING, Browser, browsing
from tests.vision.service.listening import listening
from tests.vision.service.receiver import eventually

pytest.importorskip("fastapi", reason="no fastapi: the extra serve")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"no {' and no '.join(MISSING)} (apt-get install chromium chromium-driver)"
    ),
]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    from bench.placement.ui.app import create_app

    words = ["scenario=notebooks/kiosk", "worlds=2", "views=0", "budget=260", "models=[raspberry_pi_3]",
             "candidates=60", "workers=1", f"outputs={tmp_path_factory.mktemp('outputs')}"]  # fmt: skip
    config = configs.compose("place_ui", words)
    config.pop("start"), config.pop("port")
    session = Session(config, None, "shelfbench place ui=true")
    with listening(create_app(session)) as made:
        yield made
    session.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as made:
        yield made


def opened(browser: Browser, port: int) -> None:
    browser.open(f"http://127.0.0.1:{port}/")
    rated(browser)


def rated(browser: Browser) -> None:
    eventually(lambda: browser.text("#live").startswith("rated in"))


def known(browser: Browser) -> float:
    """Per cent of the value that the page says is known."""
    return float(browser.text("#figures li b").split()[0])


def drag(browser: Browser, selector: str, dx: int, dy: int) -> None:
    """Drag what a selector finds by pixels, with a real pointer."""
    x, y = browser.run(
        "const node = document.querySelector(arguments[0]); node.scrollIntoView({ block: 'center' });"
        "const b = node.getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]",
        selector,
    )
    moves: list[dict[str, Any]] = [
        {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}, {"type": "pointerDown", "button": 0},
        {"type": "pointerMove", "duration": 100, "x": round(x + dx / 2), "y": round(y + dy / 2)},
        {"type": "pointerMove", "duration": 100, "x": round(x + dx), "y": round(y + dy)},
        {"type": "pointerUp", "button": 0},
    ]  # fmt: skip
    mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
    browser._call("POST", f"{browser.session}/actions", {"actions": [mouse]})


def place(browser: Browser, n: int = 0) -> list[float]:
    """x, y, z and the aim's of a camera, from its fields."""
    found = browser.run(
        "const fields = document.querySelectorAll(`#cameras li:nth-of-type(${arguments[0]}) input`);"
        "return [...fields].map((i) => i.valueAsNumber)",
        n + 1,
    )
    return [float(v) for v in found]


def test_dragging_moves_a_camera_with_its_aim_and_the_ring_turns_it(browser: Browser, port: int) -> None:
    browser.resize(1280, 900)
    opened(browser, port)
    before, value = place(browser), known(browser)
    drag(browser, "[data-camera='0'] path", 40, 0)
    rated(browser)
    after = place(browser)
    assert after[0] > before[0] + 0.1
    assert after[0] - before[0] == pytest.approx(after[3] - before[3], abs=0.02)
    assert after[2] == before[2]
    drag(browser, "[data-camera='0'] .aim", -60, 0)
    rated(browser)
    turned = place(browser)
    assert turned[:3] == after[:3]
    assert turned[3] < after[3] - 0.1
    eventually(lambda: known(browser) != value)
    browser.click("#again")
    eventually(lambda: known(browser) == value)
    assert place(browser) == before
    assert browser.complaints == []


def test_cameras_are_added_removed_and_changed_and_every_figure_follows(browser: Browser, port: int) -> None:
    opened(browser, port)
    count, value = len(browser.run("return page.cameras")), known(browser)
    browser.click("#add")
    eventually(lambda: known(browser) != value)
    assert len(browser.run("return [...document.querySelectorAll('#plan .camera')].map(() => 1)")) == count + 1
    eventually(lambda: "the budget is 260" in browser.text("#broken"))
    more = known(browser)
    assert more > value
    cost = browser.text("#figures li:nth-child(2) b")
    browser.run(
        "const s = document.querySelector('#cameras li:first-child select'); s.value = 'wide_1080p';"
        "s.dispatchEvent(new Event('change')); return 0"
    )
    eventually(lambda: browser.text("#figures li:nth-child(2) b") != cost)
    for _ in range(count + 1):
        left = len(browser.run("return page.cameras"))
        browser.click("#cameras li:first-child .head button")
        eventually(lambda: len(browser.run("return page.cameras")) == left - 1)  # noqa: B023
    eventually(lambda: known(browser) == 0)
    assert "All rules are kept" in browser.text("#broken")
    fills = browser.run("return [...document.querySelectorAll('#heat .place')].map((p) => p.getAttribute('fill'))")
    assert len(fills) == 19
    assert len(set(fills)) == 1
    assert browser.complaints == []


def test_the_keyboard_moves_cameras_too(browser: Browser, port: int) -> None:
    opened(browser, port)
    before = place(browser)
    press = (
        "const event = new KeyboardEvent('keydown', { bubbles: true, key: arguments[0], shiftKey: arguments[1] });"
        "document.querySelector(`[data-camera='0']`).dispatchEvent(event); return 0"
    )
    browser.run(press, "ArrowLeft", False)
    browser.run(press, "ArrowUp", True)
    rated(browser)
    after = place(browser)
    assert after[0] == pytest.approx(before[0] - 0.05, abs=0.011)
    assert after[4] == pytest.approx(before[4] + 0.05, abs=0.011)


def test_a_rig_is_saved_and_told(browser: Browser, port: int) -> None:
    opened(browser, port)
    browser.click("#save")
    eventually(lambda: "rig.yaml" in browser.text("#saved"))
    assert Path(browser.text("#saved b")).is_file()
    assert "shelfbench run" in browser.text("#saved code")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_a_phone_and_a_screen(browser: Browser, port: int, width: int) -> None:
    browser.resize(width, 900)
    opened(browser, port)
    inner, outer = browser.run("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert inner <= outer
    loaded = browser.run("return performance.getEntriesByType('resource').map((e) => new URL(e.name).host)")
    assert set(loaded) == {f"127.0.0.1:{port}"}
