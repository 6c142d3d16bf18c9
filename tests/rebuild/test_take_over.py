"""What a rebuilt state takes over from the lines as they were published: revisions, and the volume band that prices a message."""

from __future__ import annotations

import orjson
import pytest
from msgspec.structs import replace

from rating import keys
from rating.ids import delivery_id, digest_of
from rating.rebuilt import Published, take_over
from rating.records import FORMAT, Band, Charge, Delivery, Figures, Tally, Terms, decode_delivery, decode_tally, encode
from rating.stage import Output
from streams.rebuild.compare import differences, take_over_from
from streams.rebuild.said import Said
from streams.results import RATED
from streams.state.store import Store
from tests.rating.taxi import ACCOUNT, PHONE, Taxi

DAY = "2026-01-05T"


def said_by(taxi: Taxi) -> Said:
    said = Said()
    said.take(taxi.outputs)
    return said


def late_and_in_time() -> tuple[Taxi, Taxi]:
    """The same three events: in one world the user's message comes last, in the other first."""
    late, in_time = Taxi(), Taxi()
    in_time.event("received", f"{DAY}09:00:00.000Z", "wamid.in", kind="text")
    for taxi in (late, in_time):
        taxi.event("sent", f"{DAY}10:00:00.000Z", "wamid.A", category="utility")
        taxi.event("delivered", f"{DAY}10:00:01.000Z", "wamid.A")
    late.event("received", f"{DAY}09:00:00.000Z", "wamid.in", kind="text")
    return late, in_time


def test_a_line_that_took_more_revisions_on_the_way_is_known_by_its_published_one() -> None:
    late, in_time = late_and_in_time()
    assert [(line["kind"], line["revision"]) for line in late.lines()] == [("charge", 1), ("reversal", 1), ("charge", 2)]
    assert [(line["kind"], line["revision"]) for line in in_time.lines()] == [("charge", 1)]
    published = said_by(late)
    assert list(differences(published, said_by(in_time))) == []
    assert take_over_from(published, in_time.state) == []
    in_time.command("void", "v", message_ids=["wamid.A"], reason="test")
    *_, reversal = in_time.lines()
    assert (reversal["kind"], reversal["revision"], reversal["reverses"]) == ("reversal", 2, late.lines()[-1]["line_id"])


def test_one_that_took_fewer_is_known_by_its_published_one_too() -> None:
    late, in_time = late_and_in_time()
    assert take_over_from(said_by(in_time), late.state) == []
    late.command("void", "v", message_ids=["wamid.A"], reason="test")
    *_, reversal = late.lines()
    assert (reversal["revision"], reversal["reverses"]) == (1, in_time.lines()[0]["line_id"])


@pytest.mark.parametrize(
    ("field", "other"),
    [("amount", "0.0001"), ("category", "marketing"), ("market", "Spain"), ("date", "2026-01-06"), ("billed_at", f"{DAY}10:00:02.000Z")],
)
def test_a_line_that_says_something_else_is_a_difference(field: str, other: str) -> None:
    late, in_time = late_and_in_time()
    lines = [output for output in late.outputs if output.topic == RATED]
    changed = Said()
    changed.take([*lines[:-1], Output(RATED, lines[-1].key, orjson.dumps({**orjson.loads(lines[-1].value or b""), field: other}))])
    assert [each.what for each in differences(changed, said_by(in_time)) if each.what == "line"] == ["line"]


BANDS = (Band("1:3", 3, 30, 36), Band("4:MAX", None, 20, 24))
FIGURES = Figures(
    ACCOUNT, PHONE, "2026-10-05", "FR", "France", "utility", "charged", "base", "USD", 30, 36, "2026-10-01", "card", "1:3", None, None,
    b"p", terms=Terms("portfolio", BANDS),
)  # fmt: skip


def banded() -> tuple[Store, bytes]:
    """A state with one delivery, priced in the first of two bands."""
    store, key, name = Store(), keys.delivery(PHONE, "wamid.A", ""), digest_of(encode(FIGURES))
    store.put(keys.FIGURES + name, encode(FIGURES))
    store.put(key, encode(Delivery(FORMAT, PHONE, "wamid.A", "", ACCOUNT, "u", charge=Charge(name, 1, None), revision=1)))
    store.commit()
    return store, key


def test_a_message_that_was_priced_in_another_volume_band_is_known_in_that_one() -> None:
    store, key = banded()
    assert take_over(store, [key], lambda _: Published(5, "4:MAX", 20, 24), {}) == []
    delivery = decode_delivery(store.get(key) or b"")
    in_band = encode(replace(FIGURES, tier="4:MAX", cost_nanos=20, amount_nanos=24))
    assert delivery.revision == 5
    assert delivery.charge is not None
    assert delivery.charge.figures == digest_of(in_band)
    assert store.get(keys.FIGURES + delivery.charge.figures) == in_band


def test_a_price_of_no_band_of_the_rate_is_a_difference() -> None:
    store, key = banded()
    assert take_over(store, [key], lambda _: Published(1, "4:MAX", 19, 24), {}) == [delivery_id(PHONE, "wamid.A", "")]


def test_adjustments_go_on_from_the_revision_that_was_published() -> None:
    store, key = Store(), keys.TALLY + bytes(16)
    store.put(key, encode(Tally(revision=2)))
    assert take_over(store, [key], lambda _: Published(0, None, 0, 0), {bytes(16).hex(): 7}) == []
    assert decode_tally(store.get(key) or b"").revision == 7
