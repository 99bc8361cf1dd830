"""Personal data at rest: sealed with AES-256-GCM, found again by keyed tokens; the key lies outside the database.

One master key in a file of its own gives several derived keys: one seals, one makes tokens, one signs sessions. A
sealed value is `number of the key (1 byte) · nonce (12) · ciphertext and tag`; a token is the first 16 bytes of an
HMAC-SHA256, so equal values have equal tokens and nothing else can be learned from them without the key.

The key file holds one line, the key in base64 (that is key number 1), or, after a rotation, `number base64`. While a
rotation runs it holds two such lines: the first seals, both open. See `shop.rotation`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from regulars.shop.home import Home
from regulars.shop.words import Refused, Words

NONCE = 12
TOKEN = 16
LAST_NUMBER = 255
"""A key's number is one byte of every sealed value: a rotation a month lasts for twenty years."""


class WrongKey(Exception):
    """What was sealed with another key can't be opened with this one."""


def _derive(master: bytes, purpose: bytes) -> bytes:
    return hmac.digest(master, b"regulars/" + purpose, "sha256")


class Master(NamedTuple):
    """A key as it stands in the key file."""

    number: int
    secret: bytes

    @property
    def line(self) -> bytes:
        text = base64.b64encode(self.secret)
        return (text if self.number == 1 else str(self.number).encode() + b" " + text) + b"\n"

    @property
    def mark(self) -> str:
        """Tells keys apart and gives nothing of them away."""
        return _derive(self.secret, b"mark")[:6].hex()

    @classmethod
    def read(cls, line: str) -> Master:
        number, _, text = line.strip().rpartition(" ")
        try:
            secret = base64.b64decode(text, validate=True)
            master = cls(int(number or 1), secret)
        except (ValueError, binascii.Error) as wrong:
            raise WrongKey("this is no key file") from wrong
        if len(secret) != 32 or not 1 <= master.number <= LAST_NUMBER:
            raise WrongKey("the key must be 32 bytes")
        return master

    def next(self) -> Master:
        """A new key, one number further."""
        if self.number == LAST_NUMBER:
            raise Refused(
                Words("钥匙已经换了 254 次，不能再换", "The key has been changed 254 times; no more")
            )
        return Master(self.number + 1, secrets.token_bytes(32))


class Keys:
    """The derived keys of one shop. The first of the masters seals and makes tokens, all of them open."""

    def __init__(self, masters: bytes | Sequence[Master]) -> None:
        if isinstance(masters, bytes):
            masters = [Master(1, masters)]
        self.masters = list(masters)
        if not self.masters or any(len(m.secret) != 32 for m in self.masters):
            raise WrongKey("the key must be 32 bytes")
        self._openers = {m.number: AESGCM(_derive(m.secret, b"seal")) for m in self.masters}
        first = self.masters[0]
        self.number = first.number
        self._version = bytes([first.number])
        self._aead = self._openers[first.number]
        self._token = _derive(first.secret, b"token")
        self.kept: dict[str, bytes] = {}
        """What `shop.lasting` has looked up for this key."""
        self.web = base64.b64encode(_derive(first.secret, b"web")).decode()
        """Signs sessions and forms."""

    @property
    def is_changing(self) -> bool:
        """Whether a rotation has begun and not ended: some values are sealed with the old key, some with the new."""
        return len(self.masters) > 1

    @property
    def mark(self) -> str:
        return self.masters[0].mark

    def derived(self, purpose: str) -> bytes:
        """A key for one purpose, derived from the key that seals."""
        return _derive(self.masters[0].secret, purpose.encode())

    def seal(self, text: str) -> bytes:
        return self.seal_bytes(text.encode())

    def seal_bytes(self, data: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return self._version + nonce + self._aead.encrypt(nonce, data, self._version)

    def unseal(self, sealed: bytes | memoryview) -> str:
        return self.unseal_bytes(sealed).decode()

    def unseal_bytes(self, sealed: bytes | memoryview) -> bytes:
        sealed = bytes(sealed)
        opener = self._openers.get(sealed[0]) if sealed else None
        if opener is None:
            raise WrongKey("sealed with another key")
        try:
            return opener.decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], sealed[:1])
        except (InvalidTag, ValueError) as wrong:
            raise WrongKey("sealed with another key") from wrong

    def token(self, kind: str, text: str) -> bytes:
        """The keyed token under which a value of that kind is found again.

        >>> keys = Keys(bytes(32))
        >>> keys.token("phone", "199") == keys.token("phone", "199"), keys.token("card", "199") == keys.token("phone", "199")
        (True, False)
        """
        return token_by(self._token, kind, text)


