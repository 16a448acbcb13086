"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# Examples are found anew on every run at a desk; in CI the same ones, so that a
# red run means that the change is to blame. Neither measures time: a busy
# machine is no defect, and pytest-timeout ends what hangs.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
