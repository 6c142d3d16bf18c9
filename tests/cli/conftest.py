"""Runs command lines in this process, as the console command does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streams.cli.main import run


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Wameter = Callable[..., Ran]


class _Stdin:
    """A standard input of given bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def close(self) -> None:
        """A process that is forked closes its standard input."""


@pytest.fixture
def wameter(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wameter:
    """Runs `wameter …` in an empty directory with an empty environment of its own."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr("sys.stdin", _Stdin(stdin))
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return command


ACCOUNT = {"v": 1, "account_id": "1", "timezone": "UTC", "currency": "USD"}


def account(**fields: Any) -> dict[str, Any]:
    return {**ACCOUNT, **fields}


def event(kind: str, message_id: str = "wamid.A", **fields: Any) -> dict[str, Any]:
    """A message event to a user in France, in January 2026."""
    return {
        "v": 1,
        "type": f"message.{kind}",
        "id": f"{kind}-{message_id}",
        "account_id": "1",
        "phone_number_id": "7",
        "user": "+33612345678",
        "message_id": message_id,
        "time": "2026-01-05T09:00:00.000Z",
        **fields,
    }


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


UTILITY = lines(event("sent", category="utility"), event("delivered"))
"""One utility message out of any window: 0.0300 USD."""


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """An accounts file that knows account 1."""
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([ACCOUNT]))
    return path
