"""Secrets are found by how they look and what they are called, taken out whole, and never shown; little else is."""

from __future__ import annotations

import json
import pickle
import string
from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from aircraftops_data.audit.scanning import Found, SecretPolicy, clean, redacted, scan
from aircraftops_data.audit.secret_kinds import is_card, kind_of_name
from aircraftops_data.errors import InvalidInputError, SecretFoundError

DATA = Path(__file__).parents[1] / "examples" / "data"
WORD = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"


def run(size: int, alphabet: str = WORD) -> st.SearchStrategy[str]:
    """So many letters."""
    return st.text(alphabet, min_size=size, max_size=size)


# Put together here, so that no tool takes this file for one that holds secrets.
LOOKS: dict[str, tuple[str, st.SearchStrategy[str]]] = {
    "AWS": ("AWS key", run(16, UPPER).map(lambda tail: f"AKI{'A'}{tail}")),
    "AWS session": ("AWS key", run(16, UPPER).map(lambda tail: f"ASI{'A'}{tail}")),
    "GitHub": ("GitHub token", st.tuples(st.sampled_from("pousr"), run(36)).map(lambda two: f"gh{two[0]}_{two[1]}")),
    "GitHub, new": ("GitHub token", run(22).map(lambda tail: f"github{'_pat_'}{tail}_{tail}")),
    "GitLab": ("GitLab token", run(20, WORD + "-_").map(lambda tail: f"glp{'at-'}{tail}")),
    "Slack": ("Slack token", run(12).map(lambda tail: f"xox{'b-'}1234567890-{tail}")),
    "Stripe": ("Stripe key", run(24).map(lambda tail: f"sk{'_live_'}{tail}")),
    "Google": ("Google key", run(35, WORD + "-_").map(lambda tail: f"AI{'za'}{tail}")),
    "Anthropic": ("Anthropic key", run(40, WORD + "-_").map(lambda tail: f"sk-{'ant-'}api03-{tail}")),
    "OpenAI": ("OpenAI key", run(48).map(lambda tail: f"sk-{tail}")),
    "OpenAI project": ("OpenAI key", run(48, WORD + "-_").map(lambda tail: f"sk-{'proj-'}{tail}")),
    "npm": ("npm token", run(36).map(lambda tail: f"npm{'_'}{tail}")),
    "PyPI": ("PyPI token", run(60, WORD + "-_").map(lambda tail: f"pypi{'-'}{tail}")),
    "JWT": ("JWT", run(20).map(lambda part: f"ey{'J'}hbGciOi{part}.ey{'J'}zdWIi{part}.{part}")),
    "private key": (
        "private key",
        run(64).map(lambda line: f"-----BEGIN {'RSA PRIVATE'} KEY-----\n{line}\n-----END {'RSA PRIVATE'} KEY-----"),
    ),
}


@pytest.mark.parametrize("name", LOOKS)
@given(data=st.data())
def test_a_secret_of_a_known_look_is_found_in_a_text_and_the_rest_is_kept(name: str, data: st.DataObject) -> None:
    kind, secrets = LOOKS[name]
    secret = data.draw(secrets)
    text = f"it was ({secret}) all along"
    assert redacted(text) == (f"it was ([redacted: {kind}]) all along", [Found(kind, "")])
    assert redacted(secret)[0] == f"[redacted: {kind}]"


TOLD = [
    ("password=hunter", "password=[redacted: password]"),
    ("DB_PASSWORD: hunter2 is set", "DB_PASSWORD: [redacted: password] is set"),
    ("?user=a&api_key=zz&x=1", "?user=a&api_key=[redacted: API key]&x=1"),
    ("client-secret => abc, next", "client-secret => [redacted: secret], next"),
    ('{"password": "hun\\"ter 2"}', '{"password": "[redacted: password]"}'),
    ("{\\'token\\': \\'x y\\', 1}", "{\\'token\\': \\'[redacted: token]\\', 1}"),
    ("aws_secret_access_key = wJalr/XU+n", "aws_secret_access_key = [redacted: secret key]"),
    ("Authorization: Bearer abc", "Authorization: Bearer [redacted: authorization]"),
    ("curl -H 'authorization: basic YTpi' x", "curl -H 'authorization: basic [redacted: authorization]' x"),
    ("sent bearer abcdefgh12345678.", "sent bearer [redacted: authorization]"),
    (f"sent Basic {b64encode(b'me:too').decode()} on", "sent Basic [redacted: authorization] on"),
    ("postgres://me:p@ss@db/x?y=z", "postgres://me:[redacted: password]@db/x?y=z"),
    ("Set-Cookie: sid=31d4d96e; HttpOnly", "Set-Cookie: [redacted: cookie]"),
    ("X-Amz-Signature=0f3c", "X-Amz-Signature=[redacted: signature]"),
    ("\u0130\u0130 password=ab \u0130", "\u0130\u0130 password=[redacted: password] \u0130"),
    ("paid by 4111 1111 1111 1111 12/27", "paid by [redacted: card number] 12/27"),
    ("3782-822463-10005", "[redacted: card number]"),
    ("a 5555555555554444 b 2223003122003222.", "a [redacted: card number] b [redacted: card number]."),
]


