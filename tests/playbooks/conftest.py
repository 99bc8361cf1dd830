"""What every playbook test needs: the stages' facts, declared."""

from __future__ import annotations

import regulars.facts  # noqa: F401
