"""Which events a stream tells of. Each story leans towards one part of the rules; their events meet in the same conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.streams_generator.people import MEMBERS, PHONES
from tests.streams_generator.scene import Scene, Weights, written
from tests.streams_generator.world import DAY, HOUR


def windows(scene: Scene) -> None:
    """Inbound messages and utility templates around each other's 24 hours."""
    scene.weights = Weights(categories={"utility": 8, "service": 1, "marketing": 1}, pricing=0.08)
    rng, phone = scene.rng, scene.phone()
    for _ in range(rng.randint(2, 5)):
        person = scene.person()
        for _ in range(rng.randint(0, 2)):
            kind = rng.choice((None, None, "text", "image", "call", "unsupported", "reaction", "system"))
            scene.inbound(person.id, phone, kind=kind, edited=True if rng.random() < 0.12 else None)
        scene.message(person.id, phone, person)


def allowance(scene: Scene) -> None:
    """More service messages of one number in one month than are free, some with Meta's word on them."""
    scene.weights = Weights(categories={"service": 9, "utility": 1}, pricing=0.12, read=0.3, quick=0.75)
    rng, phone = scene.rng, scene.phone()
    for _ in range(rng.randint(4, 9)):
        chance = rng.random()
        if chance < 0.15:
            scene.group_message(rng.choice(scene.world.groups), phone, category="service")
        elif chance < 0.35:
            type_ = rng.choice(("regular", "free_customer_service", "free_customer_service", "free_entry_point"))
            person = scene.person()
            scene.message(person.id, phone, person, category="service", pricing={"type": type_, "category": "service"})
        else:
            person = scene.person()
            scene.message(person.id, phone, person)


def entry_points(scene: Scene) -> None:
    """Ads, posts, answers in and out of time, and what is free after them."""
    scene.weights = Weights(pricing=0.06, expiry=0.12)
    rng, phone, person = scene.rng, scene.phone(), scene.person()
    for _ in range(rng.randint(1, 2)):
        at = scene.instant()
        kind = rng.choice((None, None, "text", "reaction", "button", "system"))
        source = rng.choice(("ad", "ad", "ad", "post"))
        scene.inbound(person.id, phone, at, kind=kind, referral={"source_type": source, "ctwa_clid": "AfF"})
        if rng.random() < 0.85:
            answered = at + rng.choice((0, 1, 60_000, 23 * HOUR, 24 * HOUR - 1, 24 * HOUR, -1))
            expiry = answered + rng.choice((HOUR, 24 * HOUR, 168 * HOUR)) if rng.random() < 0.3 else None
            scene.message(person.id, phone, person, sent=True, sent_at=answered, expiry=expiry)
            if rng.random() < 0.25:
                scene.message(person.id, phone, person, sent=True, sent_at=answered)
            base = expiry or answered + 72 * HOUR
            for offset in rng.sample((-1, 0, 1, -HOUR, -60 * HOUR), rng.choice((1, 2))):
                fate = base + offset
                scene.message(person.id, phone, person, sent_at=fate - rng.choice((0, 60_000)), delivered_at=fate)


def groups(scene: Scene) -> None:
    """Messages to groups, and members who write, ads included."""
    scene.weights = Weights(pricing=0.12)
    rng, phone, group = scene.rng, scene.phone(), scene.rng.choice(scene.world.groups)
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.7:
            member = rng.choice(MEMBERS)
            referral = {"source_type": "ad"} if rng.random() < 0.2 else None
            scene.inbound(group, phone, participant=member.id, referral=referral, kind=rng.choice((None, None, "reaction")))
        scene.group_message(group, phone)


def metas_word(scene: Scene) -> None:
    """Meta's pricing on every event, agreeing or not, with and without a category of its own."""
    scene.weights = Weights(pricing=0.85, sent=0.6, categories={"utility": 4, "marketing": 2, "authentication": 2, "service": 4})
    for _ in range(scene.rng.randint(2, 5)):
        person = scene.person()
        if scene.rng.random() < 0.3:
            scene.inbound(person.id, scene.phone())
        scene.message(person.id, scene.phone(), person)


