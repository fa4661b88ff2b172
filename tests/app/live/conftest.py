"""What the tests of live mode share with those of hearing."""

from tests.perception.conftest import speak

__all__ = ["speak"]
