"""What billing tells of licences: the intervals that commands begin and end (billing.md §3, §5; seed S003)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from rating.billing import book, usage
from rating.billing.invoice_stage import Invoicer
from rating.billing.memory import Memory
from rating.billing.offline import Biller
from rating.billing.plans_file import read_plans
from rating.stage import Record
from schemas.licences import decode_licences
from schemas.rejections import Rejection
from tests.billing.desk import PLANS, Desk
from tests.rating.taxi import ms

EXTRA = """
[addons.chat]
name = "Chat"
section = "Users and Numbers"
seats = "account"
commitment = "cycle"
monthly = { USD = "3.00" }
consumption = true

[addons.notepad]
name = "Notepad"
section = "Users and Numbers"
seats = "provisioned"
commitment = "cycle"
monthly = { USD = "3.00" }

[plans.open]
name = "Open"
section = "Users and Numbers"
addons = ["whatsapp", "chat", "notepad"]
includes = ["bundled"]

[addons.bundled]
name = "Bundled"
seats = "provisioned"
consumption = true
"""


class Office(Desk):
    """A desk that keeps what is told of licences."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(plans=PLANS.replace("\n[addons.storage]", EXTRA + "\n[addons.storage]", 1), **fields)

    def assign(self, on: str, user: str, addon: str = "whatsapp") -> None:
        self.give(on, "addon.assign", addon=addon, unit_id=user)

    def unassign(self, on: str, user: str, addon: str = "whatsapp") -> None:
        self.give(on, "addon.unassign", addon=addon, unit_id=user)

    def told(self) -> list[dict[str, Any]]:
        """Every record in its order. All of them can be read by who reads them."""
        biller = Biller(read_plans(self.plans))
        found = []
        for raw in self.commands:
            answer = biller.command(raw)
            assert not isinstance(answer, Rejection)
            assert answer is None or answer.is_accepted or not answer.licences
            found += [] if answer is None else answer.licences
        return found

    def last(self) -> dict[str | None, list[str]]:
        """By user the last record, a text for each licence; the account's own under None."""
        return {record["user_id"]: [_text(each) for each in record["licences"]] for record in self.told()}


def _text(licence: dict[str, Any]) -> str:
    def short(instant: str | None) -> str:
        return "…" if instant is None else instant.removesuffix(".000Z").removesuffix("T00:00:00")

    who = " everyone" if licence["everyone"] else ""
    return f"{licence['addon']} {short(licence['from'])} to {short(licence['to'])}{who}"


def office(users: int = 2, plan: str = "open", **fields: Any) -> Office:
    """An office whose subscription began in January and includes nothing that anyone asks for."""
    made = Office()
    made.start("2025-01-01", plan, users=users, **fields)
    return made


INCLUDED = "bundled 2025-01-01T09:00:00 to … everyone"


def test_a_purchase_a_licence_and_its_end_are_told_by_their_instants() -> None:
    desk = office(plan="pro")
    desk.buy("2025-02-01T10:00:00Z", "whatsapp", 2)
    desk.assign("2025-02-01T10:00:01Z", "u0")
    desk.unassign("2025-02-03T12:00:00Z", "u0")
    desk.assign("2025-02-04T12:00:00Z", "u0")
    assert desk.last() == {
        None: ["whatsapp 2025-02-01T10:00:00 to …"],
        "u0": ["whatsapp 2025-02-01T10:00:01 to 2025-02-03T12:00:00", "whatsapp 2025-02-04T12:00:00 to …"],
    }
    (first, *_) = desk.told()
    assert first == {
        "v": 1,
        "account_id": "acme",
        "user_id": None,
        "licences": [
            {
                "addon": "whatsapp",
                "consumption": True,
                "whatsapp_accounts": ["acme"],
                "from": "2025-02-01T10:00:00.000Z",
                "to": None,
                "everyone": False,
            }
        ],
        "since": None,
    }


