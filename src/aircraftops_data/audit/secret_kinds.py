"""What secrets look like in text, and what they are called."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

# Names that end so tell of a secret, each under what it is called in reports. A `_` is any separator, or none.
_NAMES = {
    "password": ("password", "passwords", "passwd", "passphrase", "passcode", "password_hash", "password_confirmation"),
    "private key": ("private_key",),
    "secret key": ("secret_key", "access_key", "signing_key", "encryption_key", "account_key", "shared_key"),
    "secret": ("secret", "secrets"),
    "token": ("token",),
    "API key": ("api_key", "api_keys"),
    "authorization": ("authorization",),
    "cookie": ("cookie", "cookies"),
    "credentials": ("credential", "credentials"),
    "signature": ("amz_signature",),
}
# Too short to be told by how a name ends: they must be its last word.
_WORDS = {"pwd": "password", "jwt": "token", "cvv": "card code", "cvc": "card code", "otp": "password"}
# They end so too, and tell nothing.
_HARMLESS = ("nexttoken", "pagetoken", "continuationtoken", "requesttoken", "clienttoken", "fencingtoken", "synctoken")

_ENDINGS = {name.replace("_", ""): kind for kind, names in _NAMES.items() for name in names}
_LONGEST_NAME = 256
_NAME_AT_END = re.compile(r"[\w.-]*\Z").search


_MARK = re.compile(r"\[redacted: [\w ]+\]")


def mark(kind: str) -> str:
    """What stands where a secret stood."""
    return f"[redacted: {kind}]"


@lru_cache(4096)
def kind_of_name(name: str) -> str | None:
    """The kind of secret that a name in a map tells of: whatever its case and separators, by how it ends."""
    words = re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name[-_LONGEST_NAME:])
    plain = "".join(words).lower()
    if not words or plain.endswith(_HARMLESS) or _MARK.search(name):
        return None
    ending = next((ending for ending in sorted(_ENDINGS, key=len, reverse=True) if plain.endswith(ending)), None)
    return _WORDS.get(words[-1].lower()) if ending is None else _ENDINGS[ending]


_PLACEHOLDER = re.compile(
    # Masked; a variable or a format's place, to be filled in; a word for nothing.
    r"\*+|\$|\$?\{+[^{}]*\}+|(?-i:\$[A-Z][A-Z0-9_]*)|<.*>|%\(?\w*\)?s"
    r"|none|null|nil|undefined|true|false",
    re.I | re.S,
)
_NUMERIC = re.compile(r"\d[\d:.tz+-]*")


def is_placeholder(text: str) -> bool:
    """Whether a text stands where a secret would, and is none: empty, taken out, masked, or a variable's name."""
    return not text or any(known.fullmatch(text) for known in (_MARK, _PLACEHOLDER))


def may_be_number(kind: str) -> bool:
    """Whether a secret of this kind may be a bare number; tokens and keys of locks and pages are numbers too."""
    return kind in ("password", "card code")


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """How secrets are found in text.

    One of `hints` is in every text that holds one. The secret is the group `secret` of the pattern, or all of it;
    `judge` says, of a match and the text, of which kind it is, or None for no secret. Where letters count the same in
    either case (`folded`), hints and pattern are in lower case, and the text is made so: that is faster by far.
    """

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    judge: Callable[[re.Match[str], str], str | None]
    folded: bool = False

    def spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where in a text such secrets begin and end, and of what kind they are."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(_folded(text) if self.folded else text):
            start, end = match.span(group)
            marked = _MARK.match(text, start)
            none = is_placeholder(text[start:end]) or (marked is not None and end <= marked.end())
            kind = None if none else self.judge(match, text)
            if kind is not None:
                yield start, end, kind