@pytest.mark.parametrize(("text", "expected"), TOLD, ids=[text.split("=")[0][:20] for text, _ in TOLD])
def test_a_secret_that_its_surroundings_tell_of_is_taken_out_of_the_text(text: str, expected: str) -> None:
    cleaned, found = redacted(text)
    assert cleaned == expected
    assert len(found) == expected.count("[redacted")
    assert scan(cleaned) == []


HARMLESS = [
    "The password is required; a token was refused; the key: see below",
    "password=None token=null secret=**** api_key=${API_KEY} password=$DB_PASSWORD pwd=<yours> key={key}",
    "password: expired. Secret: none. Token: renewed",
    "the lock is no longer held under token=17, since token: 2026-11-21T07:00:00.000000Z",
    "next_token=eyAbc123456 page-token=abc max_tokens=5 tokenize=yes passwordless=true",
    "password = get_password() and password = os.environ['DB']",
    "a bearer of bad news; a bearer airworthiness-certificate; basic training; Basic YWJj",
    "https://host:8080/path?a=b someone@example.com mailto:someone@example.com http://[::1]:80/",
    "Asia/Tokyo, task-management-of-components, desk-aaaaaaaaaaaaaaaaaaaaaaaa, ask-proj",
    "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
    "cookie: policy; authorization: granted; two-factor authorization = yes",
]


@pytest.mark.parametrize("text", HARMLESS, ids=[text[:20] for text in HARMLESS])
def test_what_only_speaks_of_secrets_is_left_alone(text: str) -> None:
    assert scan(text) == []


# Names


TELLING = ["password", "PassWord", "db_password", "dbPassword", "new-password", "password2", "x-api-key", "apiKey"]
TELLING += ["API_KEY", "clientSecret", "access_token", "refreshToken", "Authorization", "Set-Cookie", "private.key"]
TELLING += ["PRIVATE KEY", "aws_secret_access_key", "credentials", "userPwd", "id_jwt", "card-cvv"]
SILENT = ["password_reset_at", "passenger", "token_count", "max_tokens", "next_token", "pageToken", "fencing_token"]
SILENT += ["key", "secretary", "keyboard", "author", "icao24", "", "7", "\u00e9", "primary_key", "secret_arn"]
SILENT += ["access_key_id"]


@pytest.mark.parametrize("name", TELLING)
def test_a_name_tells_whatever_its_case_and_separators(name: str) -> None:
    assert kind_of_name(name) is not None
    assert redacted({"a": [{name: "x"}]})[0] == {"a": [{name: f"[redacted: {kind_of_name(name)}]"}]}
    assert scan({"a": [{name: "x"}]}) == [Found(kind_of_name(name) or "", f"a.0.{name}")]


@pytest.mark.parametrize("name", SILENT)
def test_a_name_that_is_only_like_one_tells_nothing(name: str) -> None:
    assert kind_of_name(name) is None
    assert scan({name: "x"}) == []


def test_what_stands_under_such_a_name_is_replaced_whole_if_it_can_be_a_secret() -> None:
    value = {"credentials": {"user": "a"}, "cookies": ["a"], "secret": b"x", "password": 12, "token": SecretStr("x")}
    assert redacted(value)[0] == {
        "credentials": "[redacted: credentials]",
        "cookies": "[redacted: cookie]",
        "secret": "[redacted: secret]",
        "password": "[redacted: password]",
        "token": "[redacted: token]",
    }
    harmless = {"token": 17, "password": None, "secret": True, "api_key": "", "cookies": [], "pwd": "***"}
    assert redacted(harmless) == (harmless, [])


