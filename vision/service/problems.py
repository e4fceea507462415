"""Why the service refuses something: each reason has a code, and what it is in HTTP."""

from __future__ import annotations

STATUS = {
    "unknown camera": 404,
    "unknown": 404,
    "has a source": 409,
    "out of order": 409,
    "seen twice": 409,
    "in the future": 422,
    "wrong size": 422,
    "not a picture": 422,
    "not a jpeg": 415,
    "not a picture type": 415,
    "not a camera": 422,
    "too large": 413,
    "too slow": 408,
    "not possible": 409,
    "not a type": 422,
    "not an event": 422,
    "unknown sku": 422,
    "another message": 409,
    "not signed": 401,
    "busy": 429,
    "too many requests": 429,
    "too many streams": 429,
    "not saved": 503,
    "not read in time": 503,
}


class Refused(Exception):
    """Something that is not taken. `retry_after`: seconds after which it may be."""

    def __init__(self, code: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retry_after = code, detail, retry_after

    @property
    def status(self) -> int:
        """Of the answer in HTTP."""
        return STATUS[self.code]
