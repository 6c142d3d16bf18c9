"""The allowance is an order, not a counter: whoever comes first in event time is free, whenever it arrives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rating import keys
from rating.allowance import Allowance
from rating.leaves import Leaves
from streams.state.store import Store

FREE = 3
INSTANTS_MS = st.integers(0, 12)


def moment(at_ms: int) -> bytes:
    return keys.moment(at_ms, f"wamid.{at_ms}", "")


def month_of(store: Store, phone: str = "phone", month: str = "2026-10") -> Allowance:
    return Allowance(store, Leaves(store), phone, month, FREE)


def order(*at_ms: int) -> Allowance:
    result = month_of(Store())
    for each in at_ms:
        result.take(moment(each))
    return result


def test_the_first_three_are_free_and_the_fourth_is_not() -> None:
    month = order(1, 2, 3, 4)
    assert [month.is_free(moment(at)) for at in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_late_earlier_message_pushes_the_last_free_one_out() -> None:
    moved = order(2, 3, 4).take(moment(1))
    assert moved is not None
    assert moved.place == moment(4)


def test_a_late_message_beyond_the_edge_moves_nothing() -> None:
    assert order(1, 2, 3).take(moment(4)) is None


def test_a_place_given_back_lets_the_next_one_in() -> None:
    month = order(1, 2, 3, 4, 5)
    moved = month.give_back(moment(2))
    assert moved is not None
    assert moved.place == moment(4)
    assert month.is_free(moment(4))
    assert not month.is_free(moment(5))


def test_the_third_place_closes_the_month_for_those_who_take_none() -> None:
    month = order(1, 2)
    assert month.is_free(moment(9))
    moved = month.take(moment(3))
    assert moved is not None
    assert (moved.place, moved.beside_from, moved.beside_to) == (None, moment(3), None)
    assert not month.is_free(moment(9))


def test_months_and_phone_numbers_do_not_share_places() -> None:
    store = Store()
    for at in (1, 2, 3):
        month_of(store).take(moment(at))
    assert month_of(store, month="2026-11").is_free(moment(4))
    assert month_of(store, phone="other").is_free(moment(4))


@given(steps=st.lists(st.tuples(st.booleans(), INSTANTS_MS)))
def test_any_order_of_taking_and_giving_back_is_the_sorted_order_and_says_whom_it_changed(steps: list[tuple[bool, int]]) -> None:
    store = Store()
    there: set[int] = set()
    everyone = range(14)
    for takes, at in steps:
        before = {each for each in everyone if sum(taken < each for taken in there) < FREE}
        leaves = Leaves(store)
        month = Allowance(store, leaves, "phone", "2026-10", FREE)
        moved = month.take(moment(at)) if takes else month.give_back(moment(at))
        there = there | {at} if takes else there - {at}
        free = {each for each in everyone if sum(taken < each for taken in there) < FREE}
        assert {each for each in everyone if month.is_free(moment(each))} == free
        told = (
            set()
            if moved is None
            else {
                each
                for each in everyone
                if moved.beside_from < moment(each) and (moved.beside_to is None or moment(each) < moved.beside_to)
            }
        )
        if moved is not None and moved.place is not None:
            told.add(next(each for each in everyone if moment(each) == moved.place))
        assert (before ^ free) - {at} <= told
        leaves.settle()
