"""Who was written to, and what became of the message."""

from __future__ import annotations

from tests.laws.check import Checked
from tests.laws.situations.registry import a_delivery, a_line, a_rated_delivery, situation, unrated
from tests.oracle.final_set import Delivery


def _is_hidden(delivery: Delivery) -> bool:
    return not delivery.recipient.startswith("+")


a_delivery("a group, member by member", lambda delivery: delivery.source.user.startswith("group:"))
a_rated_delivery("a group message shares the allowance", lambda each: each.takes_a_place and bool(each.delivery.key.participant))
a_rated_delivery(
    "a hidden phone, its country on an event", lambda each: _is_hidden(each.delivery) and each.delivery.user_country is not None
)
a_rated_delivery("a hidden phone, its country in the id", lambda each: _is_hidden(each.delivery) and each.delivery.user_country is None)
unrated("a hidden phone without a market", "no_market")
a_line("a shared prefix, told apart", lambda line: line.market == "North America" and line.country == "CA")
a_line("a shared prefix that nobody tells apart", lambda line: line.market == "North America" and line.country is None)
a_line("a longer prefix of another market", lambda line: line.country == "JM")
a_line("an unlisted country", lambda line: line.market == "Other" and line.country is None)
a_line("a country that changed its market", lambda line: line.country in ("KZ", "PL", "TM"))


@situation("a member's own sent beside the message's")
def _own_sent(checked: Checked) -> bool:
    wide = {event.message_id for event in checked.oracle.events if event.type == "message.sent" and event.participant is None}
    return any(each.key.participant and each.own_sent and each.key.message_id in wide for each in checked.oracle.deliveries)


@situation("a message id on two numbers")
def _two_numbers(checked: Checked) -> bool:
    places = {(each.key.message_id, each.key.phone_number_id) for each in checked.oracle.deliveries}
    return len({message_id for message_id, _ in places}) < len(places)


def _categories(delivery: Delivery) -> set[str]:
    return {event.category for event in (delivery.sent, delivery.delivered, delivery.read) if event and event.category is not None}


a_delivery("read without delivered", lambda delivery: delivery.delivered is None)
a_delivery("read before delivered", lambda each: bool(each.read and each.delivered and each.read.time < each.delivered.time))
a_delivery("failed beside delivered", lambda delivery: delivery.failed is not None)
a_rated_delivery("a category from Meta's pricing alone", lambda each: not _categories(each.delivery))
a_rated_delivery("several categories that differ", lambda each: len(_categories(each.delivery)) > 1)
