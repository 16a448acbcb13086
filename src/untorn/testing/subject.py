"""What every class of the kit's tests has: the serializer, what it promises, and texts to try it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from untorn.keypath import format_keypath
from untorn.selection import Selection, is_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from untorn.keypath import KeyPath
    from untorn.serializer import Serializer
    from untorn.values import Value

    Condition = Callable[[Serializer], bool]
    Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Which values a format holds beside a mapping of strings, each under its own type.

    What is not declared has to be refused with ``UnrepresentableError``; a value
    that silently becomes another one is a fault either way.

    Attributes:
        lists: Lists.
        nesting: Mappings in mappings; in lists, too, where there are lists.
        booleans: ``True`` and ``False``.
        integers: Whole numbers of up to 64 bits.
        big_integers: Whole numbers of any size.
        floats: Finite floats, with the sign of zero.
        nan: NaN and the infinities.
        nulls: ``None``.
        dates: Dates, and datetimes with and without an offset.
        binary: ``bytes``.
        other_keys: Keys that are integers.
        comments: Entries own comments, and ``SetComment`` writes them.
    """

    lists: bool = False
    nesting: bool = False
    booleans: bool = False
    integers: bool = False
    big_integers: bool = False
    floats: bool = False
    nan: bool = False
    nulls: bool = False
    dates: bool = False
    binary: bool = False
    other_keys: bool = False
    comments: bool = False


class Subject:
    """The serializer under test.

    Attributes:
        serializer: The serializer.
        capabilities: What it promises to hold.
        samples: Texts that it reads, small and unlike each other.
        broken: Texts that it must refuse to read.
    """

    serializer: ClassVar[Any]
    capabilities: ClassVar[Capabilities] = Capabilities()
    samples: ClassVar[Sequence[str]] = ()
    broken: ClassVar[Sequence[str]] = ()

    def __init_subclass__(cls) -> None:
        """Take away the tests of what the serializer does not have, so that none passes idly."""
        super().__init_subclass__()
        if not hasattr(cls, "serializer"):
            return
        serializer: Serializer = cls.serializer
        for name in dir(cls):
            condition = _CONDITIONS.get(getattr(cls, name)) if name.startswith("test_") else None
            if condition and not condition(serializer):
                setattr(cls, name, None)

    @property
    def selection(self) -> Selection:
        """The serializer, and all documents of its texts."""
        return Selection(self.serializer, "all" if is_stream(self.serializer) else None)


_CONDITIONS: dict[object, Condition] = {}


def needs(condition: Condition) -> Callable[[Test], Test]:
    """Mark a test as meaningful only for serializers of which ``condition`` holds."""

    def mark(test: Test) -> Test:
        _CONDITIONS[test] = condition
        return test

    return mark


def can_locate(serializer: Serializer) -> bool:
    """Return whether this serializer says where key paths stand."""
    return hasattr(serializer, "locate")


def has_locator(serializer: Serializer) -> bool:
    """Return whether this serializer says where many key paths stand, from one look at their text."""
    return hasattr(serializer, "locator")


def fail(promise: str, path: KeyPath | None = None, **shown: object) -> NoReturn:
    """Raise what pytest reports: the promise that is broken, the key path, and texts or values.

    Raises:
        AssertionError: Always.
    """
    where = "" if path is None else f" at {format_keypath(path)}"
    lines = [f"{promise}{where}", *(f"  {name}: {value!r}" for name, value in shown.items())]
    raise AssertionError("\n".join(lines))


def walk(value: Value, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Value]]:
    """Yield every key path of ``value`` with what stands there, the whole first."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def layouts(text: str) -> list[str]:
    r"""Return ``text`` as it is, with ``"\r\n"``, and without its final newline."""
    made = [text, text.replace("\n", "\r\n"), text.rstrip("\n")]
    return list(dict.fromkeys(made))
