"""Try every chosen edit of one file, and say what became of each."""

from __future__ import annotations

import difflib
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.choices import Choice, choices
from harness.oracle import Operation, RefusedError, Source, judge, read, same
from harness.oracle.values import differences

if TYPE_CHECKING:
    from pathlib import Path

    from harness.corpus import RealFile
    from harness.editor import Editor

OK = "ok"
WRONG = "wrong data"
DEMANDED = "refused (E7)"


@dataclass(frozen=True)
class Outcome:
    """What became of one edit.

    Attributes:
        form: The format of the file.
        label: The row of the report.
        verdict: ``ok``, ``refused …``, ``wrong data``, ``E1`` … ``E5``, ``crash …``.
        file: The file's name.
        detail: For a report: the operation, what was found, the diff.
    """

    form: str
    label: str
    verdict: str
    file: str
    detail: str = ""


def try_file(file: RealFile, editor: Editor, folder: Path) -> list[Outcome]:
    """Load a file, save it without a change, and make each of its edits, from its first bytes every time."""
    path = folder / file.path.split("#")[0].rsplit("/", 1)[-1]
    path.write_bytes(file.data)
    trial = _Trial(file, editor, path)
    try:
        if file.invalid:
            return [trial.outcome("load invalid", *trial.refuse())]
        source = read(file.data, file.form, documents=file.documents)
        first = trial.outcome("load", *trial.load(source))
        if first.verdict != OK:
            return [first]
        edits = [trial.outcome(c.label, *trial.edit(source, c)) for c in choices(file, source)]
        return [first, trial.outcome("no-op", *trial.nothing()), *edits]
    finally:
        path.unlink(missing_ok=True)


@dataclass
class _Trial:
    file: RealFile
    editor: Editor
    path: Path

    def outcome(self, label: str, verdict: str, detail: str) -> Outcome:
        return Outcome(self.file.form, label, verdict, self.file.name, detail)

    def refuse(self) -> tuple[str, str]:
        try:
            value = self.editor.load(self.path, self.file.form, documents=self.file.documents)
        except self.editor.refusals():
            return OK, ""
        except Exception as error:  # noqa: BLE001 - a crash is an outcome
            return _crash(error)
        return "accepted", f"{self.file.invalid}\n{value!r:.200}"

    def load(self, source: Source) -> tuple[str, str]:
        try:
            value = self.editor.load(self.path, self.file.form, documents=self.file.documents)
        except self.editor.refusals() as error:
            return f"refused {type(error).__name__}", str(error)
        except Exception as error:  # noqa: BLE001 - a crash is an outcome
            return _crash(error)
        return (OK, "") if same(source.value, value) else (WRONG, differences(source.value, value))

    def nothing(self) -> tuple[str, str]:
        self.path.write_bytes(self.file.data)
        before = self.path.stat()
        try:
            self.editor.edit(self.path, self.file.form, None, documents=self.file.documents)
        except self.editor.refusals() as error:
            return f"refused {type(error).__name__}", str(error)
        except Exception as error:  # noqa: BLE001 - a crash is an outcome
            return _crash(error)
        after = self.path.stat()
        if self.path.read_bytes() != self.file.data:
            return "E1", "a save without a change changed bytes"
        untouched = (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        return (OK, "") if untouched else ("E1", "a save without a change wrote the file")

    def edit(self, source: Source, choice: Choice) -> tuple[str, str]:
        operation = choice.operation
        self.path.write_bytes(self.file.data)
        try:
            self.editor.edit(self.path, self.file.form, operation, documents=self.file.documents)
        except self.editor.refusals() as error:
            if self.path.read_bytes() != self.file.data:
                return WRONG, f"{operation}\nrefused, but the file changed: {error}"
            verdict = DEMANDED if choice.demanded else f"refused {type(error).__name__}"
            return verdict, f"{operation}\n{error}"
        except Exception as error:  # noqa: BLE001 - a crash is an outcome
            verdict, detail = _crash(error)
            return verdict, f"{operation}\n{detail}"
        return self.judged(source, operation)

    def judged(self, source: Source, operation: Operation) -> tuple[str, str]:
        after = self.path.read_bytes()
        file = self.file
        try:
            found = judge(file.data, operation, after, file.form, documents=file.documents, source=source)
        except (RefusedError, AssertionError, LookupError) as error:
            return "judge failed", f"{operation}\n{error!r}\n{_diff(file.data, after)}"
        if not found:
            return OK, ""
        worst = min(found, key=lambda finding: (finding.rule != "E2", finding.rule))
        verdict = WRONG if worst.rule == "E2" else worst.rule
        return verdict, "\n".join([str(operation), *map(str, found), _diff(file.data, after)])


def _crash(error: Exception) -> tuple[str, str]:
    return f"crash {type(error).__name__}", "".join(traceback.format_exception(error)[-4:])


def _diff(before: bytes, after: bytes) -> str:
    old, new = (data.decode("utf-8", "replace").split("\n") for data in (before, after))
    lines = list(difflib.unified_diff(old, new, "before", "after", lineterm="", n=4))
    return "\n".join(line.replace("\r", "␍") for line in lines[:60])
