"""What was said while a screen was recorded, as a record of that screen: its details say by which "ear" it was heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from perception.audio.stages import observation_id
from perception.screen.places import where_of
from perception.screen.titles import Place
from runtime.messages import Observation


def on_screen(
    said: Observation, ear: str, source: str, zero_wall: float, place: Place, speaker: str | None
) -> Observation:
    """said: its times in Unix seconds. zero_wall: Unix time of the source's zero. place: what was in front. speaker: whose
    voice that is, where the ear tells; else the voice does.
    """

    def media(wall_s: float) -> float:
        return max(0.0, wall_s - zero_wall)

    words: list[list[Any]] = [
        [text, round(media(start_s), 2), round(media(end_s), 2), sure]
        for text, start_s, end_s, sure in said.details.get("words", ())
    ]
    voice = None
    if speaker is None and said.voice is not None:
        voice = replace(said.voice, known_at_s=media(said.voice.known_at_s))
    return replace(
        said,
        id=observation_id(f"{source}/{ear}", said.t_start_s, said.text),
        source=source,
        t_start_s=media(said.t_start_s),
        t_end_s=media(said.t_end_s),
        known_at_s=media(said.known_at_s),
        speaker=speaker,
        details={**said.details, **where_of(place), "ear": ear, "words": words},
        voice=voice,
    )
