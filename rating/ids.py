"""Identities: what names a delivery, a conversation and a line, and the short hashes that stand for them."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final, NewType

AccountId = NewType("AccountId", str)
PhoneNumberId = NewType("PhoneNumberId", str)
MessageId = NewType("MessageId", str)
LocalDate = NewType("LocalDate", str)
"""A calendar date in an account's zone, `YYYY-MM-DD`: compares as text."""

Month = NewType("Month", str)
"""A calendar month in an account's zone, `YYYY-MM`."""

DIGEST_BYTES: Final = 16


def digest(*parts: str) -> bytes:
    """16 bytes that stand for several texts; no two lists of texts share an encoding."""
    return digest_of("".join([f"{len(part)}:{part}" for part in parts]).encode())


def digest_of(encoded: bytes) -> bytes:
    """16 bytes that stand for an encoding."""
    return blake2b(encoded, digest_size=DIGEST_BYTES).digest()


@lru_cache(maxsize=65_536)
def message_digest(phone_number_id: str, message_id: str) -> bytes:
    """Stands for one message of a business phone number."""
    return blake2b(f"{len(phone_number_id)}:{phone_number_id}{message_id}".encode(), digest_size=DIGEST_BYTES).digest()


@lru_cache(maxsize=65_536)
def conversation_digest(phone_number_id: str, user: str) -> bytes:
    """Stands for one conversation: a business phone number and the other end, be it a person or a group."""
    return digest(phone_number_id, user)


def delivery_id(phone_number_id: str, message_id: str, participant: str) -> str:
    """The public name of a delivery: a hash of message and participant, so it gives no phone number away (contract §4).

    The business phone number is part of it, since it is part of a message's identity (contract §2).
    """
    message = message_digest(phone_number_id, message_id)
    return (digest(message.hex(), participant) if participant else message).hex()


def delivery_id_of(name: bytes) -> str:
    """The same, of the name under which a delivery lies in state: 16 bytes of its message, and its participant."""
    message, participant = name[:DIGEST_BYTES].hex(), name[DIGEST_BYTES:].decode()
    return digest(message, participant).hex() if participant else message


def line_id(delivery: str, revision: int, kind: str) -> str:
    """A function of delivery, revision and kind: a replay makes the same ids (contract §4)."""
    return f"{delivery}-{revision}-{kind}"


def hashed_message_id(message_id: str) -> str:
    """Stands for a message id where `message_ids: hashed` is set: a wamid can encode the user's phone number in base64."""
    return digest("message", message_id).hex()
