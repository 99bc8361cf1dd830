"""Personal data at rest: sealed with AES-256-GCM, found again by keyed tokens; the key lies outside the database.

One master key in a file of its own gives two derived keys: one seals, one makes tokens. A sealed value is
`version (1 byte) · nonce (12) · ciphertext and tag`; a token is the first 16 bytes of an HMAC-SHA256, so equal values
have equal tokens and nothing else can be learned from them without the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from regulars.shop.home import Home

VERSION = b"\x01"
NONCE = 12
TOKEN = 16


class WrongKey(Exception):
    """What was sealed with another key can't be opened with this one."""


def _derive(master: bytes, purpose: bytes) -> bytes:
    return hmac.new(master, b"regulars/" + purpose, hashlib.sha256).digest()


class Keys:
    """The derived keys of one shop."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise WrongKey("the key must be 32 bytes")
        self._aead = AESGCM(_derive(master, b"seal"))
        self._token = _derive(master, b"token")
        self.web = base64.b64encode(_derive(master, b"web")).decode()
        """Signs sessions and forms."""

    def seal(self, text: str) -> bytes:
        return self.seal_bytes(text.encode())

    def seal_bytes(self, data: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return VERSION + nonce + self._aead.encrypt(nonce, data, VERSION)

    def unseal(self, sealed: bytes | memoryview) -> str:
        return self.unseal_bytes(sealed).decode()

    def unseal_bytes(self, sealed: bytes | memoryview) -> bytes:
        sealed = bytes(sealed)
        try:
            return self._aead.decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], sealed[:1])
        except (InvalidTag, ValueError) as wrong:
            raise WrongKey("sealed with another key") from wrong

    def token(self, kind: str, text: str) -> bytes:
        """The keyed token under which a value of that kind is found again.

        >>> keys = Keys(bytes(32))
        >>> keys.token("phone", "199") == keys.token("phone", "199"), keys.token("card", "199") == keys.token("phone", "199")
        (True, False)
        """
        return hmac.digest(self._token, f"{kind}\0{text}".encode(), "sha256")[:TOKEN]


def make_key_file(path: Path) -> None:
    """Write a new key where there is none; readable by its owner only, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # fails where another process was first, so nobody's key is overwritten
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            part.replace(path)
    part.unlink(missing_ok=True)


@cache
def keys_at(path: Path) -> Keys:
    if not path.exists():
        make_key_file(path)
    return Keys(base64.b64decode(path.read_bytes().strip()))


def keys() -> Keys:
    """The keys of the shop in `REGULARS_HOME`."""
    return _keys_of(os.environ.get("REGULARS_HOME"), os.environ.get("REGULARS_KEY_FILE"))


@cache
def _keys_of(home: str | None, key_file: str | None) -> Keys:
    """Asked for every value that is sealed, so the folder is looked at once."""
    return keys_at(Home.find().key_file)
