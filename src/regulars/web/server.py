"""One command serves the shop: the pages and the worker start together and stop together.

The pages run in a granian server of one worker; the worker of long jobs and the clock of the daily run live in one
child process, so that grading a million customers never makes the counter wait.
"""

from __future__ import annotations

import importlib
import ipaddress
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path

from regulars.shop import vault
from regulars.shop.home import Home
from regulars.shop.logs import PAGES_LOGGING, tell_only_what_failed
from regulars.shop.speech import lang
from regulars.shop.turns import doors_closed, doors_open
from regulars.shop.words import Refused, Words

log = logging.getLogger(__name__)

CERTIFICATE_DAYS = 397
"""The longest that phones accept for a certificate."""
LAST_ANSWERS = 5
"""Seconds that pages under way have to be answered when the shop closes."""


def serve(*, host: str, port: int, lan: bool = False, login: dict[str, str] | None = None) -> int:
    """Serve until Ctrl-C. `lan`: for phones on the shop's own network, with a certificate made on the spot."""
    port = free_port("0.0.0.0" if lan else host, port)
    certificate: tuple[Path, Path] | None = None
    near = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host
    addresses = [f"http://{near}:{port}/"]
    if host in ("0.0.0.0", "::"):
        addresses += [f"http://{a}:{port}/" for a in (*lan_addresses(), socket.gethostname())]
    if lan:
        host = "0.0.0.0"
        mine = lan_addresses()
        certificate = make_certificate(Home.find().folder / "lan", mine)
        addresses = [f"https://localhost:{port}/", *(f"https://{a}:{port}/" for a in mine)]
    os.environ["REGULARS_ADDRESSES"] = " ".join(addresses)
    _settings_hear_of_it()
    worker = _Worker()
    with suppress(Refused), doors_closed():  # nobody serves yet: what lies open was left by a dead process
        vault.clear_opened(0)
    with doors_open():
        try:
            worker.begin()
            _serve_pages(host, port, certificate, worker, lambda: _tell(addresses, login, lan))
        finally:
            worker.end()
    return 0


def _settings_hear_of_it() -> None:
    """Settings that were read before the addresses were known say what follows from them: which hosts are ours, and
    whether cookies travel by TLS only. The pages' process is forked from this one and would not read them anew."""
    from django.conf import settings

    if not settings.configured:
        return
    from regulars.web import settings as read

    anew = importlib.reload(read)
    for name in (n for n in dir(anew) if n.isupper()):
        if getattr(settings, name, None) != getattr(anew, name):
            setattr(settings, name, getattr(anew, name))


class _Worker:
    """The child process of long jobs and of the day's clock: begun again when it dies, ended when the shop closes."""

    def __init__(self) -> None:
        self.context = multiprocessing.get_context("spawn")
        self.closing = threading.Event()

    def begin(self) -> None:
        # A pipe and no event: to set an event for which a killed process still waits takes for ever.
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_work, args=(theirs, os.environ.copy()), name="regulars-worker")
        with _ctrl_c_waits():
            process.start()
        self.pipe, self.process = ours, process

    def watch(self) -> None:
        """Begin it again whenever it ends before the shop closes."""
        while True:
            self.process.join()
            if self.closing.wait(1):
                return
            self.begin()
            log.error("the worker had ended unasked and was begun again")

    def end(self) -> None:
        self.closing.set()
        if not hasattr(self, "process"):
            return
        with suppress(OSError):
            self.pipe.send_bytes(b"stop")
        self.process.join(15)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(5)


def _serve_pages(
    host: str,
    port: int,
    certificate: tuple[Path, Path] | None,
    worker: _Worker,
    opened: Callable[[], None],
) -> None:
    from granian.constants import Interfaces
    from granian.server import Server

    class Pages(Server):  # type: ignore[misc, valid-type]
        def startup(self, *loaders: object) -> None:
            super().startup(*loaders)
            # only now: a thread begun before the pages' process is forked could hold a lock there for good
            for act in (tell, worker.watch):
                threading.Thread(target=act, daemon=True).start()

    def tell() -> None:
        if _answers(host, port, server.main_loop_interrupt):
            opened()

    options: dict[str, object] = {}
    if certificate:
        options = {"ssl_cert": certificate[0], "ssl_key": certificate[1]}
    server = Pages(
        "regulars.web.wsgi:application", address=host, port=port, interface=Interfaces.WSGI, workers=1,
        blocking_threads=4, log_level="warning", log_access=False,
        log_dictconfig=PAGES_LOGGING, respawn_failed_workers=True,
        workers_kill_timeout=LAST_ANSWERS, **options,
    )  # fmt: skip
    server.serve(target_loader=_application)


