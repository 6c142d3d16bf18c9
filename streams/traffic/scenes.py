"""What happens at a business phone number: campaigns, orders, support, one-time codes, ads, groups. Each scene is a handful of events.

A scene says when things happen; how late, how often and in which order they are heard of is the network's part, in `Stage.tell`.
"""

from __future__ import annotations

from heapq import heappush
from random import Random
from typing import TYPE_CHECKING, Final

from streams.traffic.wire import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, event

if TYPE_CHECKING:
    from streams.traffic.cast import Desk, User

EVENTS_PER_SCENE: Final = 8.5
"""About: it only sets how dense the traffic is."""

_LATE: Final = 0.02
_VERY_LATE: Final = 0.004
_DOUBLED: Final = 0.02
_RETOLD: Final = 0.1
"""Of those that come twice: with another time and another id, as after a retry somewhere upstream."""
_CALM_MS: Final = 2500
_LATE_MS: Final = 5 * MINUTE_MS
_VERY_LATE_MS: Final = 36 * HOUR_MS
"""For as long as that WhatsApp goes on trying to hand a webhook over."""

_NEW_RULES_MS: Final = 1_790_812_800_000  # 2026-10-01T00:00Z

_TEMPLATES: Final = {
    "marketing": ("autumn_offer", "weekend_menu", "new_collection"),
    "utility": ("order_confirmed", "parcel_on_its_way", "appointment_reminder"),
    "authentication": ("login_code",),
}


class Stage:
    """Where scenes play: the dice, and the events that wait for their arrival."""

    def __init__(self, rng: Random) -> None:
        self.random = rng.random
        self.waiting: list[tuple[int, int, bytes, bytes]] = []
        """A heap of arrival, number, key and event."""
        self._getrandbits = rng.getrandbits
        self._number = 0

    def tell(self, desk: Desk, kind: str, user: User, message_id: str, time_ms: int, more: str = "") -> None:
        """Lets something happen: it arrives a moment later, or much later, and sometimes twice."""
        self._number = number = self._number + 1
        told = event(kind, f"e{number:09x}", desk.sender, user.name, message_id, time_ms, more)
        heappush(self.waiting, (time_ms + self._delay_ms(), number, desk.key, told))
        if self.random() < _DOUBLED:
            self._number = number = self._number + 1
            if self.random() < _RETOLD:
                told = event(
                    kind, f"e{number:09x}", desk.sender, user.name, message_id, time_ms + self.between(-5 * SECOND_MS, 5 * SECOND_MS), more
                )
            heappush(self.waiting, (time_ms + self._delay_ms() + self.between(0, HOUR_MS), number, desk.key, told))

    def message_id(self) -> str:
        """A fresh wamid."""
        return f"wamid.{self._getrandbits(96):024X}"

    def between(self, low: int, high: int) -> int:
        """A whole number in `[low, high)`."""
        return low + int(self.random() * (high - low))

    def one_of(self, things: tuple[str, ...]) -> str:
        """Any of them."""
        return things[int(self.random() * len(things))]

    def _delay_ms(self) -> int:
        chance = self.random()
        if chance < _VERY_LATE:
            return self.between(_LATE_MS, _VERY_LATE_MS)
        return self.between(50, _LATE_MS if chance < _LATE + _VERY_LATE else _CALM_MS)


def campaign(stage: Stage, desk: Desk, now_ms: int) -> None:
    """A marketing template to a few people out of the blue; one in six writes back."""
    for _ in range(4):
        user = _someone(stage, desk)
        at_ms = now_ms + stage.between(0, 2 * MINUTE_MS)
        _send(stage, desk, user, at_ms, "marketing")
        if stage.random() < 0.16:
            _answer(stage, desk, user, at_ms + stage.between(MINUTE_MS, 6 * HOUR_MS))


def order(stage: Stage, desk: Desk, now_ms: int) -> None:
    """Utility templates over two days; the user asks something in between, or not."""
    user = _someone(stage, desk)
    _send(stage, desk, user, now_ms, "utility")
    if stage.random() < 0.4:
        _answer(stage, desk, user, now_ms + stage.between(MINUTE_MS, 20 * HOUR_MS))
    _send(stage, desk, user, now_ms + stage.between(4 * HOUR_MS, DAY_MS), "utility")
    _send(stage, desk, user, now_ms + stage.between(DAY_MS, 2 * DAY_MS), "utility")


def support(stage: Stage, desk: Desk, now_ms: int) -> None:
    """The user writes, somebody answers, to and fro; a utility template closes half of the talks."""
    user = _someone(stage, desk)
    at_ms = now_ms
    for _ in range(stage.between(1, 4)):
        _receive(stage, desk, user, at_ms)
        at_ms += stage.between(20 * SECOND_MS, 20 * MINUTE_MS)
        _send(stage, desk, user, at_ms, "service")
        at_ms += stage.between(20 * SECOND_MS, 3 * HOUR_MS)
    if stage.random() < 0.5:
        _send(stage, desk, user, at_ms, "utility")


