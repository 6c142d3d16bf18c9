"""All lines of a business phone number go to one job, however they are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decode import Event, decode_event
from schemas.webhooks import events_of
from streams.rate.routes import Part, Routes
from tests.schemas.records import event, hostile_bytes, odd_records, raw

NUMBERS = st.sampled_from(["1", "2", "3", "4"])


@st.composite
def spelled(draw: st.DrawFn) -> bytes:
    """An event of one of a few numbers, in one of the ways that JSON has to write it."""
    number = draw(NUMBERS)
    record: dict[str, Any] = event(phone_number_id=number)
    whole = raw(record)
    name = b'"phone_number_id"'
    assert whole.count(name) == 1
    match draw(st.integers(0, 7)):
        case 1:
            return json.dumps(record).encode()
        case 2:
            return json.dumps(record, indent=draw(st.sampled_from([None, 0])), separators=(" , ", "\t: ")).replace("\n", " ").encode()
        case 3:
            letter = draw(st.sampled_from("phone_number_id"))
            return whole.replace(name, name.replace(letter.encode(), f"\\u{ord(letter):04{draw(st.sampled_from('xX'))}}".encode()))
        case 4:
            return whole.replace(name + f':"{number}"'.encode(), name + f':"\\u003{number}"'.encode())
        case 5:
            return b'{"phone_number_id":"' + draw(NUMBERS).encode() + b'",' + whole[1:]
        case 6:
            return b'{"more":[{"phone_number_id":"' + draw(NUMBERS).encode() + b'"}],' + whole[1:]
        case 7:
            return b'{"more":"\\"phone_number_id\\":\\"' + draw(NUMBERS).encode() + b'\\" \\u00e9 \\\\",' + whole[1:]
        case _:
            return whole


def assert_each_number_has_one_job(blocks: Sequence[Sequence[Part]]) -> None:
    job_of: dict[str, int] = {}
    for parts in blocks:
        for job, part in enumerate(parts):
            for line in part.lines:
                decoded = decode_event(line)
                if isinstance(decoded, Event):
                    assert job_of.setdefault(decoded.phone_number_id, job) == job


def assert_nothing_is_lost(lines: Sequence[bytes], parts: Sequence[Part]) -> None:
    found = sorted((place, line) for part in parts for place, line in zip(part.places, part.lines, strict=True))
    assert found == list(enumerate(lines))
    assert all(part.places == sorted(part.places) for part in parts)


@settings(max_examples=100, deadline=None)
@given(
    blocks=st.lists(st.lists(st.one_of(spelled(), odd_records(), hostile_bytes().filter(bool)), min_size=1, max_size=12), max_size=3),
    jobs=st.integers(1, 4),
)
def test_a_number_has_one_job_however_its_lines_are_written(blocks: list[list[bytes]], jobs: int) -> None:
    routes = Routes(jobs)
    routed = [routes.of_events(lines) for lines in blocks]
    assert_each_number_has_one_job(routed)
    for lines, parts in zip(blocks, routed, strict=True):
        assert_nothing_is_lost(lines, parts)


@pytest.mark.parametrize("way", range(30))
def test_escaped_letters_hide_no_number(way: int) -> None:
    """Line by line: a block in which another line is doubtful must not make up for it."""
    plain, other = raw(event(phone_number_id="1")), raw(event(phone_number_id="2"))
    letter = "phone_number_id"[way % 15]
    escaped = plain.replace(b'"phone_number_id"', b'"' + "phone_number_id".replace(letter, f"\\u{ord(letter):04x}", 1).encode() + b'"')
    decoy = escaped[:-1] + b',"more":{"phone_number_id":"2"}}' if way >= 15 else escaped
    parts = Routes(2).of_events([plain, other, decoy])
    assert_each_number_has_one_job([parts])


def test_the_busiest_numbers_of_the_first_block_are_spread_out() -> None:
    lines = [raw(event(phone_number_id=number)) for number in "1112233445"]
    parts = Routes(2).of_events(lines)
    assert [len(part.lines) for part in parts] == [5, 5]


def body(*numbers: str) -> bytes:
    status = {"id": "wamid.B", "status": "delivered", "timestamp": "1767603600", "recipient_id": "33612345678"}
    changes = [
        {"field": "messages", "value": {"metadata": {"phone_number_id": number}, "statuses": [{**status, "id": f"wamid.{at}"}]}}
        for at, number in enumerate(numbers)
    ]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


@settings(max_examples=100, deadline=None)
@given(named=st.lists(st.lists(NUMBERS, max_size=3), min_size=1, max_size=8), escape=st.booleans(), jobs=st.integers(1, 3))
def test_a_webhook_body_is_cut_where_its_numbers_have_several_jobs(named: list[list[str]], escape: bool, jobs: int) -> None:
    bodies = [body(*numbers) for numbers in named]
    if escape:
        bodies[0] = bodies[0].replace(b"phone_number_id", b"phone_number_\\u0069d")
    parts, refused = Routes(jobs).of_webhooks(bodies)
    assert not refused
    of_jobs = [
        [event for at, line in enumerate(part.lines) for event in ([line] if at in part.events else events_of(line))] for part in parts
    ]
    job_of: dict[str, int] = {}
    for job, events in enumerate(of_jobs):
        for line in events:
            assert isinstance(line, bytes)
            assert job_of.setdefault(json.loads(line)["phone_number_id"], job) == job
    assert sorted(map(repr, chain(*of_jobs))) == sorted(repr(it) for whole in bodies for it in events_of(whole))
