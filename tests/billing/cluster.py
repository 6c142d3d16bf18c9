"""USAGE and INVOICE without a broker: logs in memory, with the append times and the order of reading that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from rating.billing.export import commands_of, totals_of
from rating.billing.invoice_stage import COMMANDS, Invoicer
from rating.billing.offline import bill
from rating.billing.plans_file import read_plans
from rating.billing.usage_stage import ROUTED, SOURCES, TOTALS, UsageRouter
from rating.stage import Output, Record
from streams.offline import OfflineHost


class Cluster:
    """Both stages, each on one partition. What they put out is appended at once, at the time that is then."""

    def __init__(self, plans: str) -> None:
        self.plans = plans
        self.usage = OfflineHost(UsageRouter())
        self.invoice = OfflineHost(Invoicer(read_plans(plans)))
        self.now_ms = 0
        self.logs: dict[str, list[Record]] = {}
        self._read: dict[str, int] = {}

    def append(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        log = self.logs.setdefault(topic, [])
        log.append(Record(topic, 0, len(log), key, value, self.now_ms))

    def command(self, raw: bytes) -> None:
        """Publishes a command, as its key says."""
        self.append(COMMANDS, json.loads(raw)["account_id"].encode(), raw)

    def route(self) -> None:
        """Lets USAGE read everything that is there."""
        self._step(self.usage, [*self._unread(SOURCES), *self._unread(TOTALS)])

    def invoice_reads(self) -> None:
        """Lets INVOICE read: usage to its end first, then the commands, as the engine sees to it."""
        self._step(self.invoice, self._unread(ROUTED))
        self._step(self.invoice, self._unread(COMMANDS))

    def _unread(self, topic: str) -> list[Record]:
        log, begin = self.logs.get(topic, []), self._read.get(topic, 0)
        self._read[topic] = len(log)
        return log[begin:]

    def _step(self, host: OfflineHost, records: list[Record]) -> None:
        outputs: Iterable[Output] = host.step(records) if records else ()
        for output in outputs:
            self.append(output.topic, output.key, output.value)

    def values(self, topic: str) -> list[bytes]:
        return [record.value or b"" for record in self.logs.get(topic, [])]

    def published(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(value) for value in self.values(topic)]

    def billed_again(self, account: str) -> list[bytes]:
        """What `wameter bill` makes of the account's exported log."""
        state = self.invoice.state
        _, invoices, rejected = bill(list(commands_of(state, account)), self.plans, list(totals_of(state, account)), None)
        assert rejected == []
        return [orjson.dumps(invoice) for invoice in invoices]
