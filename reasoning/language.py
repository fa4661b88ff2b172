"""English syntax for questions and statements: spaCy's small pipeline, loaded without PyTorch."""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from runtime.errors import ModelError


class Language:
    """Parses short texts. One instance serves one executor thread."""

    def __init__(self, path: Path) -> None:
        """path: an unpacked spaCy pipeline. Raises ModelError when it does not load."""
        try:
            self._nlp = _spacy().load(path)
        except (OSError, ValueError) as error:
            raise ModelError(f"the language pipeline at {path} does not load: {error}") from error
        self._parse = lru_cache(maxsize=4096)(self._nlp)

    def __call__(self, text: str) -> Any:
        """The parsed document (spacy.tokens.Doc); recent texts come from a cache."""
        return self._parse(text)


def _spacy() -> Any:
    """Import spaCy. Its backend imports PyTorch when it finds it, which takes seconds and is not used here."""
    if "torch" in sys.modules or "spacy" in sys.modules:
        return importlib.import_module("spacy")
    sys.modules["torch"] = None  # type: ignore[assignment]  # makes `import torch` fail for a moment
    try:
        return importlib.import_module("spacy")
    finally:
        del sys.modules["torch"]
