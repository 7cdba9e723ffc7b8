"""Hypothesis strategies for the domain's texts, written from the rules and not from the library's patterns."""

from hypothesis import strategies as st

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
US_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def letters(size: int, alphabet: str = LETTERS) -> st.SearchStrategy[str]:
    """`size` letters of an alphabet."""
    return st.text(alphabet, min_size=size, max_size=size)


@st.composite
def n_numbers(draw: st.DrawFn) -> str:
    """Any N-number that 14 CFR 47.15(b) allows."""
    suffix = draw(st.text(US_LETTERS, max_size=2))
    first = draw(st.sampled_from("123456789"))
    rest = draw(st.text(DIGITS, max_size=4 - len(suffix)))
    return f"N{first}{rest}{suffix}"


def icao24s() -> st.SearchStrategy[str]:
    """Any ICAO 24-bit address that may be assigned, in lower case."""
    return st.integers(1, 0xFFFFFE).map("{:06x}".format)


def us_icao24s() -> st.SearchStrategy[str]:
    """Any address that belongs to an N-number."""
    return st.integers(0xA00001, 0xADF7C7).map("{:06x}".format)


def foreign_registrations() -> st.SearchStrategy[str]:
    """Civil marks of a few states whose grammars differ."""
    return st.one_of(
        letters(3).map("PH-{}".format),
        letters(4).map("G-{}".format),
        letters(3).map("C-F{}".format),
        letters(3).map("9H-{}".format),
        letters(2).map("A9C-{}".format),
        st.integers(0, 9999).map("HB-{:04}".format),
        st.integers(0, 99999).map("RA-{:05}".format),
        st.integers(0, 9999).map("HL{:04}".format),
    )


def registrations() -> st.SearchStrategy[str]:
    """Any civil registration these strategies know."""
    return n_numbers() | foreign_registrations()


def military_marks() -> st.SearchStrategy[str]:
    """Serials and codes as air forces paint them."""
    return st.one_of(
        st.tuples(st.integers(10, 99), st.integers(0, 99)).map("{0[0]}+{0[1]:02}".format),
        st.tuples(st.integers(50, 99), st.integers(0, 9999)).map("{0[0]}-{0[1]:04}".format),
        st.integers(100000, 999999).map(str),
        st.integers(1, 99).map("08 BLUE {}".format),
    )


def marks() -> st.SearchStrategy[str]:
    """Any mark an aircraft may carry."""
    return registrations() | military_marks()


def padded(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The same texts as public files hold them: padded, and in any case."""
    padding = st.sampled_from(["", " ", "   ", "\t", "\xa0"])
    cased = texts.flatmap(lambda text: st.sampled_from([text.upper(), text.lower(), text.title()]))
    return st.tuples(padding, cased, padding).map("".join)
