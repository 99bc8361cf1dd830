"""Where a shop's data lives: one folder, `REGULARS_HOME`, and the few settings that a machine may need."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SETTINGS: dict[str, str] = {
    "database": "postgresql://user@host/name; without it one SQLite file in the folder",
    "key_file": "where the key lies; without it `key` in the folder",
    "hosts": "names under which a reverse proxy serves the shop, comma separated",
    "proxy": "1 when a reverse proxy in front ends TLS and sets X-Forwarded-Proto",
    "lang": "language of the command line: zh or en",
}
"""Every setting: an environment variable REGULARS_<NAME>, or a line in `settings.toml` in the folder."""


def default_folder() -> Path:
    return Path.home() / "Regulars"


@dataclass(frozen=True)
class Home:
    """The one folder that holds a shop's data, and what stands where in it."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def find(cls) -> Home:
        folder = Path(os.environ.get("REGULARS_HOME") or default_folder()).expanduser().resolve()
        file = folder / "settings.toml"
        settings = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        for name in SETTINGS:
            if value := os.environ.get(f"REGULARS_{name.upper()}"):
                settings[name] = value
        return cls(folder, settings)

    @property
    def database(self) -> Path:
        return self.folder / "regulars.sqlite3"

    @property
    def key_file(self) -> Path:
        return Path(self.settings.get("key_file") or self.folder / "key").expanduser()

    @property
    def books(self) -> Path:
        return self.folder / "books"

    @property
    def uploads(self) -> Path:
        return self.folder / "uploads"

    @property
    def arriving(self) -> Path:
        """Where a file lies while it is being uploaded."""
        return self.uploads / "arriving"

    def make(self) -> Home:
        """Create the folder, readable by its owner only."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in (self.books, self.uploads, self.arriving):
            part.mkdir(exist_ok=True, mode=0o700)
        return self
