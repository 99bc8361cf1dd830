"""The command line as tests call it: `regulars("import", file, "--json")` gives `.returncode`, `.stdout`, `.stderr`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
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
    """The same in a Python of its own, as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "regulars.cli", *map(str, words)],
        input=input, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
