"""Starts the command line again and again: each call a process of its own, forked from one that has the modules loaded.

Most of a call's time is Python reading the same modules as the call before. The process here reads only what knows no
shop: other people's packages and our pure modules. Settings, models and stores are every call's own.
Run as a program (`python -m tests.starter ASKED ANSWERED`, two open pipes), it takes one JSON request a line.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NoReturn

TIMEOUT = 120  # seconds
LOADED = (
    "cryptography.hazmat.primitives.ciphers.aead",
    "csp.constants",
    "django.contrib.auth.hashers",
    "django.contrib.sessions.middleware",
    "django.core.management",
    "django.core.paginator",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.db.models.sql.compiler",
    "django.middleware.csrf",
    "django.template.defaulttags",
    "django.template.loader_tags",
    "django.templatetags.i18n",
    "django.urls",
    "django.views.debug",
    "ibis.backends.duckdb",
    "ibis.formats.pyarrow",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "pypinyin",
    "typer.rich_utils",
    "typer._adapters",
    "regulars.cli",
)

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def call_afresh(*words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """`regulars WORDS` in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-m", "regulars.cli", *map(str, words)],
        input=input, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT, check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip


class Starter:
    """The caller's end; close it as a context."""

    def __init__(self) -> None:
        asked, self._ask = os.pipe()
        self._answers, answered = os.pipe()
        program = [sys.executable, "-m", "tests.starter", str(asked), str(answered)]
        self._process = subprocess.Popen(
            program, pass_fds=(asked, answered), env={**os.environ, "PYTHONUTF8": "1"}
        )
        os.close(asked)
        os.close(answered)
        self._requests: IO[str] = os.fdopen(self._ask, "w", encoding="utf-8")
        self._codes: IO[str] = os.fdopen(self._answers, encoding="utf-8")

    def call(self, *words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """`regulars WORDS` with the environment and folder of this moment."""
        said = [str(word) for word in words]
        with TemporaryDirectory() as folder:
            given, out, err = (Path(folder) / name for name in ("in", "out", "err"))
            given.write_text(input or "", "utf-8")
            request = {
                "words": said, "environment": dict(os.environ), "folder": str(Path.cwd()),
                "files": [str(given), str(out), str(err)],
            }  # fmt: skip
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            code = int(self._codes.readline())
            return subprocess.CompletedProcess(said, code, out.read_text("utf-8"), err.read_text("utf-8"))

    def close(self) -> None:
        self._requests.close()  # the end of its input is the end of its work
        self._codes.close()
        self._process.wait()


def serve(asked: int, answered: int) -> None:
    """Answer every request with the exit code of its process, until the caller has gone."""
    from tests.contracts.tree import pure_modules

    for name in (*LOADED, *pure_modules()):
        importlib.import_module(name)
    gc.freeze()
    with (
        os.fdopen(asked, encoding="utf-8") as requests,
        os.fdopen(answered, "w", encoding="utf-8") as answers,
    ):
        for line in requests:
            process = os.fork()
            if process == 0:
                run(json.loads(line))
            answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}\n")
            answers.flush()


def run(request: dict[str, Any]) -> NoReturn:
    """Become the program that was asked for.

    It leaves by `os._exit`: the usual farewell waits for threads of the engine that stayed behind at the fork.
    """
    for number, name in enumerate(request["files"]):
        file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["regulars", *request["words"]]
    signal.alarm(TIMEOUT)
    from regulars.cli import main

    code: object = 1
    try:
        main()
        code = 0
    except SystemExit as ending:
        code = ending.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
