"""Every argument that a client is given is explained, with its reason, on the page for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.kafka import clients
from streams.settings import Settings
from streams.topics import WORKER
from tests.test_tidy import first_column

GUARDED = Settings.model_validate(
    {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "a", "sasl_password": "b", "group_instance_id": "w"}
)


def arguments_in_code() -> set[str]:
    source = Path(clients.__file__).read_text(encoding="utf-8")
    producers = set(re.findall(r"^        (\w+)=", source[source.index("def transactional_producer") :], re.MULTILINE))
    return {*clients.connection(GUARDED), *clients.reading(), *clients.member(GUARDED), "partition_assignment_strategy", *producers}


def test_every_argument_of_a_client_and_every_setting_of_a_topic_is_documented_and_none_beside() -> None:
    topic_settings = {key for topic in WORKER for key in topic.config(3)}
    assert first_column("clients.md") == arguments_in_code() | topic_settings


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(Settings(), id="the defaults"),
        pytest.param(Settings(restore_timeout_ms=43_200_000, step_timeout_ms=1000, session_timeout_ms=6000), id="a long restore"),
        pytest.param(Settings(transaction_timeout_ms=900_000, step_timeout_ms=900_000, session_timeout_ms=300_000), id="long steps"),
    ],
)
def test_a_member_may_be_busy_for_as_long_as_its_settings_say(settings: Settings) -> None:
    member = clients.member(settings)
    assert member["max_poll_interval_ms"] > settings.restore_timeout_ms
    assert member["rebalance_timeout_ms"] > settings.step_timeout_ms
    assert member["request_timeout_ms"] > max(member["rebalance_timeout_ms"], settings.session_timeout_ms)
    assert member["heartbeat_interval_ms"] * 5 < settings.session_timeout_ms
