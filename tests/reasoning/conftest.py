"""The made-up film and the real verifier, loaded once."""

from __future__ import annotations

import asyncio

import pytest

from memory.text_encoder import MiniLMEncoder
from reasoning.language import Language
from reasoning.lexicon import Lexicon
from reasoning.support import Verifier
from runtime.weights import Registry
from tests.conftest import require
from tests.reasoning.answering import World, remember_film


@pytest.fixture(scope="session")
def verifier() -> Verifier:
    here = {s.spec.name: s.where for s in Registry.load().status() if s.present}
    language, encoder, lexicon = (here.get(name) for name in ("en-core-web-sm", "minilm", "wordnet"))
    require(
        language and encoder and lexicon, "the weights that weigh answers are not here: hearsight models pull"
    )
    assert language is not None and encoder is not None and lexicon is not None
    return Verifier(Language(language), MiniLMEncoder(encoder), Lexicon(lexicon))


@pytest.fixture(scope="session")
def world(verifier: Verifier, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = asyncio.run(remember_film(tmp_path_factory.mktemp("film") / "memory"))
    return World(folder, verifier)