def token_by(key: bytes, kind: str, text: str) -> bytes:
    """The token of a value under one derived key."""
    return hmac.digest(key, f"{kind}\0{text}".encode(), "sha256")[:TOKEN]


# --- the key file ----------------------------------------------------------------------------------------------------


def make_key_file(path: Path) -> None:
    """Write a new key where there is none; readable by its owner only, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _written_beside(path, [Master(1, secrets.token_bytes(32))])
    try:
        os.link(part, path)  # fails where another process was first, so nobody's key is overwritten
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            part.replace(path)
    part.unlink(missing_ok=True)


def write_key_file(path: Path, masters: Sequence[Master]) -> None:
    """Put these keys into the file in place of what it held; whole or not at all, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _written_beside(path, masters).replace(path)
    if os.name != "nt":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _written_beside(path: Path, masters: Sequence[Master]) -> Path:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(m.line for m in masters))
        file.flush()
        os.fsync(file.fileno())
    return part


def read_key_file(path: Path) -> list[Master]:
    """The keys in a file. Raises WrongKey where it holds none."""
    try:
        lines = [line for line in path.read_text("ascii").splitlines() if line.strip()]
    except UnicodeDecodeError as wrong:
        raise WrongKey("this is no key file") from wrong
    if not lines:
        raise WrongKey("this is no key file")
    return [Master.read(line) for line in lines]


@cache
def keys_at(path: Path) -> Keys:
    if not path.exists():
        make_key_file(path)
    return Keys(read_key_file(path))


def keys() -> Keys:
    """The keys of the shop in `REGULARS_HOME`."""
    return _keys_of(os.environ.get("REGULARS_HOME"), os.environ.get("REGULARS_KEY_FILE"))


@cache
def _keys_of(home: str | None, key_file: str | None) -> Keys:
    """Asked for every value that is sealed, so the folder is looked at once."""
    return keys_at(Home.find().key_file)


def look_again() -> Keys:
    """The keys as the file holds them now."""
    keys_at.cache_clear()
    _keys_of.cache_clear()
    return keys()


# --- a key on paper --------------------------------------------------------------------------------------------------

GROUPS = 4
"""Characters in a group: what one keeps in mind between the paper and the keyboard."""


def on_paper(master: Master) -> str:
    """A key as groups to write down and to type again, with its number before and a checksum behind.

    >>> print(on_paper(Master(1, bytes(32))))
    1-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-KOY4
    """
    text = base64.b32encode(master.secret).decode().rstrip("=")
    parts = [text[k : k + GROUPS] for k in range(0, len(text), GROUPS)]
    return "-".join([str(master.number), *parts, _checksum(master)])


def _checksum(master: Master) -> str:
    said = b"regulars/paper" + bytes([master.number]) + master.secret
    return base64.b32encode(hashlib.sha256(said).digest())[:GROUPS].decode()


def from_paper(text: str) -> Master:
    """The key that a person has typed from paper; 0, 1 and 8, which no key holds, are read as O, I and B.

    >>> from_paper(on_paper(Master(7, bytes(range(32)))).lower().replace("-", " ")) == Master(7, bytes(range(32)))
    True
    """
    try:
        number, *parts = text.upper().replace("-", " ").split()
        typed = "".join(parts).translate(str.maketrans("018", "OIB"))
        secret = base64.b32decode(typed[:52] + "====")
        master = Master(int(number), secret)
        if typed[52:] != _checksum(master) or not 1 <= master.number <= LAST_NUMBER:
            raise ValueError(typed[52:])
    except (ValueError, binascii.Error, IndexError) as wrong:
        raise Refused(
            Words(
                "抄错了：最后一组对不上，请逐组再看",
                "Mistyped: the last group does not fit; look at each again",
            )
        ) from wrong
    return master
