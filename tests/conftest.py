"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A slow machine proves nothing: no test depends on how long it takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