# Cards


def checked(digits: str) -> str:
    """Digits with the check digit that makes them pass."""
    return next(digits + last for last in string.digits if luhn(digits + last))


def luhn(digits: str) -> bool:
    """The check of ISO/IEC 7812-1, told in another way than the library does."""
    doubled = {"0": 0, "1": 2, "2": 4, "3": 6, "4": 8, "5": 1, "6": 3, "7": 5, "8": 7, "9": 9}
    return sum(int(digit) if place % 2 == 0 else doubled[digit] for place, digit in enumerate(digits[::-1])) % 10 == 0


ISSUED = [("4", 16), ("4", 13), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15)]
ISSUED += [("300", 14), ("36", 14), ("38", 14), ("6011", 16), ("644", 16), ("65", 19), ("62", 16), ("3528", 16)]
FOREIGN = [("1", 16), ("7", 16), ("9", 16), ("59", 16), ("56", 16), ("2220", 16), ("2721", 16), ("35", 15), ("4", 14)]


@pytest.mark.parametrize(("prefix", "size"), ISSUED)
@given(data=st.data())
def test_a_card_is_of_an_issuer_and_passes_its_check(prefix: str, size: int, data: st.DataObject) -> None:
    card = checked(prefix + data.draw(run(size - len(prefix) - 1, string.digits)))
    assert is_card(card)
    assert scan(f"by {card}, then") == scan(card) == [Found("card number", "")]
    assert redacted([int(card), Decimal(card)])[0] == ["[redacted: card number]"] * 2
    broken = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert scan([broken, int(broken)]) == []


@pytest.mark.parametrize(("prefix", "size"), FOREIGN)
@given(data=st.data())
def test_digits_of_no_issuer_are_no_card(prefix: str, size: int, data: st.DataObject) -> None:
    assert scan(checked(prefix + data.draw(run(size - len(prefix) - 1, string.digits)))) == []


@given(
    st.uuids(),
    st.integers(0, 2**64),
    st.integers(10**12, 2 * 10**12 - 1),
    run(24, string.hexdigits),
    run(6, "0123456789abcdef"),
)
def test_no_identifier_is_a_card(uuid: Any, seed: int, millis: int, text: str, icao24: str) -> None:
    card = "4111111111111111"
    longer = [f"{uuid.hex}", f"{millis}", f"{millis}000", icao24, f"{uuid}", f"{seed:0>24}", f"{card}{seed:0>20}"]
    assert scan([*longer, f"a{card}", f"{card}f", f"0.{card}", f"{card}.5", f"x-{card}", f"+{card}", f"9 {card}"]) == []
    assert scan(f"{text[:12]}-4111-1111-1111-{text[12:]}" if text[11].isalnum() else "") == []


def test_no_uuid_that_looks_most_like_a_card_is_one() -> None:
    assert scan(["41111111-1111-4111-8111-111111111111", "00000000-4111-1111-1111-111111111111"]) == []


# Values


def documents() -> st.SearchStrategy[Any]:
    """JSON-like values whose names and texts are the stuff of secrets."""
    stuff = [
        "password",
        "token",
        "=",
        ":",
        " ",
        '"',
        "'",
        "\\",
        "\n",
        "x1",
        "[redacted: x]",
        "bearer ",
        "basic ",
        "[",
        "]",
    ]
    stuff += [
        "authorization: ",
        "cookie: a=",
        "4111 1111 1111 1111",
        "ghp_" + "a" * 36,
        "://a:",
        "@",
        "eyJabcdefghi.",
        "-",
    ]
    texts = st.lists(st.sampled_from(stuff), max_size=7).map("".join)
    leaf = texts | st.integers() | st.none() | st.booleans() | st.just(4111111111111111) | texts.map(str.encode)
    return st.recursive(
        leaf,
        lambda part: (
            st.lists(part, max_size=3) | st.dictionaries(texts, part, max_size=3) | st.sets(texts) | st.tuples(part)
        ),
        max_leaves=6,
    )


