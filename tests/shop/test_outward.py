"""Calls to the outside reach the open internet, and nothing of the house."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from regulars.shop import outward
from regulars.shop.outward import Unreached, call
from regulars.shop.words import Refused
from regulars.web.server import make_certificate


class Neighbour(http.server.BaseHTTPRequestHandler):
    """A server on this machine that remembers who called it."""

    calls: list[tuple[str, str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.calls.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b"x" * 65536)
        else:
            self.send_response(200)
            self.send_header("X-Said", "yes")
            self.end_headers()
            self.wfile.write(b"heard")

    do_GET = do_POST

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def neighbour() -> Iterator[tuple[int, list[tuple[str, str, dict[str, str], bytes]]]]:
    handler = type("Ours", (Neighbour,), {"calls": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], handler.calls
    server.shutdown()
    server.server_close()


def told(*addresses: str) -> outward.Resolve:
    return lambda host, port: list(addresses)


def anywhere(address: str) -> bool:
    return True


def test_a_call_goes_to_the_address_that_was_looked_at_under_the_name_that_was_asked_for(neighbour) -> None:  # type: ignore[no-untyped-def]
    port, calls = neighbour
    answer = call(
        f"http://partner.example:{port}/hook?x=1", body=b"{}", headers={"Content-Type": "application/json"}, allow_http=True,
        resolve=told("127.0.0.1"), may_reach=anywhere,
    )  # fmt: skip
    assert (answer.status, answer.body, answer.is_good) == (200, b"heard", True)
    ((command, path, headers, body),) = calls
    assert (command, path, body) == ("POST", "/hook?x=1", b"{}")
    assert headers["Host"] == f"partner.example:{port}"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["192.168.1.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["fd00:ec2::254"],
        ["224.0.0.251"], ["0.0.0.0"], ["93.184.216.34", "127.0.0.1"], ["64:ff9b::7f00:1"],
    ],
)  # fmt: skip
def test_no_machine_of_the_house_is_called_whatever_its_name(neighbour, addresses: list[str]) -> None:  # type: ignore[no-untyped-def]
    port, calls = neighbour
    with pytest.raises(Refused, match="nothing is sent there"):
        call(f"http://innocent.example:{port}/", allow_http=True, resolve=told(*addresses))
    assert calls == []


def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    neighbour,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, calls = neighbour
    asked: list[str] = []

    def turning(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    real = socket.getaddrinfo
    names: list[str] = []

    def watched(host: str, *rest: object, **more: object) -> object:
        names.append(str(host))
        return real(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    call(
        f"http://turning.example:{port}/", allow_http=True, resolve=turning,
        may_reach=lambda a: a == "127.0.0.1",
    )  # fmt: skip
    assert asked == ["turning.example"]
    assert "turning.example" not in names, "the name is not looked up again on the way"
    assert len(calls) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/", "ftp://partner.example/", "file:///etc/passwd", "https://", "partner.example", "gopher://x/",
        "https://user@partner.example/", "https://partner.example:99999/", "https://part ner.example/", "https://a\\b.example/",
        "https://partner.example/\r\nHost: x",
    ],
)  # fmt: skip
def test_only_plain_https_addresses_are_called(url: str) -> None:
    with pytest.raises(Refused, match="begins with https"):
        call(url, resolve=told("93.184.216.34"), may_reach=lambda a: pytest.fail("called"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "[::1]", "127.0.0.1"])
def test_no_way_of_writing_this_machine_gets_through(host: str) -> None:
    with pytest.raises(Refused):
        call(f"https://{host}/")


def test_a_redirect_is_an_answer_and_not_a_way(neighbour) -> None:  # type: ignore[no-untyped-def]
    port, calls = neighbour
    answer = call(
        f"http://p.example:{port}/elsewhere", allow_http=True, resolve=told("127.0.0.1"), may_reach=anywhere
    )
    assert (answer.status, answer.is_good) == (302, False)
    assert len(calls) == 1


def test_neither_size_nor_time_is_without_a_limit(neighbour) -> None:  # type: ignore[no-untyped-def]
    port, _ = neighbour
    there = {"allow_http": True, "resolve": told("127.0.0.1"), "may_reach": anywhere}
    with pytest.raises(Refused, match="too much"):
        call(f"http://p.example:{port}/endless", largest=100_000, **there)  # type: ignore[arg-type]
    ticks = count(0, 6)
    with pytest.raises(Unreached, match="too slowly"):
        call(f"http://p.example:{port}/endless", largest=10**9, clock=lambda: float(next(ticks)), **there)  # type: ignore[arg-type]


def test_nobody_there_is_worth_another_try_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(Unreached):
        call(f"http://p.example:{port}/", allow_http=True, resolve=told("127.0.0.1"), may_reach=anywhere)
    with pytest.raises(Unreached):
        call("https://nobody.example/", resolve=told())


def test_the_certificate_must_be_that_of_the_name(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = type("Ours", (Neighbour,), {"calls": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    there = {"resolve": told("127.0.0.1"), "may_reach": anywhere}
    assert call(f"https://localhost:{port}/", verify=str(certificate), **there).status == 200  # type: ignore[arg-type]
    with pytest.raises(Unreached):
        call(f"https://other.example:{port}/", verify=str(certificate), **there)  # type: ignore[arg-type]
    with pytest.raises(Unreached):
        call(f"https://localhost:{port}/", **there)  # type: ignore[arg-type]
    server.shutdown()
    server.server_close()
