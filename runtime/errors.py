"""One exception family. A user sees each of these as one line, and a non-zero exit."""


class HearsightError(Exception):
    """Something the user can act on. The message is one clear line, without a traceback."""


class ConfigError(HearsightError):
    """A setting is unknown, of the wrong type or out of range."""


class MediaError(HearsightError):
    """A file or a stream cannot be read as media."""


class ModelError(HearsightError):
    """Weights are missing, damaged, or cannot be had from here."""


class MemoryStoreError(HearsightError):
    """The memory cannot be opened, written, or is held by another writer."""


class EngineError(HearsightError):
    """The language model's server cannot be started, reached, or did not answer in time."""


class VoiceError(HearsightError):
    """What should be spoken cannot be, or not in time: the text itself has to do."""


class InputError(HearsightError):
    """A question file, a manifest or an argument is not what it should be."""


class StuckError(HearsightError):
    """Work in a thread or in another process does not end."""
