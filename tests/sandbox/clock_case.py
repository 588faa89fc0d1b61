"""Moves of the sandbox's clock."""

from __future__ import annotations

from sandbox.client import ControlClient

HOUR = 3600


def to_full_hour(control: ControlClient) -> None:
    """Move the time to the beginning of an hour: no window of a minute or an hour ends during a test."""
    now = control.advance(0)["now"]
    minutes, seconds = int(now[14:16]), float(now[17:-1])
    control.advance(HOUR - minutes * 60 - seconds)
