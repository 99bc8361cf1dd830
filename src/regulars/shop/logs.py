"""Logs that name nobody: every line is masked before it is written, and of an exception only what failed is told.

A log is read by whoever repairs the machine, copied into mails and kept for years. So no phone, no address, no query, no
key of a program stands in it, whoever wrote the line: ours, Django's or a library's.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from regulars.shop.rules.masks import masked, only_what_failed


class NothingPersonal(logging.Filter):
    """For every handler: the message masked, the exception without the values that it quotes."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            said = record.getMessage()
        except (TypeError, ValueError, KeyError):  # a line whose words and values do not fit each other
            said = str(record.msg)
        record.msg, record.args = masked(said), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text, record.exc_info = told(record.exc_info[1]), None
        elif record.exc_text:
            record.exc_text = masked(record.exc_text)
        if record.stack_info:
            record.stack_info = masked(record.stack_info)
        return True


def told(error: BaseException) -> str:
    """An exception and what led to it: the lines of our code, the kind of failure, no values."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    lines = []
    for one in reversed(chain):
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(one.__traceback__)]
        lines.append(f"{type(one).__name__}: {only_what_failed(str(one))}\n")
    return "".join(lines).rstrip()


def tell_only_what_failed() -> None:
    """From now on this process tells of exceptions that nobody has caught as its logs do."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            sys.stderr.write(told(error) + "\n")

    def thread_hook(said: threading.ExceptHookArgs) -> None:
        if said.exc_value is not None and not issubclass(said.exc_type, SystemExit):
            sys.stderr.write(told(said.exc_value) + "\n")

    sys.excepthook, threading.excepthook = hook, thread_hook


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"nothing-personal": {"()": "regulars.shop.logs.NothingPersonal"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["nothing-personal"]}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Django's own handlers write and mail past the filter.
    "loggers": {
        name: {"handlers": [], "propagate": True, "level": "WARNING"}
        for name in ("django", "django.server", "py.warnings")
    },
}
"""How Django, the command line and the server of the pages log: by one handler, through the filter."""

PAGES_LOGGING = {
    **LOGGING,
    "loggers": {
        name: {"handlers": ["console"], "propagate": False, "level": "WARNING"}
        for name in ("_granian", "granian.access")
    },
}
"""The same for the server of the pages, which sets its logging up before Django does."""