def test_a_user_that_is_removed_loses_every_licence() -> None:
    desk = office()
    for addon in ("whatsapp", "notepad"):
        desk.buy("2025-02-01", addon)
    for addon in ("whatsapp", "notepad"):
        desk.assign("2025-02-02", "u0", addon)
    desk.remove("2025-02-03", "u0")
    assert desk.last()["u0"] == [
        "whatsapp 2025-02-02T09:00:00 to 2025-02-03T09:00:00",
        "notepad 2025-02-02T09:00:00 to 2025-02-03T09:00:00",
    ]


def test_a_number_that_is_removed_is_nobody_and_more_of_an_add_on_changes_nothing() -> None:
    desk = office(numbers=1)
    desk.buy("2025-02-01", "whatsapp")
    before = len(desk.told())
    desk.remove("2025-02-03", "n0", "number")
    desk.buy("2025-02-04", "whatsapp", 4, role="account_manager")
    desk.give("2025-02-05", "addon.purchase", addon="whatsapp", quantity=1)  # refused
    assert len(desk.told()) == before


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        pytest.param("UTC", "2025-03-01", id="UTC"),
        pytest.param("America/New_York", "2025-03-01T05:00:00", id="New York"),
    ],
)
def test_a_removal_is_told_at_once_and_takes_effect_at_local_midnight(zone: str, end: str) -> None:
    desk = Office(zone=zone)
    desk.start("2025-01-01T12:00:00Z", "open", users=3)
    desk.buy("2025-02-01T12:00:00Z", "notepad", 2)
    desk.assign("2025-02-02T12:00:00Z", "u0", "notepad")
    desk.give("2025-02-03T12:00:00Z", "addon.remove", addon="notepad")
    desk.assign("2025-02-04T12:00:00Z", "u1", "notepad")
    last = desk.last()
    assert last[None][1:] == [f"notepad 2025-02-01T12:00:00 to {end}"]
    assert (last["u0"], last["u1"]) == ([f"notepad 2025-02-02T12:00:00 to {end}"], [f"notepad 2025-02-04T12:00:00 to {end}"])


def test_a_later_purchase_starts_with_no_licences() -> None:
    desk = office()
    desk.buy("2025-02-01", "notepad")
    desk.assign("2025-02-02", "u0", "notepad")
    desk.give("2025-02-03", "addon.remove", addon="notepad")
    desk.give("2025-02-04", "addon.remove", addon="notepad")
    desk.buy("2025-03-01T00:00:00Z", "notepad")
    desk.assign("2025-03-05", "u1", "notepad")
    assert desk.last() == {
        None: [INCLUDED, "notepad 2025-02-01T09:00:00 to 2025-03-01", "notepad 2025-03-01 to …"],
        "u0": ["notepad 2025-02-02T09:00:00 to 2025-03-01"],
        "u1": ["notepad 2025-03-05T09:00:00 to …"],
    }


def test_all_licences_end_with_a_cancelled_subscription_and_a_new_one_covers_its_own_accounts() -> None:
    desk = Office()
    desk.start("2025-01-01", "pro", users=1, whatsapp_accounts=["a", "b"])
    desk.buy("2025-01-02", "whatsapp")
    desk.assign("2025-01-03", "u0")
    desk.give("2025-01-04", "subscription.cancel")
    desk.give("2025-01-05", "subscription.cancel")
    desk.start("2025-02-03", "pro", users=1, whatsapp_accounts=["c"])
    desk.buy("2025-02-03T10:00:00Z", "whatsapp")
    assert desk.last() == {
        None: ["whatsapp 2025-01-02T09:00:00 to 2025-02-01", "whatsapp 2025-02-03T10:00:00 to …"],
        "u0": ["whatsapp 2025-01-03T09:00:00 to 2025-02-01"],
    }
    of_account = [record for record in desk.told() if record["user_id"] is None][-1]
    assert [each["whatsapp_accounts"] for each in of_account["licences"]] == [["a", "b"], ["c"]]


