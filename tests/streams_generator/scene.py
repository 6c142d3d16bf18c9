"""Making events: what a person writes, what becomes of a message, at instants that touch each other's edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.streams_generator.people import MEMBERS, Person
from tests.streams_generator.world import DAY, HOUR, World

EDGES = (0, 0, 1, -1, 24 * HOUR, 24 * HOUR - 1, 24 * HOUR + 1, -24 * HOUR, 1 - 24 * HOUR, 72 * HOUR, 72 * HOUR - 1, -72 * HOUR, 5 * HOUR)
CATEGORIES = ("marketing", "utility", "authentication", "authentication_international", "service")
TYPES = ("regular", "regular", "free_customer_service", "free_customer_service", "free_entry_point", "free_group_customer_service")
SPELLINGS = {
    "marketing": ("marketing", "marketing_lite", "group_marketing", "marketing-lite", "group_marketing_lite"),
    "utility": ("utility", "group_utility", "group-utility"),
    "authentication": ("authentication",),
    "authentication_international": ("authentication_international", "authentication-international"),
    "service": ("service", "group_service"),
}
NO_CATEGORY = "referral_conversion"


@dataclass
class Weights:
    """How a story leans; chances between 0 and 1."""

    categories: dict[str, int] = field(default_factory=lambda: {"utility": 5, "marketing": 2, "authentication": 2, "service": 4})
    sent: float = 0.85
    delivered: float = 0.8
    read: float = 0.4
    failed: float = 0.08
    pricing: float = 0.2
    reaction: float = 0.06
    quick: float = 0.6
    """Delivered within minutes, instead of at an edge."""
    expiry: float = 0.03


@dataclass
class Scene:
    """Collects events, as dicts of the contract's fields, and remembers their instants."""

    rng: Random
    world: World
    weights: Weights = field(default_factory=Weights)
    events: list[dict[str, Any]] = field(default_factory=list)
    instants: list[int] = field(default_factory=list)
    serial: int = 0

    def instant(self) -> int:
        """Near the anchor, or exactly at, or a millisecond beside, an edge of an earlier event."""
        rng, anchor = self.rng, self.world.anchor
        if self.instants and rng.random() < 0.65:
            at = rng.choice(self.instants[-12:]) + rng.choice(EDGES)
        elif rng.random() < 0.3:
            at = anchor + rng.choice((0, -1, 1, HOUR, -HOUR))
        else:
            at = anchor + rng.randrange(-50 * HOUR, 50 * HOUR, 60_000)
        if not anchor - 9 * DAY < at < anchor + 9 * DAY:
            at = anchor
        self.instants.append(at)
        return at

    def soon_after(self, at: int) -> int:
        """Minutes later, or at an edge, or at the same instant."""
        later = at + self.rng.choice((0, 1, 60_000, 600_000, 3 * HOUR)) if self.rng.random() < self.weights.quick else self.instant()
        self.instants.append(later)
        return later

    def add(self, type_: str, at: int, message_id: str, phone: str, account: str, user: str, **fields: Any) -> dict[str, Any]:
        """One event; fields that are None stay away."""
        self.serial += 1
        event: dict[str, Any] = {
            "type": type_,
            "id": f"e{self.serial:03d}",
            "account_id": account,
            "phone_number_id": phone,
            "user": user,
            "message_id": message_id,
            "time": written(at),
        }
        event.update({name: value for name, value in fields.items() if value is not None})
        self.events.append(event)
        return event

    def message_id(self) -> str:
        """A new wamid. Their order has nothing to do with time."""
        return f"wamid.{self.rng.choice('abcxyz')}{self.serial:02d}{len(self.events):02d}"

    def phone(self) -> str:
        """One of the business's numbers, mostly the first."""
        return self.world.phone_number_ids[0] if self.rng.random() < 0.75 else self.rng.choice(self.world.phone_number_ids)

    def account(self) -> str:
        """One of the accounts, mostly the first."""
        return self.world.accounts[0] if self.rng.random() < 0.7 else self.rng.choice(self.world.accounts)

    def person(self) -> Person:
        """Someone, mostly the first: conversations must meet."""
        return self.world.people[0] if self.rng.random() < 0.55 else self.rng.choice(self.world.people)

    def inbound(self, user: str, phone: str, at: int | None = None, *, participant: str | None = None, **fields: Any) -> dict[str, Any]:
        """The user writes, calls, reacts or edits."""
        at = self.instant() if at is None else at
        return self.add("message.received", at, self.message_id(), phone, self.account(), user, participant=participant, **fields)

    def message(self, user: str, phone: str, recipient: Person, **fixed: Any) -> str:
        """The business writes to one person; returns the message's id. `fixed`: category, kind, sent_at, expiry, pricing."""
        rng, weights = self.rng, self.weights
        message_id = self.message_id()
        account = self.account()
        category = fixed.get("category") or rng.choices(list(weights.categories), list(weights.categories.values()))[0]
        sent_at = fixed.get("sent_at") or self.instant()
        self.instants.append(sent_at)
        if fixed.get("sent", rng.random() < weights.sent):
            self._sent(message_id, sent_at, phone, account, user, recipient, category, fixed)
        self.outcome(message_id, sent_at, phone, account, user, recipient, category, fixed=fixed)
        return message_id

    def _sent(
        self, message_id: str, at: int, phone: str, account: str, user: str, recipient: Person, category: str, fixed: dict[str, Any]
    ) -> None:
        rng = self.rng
        reacts = rng.random() < self.weights.reaction
        kind = fixed.get("kind") or ("reaction" if reacts else rng.choice((None, "text", "image", "template")))
        expiry = fixed.get("expiry")
        if expiry is None and rng.random() < self.weights.expiry:
            expiry = at + rng.choice((-1, 0, 1, HOUR, 71 * HOUR, 100 * HOUR))
        self.add(
            "message.sent", at, message_id, phone, account, user,
            category="ai_bot" if rng.random() < 0.02 else category,
            kind=kind,
            template=rng.choice((None, "order_update")),
            sender_id=rng.choice((None, "agent-7")),
            pricing=self.pricing(category, fixed),
            user_country=self.user_country(recipient),
            free_entry_point_expires_at=None if expiry is None else written(expiry),
        )  # fmt: skip

    def outcome(
        self, message_id: str, sent_at: int, phone: str, account: str, user: str, recipient: Person, category: str,
        *, participant: str | None = None, fixed: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """What becomes of a message: delivered, read, failed, any of them."""
        rng, weights = self.rng, self.weights
        for type_, chance in (("delivered", weights.delivered), ("read", weights.read), ("failed", weights.failed)):
            if rng.random() >= chance:
                continue
            fields: dict[str, Any] = {"participant": participant, "user_country": self.user_country(recipient)}
            if type_ == "failed":
                fields["error"] = {"code": rng.choice((131047, 131026)), "title": "Re-engagement message"}
            else:
                fields["pricing"] = self.pricing(category, fixed or {})
                if rng.random() < 0.1:
                    fields["category"] = rng.choice((category, category, rng.choice(CATEGORIES), "luxury"))
            at = (fixed or {}).get("delivered_at") or self.soon_after(sent_at)
            self.add(f"message.{type_}", at, message_id, phone, account, user, **fields)

    def group_message(self, group: str, phone: str, **fixed: Any) -> str:
        """A message to a group: one sent for all or some of their own, and a fate per member."""
        rng, message_id, account = self.rng, self.message_id(), self.account()
        category = fixed.get("category") or rng.choices(list(self.weights.categories), list(self.weights.categories.values()))[0]
        sent_at = fixed.get("sent_at") or self.instant()
        if rng.random() < 0.8:
            kind = "reaction" if rng.random() < self.weights.reaction else None
            country = rng.choice((None, "FR"))
            self.add("message.sent", sent_at, message_id, phone, account, group, category=category, kind=kind, user_country=country)
        for member in rng.sample(MEMBERS, rng.choice((1, 2, 2, 3))):
            if rng.random() < 0.25:
                own = rng.choice((category, rng.choice(CATEGORIES)))
                self.add(
                    "message.sent", self.soon_after(sent_at), message_id, phone, account, group,
                    participant=member.id, category=own, user_country=self.user_country(member),
                )  # fmt: skip
            self.outcome(message_id, sent_at, phone, account, group, member, category, participant=member.id, fixed=fixed)
        return message_id

    def user_country(self, person: Person) -> str | None:
        """Sometimes, and mostly where the phone is hidden."""
        if person.countries:
            return self.rng.choice((None, *person.countries))
        return "DE" if self.rng.random() < 0.03 else None

    def pricing(self, category: str, fixed: dict[str, Any]) -> dict[str, Any] | None:
        """Meta's word, complete, half or strange."""
        rng = self.rng
        if "pricing" in fixed:
            return dict(fixed["pricing"]) if fixed["pricing"] and rng.random() < 0.8 else None
        if rng.random() >= self.weights.pricing:
            return None
        pricing: dict[str, Any] = {"billable": rng.random() < 0.5}
        if rng.random() < 0.8:
            pricing["type"] = "paid_exempt" if rng.random() < 0.06 else rng.choice(TYPES)
        if rng.random() < 0.8:
            known = rng.choice(SPELLINGS[category if rng.random() < 0.8 else rng.choice(CATEGORIES)])
            pricing["category"] = known if rng.random() < 0.85 else rng.choice((NO_CATEGORY, "ai-bot"))
        return pricing


def written(ms: int) -> str:
    """An instant as events carry it."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def instant_of(event: dict[str, Any]) -> int:
    """The instant an event carries, in milliseconds."""
    return round((datetime.fromisoformat(event["time"]) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
