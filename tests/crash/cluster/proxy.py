"""The wire between one machine and the database: a TCP proxy that can be slow, silent, or gone."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class Proxy:
    """Hands on to the Unix socket at `server` what comes to `port`. While it is cut nothing passes, not even an end."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._passes = threading.Event()
        self._passes.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.delay_s = 0.0
        """How long each piece takes."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._passes.clear()

    def heal(self) -> None:
        self.delay_s = 0.0
        self._passes.set()

    def reset(self) -> None:
        """End all connections that there are."""
        with self._lock:
            ended, self._open = self._open, set()
        for each in ended:
            _end(each)

    def close(self) -> None:
        self._listener.close()
        self.heal()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._passes.wait()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server)
        except OSError:
            server.close()
            client.close()
            return
        with self._lock:
            self._open |= {client, server}
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while True:
                data = source.recv(65536)
                time.sleep(self.delay_s)
                self._passes.wait()
                if not data:
                    break
                target.sendall(data)
        _end(source)
        _end(target)


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
