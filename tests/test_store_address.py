"""Where a store is: what is an address, and that a password in one is shown to nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.store_address import is_database, passwords, read, shown, without_password

URL = "postgresql://ann:s3cret%40@db.example:5432/uwf?sslmode=require&password=0ther"


def test_an_address_is_a_word_or_a_url() -> None:
    for address in (
        "sqlite",
        "postgresql:///uwf",
        "postgresql://ann@/uwf?host=/run/postgresql",
        "postgres://a.example:1,b.example:2/uwf?target_session_attrs=read-write",
        "postgresql://[::1]/uwf",
        URL,
    ):
        assert read(address) == address
        assert is_database(address) == (address != "sqlite")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "SQLite",
        "mysql://ann:s3cret@h/db",
        "postgresql:ann:s3cret@h/db",
        "Postgresql://ann:s3cret@h/db",
        "postgresql://ann:s3@cret@h/db",
        "postgresql://ann:s3/cret@h/db",
        "postgresql://ann:s3?cret@h/db",
        "postgresql://ann:s3#cret@h/db",
        "postgresql://ann:s3 cret@h/db",
        "host=h password=s3cret",
        7,
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(wrong: object) -> None:
    with pytest.raises(ValueError, match="postgresql://user@host/database") as refused:
        read(wrong)
    assert "cret" not in str(refused.value)
    if isinstance(wrong, str):
        assert shown(wrong) == without_password(wrong) == "[redacted]"


def test_a_password_is_not_shown() -> None:
    assert passwords(URL) == ["s3cret@", "0ther"]
    assert shown(URL) == (
        "postgresql://ann:[redacted]@db.example:5432/uwf?sslmode=require&password=[redacted]"
    )
    assert without_password(URL) == "postgresql://ann@db.example:5432/uwf?sslmode=require"
    for plain in ("sqlite", "postgresql:///uwf", "postgresql://ann@h:1/uwf?sslmode=require"):
        assert (shown(plain), without_password(plain), passwords(plain)) == (plain, plain, [])


def test_the_name_of_an_option_may_be_written_in_percents() -> None:
    address = "postgresql://ann@h/d?pass%77ord=s3cret&sslmode=require"
    assert passwords(address) == ["s3cret"]
    assert "s3cret" not in shown(address)
    assert without_password(address) == "postgresql://ann@h/d?sslmode=require"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=20))
def test_no_password_is_shown(password: str) -> None:
    from urllib.parse import quote

    written = quote(password, safe="")
    address = read(f"postgresql://u:{written}@h/d?sslpassword={written}")
    assert passwords(address) == [password, password]
    for seen in (shown(address), without_password(address)):
        assert seen.replace("[redacted]", "").replace("sslpassword", "") in (
            "postgresql://u:@h/d?=",
            "postgresql://u@h/d",
        )