def _answers(host: str, port: int, given_up: threading.Event) -> bool:
    """Wait until the pages can be opened; False when the shop was closed before."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while not given_up.wait(0.05):
        with suppress(OSError), socket.create_connection((near, port), timeout=1):
            return True
    return False


def _application(_target: str) -> object:
    """The pages, in a process of their own."""
    if sys.platform != "win32":
        # A terminal sends Ctrl-C to a whole group at once, and granian's worker hangs when it is told to stop twice.
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until the server sets its own, the parent's is inherited
    _when_orphaned(lambda: os._exit(1))
    from django.urls import get_resolver

    from regulars.web.wsgi import application

    _ = get_resolver().url_patterns  # loads what all pages need, so that the first click need not wait for it
    return application


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C is heard afterwards, and not by a child that is begun meanwhile, which inherits the deafness."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # begun with a process, it would open the ears again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _when_orphaned(act: Callable[[], object]) -> None:
    """Act when the parent is gone, whatever killed it."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent:
            parent.join()
            act()

    threading.Thread(target=watch, daemon=True).start()


def _work(parent: Connection, environment: dict[str, str]) -> None:
    """The child process: long jobs and the clock of the day. It ends when the parent says so, or is gone."""
    for sent_to_all in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sent_to_all, signal.SIG_IGN)
    os.environ.update(environment)
    tell_only_what_failed()
    import django

    django.setup()
    from regulars.jobs import ask_for_the_day
    from regulars.shop.worker import work_on

    ended = threading.Event()

    def wait() -> None:
        with suppress(OSError, EOFError):
            parent.poll(None)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    _when_orphaned(ended.set)
    work_on(ended, ask_for_the_day)


def free_port(host: str, port: int) -> int:
    """The port asked for, or Refused with the next free one."""
    for candidate in range(port, port + 20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            if candidate != port:
                print(
                    Words("端口 {a} 有人在用，改用 {b}", "Port {a} is taken; using {b}")
                    .fill(a=port, b=candidate)
                    .say(lang()),
                    file=sys.stderr,
                )
            return candidate
    raise Refused(
        Words(
            "端口 {p} 到 {q} 都有人在用；用 --port 换一个",
            "Ports {p} to {q} are taken; choose another with --port",
        ).fill(p=port, q=port + 19)
    )


def lan_addresses() -> list[str]:
    """This machine's addresses on the shop's network."""
    found: set[str] = set()
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which address would be used
        found.add(probe.getsockname()[0])
    with suppress(OSError):
        found |= {str(i[4][0]) for i in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return sorted(a for a in found if not ipaddress.ip_address(a).is_loopback)


def make_certificate(folder: Path, addresses: list[str]) -> tuple[Path, Path]:
    """A certificate of our own for these addresses; made anew when it has run out or the addresses have changed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    certificate, key_file = folder / "certificate.pem", folder / "certificate.key"
    wanted = {ipaddress.ip_address(a) for a in ("127.0.0.1", *addresses)}
    now = datetime.now(UTC)
    if certificate.exists() and key_file.exists():
        old = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if set(
            names.get_values_for_type(x509.IPAddress)
        ) >= wanted and old.not_valid_after_utc > now + timedelta(days=7):
            return certificate, key_file
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Regulars")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *(x509.IPAddress(a) for a in sorted(wanted, key=str))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return certificate, key_file


def _tell(addresses: list[str], login: dict[str, str] | None, lan: bool) -> None:
    """Where to go and how to log in, for the person at the machine."""
    import typer

    speak = lang()
    typer.echo("")
    typer.echo(Words("  熟客已开张：{a}", "  Regulars is open: {a}").fill(a=addresses[0]).say(speak))
    for other in addresses[1:]:
        typer.echo(Words("  手机打开：{a}", "  On a phone: {a}").fill(a=other).say(speak))
    if lan and len(addresses) > 1:
        import segno

        segno.make(addresses[1]).terminal(out=sys.stdout, compact=True)
        typer.echo(
            Words(
                "  证书是这台电脑自己做的，手机第一次会提醒，选“继续”",
                "  This machine made the certificate itself: the phone warns once; go on",
            ).say(speak)
        )
    if login:
        typer.echo(
            Words("  登录：{e}  密码：{p}", "  Log in: {e}  password: {p}")
            .fill(e=login["email"], p=login["password"])
            .say(speak)
        )
    typer.echo(Words("  关店：Ctrl-C", "  Close: Ctrl-C").say(speak))
    typer.echo("")
