"""What Windows makes of names and errors: no calls, so that any system can try it (WRITER W14, W17, W21)."""

from __future__ import annotations

import errno

import pytest

from untorn.storage.windows_names import error_number, link_target, lock_name, native, plain, unusable


@pytest.mark.parametrize(
    ("path", "long"),
    [
        ("C:\\Users\\ann\\app.json", "\\\\?\\C:\\Users\\ann\\app.json"),
        ("C:/Users/ann/app.json", "\\\\?\\C:\\Users\\ann\\app.json"),
        ("\\\\server\\share\\app.json", "\\\\?\\UNC\\server\\share\\app.json"),
        ("\\\\?\\C:\\app.json", "\\\\?\\C:\\app.json"),
        ("\\\\?\\UNC\\server\\share\\a", "\\\\?\\UNC\\server\\share\\a"),
    ],
)
def test_a_path_of_any_length_is_taken_as_it_is_written(path: str, long: str) -> None:
    assert native(path) == long


@pytest.mark.parametrize(
    ("long", "path"),
    [
        ("\\\\?\\UNC\\server\\share\\app.json", "\\\\server\\share\\app.json"),
        ("\\\\?\\home\\ann\\app.json", "home/ann/app.json"),
    ],
)
def test_messages_show_a_path_as_people_write_it(long: str, path: str) -> None:
    assert plain(long) == path


@pytest.mark.parametrize(
    ("link", "leads_to", "where"),
    [
        ("C:\\a\\link", "b.json", "b.json"),
        ("C:\\a\\link", "..\\b.json", "..\\b.json"),
        ("D:\\a\\link", "\\b.json", "D:\\b.json"),
        ("C:\\a\\link", "\\\\server\\share\\b", "\\\\server\\share\\b"),
        ("C:\\a\\link", "\\\\?\\UNC\\server\\share\\b", "\\\\server\\share\\b"),
        ("C:\\a\\link", "D:\\b.json", "D:\\b.json"),
    ],
)
def test_a_link_leads_where_windows_would_follow_it(link: str, leads_to: str, where: str) -> None:
    assert link_target(link, leads_to) == where


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nul", "device"),
        ("NUL.json", "device"),
        ("con .toml", "device"),
        ("com¹.x.y", "device"),
        ("LPT9", "device"),
        ("CONIN$", "device"),
        ("app.json.", "dots and blanks"),
        ("app.json ", "dots and blanks"),
        ("app.json:stream", "stream"),
        ("a*b", "no name on Windows"),
        ("a?b", "no name on Windows"),
        ('a"b', "no name on Windows"),
        ("a\tb", "no name on Windows"),
        ("a|b", "no name on Windows"),
    ],
)
def test_a_name_that_windows_takes_for_something_else_is_unusable(name: str, reason: str) -> None:
    assert reason in unusable(name)


@pytest.mark.parametrize("name", ["app.json", ".env", "console", "com10", "nulls.toml", "a b.json", "ümläut"])
def test_other_names_are_usable(name: str) -> None:
    assert unusable(name) == ""


def test_the_lock_of_a_file_is_one_however_its_name_is_spelled() -> None:
    one = lock_name("\\\\?\\C:\\Users\\Ann\\App.JSON")
    assert one == lock_name("\\\\?\\c:\\users\\ann\\app.json")
    assert one != lock_name("\\\\?\\c:\\users\\ann\\app.jsonc")
    assert one.endswith(".lock")
    assert unusable(one) == ""
    assert lock_name("\udc80") != lock_name("\udc81")


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (2, errno.ENOENT),
        (3, errno.ENOENT),
        (5, errno.EACCES),
        (17, errno.EXDEV),
        (19, errno.EROFS),
        (32, errno.EACCES),
        (33, errno.EACCES),
        (50, errno.ENOTSUP),
        (80, errno.EEXIST),
        (87, errno.ENOTSUP),
        (112, errno.ENOSPC),
        (123, errno.EINVAL),
        (183, errno.EEXIST),
        (1224, errno.EACCES),
        (1295, errno.EDQUOT),
        (1117, errno.EIO),
        (4711, errno.EIO),
    ],
)
def test_an_error_of_windows_has_the_number_that_posix_gives_it(code: int, number: int) -> None:
    assert error_number(code) == number
