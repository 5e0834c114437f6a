from __future__ import annotations

import json
from pathlib import Path

import pytest

from uwf import config
from uwf.config.secrets import is_secret, secret_values

LONG = "0123456789"


@pytest.mark.parametrize(
    "name", ["API_KEY", "github_token", "My_Secret", "PASSWORD", "PGPASSWORD", "DB_PASSWORD_FILE"]
)
def test_names_that_look_like_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["KEY", "TOKENS", "PATH", "SECRET_SANTA", "KEYBOARD", "MY_KEYS"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret(name)


def test_short_values_are_left_alone_and_long_ones_come_first() -> None:
    environ = {"A_KEY": "1234567", "B_KEY": "12345678", "C_TOKEN": LONG, "PATH": LONG * 2}
    assert secret_values(environ, config.defaults()) == [("C_TOKEN", LONG), ("B_KEY", "12345678")]


def test_one_value_has_one_name() -> None:
    environ = {"A_KEY": LONG, "B_KEY": LONG}
    assert secret_values(environ, config.defaults()) == [("A_KEY", LONG)]


def test_config_adds_names_and_values(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'secrets = ["deploy_*", "PIN"]\n'
        '[agents.a]\ncommand = "c"\nenv = { HF_TOKEN = "from-config", PIN = "87654321", X = "harmless!" }\n'
    )
    found = secret_values({"DEPLOY_HOST": "example.org"}, config.load(str(tmp_path)))
    assert sorted(found) == [
        ("DEPLOY_HOST", "example.org"),
        ("HF_TOKEN", "from-config"),
        ("PIN", "87654321"),
    ]


def test_values_are_known_again_when_they_are_quoted_or_stand_line_by_line() -> None:
    pem = "-----BEGIN-----\nfirst line of it\nshort\nlast line of it\n"
    environ = {"PEM_KEY": pem, "ODD_TOKEN": 'a"b\\c\u00e9defgh'}
    values = [value for _, value in secret_values(environ, config.defaults())]
    for said in (json.dumps(pem), json.dumps({"k": environ["ODD_TOKEN"]})):
        assert any(value in said for value in values)
    assert json.dumps(environ["ODD_TOKEN"], ensure_ascii=False)[1:-1] in values
    assert {"first line of it", "last line of it"} <= set(values) and "short" not in values
    assert sorted(values, key=len, reverse=True) == values
