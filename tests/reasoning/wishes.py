"""Wishes that the tests of watches share."""

from __future__ import annotations

from datetime import UTC, datetime

from reasoning.proactive import Watch

NOW = datetime(2026, 11, 18, 14, 0, tzinfo=UTC).timestamp()
BOTTLE = Watch("seen", "bottle", "Tell me when a bottle appears.", NOW)
BUDGET = Watch("said", "budget", "Tell me when someone mentions the budget.", NOW)
TEA = Watch("time", "make tea", "Remind me in ten minutes to make tea.", NOW, due=NOW + 600, once=True)