@given(documents())
def test_what_was_redacted_holds_nothing_more_to_find(value: Any) -> None:
    before = repr(value)
    cleaned, found = redacted(value)
    assert repr(value) == before
    assert scan(cleaned) == []
    assert found == scan(value)
    if not found:
        assert cleaned is value


@given(st.lists(documents(), max_size=3))
def test_a_value_is_searched_part_by_part(parts: list[Any]) -> None:
    """What a part holds does not depend on what stands beside it, though a first look takes all together."""
    alone = [redacted(part)[0] for part in parts]
    assert redacted(parts)[0] == alone
    assert redacted({f"n{place}": part for place, part in enumerate(parts)})[0] == {
        f"n{place}": part for place, part in enumerate(alone)
    }


def test_a_secret_in_bytes_a_set_a_tuple_and_a_name_is_found() -> None:
    secret = "ghp_" + "a" * 36
    mark = "[redacted: GitHub token]"
    value = {"b": secret.encode() + b"\xff", "s": {secret}, "t": (secret, 1), secret: 1, f"{secret}": 1}
    cleaned, found = redacted(value)
    assert cleaned == {"b": mark.encode() + b"\xff", "s": {mark}, "t": (mark, 1), mark: 1}
    assert [each.path for each in found] == ["b", "s", "t.0", ""]


def test_what_looks_like_a_secret_only_without_its_neighbour_is_taken_out_too() -> None:
    text = "ghp_" + "a" * 36 + "eyJabcdefghi.4111 1111 1111 1111"
    assert redacted(text)[0] == "[redacted: GitHub token].[redacted: card number]"


def test_of_secrets_in_one_another_nothing_is_left() -> None:
    inner = "ghp_" + "a" * 36
    assert redacted(f'password="begin {inner} end" on') == (
        'password="[redacted: password]" on',
        [Found("password", "")],
    )


def test_what_pydantic_calls_a_secret_is_one() -> None:
    assert scan({"note": [SecretStr("x")]}) == [Found("secret", "note.0")]


def test_numbers_of_any_kind_and_size_are_looked_at() -> None:
    value = [10**5000, -(10**5000), Decimal("sNaN"), Decimal("1E+99"), float("nan"), 0.5, True]
    cleaned = redacted([*value, {"password": "x"}])[0]
    assert all(kept is given_value for kept, given_value in zip(cleaned, value, strict=False))
    assert cleaned[-1] == {"password": "[redacted: password]"}


def test_two_secret_names_stay_two() -> None:
    value = {"ghp_" + letter * 36: letter for letter in "abc"}
    assert list(redacted(value)[0].values()) == ["a", "b", "c"]


# Policies


SECRET = "ghp_" + "Z" * 36


def test_a_policy_redacts_refuses_or_allows() -> None:
    value = {"user": {"note": f"use {SECRET}", "password": SECRET}, "ok": 1}
    assert clean(value, SecretPolicy.ALLOW, "details") is value
    assert clean(value, SecretPolicy.REDACT, "details") == {
        "user": {"note": "use [redacted: GitHub token]", "password": "[redacted: password]"},
        "ok": 1,
    }
    with pytest.raises(SecretFoundError) as caught:
        clean(value, SecretPolicy.REFUSE, "details")
    assert isinstance(caught.value, InvalidInputError)
    assert caught.value.kinds == ("GitHub token", "password")
    assert caught.value.places == ("details.user.note", "details.user.password")


def test_what_is_refused_is_shown_nowhere() -> None:
    with pytest.raises(SecretFoundError) as caught:
        clean({SECRET: [SECRET]}, SecretPolicy.REFUSE, "details")
    assert SECRET not in f"{caught.value!r} {caught.value.fields}"
    assert pickle.loads(pickle.dumps(caught.value)).places == caught.value.places


@pytest.mark.parametrize("policy", list(SecretPolicy))
def test_what_holds_no_secret_passes_as_it_is(policy: SecretPolicy) -> None:
    value = {"icao24": "a835af", "registration": "N628TS", "note": "moved"}
    assert clean(value, policy, "details") is value


@pytest.mark.parametrize(
    "path", sorted(path for path in DATA.iterdir() if path.suffix != ".md"), ids=lambda path: path.name
)
def test_real_records_hold_no_secrets(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        assert scan(line.split(",")) == []
        assert scan(line) == []
        if path.suffix == ".jsonl":
            assert scan(json.loads(line)) == []