def fates(scene: Scene) -> None:
    """Every category to everyone: read without delivered, failed beside delivered, delivered before sent, never delivered."""
    categories = {"utility": 3, "marketing": 3, "authentication": 4, "service": 2, "authentication_international": 1}
    scene.weights = Weights(categories=categories, delivered=0.6, read=0.6, failed=0.3, quick=0.4, sent=0.75)
    for _ in range(scene.rng.randint(3, 6)):
        person = scene.rng.choice(scene.world.people)
        scene.message(person.id, scene.phone(), person)


def midnight(scene: Scene) -> None:
    """Messages to the millisecond around the anchor, where a day, a month or a rulebook may begin."""
    scene.weights = Weights(pricing=0.05, sent=0.9)
    rng, person = scene.rng, scene.person()
    for _ in range(rng.randint(1, 3)):
        at = scene.world.anchor + rng.choice((-1, 0, 1, HOUR - 1, HOUR, -HOUR))
        scene.message(person.id, scene.phone(), person, sent_at=at - rng.choice((0, 1, HOUR)), delivered_at=at)


def volume(scene: Scene) -> None:
    """Many charged messages to one market from all numbers and accounts, on days that come in any order: bands fill, and edges move."""
    scene.weights = Weights(pricing=0.05, read=0.1, failed=0.02)
    rng, world = scene.rng, scene.world
    french, americans, indian = PHONES[:1], PHONES[2:4], PHONES[13:14]
    people, categories = rng.choice(
        (
            ((scene.person(),), ("utility",)),
            (french, ("utility",)),
            (americans, ("utility",)),
            (indian, ("authentication", "authentication_international")),
        )
    )
    days = [world.anchor + day * DAY + rng.choice((0, -1, HOUR)) for day in rng.sample((-3, -2, -1, 0, 1, 2), rng.choice((1, 2, 3)))]
    for _ in range(rng.randint(5, 16)):
        at, person = rng.choice(days) + rng.choice((0, 1, HOUR)), rng.choice(people)
        fixed: dict[str, Any] = {"category": rng.choice(categories), "sent_at": at, "delivered_at": at}
        if rng.random() < 0.5:
            fixed["pricing"] = {"type": "regular"}
        scene.message(person.id, rng.choice(world.phone_number_ids), person, **fixed)


def same_wamid_elsewhere(scene: Scene) -> None:
    """One message id on two of the business's numbers: two deliveries."""
    rng, person, at = scene.rng, scene.person(), scene.instant()
    for phone in rng.sample(scene.world.phone_number_ids, min(2, len(scene.world.phone_number_ids))):
        scene.add("message.sent", at, "wamid.twice", phone, scene.account(), person.id, category="utility")
        scene.add("message.delivered", at + 1, "wamid.twice", phone, scene.account(), person.id)


def stray_times(scene: Scene) -> None:
    """The same instant written with another offset, without a fraction or with nine digits."""
    person, at = scene.person(), scene.instant()
    sent = scene.add("message.sent", at, "wamid.stray", scene.phone(), scene.account(), person.id, category="utility")
    delivered = scene.add("message.delivered", at, "wamid.stray", sent["phone_number_id"], sent["account_id"], person.id)
    delivered["time"] = written(at + 5 * HOUR + HOUR // 2).replace("Z", "999999+05:30")
    sent["time"] = written(at - at % 1000).replace(".000Z", "Z")


STORIES: tuple[tuple[Callable[[Scene], None], int], ...] = (
    (windows, 5),
    (allowance, 5),
    (entry_points, 4),
    (groups, 3),
    (metas_word, 3),
    (fates, 3),
    (midnight, 2),
    (volume, 4),
    (same_wamid_elsewhere, 1),
    (stray_times, 1),
)
