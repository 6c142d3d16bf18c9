"""The licences file of `wameter rate`: records of `billing.licences`, one per line, as `wameter bill --licences` writes them."""

from __future__ import annotations

from schemas.licences import decode_licences
from schemas.rejections import Rejection
from streams.errors import UserError
from streams.inputs import read_whole

LIMIT_BYTES = 256 * 1024 * 1024


def read_licences(name: str) -> list[bytes]:
    """Every record of a file as JSON, in the file's order: of several with one key the last counts.

    Raises `UserError` with every problem.
    """
    problems: list[str] = []
    found: list[bytes] = []
    for number, line in enumerate(read_whole(name, LIMIT_BYTES).split(b"\n"), 1):
        raw = line.strip()
        if not raw:
            continue
        told = decode_licences(raw)
        if isinstance(told, Rejection):
            problems.append(f"{name} line {number}: {told.detail or told.reason}; correct the record")
        found.append(raw)
    if problems:
        raise UserError(*problems)
    return found
