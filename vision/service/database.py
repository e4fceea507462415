"""What the service keeps: one SQLite file. A frame's reading, its alerts and its events are there together or not at
all, whatever happens to the process."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scenarios import InputError, Layout
from vision.alerts import Alert, in_words

FORM = "shelfwatch service 2"
TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE state (part TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE readings (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, time REAL NOT NULL, received REAL NOT NULL,
    data BLOB NOT NULL, UNIQUE (camera, time));
CREATE INDEX readings_received ON readings (received);
CREATE TABLE review (seq INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, subject TEXT NOT NULL, time REAL NOT NULL,
    made REAL NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_made ON events (made);
CREATE INDEX events_type ON events (type, seq);
CREATE INDEX events_subject ON events (type, subject, seq);
CREATE TABLE outlets (name TEXT PRIMARY KEY, done INTEGER NOT NULL);
CREATE TABLE given_up (outlet TEXT NOT NULL, seq INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (outlet, seq));
CREATE TABLE told (
    link TEXT NOT NULL, id TEXT NOT NULL, line INTEGER NOT NULL, digest TEXT NOT NULL, type TEXT NOT NULL,
    sku TEXT NOT NULL, units REAL NOT NULL, time REAL NOT NULL, received REAL NOT NULL, PRIMARY KEY (link, id, line));
CREATE TABLE clients (id TEXT PRIMARY KEY, secret TEXT NOT NULL, scopes TEXT NOT NULL, made REAL NOT NULL);
"""


BAY = "bay/"
"""Before the name of a part of the state that is one bay's."""


@dataclass(frozen=True)
class Event:
    """Something that happened, for others to hear of. `id` is the same however often it is delivered."""

    seq: int
    id: str
    type: str
    subject: str
    time: float
    data: dict[str, Any]


class Database:
    """One SQLite file, opened once by each thread that asks it something."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises InputError for a file that is none of ours."""
        self.path = path
        self._local = threading.local()
        try:
            with self.transaction() as db:
                if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                    for statement in TABLES.split(";\n"):
                        db.execute(statement)
                    rows = [("form", FORM), ("store", uuid.uuid4().hex[:12])]
                    db.executemany("INSERT INTO about VALUES (?, ?)", rows)
            found = self.about("form")
        except sqlite3.DatabaseError as error:
            raise InputError(f"{path}: {error}; expected {FORM}") from None
        if found != FORM:
            raise InputError(f"{path}: form {found!r}; expected {FORM!r}")
        self.store = str(self.about("store"))

    def __str__(self) -> str:
        return str(self.path)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's own."""
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
            # With synchronous=FULL what was committed outlives a power cut, not only a kill.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                db.execute(f"PRAGMA {pragma}")
        return db  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close this thread's connection; those of others close when their threads end."""
        db = getattr(self._local, "db", None)
        if db is not None:
            db.close()
            self._local.db = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done within is on the disk when this ends, or nothing of it. Raises sqlite3.Error."""
        db = self.connection
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def about(self, key: str) -> str | None:
        """One of the facts about the whole."""
        row = self.connection.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_state(self, parts: dict[str, str], gone: Iterable[str]) -> None:
        """Put parts of what is known in the place of what they were, and take away those that are `gone`."""
        self.connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", parts.items())
        self.connection.executemany("DELETE FROM state WHERE part = ?", [(part,) for part in gone])

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        return self.connection.execute(query, values).fetchall()

    def add_reading(self, camera: str, time: float, received: float, data: dict[str, Any]) -> int:
        """Add what a frame gave; its number."""
        row = (camera, time, received, zlib.compress(json.dumps(data, allow_nan=False).encode(), 1))
        query = "INSERT INTO readings (camera, time, received, data) VALUES (?, ?, ?, ?)"
        return int(self.connection.execute(query, row).lastrowid or 0)

    def readings(
        self, camera: str | None = None, after: int = 0, limit: int = 100, near: float | None = None
    ) -> list[dict[str, Any]]:
        """Readings in the order in which they came; `near`: those within a millisecond of a time."""
        query = (
            "SELECT seq, camera, time, received, data FROM readings WHERE seq > ?1 AND (?2 IS NULL OR camera = ?2) "
            "AND (?4 IS NULL OR time BETWEEN ?4 - 0.001 AND ?4 + 0.001) ORDER BY seq LIMIT ?3"
        )
        return [_reading(row) for row in self.rows(query, (after, camera, limit, near))]

    def reading(self, seq: int) -> dict[str, Any] | None:
        """One reading by its number."""
        found = self.rows("SELECT seq, camera, time, received, data FROM readings WHERE seq = ?", (seq,))
        return _reading(found[0]) if found else None

    def has_reading(self, camera: str, time: float) -> bool:
        """Whether this very frame was read."""
        return bool(self.rows("SELECT 1 FROM readings WHERE camera = ? AND time = ?", (camera, time)))

    def add_event(self, type: str, subject: str, time: float, made: float, data: dict[str, Any]) -> None:
        """Put something into the outbox."""
        row = (type, subject, time, made, json.dumps(data, allow_nan=False))
        self.connection.execute("INSERT INTO events (type, subject, time, made, data) VALUES (?, ?, ?, ?, ?)", row)

    def last_told(self, type: str, subject: str) -> dict[str, Any]:
        """What the newest event of a type says of something, {} where there is none."""
        query = "SELECT data FROM events WHERE type = ? AND subject = ? ORDER BY seq DESC LIMIT 1"
        found = self.rows(query, (type, subject))
        return dict(json.loads(found[0][0])) if found else {}

    def has_task(self, position: str, id: str) -> bool:
        """Whether a task was ever opened."""
        found = self.rows("SELECT data FROM events WHERE type = 'task' AND subject = ?", (position,))
        return any(json.loads(data)["id"] == id for (data,) in found)

    def events(self, after: int, types: Sequence[str], limit: int = 100) -> list[Event]:
        """What the outbox holds after a number."""
        marks = ", ".join("?" * len(types))
        query = "SELECT seq, type, subject, time, data FROM events"
        found = self.rows(f"{query} WHERE seq > ? AND type IN ({marks}) ORDER BY seq LIMIT ?", (after, *types, limit))
        return [Event(row[0], f"{self.store}-{row[0]}", row[1], row[2], row[3], json.loads(row[4])) for row in found]

    @property
    def last_event(self) -> int:
        """The number of the newest event that there ever was."""
        found = self.rows("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        return int(found[0][0]) if found else 0

    def forget(self, readings_before: float, events_before: float) -> None:
        """Delete what is older, in seconds since 1970 by this machine's clock."""
        with self.transaction() as db:
            db.execute("DELETE FROM readings WHERE received < ?", (readings_before,))
            db.execute("DELETE FROM events WHERE made < ? AND type = 'reading'", (readings_before,))
            db.execute("DELETE FROM events WHERE made < ?", (events_before,))
            db.execute("DELETE FROM told WHERE received < ?", (events_before,))
            db.execute("DELETE FROM given_up WHERE seq NOT IN (SELECT seq FROM events)")


