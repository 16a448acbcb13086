"""The kit passes a sound serializer, and says of each bug which promise it breaks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testing import seeded
from untorn.testing import Capabilities, SerializerTests


def failures(serializer: object, **attributes: object) -> dict[str, str]:
    given = {
        "serializer": serializer,
        "capabilities": Capabilities(integers=True),
        "samples": [seeded.SAMPLE],
        "broken": seeded.BROKEN,
        **attributes,
    }
    kit = type("Kit", (SerializerTests,), given)()
    messages = {}
    for name in sorted(name for name in dir(kit) if name.startswith("test_") and getattr(kit, name)):
        try:
            getattr(kit, name)()
        except AssertionError as error:
            messages[name] = str(error)
        except Exception as error:  # noqa: BLE001  a crash counts as no reason
            messages[name] = f"crashed: {error!r}"
    return messages


def test_a_sound_serializer_passes() -> None:
    assert failures(seeded.Lines()) == {}
    assert failures(seeded.SaysLineAndColumn()) == {}
    assert failures(seeded.KeepsToALimit()) == {}


def test_a_value_that_cannot_change_is_its_own() -> None:
    assert "test_each_reading_is_its_own" not in failures(seeded.OneWord(), samples=["word"])


@pytest.mark.parametrize(
    ("bug", "test", "promise"),
    [
        (seeded.SuffixInCapitals, "it_has_a_name_and_suffixes", "suffixes are in lower case"),
        (seeded.HasNoName, "it_has_a_name_and_suffixes", "name is a string"),
        (seeded.RendersWhatItCannotRead, "strings_come_back_or_are_refused", "can be read"),
        (seeded.WritesNoWords, "strings_come_back_or_are_refused", "every format holds"),
        (seeded.CountsFromOneHundred, "rendering_changes_nothing_and_repeats_itself", "the same text"),
        (seeded.Recurses, "values_too_deep_are_refused", "nested deeply"),
        (seeded.LeavesHalfAnEntry, "an_edit_makes_the_value_that_was_asked_for", "reads after 'delete"),
        (seeded.LocatesNothing, "every_entry_has_a_place", "finds every entry, in the text at name"),
        (seeded.SwapsKeyAndEntry, "a_key_stands_in_its_entry", "an entry holds its value at name"),
        (seeded.KeyAfterValue, "a_key_stands_in_its_entry", "a key ends before its value"),
        (
            seeded.HoldsMoreThanItSays,
            "what_is_not_declared_is_refused_and_never_coerced",
            "declares booleans",
        ),
        (seeded.Documents, "several_documents_come_back", "parse refuses a text of several"),
        (seeded.LosesDocuments, "several_documents_come_back", "several documents come back"),
        (seeded.ReadsTuples, "samples_are_read_as_plain_data", "values are plain data at name"),
        (seeded.RemembersWhatItRead, "each_reading_is_its_own", "reading a text again"),
        (seeded.KeepsCarriageReturns, "windows_newlines_change_no_value", "means what"),
        (seeded.AcceptsDuplicates, "broken_texts_are_refused_with_a_place", "a broken text is a ParseError"),
        (seeded.SaysNoPlace, "broken_texts_are_refused_with_a_place", "a ParseError has an offset"),
        (seeded.CrashesOnTornText, "texts_cut_short_raise_nothing_but_parse_errors", "parse raises"),
        (seeded.WritesNullsAsText, "what_is_not_declared_is_refused_and_never_coerced", "refused rather"),
        (seeded.RefusesWhatItReads, "what_was_read_can_be_rendered", "what was read can be"),
        (seeded.NamesNoCulprit, "strings_come_back_or_are_refused", "says where the culprit"),
        (seeded.EatsItsArgument, "rendering_changes_nothing_and_repeats_itself", "does not change its arg"),
        (seeded.EndsInBlankLine, "a_new_text_ends_in_one_newline", "one at its end"),
        (seeded.FindsThePlaceBeside, "a_value_stands_where_locate_says", "stands where locate says at name"),
        (seeded.FindsWhatIsNotThere, "what_is_not_there_has_no_place", "knows no place"),
        (seeded.SetsTheWrongValue, "an_edit_makes_the_value_that_was_asked_for", "'set port' makes the"),
        (seeded.LosesTheFinalNewline, "an_edit_keeps_the_end_of_the_file", "keeps the final newline"),
        (seeded.RendersAnew, "an_edit_keeps_the_lines_of_others", "keeps the lines of others at"),
        (seeded.AddsABlankLine, "a_new_scalar_changes_only_the_old_one", "changes nothing else at name"),
        (seeded.TakesTheNextComment, "comments_stay_with_their_entries", "'delete port' keeps the comments"),
        (seeded.RefusesEverything, "most_edits_are_made", "most operations"),
        (seeded.RefusesWithKeyErrors, "most_edits_are_made", "refuses with ImpreciseEditError"),
        (seeded.EditsOverlap, "an_edit_makes_the_value_that_was_asked_for", "edits do not overlap"),
        (seeded.EditsTheFirstText, "several_operations_see_each_other", "are both made"),
        (seeded.MovesToTheWrongPlace, "an_entry_that_moves_stands_where_it_was_asked_to", "makes this order"),
        (
            seeded.MovesWithoutComments,
            "an_entry_that_moves_stands_where_it_was_asked_to",
            "its comments along",
        ),
        (seeded.LocatesInAnotherText, "a_locator_says_what_locate_says", "a locator says what locate says"),
        (seeded.TouchesWithoutNeed, "no_operation_makes_no_edit", "no operation makes no edit"),
    ],
)
def test_a_bug_is_caught_by_the_test_that_names_it(bug: type[seeded.Lines], test: str, promise: str) -> None:
    found = failures(bug())
    assert promise in found[f"test_{test}"], found


@pytest.mark.parametrize(
    ("bug", "promise"),
    [
        (seeded.LosesNewComments, "a comment that was set above is its entry's at name"),
        (seeded.KnowsNoComments, "a format with comments locates those"),
    ],
)
def test_comments_that_are_declared_are_tested(bug: type[seeded.Lines], promise: str) -> None:
    found = failures(bug(), capabilities=Capabilities(integers=True, comments=True))
    assert promise in found["test_a_comment_that_was_set_is_there"]


def test_a_value_that_is_declared_and_refused_is_a_fault() -> None:
    found = failures(seeded.Lines(), capabilities=Capabilities(integers=True, nulls=True))
    assert found == {
        "test_what_is_declared_comes_back": "a format with nulls holds this value\n  value: {'key': None}"
    }


def test_a_class_without_samples_says_so() -> None:
    assert "has samples" in failures(seeded.Lines(), samples=[])["test_samples_are_read_as_plain_data"]


def test_a_serializer_without_edits_has_no_tests_of_edits() -> None:
    class Minimal:
        name = "minimal"
        suffixes = ()
        parse = seeded.Lines().parse
        render = seeded.Lines().render

    kit: Any = type("Kit", (SerializerTests,), {"serializer": Minimal(), "samples": ["a = b\n"]})
    assert kit.test_most_edits_are_made is None
    assert kit.test_a_value_stands_where_locate_says is None
    assert kit.test_several_documents_come_back is None
    assert callable(kit.test_texts_cut_short_raise_nothing_but_parse_errors)
