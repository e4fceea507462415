"""What stands before every route: limits on rates and bodies, and headers that browsers obey."""

from __future__ import annotations

import asyncio
import math
import threading
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vision.service.problems import Refused

SMALL_BODY = 64 * 1024
"""Bytes that a request may have, but for a frame."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
ONE_YEAR = "max-age=31536000"


class Rates:
    """Token buckets by name: so many a minute each, as many at once as ten seconds' worth, ten at least."""

    def __init__(self, per_minute: float) -> None:
        self.per_second, self.most = per_minute / 60, max(10.0, per_minute / 6)
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Take one. Raises Refused where none is left."""
        with self._lock:
            now = time.monotonic()
            left = self._now(name, now)
            if left < 1:
                wait = (1 - left) / self.per_second
                raise Refused("too many requests", f"expected at most {60 * self.per_second:g} a minute", wait)
            self._left[name] = (left - 1, now)
            if len(self._left) > 10_000:
                self._left = {n: v for n, v in self._left.items() if self._now(n, now) < self.most}

    def _now(self, name: str, now: float) -> float:
        left, then = self._left.get(name, (self.most, now))
        return min(self.most, left + (now - then) * self.per_second)


class SafeHeaders:
    """Adds HEADERS to every answer that does not say otherwise; with `tls` also that only https will do."""

    def __init__(self, app: ASGIApp, tls: bool) -> None:
        self.app = app
        self.headers = {**HEADERS, **({"Strict-Transport-Security": ONE_YEAR} if tls else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class SmallBodies:
    """Refuses bodies over SMALL_BODY and those that do not arrive in time, but for the paths that end in `large`,
    which see to that themselves."""

    def __init__(self, app: ASGIApp, large: tuple[str, ...], seconds: float) -> None:
        self.app, self.large, self.seconds = app, large, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith(self.large):
            await self.app(scope, receive, send)
            return
        taken, whole = 0, False
        until = time.monotonic() + self.seconds

        async def limited() -> Message:
            nonlocal taken, whole
            if whole:  # what comes now is the end of the connection
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.01, until - time.monotonic()))
            except asyncio.TimeoutError:
                raise Refused("too slow", f"expected the body within {self.seconds:g} s") from None
            taken += len(message.get("body", b""))
            whole = not message.get("more_body")
            if taken > SMALL_BODY:
                raise Refused("too large", f"expected at most {SMALL_BODY} bytes")
            return message

        await self.app(scope, limited, send)


def retry_after(seconds: float) -> str:
    """Whole seconds for the header."""
    return str(max(1, math.ceil(seconds)))
