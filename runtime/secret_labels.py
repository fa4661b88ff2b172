"""Secrets that only their label gives away: passwords, PINs and codes, in English and German, written and said."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_HINT = re.compile(
    r"pass|pw|pin|cv[vc]|combination|csc|secret|token|key|code|otp|tan|kennwort|geheimzahl|schl\u00fcssel|phrase"
    r"|contrase\u00f1a|senha|wachtwoord|puk|pr\u00fcf",
    re.IGNORECASE,
)
_PASSWORD = (
    r"(?:pass(?:word|phrase|code|wd)|pwd?|[a-z\u00e4\u00f6\u00fc\u00df]{0,20}(?:passwort|kennwort)"
    r"(?:[ ](?:wiederholen|best\u00e4tigen))?"
    r"|mot[ ]de[ ]passe"
    r"|contrase\u00f1a|senha|wachtwoord|one[ -]time[ ](?:password|code)"
    r"|(?:api|access|account|private|auth|encryption|recovery|license)[ _-]?(?:key|token|code)"
    r"|(?:wlan|wi-?fi|wpa2?)[ -]?(?:key|schl\u00fcssel)|wiederherstellungs-?code"
    r"|(?:api|netzwerk|sicherheits|zugangs|zugriffs|lizenz|produkt|wiederherstellungs)-?schl\u00fcssel)"
)
_SECRET = r"(?:secret(?:[ _-]?(?:key|access[ _-]?key))?|client[ _-]?secret|token)"
_CODE = (
    r"(?:pin(?:[ -]?(?:code|number|nummer))?|cvv2?|cvc2?|otp|geheimzahl|puk|(?:mobile)?tan"
    r"|(?:karten)?pr\u00fcf(?:nummer|ziffer)"
    r"|(?:security|verification|entry|unlock|door|gate|alarm|safe|lock|locker|garage|building)[ ]code"
    r"|(?:zugangs|zugriffs|sicherheits|best\u00e4tigungs|entsperr|freischalt|t\u00fcr|alarm|ger\u00e4te)-?code"
    r"|(?:code|combination)[ ](?:for|of|to|f\u00fcr)[ ](?:the|my|our|your|die|das|den|meine?n?|unsere?n?)[ ](?:\w{1,20}[ ])?"
    r"(?:door|gate|alarm|safe|lock|locker|vault|garage|phone|house|t\u00fcr|haust\u00fcr|tor|alarmanlage|tresor|handy)"
    r"|(?:safe|lock|locker|vault)(?:'s)?[ ]combination)"
)
_LABEL = rf"(?:{_PASSWORD}|{_SECRET}|{_CODE})"
_OF = (
    r"(?:[ ](?:of|for|to|on|from|at|von|vom|f\u00fcr|zu|zum|zur|auf|am|im|des|der|(?:mein|dein|sein|ihr|unser)e[rsm]s?)"
    r"(?:[ ][\w'\u2019-]{1,24}){1,5}?)?"
)
_IS = (
    r"(?:['\u2019]s|[ ](?:is(?:[ ]called)?|was|will[ ]be|to|ist|war|lautet|auf))"
    r"(?:[ ](?:now|still|jetzt|nun|noch|wieder))?[ ]?:?[ ]+"
)
_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|null|eins|zwei|zwo|drei|vier|f\u00fcnf|sechs|sieben|acht|neun)"
_NUMBER = (
    rf"(\d(?:[ -]?\d){{2,11}}|(?:{_DIGIT}[ ,-]{{1,2}}){{2,11}}{_DIGIT})(?![\w%\u00b0])(?![.,:/-]\d)"
    r"(?![ ]?(?:mm|cm|m|km|in|inch(?:es)?|ft|feet|px|pixels?|v|mv|volts?|[kmg]?hz|[kmgt]i?b|bytes?|pages?|times|mal|digits?"
    r"|ziffern|characters?|zeichen|seconds?|minutes?|hours?|days?|weeks?|months?|years?|sekunden?|minuten?|stunden?|tagen?"
    r"|wochen?|monaten?|jahren?|euros?|dollars?)\b)"
)
_QUOTED = r"[\"'`\u201c\u201e\u2018]([^\"'`\u201c\u201d\u2018\u2019\n]{3,80})[\"'`\u201d\u201c\u2018\u2019]"
_START = r"(?<![A-Za-z])"

_QUOTED_VALUE = re.compile(rf"{_START}{_PASSWORD}{_OF}(?:{_IS}|[ ]?[:=][ ]*){_QUOTED}", re.IGNORECASE)
_PHRASE = re.compile(
    r"\b(?:pass|seed|recovery|mnemonic)[ -]?phrase[ ]?(?:is)?:[ \t]*([a-z]{2,12}(?:[ ][a-z]{2,12}){2,23})"
    r"|\b(?:seed|recovery|mnemonic)[ -]?phrase[ ]is[ ]([a-z]{3,8}(?:[ ][a-z]{3,8}){11,23})",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"{_START}{_LABEL}(?:[ ]?\([^)\n]{{0,20}}\))?[\"']?[ \t]*(?:(?:is|was|ist|lautet)[ \t]*)?"
    r"(?:[:=]|=>)[ \t]*[\"'`]?([^\s\"'`,;]{3,})",
    re.IGNORECASE,
)
_BELOW = re.compile(
    rf"^[ \t]*(?:[\w']{{1,40}}[ ])?{_LABEL}[ \t]*:?[ \t]*\n[ \t]*(\S{{4,64}})[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_BESIDE = re.compile(
    rf"{_START}{_LABEL}(?:[ ]?\([^)\n]{{0,20}}\))?:?[ ]{{2,}}(\S{{3,64}})(?=[ ]{{2,}}|[ ]*$)",
    re.IGNORECASE | re.MULTILINE,
)
"""A field of a form, beside its label; where the value is a word it may as well be the next label."""
_SAID = re.compile(
    rf"{_START}(?:{_PASSWORD}{_OF}|{_SECRET}(?:[ ]for(?:[ ]\w{{1,24}}){{1,4}}?)?)(?:{_IS}|:[ ]+)[\"'`]?([^\s\"'`,;]{{3,}})",
    re.IGNORECASE,
)
_SAID_WORD = re.compile(
    rf"\b(?:my|our|your|his|her|their|the)[ ](?:[\w-]{{1,20}}[ ])?{_PASSWORD}{_OF}{_IS}([a-z'\u2019-]{{3,30}})(?=[.,;!?]|[ ]*$)"
    rf"|\b(?:mein|dein|sein|ihr|unser|das)[ ](?:[\w-]{{1,20}}[ ])?{_PASSWORD}{_OF}[ ](?:ist|lautet)[ ]"
    r"((?-i:[A-Z\u00c4\u00d6\u00dc])[a-z\u00e4\u00f6\u00fc\u00df-]{2,30})(?=[.,;!?]|[ ]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_SAID_CODE = re.compile(rf"{_START}{_CODE}{_OF}(?:{_IS}|[ ]?[:=][ ]*){_NUMBER}", re.IGNORECASE)
_BARE_CODE = re.compile(
    r"\b(?:PIN(?:[ -](?:[Cc]ode|[Nn]umber|[Nn]ummer))?[ ](?=\d{4})|CV[VC]2?[ ](?=\d{3})|(?:mobile)?TAN[ ](?=\d{6})"
    r"|(?i:(?:my|our|your|his|her|meine?|deine?|ihre?|seine?|unsere?)[ ]pin|^[ \t]*pin|sicherheitscode|passcode"
    r"|(?:security|verification|entry|unlock|door|gate|alarm|garage)[ ]code)[ ](?=\d{3}))" + _NUMBER,
    re.MULTILINE,
)
_USED_AS = re.compile(
    rf"(?<![\w.,-])(?:{_NUMBER}[ ](?=as)|(?=\S{{0,40}}\d)(?=\S{{0,40}}[A-Za-z])([^\s\"'`,;:()/]{{5,64}})[ ])"
    rf"as[ ](?:the|my|our|your|a)[ ](?:\w{{1,20}}[ ])?(?:{_PASSWORD}|pin)\b",
    re.IGNORECASE,
)
_AS = re.compile(r"[ ]as[ ](?:the|my|our|your|a)[ ]", re.IGNORECASE)
_BARE_PASSWORD = re.compile(
    r"(?<![A-Za-z])(?:password|passphrase|passwort|kennwort|pwd)[ ](?!(?:sha|oauth|base|argon)-?\d)"
    r"(?=[^\s\d]{0,40}\d)(?=[^\sA-Za-z]{0,40}[A-Za-z])([^\s\"'`,;:()/]{7,64})",
    re.IGNORECASE,
)
_MASKED = re.compile(r"[*\u2022\u25cf\u00b7.xX_#-]+|\[[\w ]+\]|<.*>|\$\{?\w+\}?|%\w+%|\{\{?.*")
_ORDINARY = re.compile(r"[A-Za-z\u00c0-\u024f'-]+[.!?]?")
_ABOUT_IT = re.compile(
    r"(?:\w+(?:ed|able|ible|ing|ful|less|ous|ive|ly)|un\w+|in(?:valid|correct|secure)|wrong|right|correct|valid|weak|strong"
    r"|secure|safe|secret|private|public|gone|lost|new|old|long|short|longer|shorter|stronger|empty|blank|missing|known|okay|fine"
    r"|good|bad|easy|hard|simple|complex|case-sensitive|here|there|below|above|back|ready|random|unique|default|temporary"
    r"|permanent|optional|mandatory|necessary|stupid|ridiculous|crucial|essential|personal|everything|nothing|something|mine"
    r"|yours|hers|his|ours|that|this|what|not|stolen|broken|hidden|written|forgotten|shown|set|reset|stuck|due|outdated|same"
    r"|different|enough|again|too|better|worse|out|off|visible|important|sent|kept|yet|already|never|always|in|on)",
    re.IGNORECASE,
)
"""What is said about a password, not what it is."""
_NO_VALUE = re.compile(r"must|should|required|optional|mindestens|siehe|none|null|true|false", re.IGNORECASE)


def labelled(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the values, the surest first; they may overlap."""
    if not _HINT.search(text):
        return
    used = (_USED_AS,) if _AS.search(text) else ()
    for pattern in (_QUOTED_VALUE, _PHRASE, _SAID_CODE, _BARE_CODE, _BARE_PASSWORD, *used):
        for found in pattern.finditer(text):
            if not _MASKED.fullmatch(found[found.lastindex or 0]):
                yield found.span(found.lastindex or 0)
    for pattern in (_ASSIGNED, _BELOW):
        for found in pattern.finditer(text):
            if not (_MASKED.fullmatch(found[1]) or _NO_VALUE.fullmatch(found[1])):
                yield _trimmed(text, *found.span(1))
    for found in itertools.chain(_BESIDE.finditer(text), _SAID.finditer(text)):
        # "The password is required": in running text an ordinary word is no password.
        if not (_MASKED.fullmatch(found[1]) or _ORDINARY.fullmatch(found[1])):
            yield _trimmed(text, *found.span(1))
    for found in _SAID_WORD.finditer(text):
        if found[2] or not _ABOUT_IT.fullmatch(found[1]):
            yield found.span(found.lastindex or 0)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the full stop of the sentence."""
    while end - start > 3 and text[end - 1] in ".!?)":
        end -= 1
    return start, end
