"""A page over many stores: the dearest first, and those that do not answer named."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from scenarios import InputError
from tests.vision.service.browser import MISSING, browsing
from tests.vision.service.listening import listening
from tests.vision.service.receiver import eventually
from tests.vision.service.served import Caller, service_of
from tests.vision.watched import FULL, OUT
from vision.service.chain.app import create_chain_app
from vision.service.chain.chain import Chain
from vision.service.chain.settings import ChainSettings, StoreSettings, load_chain
from vision.service.settings import HttpSettings

STORES = 30
SECRET = "a secret of all stores"


class Shops(BaseHTTPRequestHandler):
    """Thirty services at one port, each under a path of its own; one never answers, one refuses the secret."""

    hang = threading.Event()

    def _say(self, status: int, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        wrong = self.path.startswith("/5/")
        self._say(401 if wrong else 200, {"access_token": "t", "expires_in": 900})

    def do_GET(self) -> None:
        number = int(self.path.split("/")[1])
        if number == 6:
            self.hang.wait(20)
            return
        said = {
            "time": 1.0, "ready": True, "positions": {"in_stock": 90, "out": number, "low": 0, "unknown": 3},
            "availability": 0.9, "alerts": number, "value": 10.0 * number, "to_review": 0,
            "dearest": [f"out: Soup {number}"], "cameras": 4, "bad_cameras": ["door"] if number == 7 else [],
        }  # fmt: skip
        self._say(200, said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def shops() -> Iterator[int]:
    Shops.hang.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shops)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    Shops.hang.set()
    server.shutdown()
    server.server_close()


def chain_of(folder: Path, port: int, stores: int = STORES, **changes: Any) -> Chain:
    (folder / "secret").write_text(SECRET)
    rows = tuple(
        StoreSettings(f"store {n:02d}", f"http://127.0.0.1:{port}/{n}", "chain", str(folder / "secret"))
        for n in range(stores)
    )
    given = {"every": 0.2, "patience": 1.0, "http": HttpSettings(plain=True), **changes}
    return Chain(ChainSettings(rows, str(folder / "state"), **given))


def token_of(http: TestClient, chain: Chain) -> str:
    secret = chain.clients.add("boss", ["read"])
    form = {"grant_type": "client_credentials"}
    return str(http.post("/oauth/token", data=form, auth=("boss", secret)).json()["access_token"])


def test_stores_that_do_not_answer_hold_up_no_other_and_are_named(tmp_path: Path, shops: int) -> None:
    chain = chain_of(tmp_path, shops)
    with TestClient(create_chain_app(chain)) as http:
        assert http.get("/v1/stores").status_code == 401
        http.headers["Authorization"] = f"Bearer {token_of(http, chain)}"
        begun = time.monotonic()
        eventually(lambda: sum(s["why"] == "" for s in http.get("/v1/stores").json()) == STORES - 2, 20)
        assert time.monotonic() - begun < 10
        eventually(lambda: "no answer" in http.get("/v1/stores").json()[6]["why"])
        rows = http.get("/v1/stores").json()
        assert rows[5]["why"] == "answers 401"
        assert rows[6]["summary"] is None
        assert rows[8]["summary"]["value"] == 80.0
        assert rows[8]["seconds_ago"] < 10
        assert SECRET not in json.dumps(rows)


def test_a_store_that_went_away_keeps_what_it_last_said(tmp_path: Path) -> None:
    with Caller(service_of(tmp_path / "store")) as caller:
        secret = caller.service.clients.add("chain", ["read"])
        with listening(caller.app) as port:
            (tmp_path / "secret").write_text(secret)
            row = StoreSettings("one", f"http://127.0.0.1:{port}", "chain", str(tmp_path / "secret"))
            settings = ChainSettings((row,), str(tmp_path / "chain"), 0.1, 1.0, HttpSettings(plain=True))
            chain = Chain(settings)
            with TestClient(create_chain_app(chain)) as http:
                http.headers["Authorization"] = f"Bearer {token_of(http, chain)}"
                caller.play([FULL] * 3 + [OUT] * 8)

                def said() -> dict:
                    return http.get("/v1/stores").json()[0]

                eventually(lambda: said()["summary"] and said()["summary"]["alerts"] == 1)
                assert said()["summary"]["positions"]["out"] == 1
                assert said()["summary"]["dearest"][0].startswith("out: Brandbox")
                chain.stores[0].client.base_url = "http://127.0.0.1:9"
                eventually(lambda: "no answer" in said()["why"])
                assert said()["summary"]["alerts"] == 1
                assert said()["seconds_ago"] > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stores: []", "none; expected one at least"),
        ("stores: [{name: a, url: ftp://x, client: c, secret_file: s}]", "http:// or https://"),
        ("stores: [{name: a, url: http://x, client: c, secret_file: s}]\nevery: 0", "every 0.0"),
    ],
)
def test_a_chain_that_makes_no_sense_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "chain.yaml").write_text(text)
    with pytest.raises(InputError, match=expected):
        load_chain(tmp_path / "chain.yaml")


def test_a_client_of_a_chain_is_added_by_the_same_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from vision.cli import main

    (tmp_path / "chain.yaml").write_text("stores:\n- {name: a, url: http://x, client: c, secret_file: s}\n")
    main(["client", str(tmp_path / "chain.yaml"), "--add", "boss"])
    assert capsys.readouterr().out.startswith("boss: ")
    assert (tmp_path / "chain" / "chain.db").is_file()


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"no {' and no '.join(MISSING)} (apt-get install chromium chromium-driver)")
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_shows_the_worst_store_first_and_fits(tmp_path: Path, shops: int, width: int) -> None:
    chain = chain_of(tmp_path, shops)
    app = create_chain_app(chain)
    with TestClient(app), listening(app) as port, browsing() as browser:
        secret = chain.clients.add("boss", ["read"])
        browser.resize(width, 900)
        browser.open(f"http://127.0.0.1:{port}/")
        browser.type("#name", "boss")
        browser.type("#secret", secret)
        browser.click("#login button")
        eventually(lambda: browser.run("return document.querySelectorAll('#stores li').length") == STORES)
        eventually(lambda: "answers 401" in browser.text("#stores"))
        eventually(lambda: browser.text("#stores li:nth-child(3) a") == "store 29")
        first = [browser.text(f"#stores li:nth-child({n}) a") for n in (1, 2, 3, 4)]
        assert first == ["store 05", "store 06", "store 29", "store 28"]
        assert "door" in browser.text("#stores")
        assert "30\nstores" in browser.text("#levels")
        inner = browser.run("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert inner[0] <= inner[1]
        browser.type("#find", "12")
        assert browser.run("return document.querySelectorAll('#stores li').length") == 1
        assert browser.complaints == []
