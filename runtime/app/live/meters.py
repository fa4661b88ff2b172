"""The live mode's numbers on /metrics. No label has a session's name: what is exported does not grow with them."""

from __future__ import annotations

from runtime.app.live.turns import Outcome, Turn
from runtime.metrics import Metrics


class ServerMeter:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._open = metrics.gauge("hearsight_live_sessions", "Sessions there are now.")
        self._begun = metrics.counter("hearsight_live_sessions_total", "Sessions that were begun.")

    def began(self, sessions: int) -> None:
        self._begun.inc()
        self._open.set(sessions)

    def ended(self, sessions: int) -> None:
        self._open.set(sessions)

    def refused(self, why: str) -> None:
        self._metrics.counter("hearsight_live_refused_total", "Offers that were refused.", why=why).inc()


class SessionMeter:
    """What one session adds to everybody's numbers."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def turn(self, turn: Turn, outcome: Outcome) -> None:
        """A question's turn has ended."""
        how = "typed" if turn.typed else "spoken"
        self._metrics.counter(
            "hearsight_live_turns_total", "Turns that have ended.", how=how, outcome=outcome
        ).inc()
        for part, seconds in turn.latency.items():
            self._metrics.histogram(
                "hearsight_live_latency_seconds",
                "From the end of a question to the first sound, by part, and their total.",
                part=part,
            ).observe(seconds)

    def alert(self, seconds: float) -> None:
        self._metrics.histogram(
            "hearsight_live_alert_seconds", "From an event that was watched for to the first sound about it."
        ).observe(seconds)
