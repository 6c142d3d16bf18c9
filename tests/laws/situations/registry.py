"""The list of situations, and questions that many of them ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.laws.check import Checked
from tests.oracle import Line
from tests.oracle.decision import Facts
from tests.oracle.final_set import Delivery

Question = Callable[[Checked], bool]
SITUATIONS: dict[str, Question] = {}


def situation(name: str) -> Callable[[Question], Question]:
    """Registers a question under the situation's name."""

    def register(question: Question) -> Question:
        if name in SITUATIONS:
            raise ValueError(f"two situations are called {name!r}")
        SITUATIONS[name] = question
        return question

    return register


def of_stream(checked: Checked) -> list[str]:
    """The situations that a stream was in."""
    return [name for name, question in SITUATIONS.items() if question(checked)]


def rated(checked: Checked) -> Iterator[Facts]:
    """What is known of the deliveries that can be rated."""
    yield from checked.oracle.facts.values()


def lines(checked: Checked) -> Iterator[Line]:
    """The lines in force at the end."""
    yield from checked.oracle.lines.values()


def a_delivery(name: str, holds: Callable[[Delivery], bool]) -> None:
    """Registers: some delivery, rated or not, is like this."""
    situation(name)(lambda checked: any(holds(delivery) for delivery in checked.oracle.deliveries))


def a_rated_delivery(name: str, holds: Callable[[Facts], bool]) -> None:
    """Registers: some delivery that can be rated is like this."""
    situation(name)(lambda checked: any(holds(each) for each in rated(checked)))


def two_rated_deliveries(name: str, holds: Callable[[Facts, Facts], bool]) -> None:
    """Registers: some two deliveries that can be rated are like this beside each other."""
    situation(name)(lambda checked: any(holds(one, other) for one in rated(checked) for other in rated(checked)))


def a_line(name: str, holds: Callable[[Line], bool]) -> None:
    """Registers: some line in force is like this."""
    situation(name)(lambda checked: any(holds(line) for line in lines(checked)))


def unrated(name: str, reason: str) -> None:
    """Registers: some delivery is unrated for this reason."""
    situation(name)(lambda checked: any(each.reason == reason for each in checked.oracle.unrated.values()))
