"""`wameter explain` and `wameter quote` as a person or a script uses them; the answers themselves are the goldens' matter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rating.ids import hashed_message_id
from tests.cli.conftest import UTILITY, Wameter, event, lines

ASK = ("explain", "wamid.A", "--events", "events", "--accounts", "accounts.json")
QUOTE = ("quote", "--account", "1", "--to", "+33612345678", "--category", "utility", "--accounts", "accounts.json")


@pytest.fixture(autouse=True)
def events(accounts: Path) -> Path:
    """A file of events beside the accounts file: one utility message."""
    path = accounts.parent / "events"
    path.write_bytes(UTILITY)
    return path


def test_the_facts_are_one_json_object(wameter: Wameter) -> None:
    ran = wameter(*ASK, "--json")
    (facts,) = ran.records
    (delivery,) = facts["deliveries"]
    assert (ran.code, ran.err, facts["v"], facts["message_id"], facts["phone_number_id"]) == (0, "", 1, "wamid.A", "7")
    assert (delivery["status"], delivery["billed_at"], delivery["due"]["amount"]) == ("charged", "2026-01-05T09:00:00.000Z", "0.0300")
    assert (delivery["recipient"], delivery["market"]["prefix"]) == ("+33…", "33")
    assert delivery["events"][0]["where"] == "events line 1"
    assert "33612345678" not in ran.out


def test_several_files_are_one_input(wameter: Wameter, events: Path) -> None:
    (events.parent / "before").write_bytes(lines(event("received", "wamid.I", time="2026-01-05T08:00:00.000Z")))
    ran = wameter(*ASK, "--events", "before", "--json")
    (delivery,) = ran.records[0]["deliveries"]
    assert (delivery["status"], delivery["window"]["opened_by"], ran.records[0]["read_from"]) == ("free", "wamid.I", "2 files")


def test_a_message_that_was_never_seen_is_exit_code_1(wameter: Wameter) -> None:
    ran = wameter("explain", "wamid.Z", *ASK[2:])
    assert (ran.code, ran.out.splitlines()[0]) == (1, "wamid.Z: never seen")
    assert wameter("explain", "wamid.A", *ASK[2:], "--phone-number", "8").code == 1


def test_an_id_of_two_phone_numbers_wants_a_choice(wameter: Wameter, events: Path) -> None:
    events.write_bytes(UTILITY + lines(event("sent", category="marketing", phone_number_id="8"), event("read", phone_number_id="8")))
    ran = wameter(*ASK)
    assert (ran.code, ran.err) == (
        2, "wameter explain: wamid.A is a message of several phone numbers (7, 8); choose one with --phone-number\n",
    )  # fmt: skip
    assert wameter(*ASK, "--phone-number", "7").out.startswith("wamid.A: charged 0.0300 USD\n")
    assert wameter(*ASK, "--phone-number", "8").out.startswith("wamid.A: charged 0.0859 USD\n")


def test_an_id_written_with_escapes_is_found(wameter: Wameter, events: Path) -> None:
    events.write_bytes(UTILITY.replace(b"wamid.A", b"wamid.\\u0041").replace(b'"7"', b'"\\u0037"'))
    assert wameter(*ASK).out.startswith("wamid.A: charged 0.0300 USD\n")


def test_hashed_ids_are_asked_for_and_told_by_their_hash(wameter: Wameter, events: Path) -> None:
    events.write_bytes(UTILITY + lines(event("received", "wamid.I", time="2026-01-05T08:00:00.000Z")))
    hashes = hashed_message_id("wamid.A"), hashed_message_id("wamid.I")
    for name in ("wamid.A", hashes[0]):
        ran = wameter("explain", name, *ASK[2:], "--message-ids", "hashed")
        assert ran.code == 0
        assert "wamid." not in ran.out
        assert all(each in ran.out for each in hashes)
    quoted = wameter(*QUOTE, "--events", "events", "--phone-number", "7", "--at", "2026-01-05T09:00:00Z", "--message-ids", "hashed")
    assert hashes[1] in quoted.out
    assert "wamid." not in quoted.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(ASK[:4], "wameter explain: --events and --accounts belong together; give both", id="no accounts"),
        pytest.param((*ASK[:2], *ASK[4:]), "wameter explain: --events and --accounts belong together", id="no events"),
        pytest.param((*ASK[:3], "-", *ASK[4:]), "wameter explain: standard input (-) can be read once", id="standard input"),
        pytest.param((*ASK[:3], "nope", *ASK[4:]), "wameter explain: nope: no such file", id="no such file"),
        pytest.param((*ASK[:5], "events"), "wameter explain: events line 1: ", id="accounts that are none"),
        pytest.param(("explain", *ASK[2:]), "wameter explain: missing argument 'MESSAGE_ID'", id="no message"),
        pytest.param(
            (*QUOTE, "--at", "2026-01-05 09:00"),
            "wameter quote: invalid value for '--at': '2026-01-05 09:00' is no instant; write 2026-10-14T09:40:00Z",
            id="no instant",
        ),
        pytest.param((*QUOTE, "--to", "0612345678"), "wameter quote: invalid value for '--to': write a phone number with its +", id="no +"),
        pytest.param((*QUOTE, "--country", "france"), "wameter quote: invalid value for '--country': 'france' is no country", id="country"),
        pytest.param((*QUOTE, "--category", "sms"), "wameter quote: invalid value for '--category': 'sms' is not one of", id="category"),
        pytest.param((*QUOTE, "--events", "events"), "wameter quote: --events needs --phone-number", id="whose events"),
        pytest.param((*QUOTE[:7], "--events", "events"), "wameter quote: --events needs --accounts", id="whose profiles"),
        pytest.param((*ASK[:2], "--bootstrap", "127.0.0.1:1"), "wameter explain: Kafka at 127.0.0.1:1 does not answer", id="no broker"),
    ],
)
def test_a_mistake_is_one_sentence(wameter: Wameter, arguments: tuple[str, ...], sentence: str) -> None:
    ran = wameter(*arguments)
    assert (ran.code, ran.out) == (3 if "answer" in sentence else 2, "")
    assert ran.err.startswith(sentence)
    assert [line for line in ran.err.splitlines() if not line.startswith(f"wameter {arguments[0]}: ")] == []


def test_a_quote_without_a_price_is_exit_code_1(wameter: Wameter) -> None:
    asked = ("--at", "2026-01-05T09:00:00Z", "--json")
    priced, unpriced, unknown = wameter(*QUOTE, *asked), wameter(*QUOTE, "--to", "FR.1", *asked), wameter(*QUOTE, "--account", "2", *asked)
    assert [ran.code for ran in (priced, unpriced, unknown)] == [0, 0, 1]
    assert unknown.records[0]["unpriced"]["reason"] == "unknown_account"
    assert [answer["outcome"] for answer in priced.records[0]["answers"]] == ["free", "charged"]
    assert (unpriced.records[0]["recipient"], unpriced.records[0]["market"]["by"]) == ("FR.…", "scoped id")
    assert json.loads(wameter(*QUOTE, "--to", "XX.1", *asked).out)["unpriced"]["reason"] == "no_market"
