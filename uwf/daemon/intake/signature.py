"""Who may deliver: HMAC signatures of the forges, and bearer tokens. Over the bytes as they came, before they are read.

A signature says who delivered a payload. Who wrote what stands in it is another question: see `sources/standing.py`.

Secrets are named in the configuration, never written there: the name of an environment variable, or the absolute path
of a file. Several may be named, so that a new one can be brought in before the old one is taken away.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat

from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol

    class Headers(Protocol):
        """Headers of a request, asked for in any case, or a dictionary."""

        def get(self, name: str, otherwise: str, /) -> Any: ...


HEADERS: Mapping[str, tuple[str, ...]] = {
    "github": ("X-Hub-Signature-256",),
    "gitea": ("X-Forgejo-Signature", "X-Gitea-Signature", "X-Hub-Signature-256"),
}
"""Where the signature of a kind of forge stands; Forgejo sends those of Gitea as well."""

SECRET_BYTES = 4096
"""No secret is longer: a path that leads to another file is noticed."""


def is_signed(kind: str, headers: Headers, body: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether one of `secrets` has signed `body`. All are tried, and each is compared in constant time."""
    given = next(filter(None, (headers.get(name, "") for name in HEADERS[kind])), "")
    found = given.strip().removeprefix("sha256=").lower()
    good = False
    for secret in secrets:
        signed = hmac.new(secret, body, hashlib.sha256).hexdigest()
        good |= hmac.compare_digest(signed.encode(), found.encode("utf-8", "replace"))
    return good


def signed(kind: str, body: bytes, secret: bytes, *, event: str, delivery: str) -> dict[str, str]:
    """The headers of a delivery as a forge of this kind makes them."""
    found = hmac.new(secret, body, hashlib.sha256).hexdigest()
    if kind == "github":
        headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery}
        return {**headers, "X-Hub-Signature-256": f"sha256={found}"}
    headers = {"X-Gitea-Event": event, "X-Gitea-Delivery": delivery}
    return {**headers, "X-Gitea-Signature": found}


def has_token(headers: Headers, tokens: Sequence[bytes]) -> bool:
    """Whether the request bears one of `tokens`, compared in constant time and without telling their lengths."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    asked = hashlib.sha256(given.strip().encode("latin-1", "replace")).digest()  # as HTTP has it
    good = False
    for token in tokens:
        good |= hmac.compare_digest(hashlib.sha256(token).digest(), asked)
    return good and scheme.lower() == "bearer"


def secrets(names: Iterable[str], environ: Mapping[str, str]) -> tuple[list[bytes], list[str]]:
    """The values of the secrets that `names` name, and in words what is wrong with those that have none."""
    found, wrong = [], []
    for name in names:
        try:
            found.append(secret(name, environ))
        except InputError as error:
            wrong.append(error.message)
    return found, wrong


def secret(name: str, environ: Mapping[str, str]) -> bytes:
    """The secret in the file `name`, where that is a path, else in the environment. InputError when there is none."""
    if "/" not in name:
        value = environ.get(name, "").strip().encode("utf-8", "surrogateescape")
        if not value:
            raise InputError(f"the environment variable {name} is not set", hint=f"export {name}=…")
        return value
    return _in_file(os.path.expanduser(name))


def _in_file(path: str) -> bytes:
    hint = f"ls -l {path}"
    try:
        with open(path, "rb", opener=_not_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"the secret {path} is not a regular file", hint=hint)
            value = file.read(SECRET_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read the secret {path}: {error.strerror}", hint=hint) from None
    if len(value) > SECRET_BYTES:
        raise InputError(f"{path} is too long to be a secret", hint=hint)
    if not value.strip():
        raise InputError(f"the secret {path} is empty", hint=hint)
    return value.strip()


def _not_waiting(path: str, flags: int) -> int:
    """Opening a pipe waits for its writer otherwise."""
    return os.open(path, flags | os.O_NONBLOCK)