def test_a_trial_counts_for_everyone_until_it_ends_by_itself_or_is_bought() -> None:
    desk = office(plan="pro")
    desk.give("2025-02-01", "addon.trial", addon="whatsapp")
    assert desk.last() == {None: ["whatsapp 2025-02-01T09:00:00 to 2025-03-03 everyone"]}
    desk.buy("2025-02-10", "whatsapp")
    assert desk.last() == {
        None: ["whatsapp 2025-02-01T09:00:00 to 2025-02-10T09:00:00 everyone", "whatsapp 2025-02-10T09:00:00 to …"],
    }


def test_what_is_part_of_the_plan_or_counts_all_users_is_everyones() -> None:
    desk = office()
    desk.buy("2025-02-01", "chat")
    desk.give("2025-02-02", "addon.remove", addon="chat")
    assert desk.last() == {None: [INCLUDED, "chat 2025-02-01T09:00:00 to 2025-03-01 everyone"]}


def test_what_ended_more_than_seventy_days_ago_is_left_out_and_the_record_says_so() -> None:
    desk = office(plan="pro")
    desk.buy("2025-02-01", "whatsapp")
    desk.assign("2025-02-02", "u0")
    desk.unassign("2025-02-03T00:00:00Z", "u0")
    desk.assign("2025-04-13T23:59:59.999Z", "u0")
    desk.unassign("2025-04-14T00:00:00Z", "u0")
    seventy = [record for record in desk.told() if record["user_id"] == "u0"]
    assert [(len(record["licences"]), record["since"]) for record in seventy] == [
        (1, None),
        (1, None),
        (2, None),
        (1, "2025-02-03T00:00:00.000Z"),
    ]


def test_the_account_comes_first_then_its_users_in_order_and_each_record_can_be_read() -> None:
    desk = office(users=3)
    desk.buy("2025-02-01", "whatsapp", 3)
    for user in ("u2", "u0", "u1"):
        desk.assign("2025-02-02", user)
    before = len(desk.told())
    desk.give("2025-02-03", "subscription.cancel")
    told = desk.told()
    assert [record["user_id"] for record in told[before:]] == [None, "u0", "u1", "u2"]
    assert not any(isinstance(decode_licences(orjson.dumps(record)), Rejection) for record in told)


def test_no_two_kinds_of_billings_records_share_their_first_byte() -> None:
    kinds = [value for module in (book, usage) for value in vars(module).values() if isinstance(value, bytes) and len(value) == 1]
    assert len(kinds) > 10
    assert len(set(kinds)) == len(kinds)


def test_usage_that_changes_and_licences_that_end_leave_each_other_alone() -> None:
    desk = office(plan="pro")
    desk.buy("2025-02-01", "whatsapp")
    desk.assign("2025-02-02", "u0")
    desk.total("2025-01-05", "1.00")
    desk.total("2025-01-05", "2.00", time="2025-02-15T00:00:00Z")
    desk.close("2025-02-10", "2025-02-01")
    desk.give("2025-02-20", "subscription.cancel")
    ran = desk.run("2025-03-01")
    assert "FR · marketing 0 2025-01-01…2025-01-31 1.00" in ran.lines()
    assert desk.last()["u0"] == ["whatsapp 2025-02-02T09:00:00 to 2025-03-01"]


def test_in_the_stream_each_record_has_its_key_and_lies_with_its_account() -> None:
    desk = office(plan="pro")
    desk.buy("2025-02-01", "whatsapp")
    desk.assign("2025-02-02", "u0")
    records = [Record("billing.commands", 0, number, b"acme", raw, ms("2025-03-01T00:00:00Z")) for number, raw in enumerate(desk.commands)]
    effects = Invoicer(read_plans(desk.plans)).step(Memory(), records)
    told = [output for output in effects.outputs if output.topic == "billing.licences"]
    assert [(output.key, output.partition_key) for output in told] == [(b"acme:", b"acme"), (b"acme:u0", b"acme")]
    assert [orjson.loads(output.value or b"") for output in told] == desk.told()
