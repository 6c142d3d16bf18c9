"""How a command is refused: a stable reason, and a sentence that a customer can read."""

from __future__ import annotations

from schemas.billing_events import RefusalReason


class RefusedError(Exception):
    """A command may not be done. Raised before anything is changed."""

    def __init__(self, reason: RefusalReason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason: RefusalReason = reason
        self.sentence = sentence
