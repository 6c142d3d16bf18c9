"""The accounts file of offline commands: profiles as one JSON array, or one per line; all of its problems at once.

In the stream a profile may come late and versions arrive one by one; a file is whole, so whatever its versions contradict is said
before any event is rated (contract §3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import orjson

from schemas.decode import Rejection
from schemas.profiles import Profile, decode_profile
from streams.errors import UserError
from streams.inputs import read_whole

LIMIT_BYTES: Final = 256 * 1024 * 1024

Entry = tuple[str, bytes]
"""Where a profile stands, in words, and its JSON."""


class AccountsError(UserError):
    """An accounts file that cannot be used: every problem, one sentence each."""


def read_profiles(name: str) -> list[tuple[Profile, bytes]]:
    """Every profile of a file with its JSON, in the file's order. Raises `AccountsError`, or `InputError` where it can't be read."""
    text = read_whole(name, LIMIT_BYTES)
    problems: list[str] = []
    profiles: list[tuple[str, Profile, bytes]] = []
    for place, raw in _entries(text):
        profile = decode_profile(raw)
        if isinstance(profile, Rejection):
            problems.append(f"{name} {place}: {profile.detail or profile.reason}; correct the profile")
        else:
            profiles.append((place, profile, raw))
    problems += [f"{name} {problem}" for problem in _contradictions(profiles)]
    if problems:
        raise AccountsError(*problems)
    return [(profile, raw) for _, profile, raw in profiles]


def _entries(text: bytes) -> Iterator[Entry]:
    """Each profile of an array, of a single object, or of JSON lines."""
    try:
        whole: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = None
    if isinstance(whole, list):
        for number, profile in enumerate(whole, 1):
            yield f"profile {number}", orjson.dumps(profile)
    elif isinstance(whole, dict):
        yield "profile 1", text
    else:
        for number, line in enumerate(text.split(b"\n"), 1):
            if line.strip():
                yield f"line {number}", line.strip()


def _contradictions(profiles: list[tuple[str, Profile, bytes]]) -> Iterator[str]:
    """What the versions of an account may not do: start on the same day, change zone or currency, change portfolio within a month."""
    by_account: defaultdict[str, list[tuple[str, Profile]]] = defaultdict(list)
    for place, profile, _ in profiles:
        by_account[profile.account_id].append((place, profile))
    for account_id, versions in by_account.items():
        first = versions[0][1]
        for place, profile in versions[1:]:
            if profile.timezone != first.timezone:
                yield f"{place}: account {account_id} has timezones {first.timezone} and {profile.timezone}; use one"
            if profile.currency != first.currency:
                yield f"{place}: account {account_id} has currencies {first.currency} and {profile.currency}; use one"
        in_order = sorted(versions, key=lambda version: version[1].effective_from or "")
        for (_, before), (place, after) in pairwise(in_order):
            start = after.effective_from or ""
            if start == (before.effective_from or ""):
                yield f"{place}: account {account_id} has two versions that start {_since(start)}; keep one, or date the other"
            elif _portfolio(before) != _portfolio(after) and not start.endswith("-01"):
                yield f"{place}: account {account_id} changes portfolio_id on {start}; let the version start on a month's first day"


def _since(start: str) -> str:
    return f"on {start}" if start else "without effective_from"


def _portfolio(profile: Profile) -> str:
    return profile.portfolio_id or profile.account_id