def _reading(row: tuple[Any, ...]) -> dict[str, Any]:
    seq, camera, time, received, data = row
    return {"seq": seq, "camera": camera, "time": time, "received": received, **json.loads(zlib.decompress(data))}


class _ReviewLog:
    """The review queue's log as a table."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __str__(self) -> str:
        return f"{self.database} (review)"

    def read(self, start: int = 0) -> tuple[list[dict[str, Any]], int]:
        found = self.database.rows("SELECT seq, data FROM review WHERE seq > ? ORDER BY seq", (start,))
        return [json.loads(data) for _, data in found], found[-1][0] if found else start

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        values = [(json.dumps(row, allow_nan=False),) for row in rows]
        self.database.connection.executemany("INSERT INTO review (data) VALUES (?)", values)


class KeptInDatabase:
    """A watch kept in the database, of which only those parts are written that have changed: each bay is one. It is
    written within a transaction, so that nothing can be there by half; after one that failed begin with a new
    object."""

    def __init__(self, database: Database, layout: Layout) -> None:
        self.database, self.layout, self.review = database, layout, _ReviewLog(database)
        self._kept: dict[str, Any] = {}

    def __str__(self) -> str:
        return str(self.database)

    def state(self) -> dict[str, Any] | None:
        """See `vision.watch.Kept`."""
        self._kept = {part: json.loads(data) for part, data in self.database.rows("SELECT part, data FROM state")}
        if not self._kept:
            return None
        bays = {part.removeprefix(BAY): data for part, data in self._kept.items() if part.startswith(BAY)}
        rest = {part: data for part, data in self._kept.items() if not part.startswith(BAY)}
        return {**rest, "memory": {**rest.get("memory", {}), "bays": bays}}

    def said(self) -> set[tuple[str, str]]:
        """None: an alert and the state that led to it are written together."""
        return set()

    def add_alerts(self, alerts: Sequence[Alert]) -> None:
        """Put them into the outbox; see `vision.watch.Kept`."""
        for alert in alerts:
            data = {**asdict(alert), "text": in_words(self.layout, alert)}
            self.database.add_event("alert", alert.subject, alert.time, time.time(), data)

    def save_state(self, state: dict[str, Any]) -> None:
        """See `vision.watch.Kept`."""
        memory = dict(state["memory"])
        parts = {f"{BAY}{name}": bay for name, bay in memory.pop("bays").items()}
        parts |= {**state, "memory": memory}
        new = {part: data for part, data in parts.items() if self._kept.get(part) != data}
        texts = {part: json.dumps(data, allow_nan=False) for part, data in new.items()}
        self.database.set_state(texts, self._kept.keys() - parts.keys())
        self._kept = parts
