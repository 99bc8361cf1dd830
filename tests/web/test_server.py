"""One command opens the shop, says where once it answers there, and closes it cleanly."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A shop opened by its command, and the address that it told; in a group of processes, as a terminal makes one."""
    command = [sys.executable, "-m", "regulars.cli", "serve", "--port", str(a_free_port()), *options]
    surroundings = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        env=surroundings, start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    try:
        told = (re.search(r"https?://localhost:\d+/", line) for line in process.stdout)
        yield process, next(found[0] for found in told if found)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        process.kill()
        process.wait()


def the_rest(process: subprocess.Popen[str]) -> str:
    """What is still said until the last of the processes has ended."""
    return process.communicate(timeout=30)[0]


@pytest.mark.parametrize(
    ("options", "sent"), [([], signal.SIGINT), (["--lan"], signal.SIGINT), ([], signal.SIGTERM)]
)
def test_the_address_that_is_told_answers_and_ctrl_c_closes_all(
    options: list[str], sent: signal.Signals, home: Path
) -> None:
    with serving(*options) as (process, told):
        assert told.startswith("https:" if options else "http:")
        itself_signed = ssl._create_unverified_context() if options else None
        with urlopen(f"{told}health/", context=itself_signed, timeout=30) as answer:
            assert answer.status == 200
        os.killpg(process.pid, sent)
        rest = the_rest(process)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_phones_on_the_network_are_let_in_and_their_cookies_never_travel_in_clear(home: Path) -> None:
    with serving("--lan") as (process, told):
        assert process.stdout
        phones = [
            m[0]
            for line in iter(process.stdout.readline, "\n")
            if (m := re.search(r"https://[\d.]+:\d+/", line))
        ]
        itself_signed = ssl._create_unverified_context()
        for address in [told, *phones]:
            with urlopen(f"{address}start/", context=itself_signed, timeout=30) as answer:
                assert answer.status == 200
                cookies = answer.headers.get_all("Set-Cookie")
            assert cookies, address
            for cookie in cookies:
                assert cookie.strip().startswith("__Host-") and "Secure" in cookie and "HttpOnly" in cookie, (
                    cookie
                )
        os.killpg(process.pid, signal.SIGINT)
        the_rest(process)


def children_of(number: int) -> dict[int, str]:
    said = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in said.splitlines()]
    return {int(pid): args for pid, parent, args in rows if int(parent) == number}


def test_a_worker_that_dies_is_begun_again_and_does_not_keep_the_shop_open(home: Path) -> None:
    def workers() -> list[int]:
        return [pid for pid, args in children_of(process.pid).items() if "spawn_main" in args]

    with serving() as (process, _):
        (first,) = workers()
        os.kill(first, signal.SIGKILL)
        assert process.stdout and any("begun again" in line for line in process.stdout)
        (second,) = set(workers()) - {first}
        os.kill(second, signal.SIGKILL)
        process.send_signal(signal.SIGINT)
        the_rest(process)
    assert process.returncode == 0


def test_nothing_goes_on_when_the_first_process_is_killed(home: Path) -> None:
    with serving() as (process, told):
        process.kill()
        the_rest(process)
        with pytest.raises(OSError):
            urlopen(f"{told}health/", timeout=5)