def _folded(text: str) -> str:
    """A text in lower case, every letter in its place: a few have two in lower case."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(letter.lower()[0] for letter in text)


def _pattern(kind: str, hints: str, pattern: str, flags: int = 0, *, folded: bool = False) -> SecretPattern:
    return SecretPattern(tuple(hints.split()), re.compile(pattern, flags), lambda _match, _text: kind, folded)


def _token(kind: str, hints: str, pattern: str) -> SecretPattern:
    """What stands by itself, not at the end of another word."""
    return _pattern(kind, hints, f"(?<![A-Za-z0-9]){pattern}")


def _basic(match: re.Match[str], text: str) -> str | None:
    """What follows `Basic` is a name and a password in base64, or just a word."""
    start, end = match.span("secret")
    try:
        return "authorization" if ":" in b64decode(text[start:end], validate=True).decode() else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _assigned(match: re.Match[str], text: str) -> str | None:
    """The kind of what is given to a name; None for what is only said of it."""
    before = text[max(0, match.start() - _LONGEST_NAME) : match.end("name")]
    kind = kind_of_name(before[_NAME_AT_END(before).start() :])  # type: ignore[union-attr]
    value = match["secret"]
    if kind is None or (not may_be_number(kind) and _NUMERIC.fullmatch(value)):
        return None
    if match["quote"] is not None:
        return kind
    if text[match.end() : match.end() + 1] in ("[", "{") or _CALL.fullmatch(value):
        return None
    # After a colon comes prose, or the value of a map.
    told = match["sign"] != ":" or (any(map(str.isdigit, value)) and (may_be_number(kind) or len(value) >= 8))
    return kind if told else None


def _separated(name: str) -> str:
    return name.replace("_", "[-_. ]?")


_ASSIGNABLE = sorted(
    (_separated(name) for kind, names in _NAMES.items() if kind not in ("authorization", "cookie") for name in names),
    key=len,
    reverse=True,
)
_ASSIGNED = re.compile(
    rf"""(?P<name>{"|".join(_ASSIGNABLE)}|(?<![a-z])(?:{"|".join(_WORDS)}))\d{{0,3}}
    \\?["']?\s*(?P<sign>=>|:=|=|:)\s*
    (?P<quote>\\?["'])?(?P<secret>(?(quote)(?:(?!(?P=quote))(?:\\.|[^\\\n]))+|[^\s"'&;,<>{{}}\[\]]+))""",
    re.X,
)
_ASSIGNED_HINTS = ("pass", "key", "secret", "token", "credential", "signature", *_WORDS)
_CALL = re.compile(r"[a-z_][\w.]*\(.*\)")

_MAESTRO = ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763")
# The first and the last prefix of a range, and how many digits its numbers have.
_ISSUERS = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14,)),  # Diners Club
    ("3095", "3095", (14,)),
    ("36", "36", (14,)),
    ("38", "39", (14,)),
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "659", (16, 17, 18, 19)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("3528", "3589", (16,)),  # JCB
    *((prefix, prefix, (13, 14, 15, 16, 17, 18, 19)) for prefix in _MAESTRO),
)


def is_card(digits: str) -> bool:
    """Whether digits are a card number: of a known issuer, of its length, and with the check digit of Luhn.

    Source: ISO/IEC 7812-1, annex B, for the check digit; the prefixes are those the issuers publish.
    """
    issued = any(first <= digits[: len(first)] <= last and len(digits) in sizes for first, last, sizes in _ISSUERS)
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return issued and (sum(doubled) + sum(map(int, digits[::-2]))) % 10 == 0


def _card(match: re.Match[str], _: str) -> str | None:
    return "card number" if is_card(re.sub("[ -]", "", match[0])) else None


CARD = SecretPattern(
    (),
    # Alone, or in groups as on the card; never a part of a longer run of digits, of hexadecimal or of a UUID.
    re.compile(
        r"[2-6](?<![\w+]\d)(?<!\w[-.]\d)(?<!\d \d)"
        r"(?:\d{12,18}|\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{3}([ -])\d{6}\2\d{4,5})"
        r"(?!\w)(?![-.]\w)(?! \d{4}(?!\d))"
    ),
    _card,
)

PATTERNS = (
    _pattern(
        "private key",
        "-----BEGIN",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",
        re.S,
    ),
    _token(
        "AWS key",
        "AKIA ASIA ABIA ACCA",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])(?:[\s\"':,;/|]{1,4}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))?",
    ),
    _token(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})",
    ),
    _token("GitLab token", "glpat- gldt- glrt- glptt- glcbt-", r"gl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,}"),
    _token("Slack token", "xox xapp-", r"(?:xox[a-z](?:-[A-Za-z0-9]+){2,}|xapp-\d-[A-Za-z0-9-]{20,})"),
    _token(
        "Slack token", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[\w/-]{20,})"
    ),
    _token("Stripe key", "k_live_ k_test_ whsec_", r"(?:[sr]k_(?:live|test)_\w{10,}|whsec_[\w+/=]{24,})"),
    _token("Google key", "AIza ya29. GOCSPX-", r"(?:AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})"),
    _token("Anthropic key", "sk-ant-", r"sk-ant-[\w-]{20,}"),
    _token("OpenAI key", "sk-", r"sk-(?:(?:proj|svcacct|admin|or-v1)-[\w-]{20,}|[A-Za-z0-9]{20,})"),
    _token("npm token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _token("PyPI token", "pypi-", r"pypi-[\w-]{50,}"),
    _pattern("JWT", "eyJ", r"(?<![\w-])eyJ[\w-]{8,}(?:\.[\w-]*){2,4}"),
    _pattern(
        "authorization",
        "authorization",
        r"""authorization\\?["']?\s*[:=]\s*\\?["']?(?:bearer|basic|token|apikey)\s+(?P<secret>[^\s"'\\,;]+)""",
        folded=True,
    ),
    _pattern("authorization", "bearer", r"bearer\s+(?P<secret>(?=\S*\d)[\w.~+/-]{16,}=*)", folded=True),
    SecretPattern(("basic",), re.compile(r"basic\s+(?P<secret>[a-z0-9+/]{6,}=*)"), _basic, folded=True),
    _pattern(
        "cookie",
        "cookie",
        r"""cookie2?\\?["']?\s*:\s*\\?["']?(?P<secret>[^\s=;:"'\\]{1,128}=[^"'\r\n\\]+)""",
        folded=True,
    ),
    _pattern("password", "://", r"""://[^\s/:@"'<>]*:(?P<secret>[^\s/"'<>]+)@"""),
    SecretPattern(_ASSIGNED_HINTS, _ASSIGNED, _assigned, folded=True),
    CARD,
)
