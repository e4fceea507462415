"""Killed at any moment, the service loses nothing that it acknowledged, and says nothing twice."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from tests.vision.service.kills import Told, faults, plainly, play
from tests.vision.service.served import Caller, service_of
from tests.vision.watched import FULL, OUT, story
from vision.service.database import Database


@pytest.mark.slow
def test_killed_while_frames_come_in_nothing_is_lost_or_repeated(tmp_path: Path) -> None:
    for name in ("plain", "killed"):
        (tmp_path / name).mkdir()
    expected = plainly(tmp_path / "plain", 28)
    killed = play(tmp_path / "killed", 28, 2, seed=5)
    assert (killed.kills, len(killed.acknowledged), len(expected)) == (2, 28, 2)
    assert faults(killed, expected) == []


def test_faults_are_found() -> None:
    """The judge of the test above."""
    good = Told([0.0, 5.0], 0, [("x-1", "a", "raised")], [("a", "raised")], [0.0, 5.0])
    assert faults(good, good.alerts) == []
    lost = dataclasses.replace(good, readings=[0.0])
    twice = dataclasses.replace(good, alerts=[("a", "raised")] * 2)
    other_id = dataclasses.replace(good, received=[*good.received, ("x-2", "a", "raised")])
    same_id = dataclasses.replace(good, received=good.received * 2)
    assert [len(faults(told, good.alerts)) for told in (lost, twice, other_id, same_id)] == [1, 1, 1, 0]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[tuple]:
    from tests.vision.service.served import still
    from vision import watch as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "find_drift", still)
        with Caller(service_of(tmp_path_factory.mktemp("whole"))) as caller:
            caller.play(story(26))
            return events(caller)


def events(caller: Caller) -> list[tuple]:
    found = caller.service.database.events(0, ("alert", "shelf", "reading"), 1000)
    return [(e.type, e.subject, e.time, {**e.data, "age": 0}) for e in found]


STEPS = ["add_event", "set_state"]


@pytest.mark.parametrize("step", STEPS)
def test_where_the_disk_fails_at_any_step_the_frame_is_not_taken_and_can_be_sent_again(
    tmp_path, monkeypatch, undisturbed, step: str
) -> None:
    def full(*_, **__) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with Caller(service_of(tmp_path)) as caller:
        for i, what in enumerate(story(26)):
            if i % 3 == 2:
                with monkeypatch.context() as patch:
                    patch.setattr(Database, step, full)
                    refused = caller.post(5.0 * i, what)
                    assert (refused.status_code, refused.json()["title"]) == (503, "not saved")
                    assert "retry-after" in refused.headers
                    assert caller.http.get("/ready").status_code == 503
            assert caller.post(5.0 * i, what).status_code == 201
            assert caller.http.get("/ready").status_code == 200
        assert events(caller) == undisturbed


def test_a_file_that_cannot_grow_refuses_frames_until_it_can(tmp_path) -> None:
    """SQLite itself says that the disk is full."""

    def pages(caller: Caller, most: int) -> None:
        caller.service.engine.call(lambda watch, at: _most(caller, most)).result(10)

    def _most(caller: Caller, most: int) -> tuple:
        caller.service.database.connection.execute(f"PRAGMA max_page_count={most}")
        return ()

    with Caller(service_of(tmp_path)) as caller:
        assert caller.post(0.0, FULL).status_code == 201
        pages(caller, 1)  # no more than there are
        refused = [caller.post(5.0 + i, FULL) for i in range(200) if caller.service.engine.trouble == ""]
        assert (refused[-1].status_code, refused[-1].json()["title"]) == (503, "not saved")
        taken = len(refused)
        pages(caller, 2**30)
        assert caller.post(5.0 + taken - 1, FULL).status_code == 201
        times = [r["time"] for r in caller.service.database.readings(limit=1000)]
        assert times == [0.0, *(5.0 + i for i in range(taken))]


def test_a_restart_goes_on_where_it_was(tmp_path, undisturbed) -> None:
    whats = story(26)
    for i in range(0, 26, 9):
        with Caller(service_of(tmp_path)) as caller:
            caller.http.headers["Authorization"] = f"Bearer {token_of(caller)}"
            before = caller.http.get("/v1/shelves").json()
            caller.play(whats[i : i + 9], start=5.0 * i)
        assert before["time"] == max(0.0, 5.0 * (i - 1))
    database = Database(tmp_path / "service.db")
    found = database.events(0, ("alert", "shelf", "reading"), 1000)
    assert [(e.type, e.subject, e.time, {**e.data, "age": 0}) for e in found] == undisturbed


def token_of(caller: Caller) -> str:
    caller.service.clients.remove("again")
    return caller.token("again", caller.service.clients.add("again", ["read", "frames"]))


def test_a_frame_of_before_the_restart_is_known(tmp_path) -> None:
    with Caller(service_of(tmp_path)) as caller:
        caller.play([FULL, OUT])
    with Caller(service_of(tmp_path)) as caller:
        caller.http.headers["Authorization"] = f"Bearer {token_of(caller)}"
        assert caller.post(5.0, OUT).json()["title"] == "seen twice"


def test_a_file_that_is_none_of_ours_is_named(tmp_path) -> None:
    from scenarios import InputError

    (tmp_path / "service.db").write_bytes(b"no database at all, but long enough to look like one" * 20)
    with pytest.raises(InputError, match=r"service[.]db: .*expected shelfwatch service 2"):
        Database(tmp_path / "service.db")
