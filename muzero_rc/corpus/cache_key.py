"""Names of cached work: a digest of everything that it depends on."""

import hashlib

_VERSION = 1
"""Counts up when a clip's frames come out otherwise: what was made of them before is then made again."""


def digest(*parts: object) -> str:
    """Sixteen hex digits of SHA-256 over the parts' texts."""
    text = "\0".join(str(part) for part in (_VERSION, *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
