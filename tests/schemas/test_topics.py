"""The table of topics is the contract's."""

from __future__ import annotations

from schemas.topics import TOPIC_BY_NAME, TOPICS


def test_every_topic_of_the_contract_is_there_once() -> None:
    assert [(topic.name, topic.cleanup, topic.retention_days) for topic in TOPICS] == [
        ("whatsapp.messages", "delete", 35),
        ("whatsapp.accounts", "compact", None),
        ("rating.commands", "delete", 400),
        ("usage.rated", "delete", 400),
        ("usage.totals", "compact", None),
        ("usage.unrated", "compact", None),
        ("usage.rejected", "delete", 35),
        ("usage.compliance", "delete", 400),
        ("usage.counts", "compact", None),
        ("usage.bands", "compact", None),
        ("billing.commands", "delete", 400),
        ("billing.events", "delete", 400),
        ("billing.invoices", "delete", None),
        ("billing.licences", "compact", None),
        ("billing.sources", "compact", None),
        ("billing.usage", "compact", None),
    ]
    assert len(TOPIC_BY_NAME) == len(TOPICS)


def test_what_is_partitioned_by_something_else_than_its_key_says_so() -> None:
    assert {topic.name: topic.partitioned_by for topic in TOPICS if topic.partitioned_by} == {
        "usage.totals": "account_id",
        "usage.counts": "portfolio, market, family, month",
        "usage.bands": "phone_number_id",
        "billing.sources": "WhatsApp account",
        "billing.usage": "billing account",
    }
