"""What full runs came to, kept by format and printed into ``docs/explanation/editing.md``."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from harness.trial import DEMANDED, OK, WRONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.trial import Outcome

HERE = Path(__file__).parent
PATH = HERE / "figures.json"
PAGE = HERE.parent / "docs" / "explanation" / "editing.md"
BEGIN, END = "<!-- harness:real-files -->\n", "<!-- /harness:real-files -->\n"
NO_EDITS = {"load", "load invalid", "no-op"}
_CRITERIA = {"E1": "E1", WRONG: "E2", "E3": "E3", "E4": "E4", "E5": "E5", "E9": "E9"}


class Figures(TypedDict):
    """What became of the edits of one format: by operation and verdict, and the refusals by reason."""

    date: str
    files: int
    edits: dict[str, dict[str, int]]
    refused: dict[str, int]
    demanded: dict[str, int]


def is_refusal(verdict: str) -> bool:
    """Whether an edit was refused that E7 does not forbid."""
    return verdict.startswith("refused ") and verdict != DEMANDED


def reason(detail: str) -> str:
    """The reason of a refusal, without its place and the names in it."""
    message = " ".join(detail.split("\n")[1:])
    message = re.sub(r"^.*?:\d+:\d+(?:: in [^:]*)?: ", "", message)
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\*[^\s,)]+|\d+", "…", message)[:110]


def counted(outcomes: Iterable[Outcome]) -> dict[str, Figures]:
    """Count the outcomes of a full run."""
    files: dict[str, set[str]] = defaultdict(set)
    edits: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    refused: dict[str, dict[bool, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for one in outcomes:
        files[one.form].add(one.file)
        if one.label in NO_EDITS:
            continue
        edits[one.form][one.label][one.verdict] += 1
        if one.verdict.startswith("refused "):
            refused[one.form][one.verdict == DEMANDED][f"{one.label}: {reason(one.detail)}"] += 1
    today = datetime.now(UTC).date().isoformat()
    return {
        form: {
            "date": today,
            "files": len(files[form]),
            "edits": {label: dict(verdicts) for label, verdicts in sorted(edits[form].items())},
            "refused": dict(refused[form][False].most_common()),
            "demanded": dict(refused[form][True].most_common()),
        }
        for form in sorted(files)
    }


def keep(new: Mapping[str, Figures]) -> None:
    """Put the figures of the formats that were run in the place of older ones, and all into the page."""
    kept: dict[str, Any] = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    kept.update(new)
    PATH.write_text(json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{page(kept)}\n\n{END}{after}", "utf-8")


def page(kept: Mapping[str, Figures]) -> str:
    """The tables: by format and criterion, by operation, and the refusals with their reasons."""
    dates = sorted({figures["date"] for figures in kept.values()})
    return "\n\n".join(
        [
            f"Printed on {' and '.join(dates)}.",
            _by_criterion(kept),
            _by_operation(kept),
            _refusals("Refused", kept, {form: figures["refused"] for form, figures in kept.items()}),
            _refusals(
                "Refused, as E7 demands", kept, {form: figures["demanded"] for form, figures in kept.items()}
            ),
        ]
    )


def _refusals(title: str, kept: Mapping[str, Figures], found: Mapping[str, Mapping[str, int]]) -> str:
    rows = [(-count, form, text) for form, reasons in found.items() for text, count in reasons.items()]
    refused = -sum(count for count, _, _ in rows)
    edits = sum(sum(verdicts.values()) for figures in kept.values() for verdicts in figures["edits"].values())
    head = f"{title}: {refused:,} of {edits:,} edits ({refused / max(1, edits):.3%})"
    if not rows:
        return f"{head}."
    return f"{head}:\n\n{_table('edits', 'format', 'operation and reason', rows=_positive(sorted(rows)))}"


def _positive(rows: Iterable[tuple[int, str, str]]) -> Iterable[tuple[object, ...]]:
    return [(-count, *rest) for count, *rest in rows]


def _by_criterion(kept: Mapping[str, Figures]) -> str:
    rows = []
    for form, figures in sorted(kept.items()):
        verdicts: Counter[str] = Counter()
        for each in figures["edits"].values():
            verdicts.update(each)
        refused = sum(count for name, count in verdicts.items() if is_refusal(name))
        made = verdicts.total() - refused - verdicts[DEMANDED]
        broken = [verdicts[name] for name in _CRITERIA]
        other = made - verdicts[OK] - sum(broken)
        # Rounded down: one failure of many is not 100 %.
        share = f"**{math.floor(verdicts[OK] / max(1, made) * 10_000) / 100:.2f} %**"
        rows.append((form, figures["files"], made, *broken, other, share, refused, verdicts[DEMANDED]))
    broke = [f"broke {rule}" for rule in _CRITERIA.values()]
    heads = ["format", "files", "edits made", *broke, "crashed", "right", "refused", "refused as E7 demands"]
    return _table(*heads, rows=rows)


def _by_operation(kept: Mapping[str, Figures]) -> str:
    forms = sorted(kept)
    labels = sorted({label for figures in kept.values() for label in figures["edits"]})
    rows = [(label, *(_right(kept[form]["edits"].get(label, {})) for form in forms)) for label in labels]
    return _table("right, of those made", *forms, rows=rows)


def _right(verdicts: Mapping[str, int]) -> str:
    made = sum(count for name, count in verdicts.items() if not name.startswith("refused "))
    return f"{verdicts.get(OK, 0):,} of {made:,}" if made else "-"


def _table(*heads: str, rows: Iterable[tuple[object, ...]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell).replace("|", r"\|")
