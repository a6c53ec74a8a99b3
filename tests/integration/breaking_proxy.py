# SPDX-License-Identifier: Apache-2.0
"""A connection that breaks off in the middle of a request."""

import contextlib
import socket
import threading
from collections.abc import Callable


class BreakingProxy:
    """Forwards one connection after the other, up to a number of bytes.

    A context manager; when the bytes are over, no connection is made any
    more.
    """

    def __init__(
        self, port: int, limit: int, action: Callable[[], object]
    ) -> None:
        """Listen.

        :param port: of the server behind it, on loopback
        :param limit: bytes that all clients together may send
        :param action: what to do then, before the connection is closed
        """
        self._target = ('127.0.0.1', port)
        self._left = limit
        self._action = action
        self._listener = socket.create_server(('127.0.0.1', 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        """Return where it is."""
        return f'http://127.0.0.1:{self._listener.getsockname()[1]}'

    def __enter__(self) -> 'BreakingProxy':
        """Serve until the context ends."""
        self._thread.start()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Stop."""
        # Wakes up the thread that waits for a client.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while self._left > 0:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(self._target) as server:
                back = threading.Thread(
                    target=self._answer, args=(server, client)
                )
                back.start()
                self._forward(client, server)
                for end in (client, server):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                back.join()
        self._listener.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(min(65536, self._left)):
                server.sendall(data)
                self._left -= len(data)
                if not self._left:
                    self._action()
                    return

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
