# SPDX-License-Identifier: Apache-2.0
"""What vCenter answers, before pyVmomi makes objects of it.

pyVmomi decompresses as much as there is, and lets the parser of XML expand
what a document declares and nest what it opens.
"""

import http.client
import zlib
from typing import Any
from xml.parsers import expat

from hypervisor_affinity.cloud import bounds

# The deepest that has a meaning is a fault with its cause, at some 20.
_DEEPEST = 200
_CODINGS = frozenset({'gzip', 'deflate'})
# Bytes that are decompressed at once, as pyVmomi does: a thousand times as
# many may come of them.
_CHUNK = 512
# Either coding, as its head says.
_ANY = zlib.MAX_WBITS + 32


class _Guard:
    """Sees that a document declares nothing, and is not too deep.

    SOAP forbids the first. Whether it is XML at all, its reader will say.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._is_xml = True
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close

    def feed(self, chunk: bytes) -> None:
        """Look at the next part.

        :raises HTTPException: if it is no answer to accept
        """
        if self._is_xml:
            try:
                self._parser.Parse(chunk, False)
            except expat.ExpatError:
                self._is_xml = False

    def _refuse(self, *declared: object) -> None:
        raise http.client.HTTPException('a document type')

    def _open(self, *element: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise http.client.HTTPException('too deep')

    def _close(self, *element: object) -> None:
        self._depth -= 1


class Answer(bounds.Answer):
    """An answer to a call, decompressed."""

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        coding = self.headers.get('Content-Encoding', '').lower()
        self._guard = _Guard()
        self._unzip = zlib.decompressobj(_ANY) if coding in _CODINGS else None
        self._ready = b''
        if self._unzip is not None:
            # Or pyVmomi would do it again.
            del self.headers['Content-Encoding']

    def read(self, amount: int | None = None) -> bytes:
        """Return the next part, or all that is left.

        :raises TooLarge: if there is too much
        :raises HTTPException: if it is no answer to accept
        """
        if self._unzip is None:
            chunk = super().read(amount)
        elif amount is None:
            chunk = b''.join(iter(lambda: self._inflated(_CHUNK), b''))
        else:
            chunk = self._inflated(amount)
        bounds.received(len(chunk))
        self._guard.feed(chunk)
        return chunk

    def _inflated(self, amount: int) -> bytes:
        while self._unzip and not self._ready:
            chunk = super().read(_CHUNK)
            if not chunk:
                break
            self._ready = self._unzip.decompress(chunk)
        part, self._ready = self._ready[:amount], self._ready[amount:]
        return part


class Connection(bounds.Connection):
    """Where calls go."""

    response_class: Any = Answer
