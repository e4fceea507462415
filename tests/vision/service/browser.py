"""A headless Chromium, driven as https://www.w3.org/TR/webdriver2/ says (Debian packages chromium, chromium-driver)."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.vision.service.receiver import eventually, free_port

MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One page."""

    def __init__(self, driver: str) -> None:
        self.http = httpx.Client(base_url=driver, timeout=90)
        options = {"args": list(ARGUMENTS)}
        wish = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.session = f"/session/{self._call('POST', '/session', {'capabilities': wish})['sessionId']}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.http.request(method, path, json=body)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def open(self, url: str) -> None:
        self._call("POST", f"{self.session}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function's body returns in the page."""
        return self._call("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def _find(self, selector: str) -> str:
        found = self._call("POST", f"{self.session}/element", {"using": "css selector", "value": selector})
        return f"{self.session}/element/{found[ELEMENT]}"

    def type(self, selector: str, text: str) -> None:
        self._call("POST", f"{self._find(selector)}/value", {"text": text})

    def click(self, selector: str) -> None:
        self._call("POST", f"{self._find(selector)}/click", {})

    def text(self, selector: str) -> str:
        """All the text that a person sees there."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def resize(self, width: int, height: int) -> None:
        self._call("POST", f"{self.session}/window/rect", {"width": width, "height": height})

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", f"{self.session}/screenshot")))

    @property
    def complaints(self) -> list[str]:
        """What the browser wrote to its console since the last time."""
        return [row["message"] for row in self._call("POST", f"{self.session}/se/log", {"type": "browser"})]

    def close(self) -> None:
        self._call("DELETE", self.session)
        self.http.close()


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser until the end of the block."""
    port = free_port()
    driver = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ready() -> bool:
        try:
            return bool(httpx.get(f"{driver}/status", timeout=5).json()["value"]["ready"])
        except httpx.HTTPError:
            return False

    try:
        eventually(ready)
        browser = Browser(driver)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(10)
