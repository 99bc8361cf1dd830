"""A long file sealed piece by piece: constant memory, and nothing can be cut off, added, swapped or moved unnoticed.

`length (4 bytes) · ciphertext and tag`, a million bytes of content each. The nonce is the place of the piece; the piece
is bound to the head of the file and to whether it is the last. The key is a random one for this one file.
"""

from __future__ import annotations

import io
import struct
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE = 1 << 20
_LENGTH = struct.Struct(">I")
TAG = 16


class Damaged(Exception):
    """The file is not what was written: cut off, changed, or of another key."""


def _bound(head: bytes, place: int, is_last: bool) -> tuple[bytes, bytes]:
    return place.to_bytes(12, "big"), head + (b"\1" if is_last else b"\0")


class Sealing(io.RawIOBase):
    """A file to write into; `close` writes the last piece. `head` is what stands before and must stay as it is."""

    def __init__(self, to: IO[bytes], key: bytes, head: bytes) -> None:
        self._to, self._aead, self._head = to, AESGCM(key), head
        self._waits, self._place = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waits += data
        while len(self._waits) > PIECE:  # a full piece may be the last, so it waits for more
            self._put(bytes(self._waits[:PIECE]), False)
            del self._waits[:PIECE]
        return len(data)

    def finish(self) -> None:
        """Write the last piece. A file without it is no whole file."""
        self._put(bytes(self._waits), True)
        self._waits.clear()

    def _put(self, piece: bytes, is_last: bool) -> None:
        nonce, bound = _bound(self._head, self._place, is_last)
        sealed = self._aead.encrypt(nonce, piece, bound)
        self._to.write(_LENGTH.pack(len(sealed)) + sealed)
        self._place += 1


class Opening(io.RawIOBase):
    """A file to read from; raises Damaged at the first piece that is not what was written."""

    def __init__(self, source: IO[bytes], key: bytes, head: bytes) -> None:
        self._from, self._aead, self._head = source, AESGCM(key), head
        self._waits, self._place = memoryview(b""), 0
        self._next = self._sealed()
        self.is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]
        while not len(self._waits) and not self.is_over:
            self._waits = memoryview(self._opened())
        n = min(len(into), len(self._waits))
        into[:n] = self._waits[:n]
        self._waits = self._waits[n:]
        return n

    def _opened(self) -> bytes:
        if self._next is None:
            raise Damaged("the end is missing")
        piece, self._next = self._next, self._sealed()
        self.is_over = self._next is None
        nonce, bound = _bound(self._head, self._place, self.is_over)
        self._place += 1
        try:
            return self._aead.decrypt(nonce, piece, bound)
        except InvalidTag as wrong:
            raise Damaged("a piece is not what was written") from wrong

    def _sealed(self) -> bytes | None:
        """The next piece as it stands; None at the end of the file."""
        said = self._from.read(_LENGTH.size)
        if not said:
            return None
        n = _LENGTH.unpack(said)[0] if len(said) == _LENGTH.size else 0
        if not TAG <= n <= PIECE + TAG:
            raise Damaged("a piece has no length")
        piece = self._from.read(n)
        if len(piece) != n:
            raise Damaged("a piece is cut off")
        return piece
