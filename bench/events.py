"""Events: a position that is out, or holds what does not belong there, over a run of moments is one event, however many
moments it lasts; so is an alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class EventCounts:
    """Of one scenario: the events that were told of and all of them, the alarms that were right and all of them."""

    told: int
    events: int
    right: int
    alarms: int

    @property
    def recall(self) -> tuple[float, float]:
        """Numerator and denominator, for `statistics.ratio` over scenarios."""
        return float(self.told), float(self.events)

    @property
    def precision(self) -> tuple[float, float]:
        """Numerator and denominator, for `statistics.ratio` over scenarios."""
        return float(self.right), float(self.alarms)


def score_events(there: Flags, said: Flags, unknown: Flags | None = None) -> EventCounts:
    """Count the events of positions (Q) over moments (M), all arrays (M, Q): `there` the truth, `said` what was said.

    An event is told of if it is said at one of its moments at least; an alarm is right if it is true at one of the
    moments that it is said. Unknown moments neither tell of anything nor end an alarm: who passes before a shelf does
    not make two alarms of one.
    """
    alarm = said.copy()
    if unknown is not None:
        for moment in range(1, len(said)):
            alarm[moment] |= alarm[moment - 1] & unknown[moment]
    both = there & said
    return EventCounts(*_touched(there, both), *_touched(alarm, both))


def _touched(flags: Flags, by: Flags) -> tuple[int, int]:
    """How many runs of flags (M, Q) along the moments hold one of `by`, and how many there are."""
    starts = flags.copy()
    starts[1:] &= ~flags[:-1]
    run = np.cumsum(starts.T).reshape(flags.T.shape).T  # counted position by position
    return len(np.unique(run[flags & by])), int(starts.sum())
