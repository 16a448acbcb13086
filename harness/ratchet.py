"""The shares that were reached once, which may rise and never fall."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = Path(__file__).with_name("ratchet.json")
Shares = dict[str, dict[str, float]]
_SCALE = 10_000


def shares(counts: Mapping[tuple[str, str], tuple[int, int]]) -> Shares:
    """The share of good outcomes by format and operation, rounded down to a hundredth of a per cent."""
    result: Shares = {}
    for (form, label), (good, total) in sorted(counts.items()):
        if total:
            result.setdefault(form, {})[label] = math.floor(good * _SCALE / total) / _SCALE
    return result


def read(kind: str) -> Shares:
    """The committed shares of a ``full`` or ``quick`` run."""
    if not PATH.exists():
        return {}
    kept: dict[str, Shares] = json.loads(PATH.read_text())
    return kept.get(kind, {})


def fallen(kept: Shares, now: Shares) -> list[str]:
    """Say where a share is below the committed one; what was not run is not compared."""
    return [
        f"{form} {label}: {now[form][label]:.2%}, was {share:.2%}"
        for form, row in kept.items()
        for label, share in row.items()
        if label in now.get(form, {}) and now[form][label] < share
    ]


def raise_to(kind: str, now: Shares) -> None:
    """Commit to what was reached now, where it is more than before."""
    everything: dict[str, Shares] = json.loads(PATH.read_text()) if PATH.exists() else {}
    kept = everything.setdefault(kind, {})
    for form, row in now.items():
        for label, share in row.items():
            old = kept.setdefault(form, {}).get(label, 0.0)
            kept[form][label] = max(old, share)
    PATH.write_text(json.dumps(everything, indent=2, sort_keys=True) + "\n")
