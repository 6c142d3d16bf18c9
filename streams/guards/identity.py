"""By which rules a partition's state was made, kept in that state: a worker with other rules must not go on with it.

A stage names what it decides by: its settings, its format, its catalog. The engine compares names and knows no more of them. All of it
stands as long as the state, but for what a person names in the settings, by the new value; and for the catalog: the stage itself keeps in
the state which one is in force.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import structlog

from rating.stage import CATALOG
from streams.guards.fatal import RefusalError
from streams.state.positions import RESERVED

log = structlog.get_logger(__name__)
KEY = RESERVED + b"identity"
"""Where the identity lies in the state."""
STATE_FORMAT = "state_format"
"""The part that a new version changes, and nobody else: the only one that can't be set back."""
SHOWN = 12
"""As much of a value is shown and suffices to name it: hashes are long."""


def encode(identity: Mapping[str, str]) -> bytes:
    """An identity as bytes, the same for equal ones."""
    return json.dumps(dict(sorted(identity.items())), separators=(",", ":")).encode()


def of_state(ours: Mapping[str, str]) -> bytes:
    """What a new state keeps of a stage's identity."""
    return encode({part: value for part, value in ours.items() if part != CATALOG})


def to_keep(known: bytes | None, ours: Mapping[str, str], activatable: Mapping[str, str | None], whose: str) -> bytes | None:
    """What to write into a state that knows `known`, or None if that stands.

    Raises `RefusalError` if a part differs that nobody said to change. `activatable` has the parts that may change while the state stays,
    each with the beginning of the value that a person named, if any. `whose` names the state in the sentence.
    """
    own = {part: value for part, value in ours.items() if part != CATALOG}
    if known is None:
        return of_state(ours)
    theirs: dict[str, str] = json.loads(known)
    refused = []
    for part in sorted(theirs.keys() | own.keys()):
        before, now = theirs.get(part, "unknown"), own.get(part, "unknown")
        named = activatable.get(part)
        if before == now:
            continue
        if named is not None and now.startswith(named):
            log.warning("goes on by other rules", state=whose, part=part, before=before[:SHOWN], now=now[:SHOWN])
        else:
            refused.append(_difference(part, before[:SHOWN], now[:SHOWN], may_change=part in activatable))
    if refused:
        raise RefusalError(f"{whose} {'; and '.join(refused)}")
    kept = encode(own)
    return None if kept == known else kept


def _difference(part: str, before: str, now: str, *, may_change: bool) -> str:
    said = f"was made by {part.replace('_', ' ')} {before}, but this worker has {now}"
    if part == STATE_FORMAT:
        return (
            f"{said}: run the version that made it; or stop all workers and make METER's state again from the topics with wameter rebuild; "
            "what another stage has made begins anew under another prefix and app_id"
        )
    if may_change:
        flag = f"--activate-{part.replace('_', '-')} {now}"
        return f"{said}: give it the former one; or, to go on with its own, stop all workers and start each with {flag}"
    return f"{said}: that cannot change while the state stays; set it back, or begin anew under another prefix and app_id"


def differing(theirs: bytes, ours: bytes) -> list[str]:
    """Names of the parts in which two identities do not agree. In its catalog a worker agrees with one that has learned more since."""
    if theirs == ours:
        return []
    other, own = json.loads(theirs), json.loads(ours)
    return [part for part in sorted(other.keys() | own.keys()) if not _agree(part, other.get(part, ""), own.get(part, ""))]


def _agree(part: str, one: str, other: str) -> bool:
    if part != CATALOG or one == other:
        return one == other
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(f"{shorter},")
