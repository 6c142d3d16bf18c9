"""The peers' job as a stage: what the engine costs by itself. `python -m benchmarks.engine_alone` is a worker on it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from benchmarks.peers.job import Window, decode_event, decode_window, encode, follow
from benchmarks.traffic import MESSAGES
from rating.ids import digest
from rating.stage import Effects, Output, Record, State, Tick
from streams.settings import load
from streams.topics import DAY_MS, Topic, public_topic, state_topic
from streams.worker import run_worker

STAGE = "windows"
ANSWERS = "windows.answers"
OWN_TOPICS = (Topic(ANSWERS, "delete", DAY_MS), state_topic(STAGE))
TOPICS = (public_topic(MESSAGES, is_input=True), *OWN_TOPICS)
_KIND = b"w"


class Windows:
    """One answer per event, one state record per conversation, as JSON like the peers'."""

    inputs = (MESSAGES,)
    broadcast = ()
    outputs = (ANSWERS,)
    identity: Mapping[str, str] = {}

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        """Follows every event of the batch."""
        outputs: list[Output] = []
        changed: dict[bytes, Window] = {}
        for record in batch:
            if isinstance(record, Tick):
                continue
            event = decode_event(record.value or b"")
            key = _KIND + digest(event.phone_number_id, event.user)
            window = changed.get(key)
            if window is None:
                known = state.get(key)
                window = changed[key] = decode_window(known) if known else Window()
            outputs.append(Output(ANSWERS, record.key, follow(window, event)))
        for key, window in changed.items():
            state.put(key, encode(window))
        return Effects(outputs)


if __name__ == "__main__":
    sys.exit(run_worker(load(), stages={STAGE: Windows()}, stage_topics=TOPICS))
