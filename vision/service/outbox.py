"""Events on their way out: every outlet gets each that concerns it, in order, until it has said that it took it.

What an outlet has taken is written down after it did, so that a kill in between delivers an event again, under the
same id: who receives sees each id once or knows it already.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from vision.service.database import Database, Event
from vision.service.metrics import Metrics

AT_ONCE = 100
LONGEST_PAUSE = 60.0
"""Seconds between two tries, at most."""
log = logging.getLogger(__name__)


class TryAgain(Exception):
    """An outlet did not take an event, and may later. `after`: seconds, if it said so."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class GiveUp(Exception):
    """An outlet will never take an event."""


class Sender(Protocol):
    """Brings one event to where it should go."""

    name: str
    types: Sequence[str]

    def send(self, event: Event) -> None:
        """Deliver, or raise TryAgain or GiveUp."""

    def close(self) -> None:
        """Let go of connections."""


class Outlet:
    """One sender and what it has delivered, in a thread of its own."""

    def __init__(self, sender: Sender, database: Database, metrics: Metrics, pause: float = 0.5) -> None:
        """A new outlet begins with what happens from now on. `pause`: seconds after the first failure; it doubles."""
        self.sender, self.name = sender, sender.name
        self.database, self.metrics, self.pause = database, metrics, pause
        self.why = ""
        self._sent = 0
        self._rung, self._stop = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name=f"outlet {self.name}", daemon=True)
        with database.transaction() as db:
            db.execute("INSERT OR IGNORE INTO outlets VALUES (?, ?)", (self.name, database.last_event))

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End after the delivery that is under way."""
        self._stop = True
        self._rung.set()
        self._thread.join(timeout=15.0)
        self.sender.close()

    def ring(self) -> None:
        """Say that there is something new."""
        self._rung.set()

    @property
    def done(self) -> int:
        """The number of the last event that was delivered, or given up."""
        return int(self.database.rows("SELECT done FROM outlets WHERE name = ?", (self.name,))[0][0])

    @property
    def waiting(self) -> int:
        """How many events it has not taken."""
        marks = ", ".join("?" * len(self.sender.types))
        query = f"SELECT count(*) FROM events WHERE seq > ? AND type IN ({marks})"
        return int(self.database.rows(query, (self.done, *self.sender.types))[0][0])

    @property
    def given_up(self) -> list[tuple[int, str]]:
        """The numbers of the events that it will not take, and why."""
        query = "SELECT seq, why FROM given_up WHERE outlet = ? ORDER BY seq"
        return [(int(seq), str(why)) for seq, why in self.database.rows(query, (self.name,))]

    def replay(self, after: int) -> None:
        """Deliver again what came after an event, and what was given up there."""
        with self.database.transaction() as db:
            db.execute("UPDATE outlets SET done = min(done, ?) WHERE name = ?", (after, self.name))
            db.execute("DELETE FROM given_up WHERE outlet = ? AND seq > ?", (self.name, after))
        self.ring()

    def _run(self) -> None:
        while not self._stop:
            self._rung.clear()
            try:
                busy = self._deliver_some()
            except Exception as error:  # the database is busy or full
                log.error("%s: %s: %s", self.name, type(error).__name__, error)
                busy = False
            if not busy:
                self._rung.wait(1.0)
        self.database.close()

    def _deliver_some(self) -> bool:
        """Deliver what is waiting, at most AT_ONCE events; whether there was any."""
        start = self.done
        events = self.database.events(start, self.sender.types, AT_ONCE)
        self.metrics.waiting.labels(self.name).set(self.waiting)
        for event in events:
            # One that was delivered and could not be written down (a full disk) is not delivered again.
            why = self._deliver(event) if event.seq != self._sent else ""
            if self._stop and why is None:
                return False
            self._sent = event.seq
            with self.database.transaction() as db:
                # A replay that was asked for meanwhile is not undone.
                moved = db.execute(
                    "UPDATE outlets SET done = ? WHERE name = ? AND done = ?", (event.seq, self.name, start)
                ).rowcount
                if why:
                    db.execute("INSERT OR REPLACE INTO given_up VALUES (?, ?, ?)", (self.name, event.seq, why))
            start, self._sent = event.seq, 0
            if not moved:
                return True
        return bool(events)

    def _deliver(self, event: Event) -> str | None:
        """Deliver one event, however long it takes. The reason if it was given up, "" if not, None if stopped."""
        pause = self.pause
        while not self._stop:
            try:
                self.sender.send(event)
            except TryAgain as error:
                if not self.why:
                    log.warning("%s: %s; tried again", self.name, error)
                self.why = str(error)
                self.metrics.failed.labels(self.name).inc()
                self._pause(error.after if error.after is not None else pause * random.uniform(0.8, 1.2))
                pause = min(2 * pause, LONGEST_PAUSE)
            except GiveUp as error:
                self.why = str(error)
                log.error("%s: event %s given up: %s", self.name, event.id, error)
                self.metrics.given_up.labels(self.name).inc()
                return str(error)
            else:
                self.why = ""
                self.metrics.delivered.labels(self.name).inc()
                return ""
        return None

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + min(seconds, LONGEST_PAUSE)
        while not self._stop and time.monotonic() < until:
            time.sleep(min(0.1, max(0.0, until - time.monotonic())))
