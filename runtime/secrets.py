"""Secrets in a text: card numbers, IBANs, keys, tokens, and passwords that are labelled as such.

A pattern alone would take an order number for a card, so whatever has a check digit is checked: cards by Luhn's formula
(ISO/IEC 7812-1), IBANs modulo 97 (ISO 13616). A password looks like any word: only its label gives it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runtime.secret_labels import labelled

Kind = Literal["card", "iban", "key", "token", "password", "private key"]


@dataclass(frozen=True, slots=True)
class Secret:
    """text[start:end] is the secret's value, without its label."""

    kind: Kind
    start: int
    end: int


def find_secrets(text: str) -> tuple[Secret, ...]:
    """All secrets, in order, none overlapping another."""
    taken: list[Secret] = []
    for secret in _candidates(text):
        if all(secret.end <= other.start or secret.start >= other.end for other in taken):
            taken.append(secret)
    return tuple(sorted(taken, key=lambda secret: secret.start))


def redact(text: str, secrets: Iterable[Secret] | None = None) -> str:
    """The text with "[card]", "[password]" ... where the secrets were. secrets: those of the text, found when None."""
    out, at = [], 0
    for secret in find_secrets(text) if secrets is None else secrets:
        out += [text[at : secret.start], f"[{secret.kind}]"]
        at = secret.end
    return "".join([*out, text[at:]])


def redact_values(value: Any, secrets: Sequence[str]) -> Any:
    """The same for what stands beside a text (JSON-able: words with their times, lines with their boxes): strings that
    hold one of these secrets, or are a part of at least three characters of one, are blanked. Numbers stay.
    """
    if isinstance(value, str):
        return _blanked(value, secrets)
    if isinstance(value, Mapping):
        return {key: redact_values(inner, secrets) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_values(inner, secrets) for inner in value]
    return value


def holds_part(text: str, secrets: Sequence[str]) -> bool:
    """Whether the text holds one of the secrets, or is a part of one."""
    return _blanked(text, secrets) != text


def is_card(digits: str) -> bool:
    """13 to 19 digits with an issuer's first digit and a right check digit (Luhn)."""
    if not (13 <= len(digits) <= 19) or digits[0] not in "23456" or len(set(digits)) == 1:
        return False
    double = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in double) % 10 == 0


def is_iban(text: str) -> bool:
    """Without spaces: country, check digits, account; the length is its country's, where that is known here."""
    length = _IBAN_LENGTHS.get(text[:2])
    if not (15 <= len(text) <= 34) or (length is not None and len(text) != length):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


# What issuers put before their keys so that they can be found; read off a screen, the line below letters is often lost.
_KEYS = re.compile(
    r"""(?<![\w-])(?:
      (?:AKIA|ASIA)[0-9A-Z]{16}
    | gh[pousr][_ ][A-Za-z0-9]{36,255} | github[_ ]pat[_ ][A-Za-z0-9_]{22,255}
    | glpat-[\w-]{20,} | npm_[A-Za-z0-9]{36} | hf_[A-Za-z0-9]{30,} | pypi-[\w-]{50,}
    | xox[abeoprs]-[A-Za-z0-9-]{10,} | AIza[\w-]{35} | ya29\.[\w-]{20,}
    | (?:sk|rk|pk)[_ ](?:live|test)[_ ][A-Za-z0-9]{16,} | sk-[A-Za-z0-9][\w-]{18,}
    | SG\.[\w-]{16,}\.[\w-]{16,} | dop_v1_[0-9a-f]{64}
    | [MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,} | \d{8,10}:AA[\w-]{33}
    )(?![\w-])""",
    re.VERBOSE,
)
_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_JWT = re.compile(r"(?<![\w.-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")
_BEARER = re.compile(r"\b(?:Bearer|Authorization:\s*Basic)\s+([A-Za-z0-9._~+/=-]{12,})", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:([^\s/@]+)@", re.IGNORECASE)
_CARD = re.compile(r"(?<![\d.,])\d(?:[ \u00a0-]?\d){12,18}(?![\d]|[.,]\d)")
_CARD_LINES = re.compile(
    r"(?<![\d.,-])(?:\d{4}\s+\d{4}\s+\d{4}\s+\d{4}|\d{4}\s+\d{6}\s+\d{5})(?![\d]|[.,]\d)"
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}[ ]?\d{2}(?:[ \u00a0]?[A-Z0-9]{1,4}){3,8}(?![A-Za-z0-9])", re.IGNORECASE
)
_IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15), **dict.fromkeys(("BE",), 16), **dict.fromkeys(("DK", "FI", "NL"), 18),
    **dict.fromkeys(("SI",), 19), **dict.fromkeys(("AT", "EE", "LT", "LU"), 20), **dict.fromkeys(("CH", "HR", "LV", "LI"), 21),
    **dict.fromkeys(("BG", "DE", "GB", "IE"), 22), **dict.fromkeys(("CZ", "ES", "RO", "SE", "SK"), 24),
    **dict.fromkeys(("PT",), 25), **dict.fromkeys(("IS", "TR"), 26), **dict.fromkeys(("FR", "GR", "IT"), 27),
    **dict.fromkeys(("CY", "HU", "PL"), 28), **dict.fromkeys(("MT",), 31),
}  # fmt: skip


def _candidates(text: str) -> Iterator[Secret]:
    """The surest first: they keep their place when another kind would have the same characters."""
    yield from _of("private key", _PRIVATE, text)
    yield from _of("token", _JWT, text)
    yield from _of("key", _KEYS, text)
    for pattern in (_CARD, _CARD_LINES):
        for found in pattern.finditer(text):
            if is_card(re.sub(r"\D", "", found.group())):
                yield Secret("card", *found.span())
    for found in _IBAN.finditer(text):
        yield from _iban_in(found)
    yield from _of("token", _BEARER, text)
    yield from _of("password", _URL_PASSWORD, text)
    for span in labelled(text):
        yield Secret("password", *span)


def _of(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Secret]:
    for found in pattern.finditer(text):
        yield Secret(kind, *found.span(pattern.groups))


def _iban_in(found: re.Match[str]) -> Iterator[Secret]:
    """What follows an IBAN may look like more of it: the longest beginning that checks."""
    groups = [match.end() for match in re.finditer(r"[A-Za-z0-9]+", found.group())]
    for end in reversed(groups):
        account = re.sub(r"\s", "", found.group()[:end])
        plain = account.isupper() or (account[:2].upper() in _IBAN_LENGTHS and _mostly_digits(account))
        if plain and is_iban(account.upper()):
            yield Secret("iban", found.start(), found.start() + end)
            return


def _mostly_digits(text: str) -> bool:
    return 5 * sum(map(str.isdigit, text)) >= 3 * len(text)


def _blanked(text: str, secrets: Sequence[str]) -> str:
    bare = re.sub(r"\s", "", text).strip(".,;:!?\"'")
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, "[redacted]")
        elif len(bare) >= 3 and bare in re.sub(r"\s", "", secret):
            return "[redacted]"
    return text
