"""Waking the daemon: over any path, and never a fault of the sender."""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path

import pytest

from uwf.app.unattended import poke


def test_poke_arrives(tmp_path: Path) -> None:
    home = str(tmp_path)
    listener = poke.listen(home)
    poke.send(home)
    assert select.select([listener.fileno()], [], [], 5)[0]
    assert listener.recv(10) == b"!"
    assert os.stat(tmp_path / "daemon.sock").st_mode & 0o777 == 0o600
    listener.close()


@pytest.mark.skipif(not os.path.isdir(poke.OPEN_FOLDERS), reason="no way round a long path here")
def test_path_may_be_longer_than_an_address(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 100) / ("y" * 100)
    home.mkdir(parents=True)
    listener = poke.listen(str(home))
    poke.send(str(home))
    assert listener.recv(10) == b"!"
    assert (home / "daemon.sock").is_socket()
    listener.close()
    poke.gone(str(home))
    assert not (home / "daemon.sock").exists()


def test_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    poke.listen(str(tmp_path)).close()
    poke.send(str(tmp_path))  # nobody listens
    listener = poke.listen(str(tmp_path))
    poke.send(str(tmp_path))
    assert listener.recv(10) == b"!"
    listener.close()


def test_sender_never_fails_and_never_waits(tmp_path: Path) -> None:
    poke.send(str(tmp_path / "no" / "home"))
    (tmp_path / "daemon.sock").write_text("a file")
    poke.send(str(tmp_path))
    with pytest.raises(OSError):
        poke.listen(str(tmp_path))
    assert (tmp_path / "daemon.sock").read_text() == "a file", "it is not ours to remove"
    other = tmp_path / "other"
    other.mkdir()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(other / "daemon.sock"))
    for _ in range(5000):
        poke.send(str(other))  # nobody reads
    listener.close()
