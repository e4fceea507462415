"""Review: alerts that a person is asked about, and what the answers teach.

The queue is a log, a file of JSON lines for one: who asks, who answers and a crash between them lose nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scenarios import InputError
from scenarios.files import build
from vision.durable import Lines, Log

EDGES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1.0)
"""Confidences that a threshold can be."""
Z90 = 1.2816
"""One-sided 90 % of the normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Question:
    """One alert that a person is asked about."""

    id: str
    kind: str
    subject: str
    confidence: float
    time: float
    value: float = 0.0
    """What is at stake, as of the alert."""
    text: str = ""
    """The same in words, for who is asked."""


@dataclass(frozen=True)
class Answer:
    """Whether the alert was right, and with which confidence it had been raised."""

    kind: str
    confidence: float
    right: bool


class ReviewQueue:
    """Questions and answers of one device. One process asks; others may answer meanwhile."""

    def __init__(self, log: Path | Log) -> None:
        """Read what the log holds, if it is there. Raises InputError for a row that is none of this queue's."""
        self.log: Log = Lines(log) if isinstance(log, Path) else log
        self._questions: dict[str, Question] = {}
        self._right: dict[str, bool] = {}
        self._products: dict[str, str] = {}
        self._unsaved: list[Question] = []
        self._read = 0
        self.refresh()

    def refresh(self) -> None:
        """Take in what other processes have added. Raises InputError."""
        rows, self._read = self.log.read(self._read)
        for row in rows:
            if "ask" in row:
                question = build(Question, row["ask"], str(self.log))
                self._questions[question.id] = question
            elif row.get("answer") in self._questions and isinstance(row.get("right"), bool):
                self._right[row["answer"]] = row["right"]
                self._products[row["answer"]] = str(row.get("product", ""))
            else:
                raise InputError(f"{self.log}: {row!r:.80}; expected a question, or right: true or false to one before")

    def ask(self, question: Question) -> None:
        """Put a question into the queue, once. It is in the log after the next `flush`."""
        if question.id not in self._questions:
            self._unsaved.append(question)
            self._questions[question.id] = question

    def flush(self) -> None:
        """Write the new questions, all or none; they stay to be written after an OSError."""
        self.log.append([{"ask": dataclasses.asdict(q)} for q in self._unsaved])
        self._unsaved = []

    def answer(self, id: str, right: bool, by: str = "", product: str = "") -> None:
        """Take a person's yes or no, and the SKU that stands there if it is another than was said; a later answer to
        the same question replaces it. Raises InputError."""
        if id not in self._questions:
            raise InputError(f"{id}: no such question; {len(self.pending)} are open")
        self.flush()
        row = {"answer": id, "right": right, "by": by}
        self.log.append([{**row, "product": product} if product else row])
        self._right[id], self._products[id] = right, product

    @property
    def ids(self) -> set[str]:
        """Of all questions."""
        return set(self._questions)

    @property
    def pending(self) -> tuple[Question, ...]:
        """The questions without an answer, by falling value."""
        waiting = (q for q in self._questions.values() if q.id not in self._right)
        return tuple(sorted(waiting, key=lambda q: (-q.value, q.time, q.id)))

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, in the order of their questions."""
        asked = self._questions
        return tuple(Answer(q.kind, q.confidence, self._right[q.id]) for q in asked.values() if q.id in self._right)

    def verdict(self, id: str) -> bool | None:
        """What a person said of an alert, None while nobody did."""
        return self._right.get(id)

    def product(self, id: str) -> str:
        """The SKU that a person says stands there, "" where nobody said so."""
        return self._products.get(id, "")

    def threshold(self, kind: str, target: float) -> float:
        """The confidence from which alerts of a kind need no review, by all its answers until now."""
        return threshold((a for a in self.answers if a.kind == kind), target)


def threshold(answers: Iterable[Answer], target: float) -> float:
    """The lowest of EDGES from which on alerts were right often enough; 2, which none reaches, if there is none.

    Often enough: the lower 90 % bound (Wilson's) of the share of right answers is at least `target`, by itself in
    each bin from the highest down, a bin with too few answers together with the next ones. So few answers prove
    nothing (a target of 0.95 needs 32 right ones in a row), and good bins do not carry a bad one below them.
    """
    pooled = list(answers)
    best, n, right = 2.0, 0, 0
    for low, high in reversed(list(zip(EDGES, (*EDGES[1:], math.inf)))):
        here = [a.right for a in pooled if low <= a.confidence < high]
        n, right = n + len(here), right + sum(here)
        if n and right / n < target:
            break
        if n and lower_bound(right, n) >= target:
            best, n, right = low, 0, 0
    return best


def lower_bound(right: int, n: int) -> float:
    """Wilson's lower bound of a share, one-sided 90 %: E. B. Wilson, JASA 22 (1927)."""
    share, z2 = right / n, Z90 * Z90
    return (share + z2 / (2 * n) - Z90 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
