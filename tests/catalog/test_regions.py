"""The country of a number whose prefix is shared: the phone library's word, asked as seldom as possible."""

from __future__ import annotations

import random

import phonenumbers
import pytest

from rating.catalog.regions import country_of_number


@pytest.mark.parametrize(
    ("digits", "country"),
    [
        pytest.param("14155550100", "US", id="San Francisco"),
        pytest.param("14165550100", "CA", id="Toronto"),
        pytest.param("18095550100", "DO", id="Santo Domingo"),
        pytest.param("12425550100", "BS", id="a number that is not valid, and yet of the Bahamas"),
        pytest.param("18005551234", "US", id="toll-free"),
        pytest.param("447911123456", "GG", id="Guernsey"),
        pytest.param("77011234567", "KZ", id="Kazakhstan"),
        pytest.param("881612345678", None, id="a satellite phone, of no country"),
        pytest.param("17101234567", None, id="an area code of nobody"),
        pytest.param("1", None, id="too short to be a number"),
        pytest.param("123456789012345678901", None, id="too long to be a number"),
    ],
)
def test_the_library_names_the_country_or_none(digits: str, country: str | None) -> None:
    assert country_of_number(digits) == country


def test_the_last_four_digits_of_a_north_american_number_never_tell_its_country() -> None:
    # Lets one answer serve a whole exchange. A release of the library that breaks this must be noticed here.
    rng = random.Random(20261001)
    for area_code in range(200, 1000):
        for _ in range(8):
            exchange = rng.randrange(1000)
            digits = f"1{area_code}{exchange:03}{rng.randrange(10_000):04}"
            region = phonenumbers.region_code_for_number(phonenumbers.parse("+" + digits))
            assert country_of_number(digits) == region, digits
