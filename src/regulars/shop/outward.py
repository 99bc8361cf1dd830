"""The one way out: calls to addresses that somebody has typed in, so that they can't be turned against the house.

Who may say where a message goes could otherwise let the shop's own machine ask the router, a neighbour, or the cloud's
store of secrets. So a name is resolved once, every address that it has must belong to the open internet, and exactly the
address that was looked at is called: a name that answers differently the second time gains nothing. No proxy of the
environment is used, no redirect is followed, and neither time nor size is without a limit.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from regulars.shop.rules.addresses import is_public
from regulars.shop.words import Refused, Words

SECONDS = 10.0
LARGEST = 1024 * 1024
"""Answers of services that we tell something are a few lines; a megabyte is a mistake or an attack."""

Resolve = Callable[[str, int], list[str]]

NO_ADDRESS = Words(
    "「{u}」不是能用的网址，要以 https:// 开头",
    "{u} is no address that can be called; it begins with https://",
)
NOT_FOUND = Words("找不到「{h}」，看看网址有没有写错", "{h} can't be found; check the address")
NOT_OUTSIDE = Words(
    "「{h}」在内网或本机，不能往那里发", "{h} is on this network or this machine; nothing is sent there"
)
NO_ANSWER = Words("「{h}」没有回应", "{h} does not answer")
TOO_SLOW = Words("「{h}」回得太慢", "{h} answers too slowly")
TOO_LARGE = Words("「{h}」回的东西太大", "{h} answers with too much")


class Unreached(Refused):
    """Nothing came back in time: worth trying again later. Other refusals stay what they are."""


@dataclass(frozen=True)
class Answer:
    """What came back. A redirect is an answer like any other (`status` 3xx): it is not followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, as the machine's own resolver tells them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def call(
    url: str, *, method: str = "POST", body: bytes = b"", headers: Mapping[str, str] | None = None, allow_http: bool = False,
    seconds: float = SECONDS, largest: int = LARGEST, resolve: Resolve = resolve, may_reach: Callable[[str], bool] = is_public,
    verify: bool | str = True, clock: Callable[[], float] = time.monotonic,
) -> Answer:  # fmt: skip
    """Call an address of the open internet once. Raises Refused for what must not be called or answers wrongly, and
    `Unreached` where trying again later may help. `may_reach`, `resolve`, `verify` and `clock` are for tests."""
    scheme, host, port = _parts(url, allow_http)
    address = _reachable(host, port, resolve, may_reach)
    at = f"[{address}]" if ":" in address else address
    parts = urlsplit(url)
    asked = f"{scheme}://{at}:{port}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
    default = 443 if scheme == "https" else 80
    name = f"[{host}]" if ":" in host else host
    sent = {
        "User-Agent": "Regulars", "Accept-Encoding": "identity", **(headers or {}),
        "Host": name if port == default else f"{name}:{port}",
    }  # fmt: skip
    until = clock() + seconds
    try:
        with (
            httpx.Client(
                trust_env=False, follow_redirects=False, timeout=seconds, verify=_trust(verify)
            ) as client,
            client.stream(
                method, asked, content=body, headers=sent, extensions={"sni_hostname": host}
            ) as response,
        ):
            got = bytearray()
            for chunk in response.iter_raw(chunk_size=64 * 1024):
                got += chunk
                if len(got) > largest:
                    raise Refused(TOO_LARGE.fill(h=host))
                if clock() > until:  # each piece in time, and all of them together for ever
                    raise Unreached(TOO_SLOW.fill(h=host))
            return Answer(response.status_code, dict(response.headers), bytes(got))
    except httpx.TimeoutException as late:
        raise Unreached(TOO_SLOW.fill(h=host)) from late
    except httpx.HTTPError as broken:
        raise Unreached(NO_ANSWER.fill(h=host)) from broken


def _trust(verify: bool | str) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify


def _parts(url: str, allow_http: bool) -> tuple[str, str, int]:
    """Scheme, host and port of what may be called at all."""
    refused = Refused(NO_ADDRESS.fill(u=url[:100]))
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as wrong:
        raise refused from wrong
    schemes = ("https", "http") if allow_http else ("https",)
    odd = any(c.isspace() or ord(c) < 32 or c == "\\" for c in url.strip())
    if parts.scheme not in schemes or not host or odd or parts.username is not None:
        raise refused
    try:
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError as wrong:
        raise refused from wrong
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


def _reachable(host: str, port: int, resolve: Resolve, may_reach: Callable[[str], bool]) -> str:
    """The one address that is called. A name that has a single address in the house is refused altogether."""
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError) as unknown:
        raise Unreached(NOT_FOUND.fill(h=host)) from unknown
    if not found:
        raise Unreached(NOT_FOUND.fill(h=host))
    if not all(may_reach(address) for address in found):
        raise Refused(NOT_OUTSIDE.fill(h=host))
    return found[0]
