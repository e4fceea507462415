"""Review: a queue that a crash does not hurt, and answers that move the threshold."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios import InputError
from vision.review import Answer, Question, ReviewQueue, lower_bound, threshold


def question(n: int, confidence: float = 0.9) -> Question:
    return Question(f"out/p-{n}/0.000", "out", f"p-{n}", confidence, 10.0 * n)


def test_questions_wait_for_a_persons_answer_over_restarts(tmp_path) -> None:
    path = tmp_path / "review.jsonl"
    queue = ReviewQueue(path)
    for n in (1, 2, 3, 2):
        queue.ask(question(n))
    queue.flush()
    queue.answer(question(2).id, False, by="ada")
    queue.answer(question(3).id, False)
    queue.answer(question(3).id, True)  # a person may think again
    for q in (queue, ReviewQueue(path)):
        assert q.pending == (question(1),)
        assert [q.verdict(question(n).id) for n in (1, 2, 3)] == [None, False, True]
        assert q.answers == (Answer("out", 0.9, False), Answer("out", 0.9, True))
    with pytest.raises(InputError, match=r"out/p-9/0[.]000: no such question; 1 are open"):
        queue.answer(question(9).id, True)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_half_written_last_line_is_ignored_and_the_queue_goes_on(tmp_path, cut: int) -> None:
    path = tmp_path / "review.jsonl"
    queue = ReviewQueue(path)
    queue.ask(question(1))
    queue.ask(question(2))
    queue.flush()
    path.write_bytes(path.read_bytes()[:-cut])
    again = ReviewQueue(path)
    assert again.pending == (question(1),)
    again.ask(question(3))
    again.flush()
    again.answer(question(1).id, True)
    assert ReviewQueue(path).pending == (question(3),)
    assert ReviewQueue(path).verdict(question(1).id) is True


BROKEN = ["nonsense", '{"answer": "out/p-9/0.000", "right": true}', '{"ask": {"id": "a"}}', "[1]"]


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_line_before_the_last_is_named(tmp_path, line: str) -> None:
    path = tmp_path / "review.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=r"review.jsonl: ") as error:
        ReviewQueue(path)
    assert "\n" not in str(error.value)


def test_one_process_asks_while_another_answers(tmp_path) -> None:
    asking = ReviewQueue(tmp_path / "review.jsonl")
    asking.ask(question(1))
    asking.flush()
    answering = ReviewQueue(asking.log)
    asking.ask(question(2))
    answering.answer(question(1).id, False)
    asking.flush()
    asking.refresh()
    assert asking.verdict(question(1).id) is False
    answering.refresh()
    assert answering.pending == (question(2),)


def test_a_full_disk_loses_no_question_and_leaves_no_part_of_a_line(tmp_path, monkeypatch) -> None:
    path = tmp_path / "review.jsonl"
    queue = ReviewQueue(path)
    queue.ask(question(1))
    queue.flush()
    before = path.read_bytes()
    queue.ask(question(2))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            queue.flush()
    assert path.read_bytes() == before
    queue.flush()
    assert ReviewQueue(path).pending == (question(1), question(2))


def said(confidence: float, right: int, wrong: int = 0) -> list[Answer]:
    return [Answer("out", confidence, i < right) for i in range(right + wrong)]


THRESHOLDS = [
    pytest.param([], 2.0, id="no answers: all is reviewed"),
    pytest.param(said(0.999, 20), 2.0, id="few answers prove nothing"),
    pytest.param(said(0.999, 40), 0.998, id="many do"),
    pytest.param(said(0.999, 40) + said(0.96, 40), 0.95, id="as far down as they were right"),
    pytest.param(said(0.999, 400) + said(0.96, 8, 8), 0.998, id="a bad bin stays in review, however good those above"),
    pytest.param(said(0.999, 40) + said(0.999, 0, 20), 2.0, id="and comes back into it"),
]


@pytest.mark.parametrize(("answers", "expected"), THRESHOLDS)
def test_the_threshold_falls_as_far_as_answers_carry_it(answers, expected: float) -> None:
    assert threshold(answers, 0.95) == expected


@pytest.mark.parametrize(("right", "n", "bound"), [(32, 32, 0.9512), (90, 100, 0.8549), (0, 5, 0.0)])
def test_the_bound_is_wilsons(right: int, n: int, bound: float) -> None:
    assert lower_bound(right, n) == pytest.approx(bound, abs=2e-4)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("answered", [100, 300, 1000])
def test_what_is_sent_without_review_is_right_often_enough_however_sure_the_device_is(answered: int, seed: int) -> None:
    """Held-out alerts of a device that is too sure of itself: at confidence c it is right c⁴ of the time."""
    random = np.random.default_rng(seed)

    def alerts(n: int) -> list[Answer]:
        confidence = 1 - random.beta(0.5, 4, n) * 0.5
        return [Answer("out", float(c), bool(right)) for c, right in zip(confidence, random.random(n) < confidence**4)]

    limit = threshold(alerts(answered), 0.95)
    held_out = alerts(10_000)
    sent = [a.right for a in held_out if a.confidence >= limit]
    assert not sent or np.mean(sent) >= 0.95
    assert len(sent) > 1000 or answered < 1000  # it is worth asking
    assert np.mean([a.right for a in held_out if a.confidence >= 0.95]) < 0.95
