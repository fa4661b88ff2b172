"""What is a secret, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.secrets import find_secrets, is_card, is_iban, redact, redact_values

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nzzzz\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Card: 4111 1111 1111 1111 exp 12/29", "card", "4111 1111 1111 1111"),
        ("4111-1111-1111-1111", "card", "4111-1111-1111-1111"),
        ("pay with 378282246310005 today", "card", "378282246310005"),
        ("4111 1111\n1111 1111", "card", "4111 1111\n1111 1111"),
        ("to DE89 3704 0044 0532 0130 00 please", "iban", "DE89 3704 0044 0532 0130 00"),
        ("IBAN GB82WEST12345698765432.", "iban", "GB82WEST12345698765432"),
        ("AWS AKIAIOSFODNN7EXAMPLE", "key", "AKIAIOSFODNN7EXAMPLE"),
        ("ghp_" + "a1B2" * 9, "key", "ghp_" + "a1B2" * 9),
        ("key sk-proj-abcdefghijklmnop1234", "key", "sk-proj-abcdefghijklmnop1234"),
        (f"Authorization: Bearer {JWT}", "token", JWT),
        ("curl -H 'Authorization: Bearer 0123456789abcdef0123'", "token", "0123456789abcdef0123"),
        (f"here\n{PEM}\nthere", "private key", PEM),
        ("Password: hunter2", "password", "hunter2"),
        ("password=correct-horse;user=ana", "password", "correct-horse"),
        ('"api_key": "zX81qqv"', "password", "zX81qqv"),
        ("Email ana@example.org\nPassword\nTr0ub4dor", "password", "Tr0ub4dor"),
        ("Passwort: geheim99", "password", "geheim99"),
        ("my password is hunter2.", "password", "hunter2"),
        ("the PIN for the garage is 4821", "password", "4821"),
        ("the wifi password is: hunter2secret", "password", "hunter2secret"),
        ("postgres://ana:s3cret@db/x", "password", "s3cret"),
        ("iban de89 3704 0044 0532 0130 00", "iban", "de89 3704 0044 0532 0130 00"),
        ("Kreditkarte: 5500 0000 0000 0004", "card", "5500 0000 0000 0004"),
        ("Passwort wiederholen: geheim99", "password", "geheim99"),
        ("Benutzername  ana  Passwort  geheim99", "password", "geheim99"),
        ("Kartenpr\u00fcfnummer (CVC): 737", "password", "737"),
        ("API-Schl\u00fcssel: zX81qqvLm20", "password", "zX81qqvLm20"),
        ("Wiederherstellungscode  8F3K-99AB-22CD", "password", "8F3K-99AB-22CD"),
        ("AccountKey=abc/DEF+123==", "password", "abc/DEF+123=="),
        ("PUK: 12345678", "password", "12345678"),
        ("Secret key  zX81qqvLm20  Copy", "password", "zX81qqvLm20"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "token", "dXNlcjpwYXNzd29yZA=="),
        ("ghp " + "a1B2" * 9, "key", "ghp " + "a1B2" * 9),
        ("bot 123456789:AA" + "Ef9-_" * 6 + "x1z", "key", "123456789:AA" + "Ef9-_" * 6 + "x1z"),
        ("Kennwort ist geheim-9!", "password", "geheim-9"),
        ("Mein Passwort ist Blaubeere.", "password", "Blaubeere"),
        ("das Passwort f\u00fcr das WLAN lautet Sommer2024", "password", "Sommer2024"),
        ("Masterpasswort: Blaubeere", "password", "Blaubeere"),
        ("mein PIN ist 4821", "password", "4821"),
        ("die Geheimzahl meines Handys lautet 4821", "password", "4821"),
        ("PIN-Code: 4821", "password", "4821"),
        ("Ihre TAN: 482193", "password", "482193"),
        ("Ihr Best\u00e4tigungscode lautet 482193", "password", "482193"),
        ("the pin of my phone is 4821", "password", "4821"),
        ("the pin on the old safe is still 48 21, I think", "password", "48 21"),
        ("My PIN's 4821.", "password", "4821"),
        ("my pin 4821", "password", "4821"),
        ("Gate code 4471", "password", "4471"),
        ("Use 2231 as the PIN", "password", "2231"),
        ("I use sunflower88 as my password", "password", "sunflower88"),
        ("The combination of the locker is 12 24 36", "password", "12 24 36"),
        ("Mein Code f\u00fcr die Alarmanlage ist 6612", "password", "6612"),
        ("login: ana / pw: Mond#1", "password", "Mond#1"),
        ("the PIN is four eight two one", "password", "four eight two one"),
        ("the door code is 5512 and then hash", "password", "5512"),
        ("the code for the alarm is 5512", "password", "5512"),
        ("the password of my laptop is swordfish9", "password", "swordfish9"),
        ("My password is swordfish", "password", "swordfish"),
        ("user ana password hunter2", "password", "hunter2"),
        ('the passphrase is "correct horse battery staple"', "password", "correct horse battery staple"),
        ("seed phrase: lemon harbour tin kettle", "password", "lemon harbour tin kettle"),
    ],
)
def test_a_secret_is_found(text: str, kind: str, value: str) -> None:
    found = find_secrets(text)
    assert [(s.kind, text[s.start : s.end]) for s in found] == [(kind, value)]
    assert value not in redact(text)
    assert f"[{kind}]" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111 1111 1111 1112",
        "Call 0041 44 668 18 00 before 9:40",
        "DE88 3704 0044 0532 0130 00",
        "The password is required.",
        "Password: ********",
        "Forgot your password?\nSign in",
        "We talked about tokens and secrets.",
        "pin the note to the board",
        "0.4111111111111111 and 1,234,567,890,123",
        "1111 1111 1111 1111",
        "pip install sk-learn",
        "Password: ${DB_PASSWORD}",
        "She pinned 1024 messages",
        "bowling pin 10",
        "pin 1024 pages in memory",
        "PIN 13 is high",
        "the pin is 100 mm long",
        "the pin of the hinge is 1200 years old",
        "the pin is on the table",
        "the PIN has 4 digits",
        "my pin was declined 3 times",
        "Kennwort vergessen?",
        "Passwort  anzeigen",
        "User  Password  Role",
        "Token  Count  Price",
        "Password  Forgot password?",
        "Kartenpr\u00fcfnummer fehlt",
        "it serves as a pin of 2000 euros",
        "a code of 4471 lines as a token",
        "Das Passwort ist falsch.",
        "Passwort: mindestens 8 Zeichen",
        "The password was changed on 2026-03-02",
        "My password is not saved.",
        "my password is incorrect",
        "Password SHA-256",
        "the secret is to stir",
        "the code of the parser is 482 lines long",
        "a screen of 1280 x 800 that stands still for 4 minutes",
    ],
)
def test_what_only_looks_like_one_is_left(text: str) -> None:
    assert find_secrets(text) == ()
    assert redact(text) == text


@pytest.mark.parametrize(
    "text", ["password for " + "a" * 5_000, "my pin of " + "ab " * 5_000, "IBAN " + "DE12" * 5_000]
)
def test_a_long_word_behind_a_label_is_read_in_one_go(text: str) -> None:
    assert redact(text) == text


def test_words_and_lines_beside_the_text_are_blanked_too() -> None:
    details = {
        "lines": [{"text": "Card 4111 1111 1111 1111", "box": [1, 2]}, {"text": "1111"}, {"text": "Pay"}]
    }
    assert redact_values(details, ["4111 1111 1111 1111"]) == {
        "lines": [{"text": "Card [redacted]", "box": [1, 2]}, {"text": "[redacted]"}, {"text": "Pay"}]
    }


@given(st.integers(0, 10**14 - 1))
def test_a_card_with_one_digit_changed_is_no_card(body: int) -> None:
    prefix = f"4{body:014d}"
    digit = next(d for d in "0123456789" if is_card(prefix + d) or len(set(prefix + d)) == 1)
    card = prefix + digit
    other = card[:5] + str((int(card[5]) + 1) % 10) + card[6:]
    assert not is_card(other)


@given(st.integers(0, 10**18 - 1))
def test_a_german_account_has_one_pair_of_check_digits(account: int) -> None:
    body = f"{account:018d}"
    right = [check for check in range(2, 99) if is_iban(f"DE{check:02d}{body}")]
    assert len(right) == 1
    assert find_secrets(f"to DE{right[0]:02d}{body}")[0].kind == "iban"


@given(st.text())
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)
