from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf import config
from uwf.config.secrets import in_all_forms, in_command, is_ordinary, is_secret, secret_values
from uwf.record import replace

LONG = "0123456789"


def plain(found: list[tuple[str, str]], *values: str) -> list[tuple[str, str]]:
    """Of secrets in all forms those that are one of `values`."""
    return [secret for secret in found if secret[1] in values]


@pytest.mark.parametrize(
    "name", ["API_KEY", "github_token", "My_Secret", "PASSWORD", "PGPASSWORD", "DB_PASSWORD_FILE"]
)
def test_names_that_look_like_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["KEY", "TOKENS", "PATH", "SECRET_SANTA", "KEYBOARD", "MY_KEYS"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret(name)


def test_what_an_agent_calls_its_key_is_one_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[agents.a]\nkind = "openai"\nkey_env = "MINE"\nenv.MINE = "abcd1"\n[roles.b]\nenv.MINE = "abcd2"\n'
    )
    found = secret_values({"MINE": "abcd3", "OTHER": "abcd4"}, config.load(str(tmp_path)))
    assert plain(found, *(f"abcd{n}" for n in range(5))) == [
        ("MINE", "abcd3"),
        ("MINE", "abcd2"),
        ("MINE", "abcd1"),
    ]


def test_short_values_are_left_alone_and_long_ones_come_first() -> None:
    environ = {"A_KEY": "1234567", "B_KEY": "12345678", "C_TOKEN": LONG, "PATH": LONG * 2}
    found = secret_values(environ, config.defaults())
    assert plain(found, *environ.values()) == [("C_TOKEN", LONG), ("B_KEY", "12345678")]


def test_shorter_ones_with_letters_and_digits_are_none_that_stand_in_a_text() -> None:
    environ = {"A_PASSWORD": "hunter2", "B_PASSWORD": "ab12x", "C_PASSWORD": "a-b-c7"}
    found = secret_values(environ, config.defaults())
    assert plain(found, *environ.values()) == [("A_PASSWORD", "hunter2")]


@pytest.mark.parametrize("word", ["postgres", "Password", "CHANGEME", "minioadmin", "development"])
def test_an_ordinary_word_is_no_secret_unless_a_person_names_it(word: str) -> None:
    assert is_ordinary(word)
    environ, plainly = {"DB_PASSWORD": word}, config.defaults()
    assert secret_values(environ, plainly) == []
    named = replace(plainly, secrets=("DB_*",))
    assert ("DB_PASSWORD", word) in secret_values(environ, named)


@pytest.mark.parametrize(
    "value", ["correcthorsebattery", "tRoubador", "hunter2hunter", "a b c d e"]
)
def test_what_is_no_ordinary_word(value: str) -> None:
    assert not is_ordinary(value)


def test_one_value_has_one_name() -> None:
    found = secret_values({"A_KEY": LONG, "B_KEY": LONG}, config.defaults())
    assert plain(found, LONG) == [("A_KEY", LONG)]
    assert {name for name, _ in found} == {"A_KEY"}


def test_config_adds_names_and_values(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'secrets = ["deploy_*", "PIN"]\n'
        '[agents.a]\ncommand = "c --api-key of-the-command"\n'
        'env = { HF_TOKEN = "con7", PIN = "8765", X = "harmless!", A_PIN = "abcd", PGPASSWORD = "postgres" }\n'
    )
    environ = {"DEPLOY_HOST": "example.org", "PIN": "123"}
    found = secret_values(environ, config.load(str(tmp_path)))
    assert plain(
        found,
        "example.org",
        "con7",
        "8765",
        "of-the-command",
        "harmless!",
        "abcd",
        "postgres",
        "123",
    ) == [
        ("api-key", "of-the-command"),
        ("DEPLOY_HOST", "example.org"),
        ("HF_TOKEN", "con7"),
        ("PIN", "8765"),
    ]


def test_the_password_of_a_store_is_a_secret_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("store = 'postgresql://ann:s3cret%2Fpw@h/db'\n")
    environ = {"UWF_STORE": "postgresql://ann@h/db?password=of-environ1"}
    found = secret_values(environ, config.load(str(tmp_path)))
    assert {("store", "s3cret/pw"), ("store", "s3cret%2Fpw"), ("store", "of-environ1")} <= set(
        found
    )
    plain = {"UWF_STORE": "postgresql://postgres:postgres@h/db"}
    assert secret_values(plain, config.defaults()) == []


