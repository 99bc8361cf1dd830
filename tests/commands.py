"""The command line as tests call it: `regulars("import", file, "--json")` gives `.returncode`, `.stdout`, `.stderr`."""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from unittest.mock import patch

from django.db import connection

from regulars.cli import program
from regulars.shop.home import Home

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def called(*words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """`regulars WORDS` on the shop in REGULARS_HOME, within this process, which has all modules loaded: a Python of its
    own takes seconds to start. While it runs, Django stands on that shop's own file."""
    said = [str(word) for word in words]
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        patch.dict(connection.settings_dict, {"NAME": str(Home.find().make().database)}),
        patch.object(sys, "stdin", io.StringIO(input or "")),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        connection.close()
        try:
            program(args=said, prog_name="regulars")
        except SystemExit as ending:
            code = ending.code or 0
        finally:
            connection.close()
    assert isinstance(code, int), code
    return subprocess.CompletedProcess(said, code, out.getvalue(), err.getvalue())


def called_afresh(*words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own, which knows nothing of any shop: a fork of one that has read the libraries and
    nothing of ours, for to read them takes longer than most commands."""
    if not hasattr(os, "fork"):
        return started(*words, input=input)
    said = [str(word) for word in words]
    server = _forking()
    assert server.stdin and server.stdout
    server.stdin.write(json.dumps([said, {**os.environ}, str(Path.cwd()), input or ""]) + "\n")
    server.stdin.flush()
    code, out, err = json.loads(server.stdout.readline())
    return subprocess.CompletedProcess(said, code, out, err)


def started(*words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """The same from the very beginning, as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "regulars.cli", *map(str, words)],
        input=input, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip


LIBRARIES = (
    "typer", "rich.console", "pandas", "pyarrow.compute", "pyarrow.parquet", "pyarrow.csv", "duckdb", "ibis", "pydantic",
    "ibis.backends.sql.compilers.duckdb", "django.core.management", "django.db.models", "django.contrib.auth.hashers",
    "cryptography.hazmat.primitives.ciphers.aead", "python_calamine", "xlsxwriter", "jinja2",
)  # fmt: skip

SERVER = """
import atexit, importlib, json, os, runpy, signal, sys, tempfile, traceback
for library in {libraries!r}:
    importlib.import_module(library)
assert not [name for name in sys.modules if name.partition(".")[0] == "regulars"]
for line in sys.stdin:
    words, surroundings, folder, given = json.loads(line)
    files = [tempfile.TemporaryFile("w+", encoding="utf-8", newline="") for _ in range(3)]
    files[0].write(given)
    files[0].flush()
    child = os.fork()
    if not child:
        files[0].seek(0)
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        os.environ.clear()
        os.environ.update(surroundings)
        os.chdir(folder)
        signal.alarm(120)
        sys.argv[1:] = words
        code = 0
        try:
            runpy.run_module("regulars.cli", run_name="__main__", alter_sys=True)
        except SystemExit as ending:
            code = ending.code or 0
        except BaseException:
            traceback.print_exc()
            code = 1
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the libraries' own threads, which a fork leaves behind, are not waited for
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for file in files:
        file.seek(0)
    print(json.dumps([code, files[1].read(), files[2].read()]), flush=True)
"""


@cache
def _forking() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER.format(libraries=LIBRARIES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    atexit.register(server.communicate)  # it ends when nobody talks to it any more
    return server