def one_time_code(stage: Stage, desk: Desk, now_ms: int) -> None:
    """Somebody logs in."""
    for _ in range(3):
        _send(stage, desk, _someone(stage, desk), now_ms + stage.between(0, MINUTE_MS), "authentication")


def advertised(stage: Stage, desk: Desk, now_ms: int) -> None:
    """A user comes by an ad, or by a post, which starts no free entry point; the business answers, and offers more."""
    user = _someone(stage, desk)
    source = "post" if stage.random() < 0.2 else "ad"
    _receive(stage, desk, user, now_ms, f',"referral":{{"source_type":"{source}","ctwa_clid":"c{now_ms:x}"}}')
    at_ms = now_ms + stage.between(MINUTE_MS, 26 * HOUR_MS)
    _send(stage, desk, user, at_ms, "service", entry=source == "ad")
    _send(stage, desk, user, at_ms + stage.between(HOUR_MS, 60 * HOUR_MS), "marketing", entry=source == "ad")


def in_group(stage: Stage, desk: Desk, now_ms: int) -> None:
    """A member writes to a group; the answer reaches everybody, each delivery on its own."""
    group = desk.groups[int(stage.random() * len(desk.groups))]
    _receive(stage, desk, group, now_ms, f',"participant":"{stage.one_of(group.members)}"')
    at_ms = now_ms + stage.between(MINUTE_MS, HOUR_MS)
    message_id = stage.message_id()
    stage.tell(desk, "sent", group, message_id, at_ms, _SERVICE)
    for member in group.members:
        if stage.random() < 0.9:
            participant = f',"participant":"{member}"'
            stage.tell(desk, "delivered", group, message_id, at_ms + stage.between(SECOND_MS, HOUR_MS), participant)
            if stage.random() < 0.5:
                stage.tell(desk, "read", group, message_id, at_ms + stage.between(HOUR_MS, 2 * HOUR_MS), participant)


def reaction(stage: Stage, desk: Desk, now_ms: int) -> None:
    """Thumbs up, either way: it opens nothing and costs nothing."""
    user = _someone(stage, desk)
    _receive(stage, desk, user, now_ms, ',"kind":"reaction"')
    message_id = stage.message_id()
    at_ms = now_ms + stage.between(SECOND_MS, HOUR_MS)
    stage.tell(desk, "sent", user, message_id, at_ms, ',"category":"service","kind":"reaction"')
    stage.tell(desk, "delivered", user, message_id, at_ms + SECOND_MS, user.more)


_SERVICE: Final = ',"category":"service","kind":"text"'


def _someone(stage: Stage, desk: Desk) -> User:
    """Any user, some far more often than others."""
    return desk.users[int(stage.random() ** 2 * len(desk.users))]


def _receive(stage: Stage, desk: Desk, user: User, at_ms: int, more: str = "") -> None:
    kind = ',"kind":"image"' if not more and stage.random() < 0.15 else ""
    stage.tell(desk, "received", user, stage.message_id(), at_ms, kind + more)


def _answer(stage: Stage, desk: Desk, user: User, at_ms: int) -> None:
    _receive(stage, desk, user, at_ms)
    _send(stage, desk, user, at_ms + stage.between(MINUTE_MS, HOUR_MS), "service")


def _send(stage: Stage, desk: Desk, user: User, at_ms: int, category: str, *, entry: bool = False) -> None:
    """A message and what becomes of it: delivered and read, read at once, never delivered, or failed."""
    message_id = stage.message_id()
    pricing = _pricing(category, at_ms, entry) if desk.tells_pricing else ""
    template = "" if category == "service" else f',"template":"{stage.one_of(_TEMPLATES[category])}"'
    stage.tell(desk, "sent", user, message_id, at_ms, f',"category":"{category}"{template}{pricing}{user.more}')
    chance = stage.random()
    if chance < 0.03:
        stage.tell(
            desk,
            "failed",
            user,
            message_id,
            at_ms + stage.between(SECOND_MS, MINUTE_MS),
            ',"error":{"code":131026,"title":"Undeliverable"}',
        )
        return
    if chance < 0.05:
        return
    delivered_ms = at_ms + stage.between(400, 9 * HOUR_MS if chance < 0.12 else 4 * SECOND_MS)
    if chance < 0.97:
        stage.tell(desk, "delivered", user, message_id, delivered_ms, pricing)
    if chance > 0.5:
        stage.tell(desk, "read", user, message_id, delivered_ms + stage.between(SECOND_MS, 3 * HOUR_MS))


def _pricing(category: str, at_ms: int, entry: bool) -> str:
    """Meta's word, where it can be known without counting: utility and service of the newer rules depend on more than the message."""
    if entry:
        return ',"pricing":{"type":"free_entry_point","category":"referral_conversion","billable":false}'
    if category in ("marketing", "authentication"):
        return f',"pricing":{{"type":"regular","category":"{category}","billable":true}}'
    if category == "service" and at_ms < _NEW_RULES_MS - DAY_MS:
        return ',"pricing":{"type":"free_customer_service","category":"service","billable":false}'
    return ""