def test_what_the_configuration_names_for_what_is_in_it_is_a_secret(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[daemon]\ntokens = ["POSTER"]\n[alerts]\napprise = ["WHERE"]\n'
        '[[sources]]\nname = "shop"\nkind = "github"\nrepo = "octo/shop"\n'
        'token = "FORGE"\nsecrets = ["HOOK", "/run/hook"]\n'
    )
    names = ("POSTER", "WHERE", "FORGE", "HOOK", "OTHER")
    found = secret_values({name: f"of {name}" for name in names}, config.load(str(tmp_path)))
    assert {name for name, _ in found} == set(names[:-1])


def test_values_are_known_again_when_they_are_quoted_or_stand_line_by_line() -> None:
    pem = "-----BEGIN-----\nfirst line of it\nshort\nlast line of it\n"
    environ = {"PEM_KEY": pem, "ODD_TOKEN": 'a"b\\c\u00e9defgh'}
    values = [value for _, value in secret_values(environ, config.defaults())]
    for said in (json.dumps(pem), json.dumps({"k": environ["ODD_TOKEN"]})):
        assert any(value in said for value in values)
    assert json.dumps(environ["ODD_TOKEN"], ensure_ascii=False)[1:-1] in values
    assert {"first line of it", "last line of it"} <= set(values) and "short" not in values
    assert sorted(values, key=len, reverse=True) == values


@given(
    before=st.binary(max_size=7),
    value=st.text(min_size=8, max_size=130),
    after=st.binary(max_size=5),
)
def test_base64_of_whatever_holds_a_secret_does_not_keep_it(
    before: bytes, value: str, after: bytes
) -> None:
    forms = {form for _, form in in_all_forms([("A_KEY", value)])}
    whole = before + value.encode() + after
    for encoded in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
        text = encoded.decode()
        assert any(form in text for form in forms)
        for form in forms:
            text = text.replace(form, "")
        assert len(text) <= len(base64.b64encode(before)) + len(base64.b64encode(after)) + 8


def test_a_long_one_is_found_in_what_base64_has_wrapped() -> None:
    value = "".join(chr(65 + n * 7 % 57) for n in range(93))
    forms = {form for _, form in in_all_forms([("A_KEY", value)])}
    lines = base64.encodebytes(f"{value}\n".encode()).decode().splitlines()
    assert len(lines) == 2
    assert all(any(form in line for form in forms) for line in lines)


@pytest.mark.parametrize(
    "value", ["p@ss/w0rd+x", "a b&c=d?e%f", "sk-Ab3/xY+9z?Qw Ty & zz", "\u00fcber-gehe1m"]
)
def test_a_secret_in_a_url_is_known_again(value: str) -> None:
    forms = {form for _, form in in_all_forms([("A_KEY", value)])}
    assert {quote(value), quote(value, safe=""), quote_plus(value)} <= forms
    assert re.sub("%..", lambda code: code[0].lower(), quote(value, safe="")) in forms


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("claude --api-key sk-live-INLINE99 -p", [("api-key", "sk-live-INLINE99")]),
        ("run --token=abc123", [("token", "abc123")]),
        ("run --db-password 'two words'", [("db-password", "two words")]),
        ("env GH_TOKEN=ghp_0123 run", [("GH_TOKEN", "ghp_0123")]),
        ("sh -c 'MYSQL_PASSWORD=\"s3cret\" run'", [("MYSQL_PASSWORD", "s3cret")]),
        ("curl -H 'Authorization: Bearer eyJh.x'", [("Authorization", "eyJh.x")]),
        ("curl -H 'X-Api-Key: k-12345'", [("X-Api-Key", "k-12345")]),
        ("run postgres://app:s3cr@t@db/x", [("password", "s3cr")]),
        ("git clone https://me:ghp_9x@host/x", [("password", "ghp_9x")]),
        ("run --token $GH_TOKEN --key /etc/key.pem --secret --all", []),
        ("run --max-tokens 5000 --keyboard qwerty https://host/a:b", []),
        ("python3 reviewer.py --model opus", []),
    ],
)
def test_what_a_command_line_hands_over_as_a_secret(
    line: str, found: list[tuple[str, str]]
) -> None:
    assert in_command(line) == found
