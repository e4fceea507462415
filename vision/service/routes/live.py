"""Events as they happen: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query, Request, Security
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from vision.service.problems import Refused
from vision.service.routes.common import After, Caller, require, routes_with, the_service
from vision.service.service import Service
from vision.service.settings import EVENT_TYPES

HEARTBEAT = 15.0
"""Seconds without an event after which a comment says that the stream is alive."""
router = routes_with("read")


@router.get("/v1/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    request: Request,
    caller: Annotated[Caller, Security(require, scopes=["read"])],
    after: Annotated[After | None, Query(description="the number of the last event that is known already")] = None,
    type: Annotated[list[str] | None, Query(max_length=10, description="alert, shelf, reading; all without it")] = None,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> StreamingResponse:
    """A stream of events. It goes on after the event that `Last-Event-ID` or `after` names, else with what happens
    from now on, and ends with the token."""
    service = the_service(request)
    types = EVENT_TYPES if not type else tuple(type)
    if set(types) - set(EVENT_TYPES):
        raise Refused("not a type", f"expected some of {', '.join(EVENT_TYPES)}")
    if service.streams >= service.settings.http.streams:
        raise Refused("too many streams", f"expected at most {service.settings.http.streams} at once", 60.0)
    begin = _number(last_event_id) if last_event_id is not None else after
    if begin is None:
        begin = await run_in_threadpool(lambda: service.database.last_event)
    return StreamingResponse(_stream(service, caller, begin, types), media_type="text/event-stream")


def _number(id: str) -> int:
    digits = id.rpartition("-")[2]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Refused("not a type", "Last-Event-ID; expected the id of an event")
    return int(digits)


async def _stream(service: Service, caller: Caller, after: int, types: tuple[str, ...]) -> AsyncIterator[str]:
    loop, rung = asyncio.get_running_loop(), asyncio.Event()

    def ring() -> None:
        loop.call_soon_threadsafe(rung.set)

    service.engine.listen.append(ring)
    service.streams += 1
    service.metrics.streams.set(service.streams)
    try:
        yield ": begun\n\n"
        while not service.stopping and time.time() < caller.until:
            rung.clear()
            found = await run_in_threadpool(service.database.events, after, types, 100)
            for event in found:
                after = event.seq
                data = {"id": event.id, "type": event.type, "subject": event.subject, "time": event.time}
                yield f"id: {event.id}\nevent: {event.type}\ndata: {json.dumps({**data, 'data': event.data})}\n\n"
            if found:
                continue
            try:
                await asyncio.wait_for(rung.wait(), min(HEARTBEAT, max(0.01, caller.until - time.time())))
            except asyncio.TimeoutError:
                if await run_in_threadpool(service.clients.find, caller.client) is None:
                    return
                yield ": alive\n\n"
    finally:
        service.engine.listen.remove(ring)
        service.streams -= 1
        service.metrics.streams.set(service.streams)
