"""Who may deliver: signatures of the forges over the raw body, tokens, and where the secrets stand."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

import pytest

from uwf.daemon.intake import signature
from uwf.errors import InputError

BODY = b'{"action": "created"}'


def signed(secret: bytes, body: bytes = BODY) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("kind", "header", "before"),
    [
        ("github", "X-Hub-Signature-256", "sha256="),
        ("gitea", "X-Gitea-Signature", ""),
        ("gitea", "X-Forgejo-Signature", ""),
    ],
)
def test_each_forge_signs_in_its_own_header(kind: str, header: str, before: str) -> None:
    headers = {header: before + signed(b"new")}
    assert signature.is_signed(kind, headers, BODY, [b"new"])
    assert signature.is_signed(kind, headers, BODY, [b"old", b"new"])
    assert not signature.is_signed(kind, headers, BODY, [b"old"])
    assert not signature.is_signed(kind, headers, BODY + b" ", [b"new"])
    assert not signature.is_signed(kind, headers, BODY, [])


def test_the_known_example_of_github_holds() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"X-Hub-Signature-256": header}
    assert signature.is_signed("github", headers, b"Hello, World!", [b"It's a Secret to Everybody"])


@pytest.mark.parametrize("given", ["", "sha256=", "sha256=é", "0" * 64, "sha1=" + "0" * 40])
def test_no_signature_is_none(given: str) -> None:
    assert not signature.is_signed("github", {"X-Hub-Signature-256": given}, BODY, [b"new"])


def test_a_signature_of_another_forge_is_none() -> None:
    headers = {"X-Gitea-Signature": signed(b"new")}
    assert not signature.is_signed("github", headers, BODY, [b"new"])


def test_a_token_is_borne() -> None:
    assert signature.has_token({"Authorization": "Bearer abc"}, [b"old", b"abc"])
    assert signature.has_token({"Authorization": "bearer  abc "}, [b"abc"])
    for wrong in ("", "abc", "Bearer", "Bearer ab", "Bearer abcd", "Basic abc", "Bearer é"):
        assert not signature.has_token({"Authorization": wrong}, [b"abc"])
    assert not signature.has_token({"Authorization": "Bearer abc"}, [])
    odd = "caf\u00e9".encode()
    assert signature.has_token({"Authorization": f"Bearer {odd.decode('latin-1')}"}, [odd])


def test_secrets_stand_in_the_environment_or_in_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("of a file\n")
    found, wrong = signature.secrets(["HOOK", str(file), "GONE"], {"HOOK": "of a variable"})
    assert found == [b"of a variable", b"of a file"]
    assert wrong == ["the environment variable GONE is not set"]


def test_what_is_no_secret_is_named(tmp_path: Path) -> None:
    empty, long, pipe = tmp_path / "empty", tmp_path / "long", tmp_path / "pipe"
    empty.touch()
    long.write_bytes(b"x" * 5000)
    os.mkfifo(pipe)
    for path, why in (
        (empty, "is empty"),
        (long, "too long"),
        (pipe, "not a regular file"),
        (tmp_path / "gone", "No such file"),
    ):
        with pytest.raises(InputError, match=why):
            signature.secret(str(path), {})
