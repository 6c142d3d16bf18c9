"""Money is exact to nine decimals, and a fee is rounded once per message, half-up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rating.money import Nanos, fee_on, format_nanos


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        pytest.param(0, "0", id="nothing"),
        pytest.param(30_000_000, "0.0300", id="four decimals as on a rate card"),
        pytest.param(1, "0.000000001", id="one nano"),
        pytest.param(-115_900_000, "-0.1159", id="a negative amount"),
        pytest.param(12_000_000_000, "12.0000", id="whole units"),
    ],
)
def test_money_prints_as_a_plain_decimal(nanos: int, text: str) -> None:
    assert format_nanos(Nanos(nanos)) == text


@pytest.mark.parametrize(
    ("rate", "fee"),
    [(11_300_000, 2_300_000), (73_200_000, 14_600_000), (21_200_000, 4_200_000), (86_000_000, 17_200_000)],
)
def test_twenty_percent_of_metas_rate_is_the_fee_that_aircall_prints(rate: int, fee: int) -> None:
    assert fee_on(Nanos(rate), "20", 4) == fee


@pytest.mark.parametrize(
    ("rate", "percent", "decimals", "fee"),
    [
        pytest.param(50_000_000, "1", 3, 1_000_000, id="exactly half a step rounds up"),
        pytest.param(49_999_999, "1", 3, 0, id="a nano less than half a step rounds down"),
        pytest.param(1, "50", 9, 1, id="half a nano rounds up to one"),
        pytest.param(1_000_000_000, "0.5", 0, 0, id="no decimals"),
        pytest.param(1_000_000_000, "0", 4, 0, id="no fee"),
    ],
)
def test_a_fee_is_rounded_half_up(rate: int, percent: str, decimals: int, fee: int) -> None:
    assert fee_on(Nanos(rate), percent, decimals) == fee


@given(rate=st.integers(0, 10**12), percent=st.decimals(0, 500, places=3), decimals=st.integers(0, 9))
def test_a_fee_is_never_further_than_half_a_step_from_the_exact_one(rate: int, percent: object, decimals: int) -> None:
    exact = Fraction(str(percent)) * rate / 100
    step = 10 ** (9 - decimals)
    fee = fee_on(Nanos(rate), f"{percent}", decimals)
    assert fee % step == 0
    assert -Fraction(step, 2) < fee - exact <= Fraction(step, 2)
