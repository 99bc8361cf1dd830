"""The JSON Schema of a playbook file, so that an editor completes words and marks mistakes at once."""

from __future__ import annotations

from typing import Any

from regulars.playbooks.playbook import Playbook


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a playbook as TOML holds it.

    >>> sorted(schema()["required"])
    ['about', 'key', 'name', 'scale', 'version']
    """
    found = Playbook.model_json_schema(by_alias=True, mode="validation")
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "Regulars playbook"
    # A file counts its versions in whole numbers; "1+3" is how an overlay on top of one is called.
    found["properties"]["version"] = {"type": "integer", "minimum": 1, "title": "Version"}
    return found
