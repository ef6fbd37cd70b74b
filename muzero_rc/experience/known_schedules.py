"""Coded-frame schedules known beforehand: those of earlier episodes of the same instance."""

from typing import Any

import numpy as np

from muzero_rc.agent.batch import NO_FRAME
from muzero_rc.experience.episode import Episode
from muzero_rc.types import Schedule


class KnownSchedules:
    """Schedules by instance and target, for planning ahead.

    GOPs follow from the first pass and, a little, from the target; the nearest target's are taken.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[int, Schedule]] = {}

    def add(self, episode: Episode) -> None:
        """Remembers an episode's schedule."""
        coded = episode.records[episode.records["frame_type"] >= 0]
        schedule = Schedule(*(coded[name].astype(np.int32) for name in Schedule._fields))
        self._known.setdefault(episode.instance, {})[episode.target_kbps] = schedule

    def alone(self, instance: str) -> "KnownSchedules":
        """What is known of one instance."""
        one = KnownSchedules()
        one._known = {instance: dict(self._known.get(instance, {}))}
        return one

    def ahead(self, instance: str, target_kbps: int, at: int, event: Any, depth: int) -> Schedule:
        """The frames that follow a coded frame.

        Args:
          instance: its name.
          target_kbps: of the present encode.
          at: place of the frame in coding order.
          event: the frame's native event.
          depth: D, how many frames.

        Returns:
          i4[D] each; frame type `NO_FRAME` where nothing is known, or where what is known and the event
          do not agree.
        """
        nothing = np.full(depth, NO_FRAME, np.int32)
        known = self._known.get(instance)
        if known:
            schedule = known[min(known, key=lambda target: abs(target - target_kbps))]
            same = at < len(schedule.show_index) and all(
                getattr(schedule, name)[at] == event[name] for name in ("frame_type", "show_index")
            )
            if same:
                parts = [part[at + 1 : at + 1 + depth] for part in schedule]
                return Schedule(*(np.concatenate([part, nothing])[:depth] for part in parts))
        return Schedule(nothing, nothing * 0, nothing * 0)
