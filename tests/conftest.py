"""What all tests share: hypothesis without a deadline, because a loaded machine is not a defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("dexroute", deadline=None)
settings.load_profile("dexroute")
