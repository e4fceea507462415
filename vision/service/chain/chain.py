"""Many stores looked at in turn: how each is, and since when one has not answered."""

from __future__ import annotations

import logging
import queue
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from vision.service.access import Clients, Tokens, signing_key
from vision.service.chain.settings import ChainSettings, StoreSettings
from vision.service.database import Database
from vision.service.guard import Rates
from vision.service.metrics import Metrics
from vision.service.service import KEY
from vision.service.settings import read_secret

LOOKERS = 8
"""Stores that are asked at once: some that do not answer do not hold up the others."""
MOST = 1_000_000
"""Bytes of an answer that are read."""
DATABASE = "chain.db"
log = logging.getLogger(__name__)


@dataclass
class Store:
    """One store as it was last seen: what its service says of it (`GET /v1/summary`), when it said so (by this
    machine's clock), and why it does not now."""

    settings: StoreSettings
    client: httpx.Client
    secret: str = field(repr=False)
    summary: dict[str, Any] | None = None
    heard: float = 0.0
    why: str = "not asked yet"
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    def look(self) -> None:
        """Ask it once."""
        try:
            if time.monotonic() >= self._until:
                self._renew()
            answer = self.client.get("/v1/summary", headers={"Authorization": f"Bearer {self._token}"})
            if answer.status_code in (401, 403):
                self._until = 0.0
            answer.raise_for_status()
            said = answer.json()
            if len(answer.content) > MOST or not isinstance(said, dict):
                raise ValueError("no summary")
        except httpx.HTTPStatusError as error:
            self.why = f"answers {error.response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            self.why = f"no answer ({type(error).__name__})"
        else:
            self.summary, self.heard, self.why = said, time.time(), ""

    def _renew(self) -> None:
        form = {"grant_type": "client_credentials", "scope": "read"}
        answer = self.client.post("/oauth/token", data=form, auth=(self.settings.client, self.secret))
        answer.raise_for_status()
        said = answer.json()
        self._token, self._until = str(said["access_token"]), time.monotonic() + 0.8 * float(said["expires_in"])


class Chain:
    """The stores of a chain, and who may see them."""

    def __init__(self, settings: ChainSettings) -> None:
        """Raises InputError for a secret or a certificate that is not there."""
        self.settings = settings
        self.stores = [_store(s, settings.patience) for s in settings.stores]
        state = Path(settings.state)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = Database(state / DATABASE)
        self.clients = Clients(self.database)
        access = settings.access
        self.tokens = Tokens(self.clients, signing_key(state / KEY), access.issuer, access.token_seconds)
        http = settings.http
        self.requests, self.logins = Rates(http.requests_per_minute), Rates(http.logins_per_minute)
        self.metrics = Metrics()
        self._stop = threading.Event()
        self._due: queue.SimpleQueue[Store] = queue.SimpleQueue()
        count = min(LOOKERS, len(self.stores))
        self._threads = [threading.Thread(target=self._look, name=f"looker {n}", daemon=True) for n in range(count)]
        self._clock = threading.Thread(target=self._tick, name="chain", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        for thread in (*self._threads, self._clock):
            thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        for store in self.stores:
            self._due.put(store)
        for store in self.stores:
            store.client.close()
        self.database.close()

    def _tick(self) -> None:
        while True:
            for store in self.stores:
                self._due.put(store)
            while not self._due.empty() and not self._stop.is_set():
                self._stop.wait(0.05)
            if self._stop.wait(self.settings.every):
                return

    def _look(self) -> None:
        while True:
            store = self._due.get()
            if self._stop.is_set():
                return
            before = store.why
            store.look()
            if store.why and store.why != before:
                log.warning("%s: %s", store.settings.name, store.why)


def _store(settings: StoreSettings, patience: float) -> Store:
    context = ssl.create_default_context(cafile=settings.ca or None)
    client = httpx.Client(base_url=settings.url, timeout=patience, verify=context)
    return Store(settings, client, read_secret(settings.secret_file))
