"""Every rule of the writer, broken, is shown by an order of system calls; untorn itself by none."""

from __future__ import annotations

import pytest

from evidence.scheduler import CRASH, Choice, explored
from evidence.schedules import SCENARIOS, Scenario, tried
from evidence.seeds import SEEDED


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_in_some_orders_nothing_is_lost(scenario: Scenario) -> None:
    found = tried(scenario, 2, 15)
    assert found.schedules == 15
    assert found.crashes
    assert found.outcomes["saved"]
    if not scenario.window:
        assert found.examples == {}


@pytest.mark.parametrize("scenario", SEEDED, ids=lambda each: each.name)
def test_a_rule_that_is_broken_is_shown(scenario: Scenario) -> None:
    found = tried(scenario, 3)
    assert found.caught(scenario), found


def test_without_preemptions_each_program_runs_to_its_end() -> None:
    found = tried(SCENARIOS[0], 0)
    assert (found.schedules, found.crashes, found.all) == (2, 0, True)


def test_every_order_within_the_bound_is_run_once_where_no_two_are_the_same() -> None:
    """Two programs of two steps each, and no crash: of 6 orders, 2 have no preemption, 4 at most one."""
    for bound, expected in ((0, 2), (1, 4), (2, 6)):
        orders: set[str] = set()

        def run(decided: tuple[int, ...], orders: set[str] = orders) -> list[Choice]:
            order, choices = "", []
            while len(order) < 4:
                last = order[-1:]
                able = [each for each in "ab" if order.count(each) < 2]
                goes_on = last in able
                options = sorted(able, key=lambda each, last=last: (each != last, each))  # type: ignore[misc]
                taken = decided[len(choices)] if len(choices) < len(decided) else 0
                order += options[taken]
                numbers = tuple(map("ab".index, options))
                choices.append(Choice(numbers, taken, not goes_on, "step", hash(order)))
            orders.add(order)
            return choices

        assert sum(1 for _ in explored(run, bound)) == expected  # type: ignore[arg-type]
        assert len(orders) == expected


def test_a_crash_costs_as_much_as_a_preemption() -> None:
    choice = Choice((0, 1, CRASH), 0, free=True, call="rename", state=0)
    assert [choice.cost(index) for index in range(3)] == [0, 0, 1]
