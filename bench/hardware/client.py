"""A running service, as one that sends it frames sees it: tokens, answers, and how far its clock is from this one's."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from scenarios import InputError

RENEW = 0.8
"""The share of a token's time after which a new one is fetched."""
PROBES = 16
"""Questions for the time; the one that was answered soonest counts."""


@dataclass(frozen=True)
class Clock:
    """How many seconds a service's clock is ahead of this machine's, by at most `bound` more or less (RFC 5905: half
    the time that question and answer took on their way)."""

    ahead: float
    bound: float


class Client:
    """Requests to one service with a token that is renewed in time. Several threads may use one."""

    def __init__(self, url: str, name: str, secret: str, timeout: float = 60.0) -> None:
        """Raises InputError for what is no address."""
        if not url.startswith(("http://", "https://")):
            raise InputError(f"target {url}: expected http://DEVICE:PORT or https://DEVICE:PORT")
        self.url, self.name = url.rstrip("/"), name
        self._secret = secret
        self._http = httpx.Client(base_url=self.url, timeout=timeout, follow_redirects=False)
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """An answer, whatever its status. Raises httpx.HTTPError where there is none, InputError without a token."""
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self._good_token()}"}
        return self._http.request(method, path, headers=headers, **options)

    def get(self, path: str, **params: Any) -> Any:
        """What a route answers. Raises InputError for anything but that."""
        try:
            answer = self.request("GET", path, params=params)
        except httpx.HTTPError as error:
            raise InputError(f"{self.url}: no answer ({type(error).__name__}); expected a `shelfwatch serve`") from None
        return _fine(answer, f"{self.url}{path}").json()

    def stream(self, path: str, headers: dict[str, str], **params: Any) -> Any:
        """A context with an answer that goes on. Raises httpx.HTTPError."""
        given = {**headers, "Authorization": f"Bearer {self._good_token()}"}
        # Longer than the service's heartbeat.
        return self._http.stream("GET", path, params=params, headers=given, timeout=httpx.Timeout(60.0, read=45.0))

    def clock(self, probes: int = PROBES) -> Clock:
        """Compare clocks (RFC 5905, 8). Raises InputError."""
        best = Clock(0.0, float("inf"))
        for _ in range(probes):
            asked = time.time()
            told = self.get("/v1/about")
            heard = time.time()
            way = (heard - asked) - (told["answered"] - told["arrived"])
            ahead = ((told["arrived"] - asked) + (told["answered"] - heard)) / 2
            if way / 2 < best.bound:
                best = Clock(ahead, way / 2)
        return best

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _good_token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    form = {"grant_type": "client_credentials"}
                    answer = self._http.post("/oauth/token", data=form, auth=(self.name, self._secret))
                except httpx.HTTPError as error:
                    raise InputError(
                        f"{self.url}: no answer ({type(error).__name__}); expected a `shelfwatch serve`"
                    ) from None
                if answer.status_code == 401:
                    raise InputError(f"{self.url}: {self.name} is no client, or this is not its secret; see "
                                     "`shelfwatch client`")  # fmt: skip
                said = _fine(answer, f"{self.url}/oauth/token").json()
                self._token = said["access_token"]
                self._until = time.monotonic() + RENEW * float(said["expires_in"])
            return self._token


def connect(url: str, name: str, secret_file: str) -> Client:
    """A client whose secret is the first line of a file. Raises InputError."""
    if not name or not secret_file:
        raise InputError("target: expected client=NAME and secret_file=FILE with it (`shelfwatch client --add NAME`)")
    try:
        secret = Path(secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"secret_file {secret_file}: {type(error).__name__}; expected a file with a secret") from None
    return Client(url, name, secret)


def problem(answer: httpx.Response) -> str:
    """What a refusal says, in one line."""
    try:
        said = answer.json()
        return f"{answer.status_code} {said['title']}: {said['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code}"


def _fine(answer: httpx.Response, where: str) -> httpx.Response:
    if answer.status_code >= 300:
        raise InputError(f"{where}: {problem(answer)}")
    return answer
