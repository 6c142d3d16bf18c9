"""Mistakes about the domain, planted into a copy of `rating/`: each must be found by the laws.

A mutation is a piece of source text and what it becomes. When the text is no longer there, the code has changed: write the mutation
anew, in the words of the new code, so that the same mistake is still tried.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """One mistake."""

    mistake: str
    """In the words of the domain."""
    module: str
    """File under `rating/`."""
    text: str
    """Must stand in the file exactly once."""
    instead: str


UNCHANGED = Mutation("no mistake at all", "meter.py", "", "")
"""The code as it is: no law may be broken on the same streams, or what is found proves nothing."""

WINDOWS = (
    Mutation(
        "the window is still open at exactly 24 hours",
        "windows.py",
        "if newest is None or instant_ms >= keys.at(newest) + LENGTH_MS:\n            return None\n        start",
        "if newest is None or instant_ms > keys.at(newest) + LENGTH_MS:\n            return None\n        start",
    ),
    Mutation("the user's reactions open windows", "windows.py", 'frozenset({"reaction", "system"})', 'frozenset({"system"})'),
    Mutation("system notices open windows", "windows.py", 'frozenset({"reaction", "system"})', 'frozenset({"reaction"})'),
    Mutation("an edited message opens a window", "intake.py", " and not event.edited", ""),
    Mutation(
        "a late inbound changes nothing that was decided",
        "intake.py",
        "self._window_changed(event, to, self._windows(to).open(arrived))",
        "self._windows(to).open(arrived)",
    ),
    Mutation(
        "an inbound taken back changes nothing that was decided",
        "intake.py",
        "self._window_changed(event, conversation, self._windows(conversation).take_back(moment))",
        "self._windows(conversation).take_back(moment)",
    ),
    Mutation(
        "the window is asked at the sending, not at the delivery",
        "redecide.py",
        "if self._window_by_sent and case.sent_at_ms is not None",
        "if case.sent_at_ms is not None",
    ),
    Mutation(
        "where windows count by sending, a late inbound changes nothing",
        "intake.py",
        "self._mark(conversation, keys.SENT, span, event.phone_number_id)",
        "pass",
    ),
)

LIVES = (
    Mutation("only delivered bills, read is ignored beside it", "life.py", "min(delivered.time_ms, read.time_ms)", "delivered.time_ms"),
    Mutation(
        "of duplicates the latest counts",
        "life.py",
        "return challenger.time_ms < known.time_ms",
        "return challenger.time_ms > known.time_ms",
    ),
    Mutation(
        "a failed cancels what was delivered",
        "life.py",
        "    if instant_ms is None:\n        return None\n    own",
        "    if instant_ms is None or delivery.failed is not None:\n        return None\n    own",
    ),
    Mutation(
        "the category of delivered goes before that of sent",
        "life.py",
        "spoken = (sent, delivered, read)",
        "spoken = (delivered, sent, read)",
    ),
    Mutation(
        "Meta's word on sent goes before that on delivered",
        "life.py",
        "words = (delivered, read, sent)",
        "words = (sent, delivered, read)",
    ),
    Mutation("the account is that of delivered", "life.py", "first = sent or delivered or read", "first = delivered or read or sent"),
    Mutation(
        "a group's sent tells the country of its members",
        "life.py",
        "_country(own, delivered, read, failed)",
        "_country(sent, delivered, read, failed)",
    ),
    Mutation(
        "of two at one time the larger id counts",
        "life.py",
        "return challenger.event_id < known.event_id",
        "return challenger.event_id > known.event_id",
    ),
    Mutation(
        "a late sent of the whole group changes nothing for its members",
        "intake.py",
        "                self._bench.decide_range(key, FIRST_MEMBER, None)\n        ",
        "                pass\n        ",
    ),
    Mutation("Meta's group categories are unknown", "life.py", '.removeprefix("group_")', ""),
)

ENTRY_POINTS = (
    Mutation("a free entry point lasts 24 hours", "free_entry.py", "LENGTH_MS: Final = 72 *", "LENGTH_MS: Final = 24 *"),
    Mutation("a post starts a free entry point too", "intake.py", 'event.referral_source == "ad"', "event.referral_source is not None"),
    Mutation(
        "Meta's expiry of a free entry point is ignored",
        "free_entry.py",
        "return expiry or keys.instant(at_ms + LENGTH_MS)",
        "return keys.instant(at_ms + LENGTH_MS)",
    ),
    Mutation(
        "an answer after exactly 24 hours still starts a free entry point",
        "free_entry.py",
        "earliest_ms = at_ms - ANSWER_WITHIN_MS + 1",
        "earliest_ms = at_ms - ANSWER_WITHIN_MS",
    ),
    Mutation(
        "the first answer is charged when it is delivered late",
        "redecide.py",
        "points.covers(case.billed_at_ms) or points.opened_by(case.message_id)",
        "points.covers(case.billed_at_ms)",
    ),
    Mutation(
        "a referral taken back leaves its free entry point",
        "intake.py",
        "self._free_entry_changed(event, conversation, self._entry_points(conversation).take_referral_back(moment))",
        "pass",
    ),
)

ALLOWANCE = (
    Mutation(
        "nobody is displaced from the allowance: who came first stays",
        "redecide.py",
        "        if moved is None:\n            return\n        if moved.place",
        "        return\n        if moved.place",
    ),
    Mutation(
        "nobody returns to the allowance",
        "allowance.py",
        "returned = edge.last_free = self._place_after(before)",
        "returned = edge.last_free = self._place_before(before)",
    ),
    Mutation(
        "Meta's regular takes a place",
        "decision.py",
        "return pricing_type is None or pricing_type in _FREE_BUT_COUNTED",
        "return True",
    ),
    Mutation(
        "Meta's free_customer_service takes no place",
        "decision.py",
        "return pricing_type is None or pricing_type in _FREE_BUT_COUNTED",
        "return pricing_type is None",
    ),
    Mutation(
        "a group message takes one place for all members",
        "redecide.py",
        "return keys.moment(at_ms, delivery.message_id, delivery.participant)",
        'return keys.moment(at_ms, delivery.message_id, "")',
    ),
    Mutation(
        "the business's reactions are ordinary messages",
        "decision.py",
        "    if given.is_reaction:\n        return REACTION, None\n",
        "",
    ),
)

CALENDAR = (
    Mutation("days and months are those of UTC", "localtime.py", "instant.astimezone(ZoneInfo(zone))", "instant"),
    Mutation(
        "a zone keeps January's time all year",
        "localtime.py",
        "instant.astimezone(ZoneInfo(zone)).date()",
        "(instant.replace(tzinfo=None) + datetime(instant.year, 1, 5, tzinfo=ZoneInfo(zone)).utcoffset()).date()",
    ),
    Mutation("the newest profile version counts, whatever the date", "profiles.py", "if version.effective_from <= date:", "if version:"),
    Mutation(
        "utility in the window stays free in October 2026",
        "rulebooks.py",
        'Clause(inside=Verdict(CHARGED, "in_window")',
        'Clause(inside=Verdict(FREE, "in_window")',
    ),
)

PRICES = (
    Mutation(
        "fees are rounded half to even",
        "money.py",
        "steps = (2 * rate * numerator + denominator * step) // (2 * denominator * step)",
        "steps = round(__import__('fractions').Fraction(rate * numerator, denominator * step))",
    ),
    Mutation(
        "Meta's word is not heard",
        "decision.py",
        "outcome = own.outcome if given.pricing_type is None else",
        "outcome = own.outcome if True else",
    ),
    Mutation(
        "authentication at home is international too",
        "decision.py",
        " or country == version.business_country",
        "",
    ),
    Mutation(
        "an empty service rate costs what utility does",
        "catalog/catalog.py",
        'if category == "service" and not self.has_row(currency, market, category, date):',
        'if category == "service" and self.rate(currency, market, category, date) is None:',
    ),
    Mutation(
        "the shortest prefix names the market",
        "catalog/catalog.py",
        "reverse=True)\n\n    def as_known",
        "reverse=False)\n\n    def as_known",
    ),
    Mutation(
        "a hidden phone's country is the one in its id",
        "decision.py",
        "case.user_country or _country_in_id(case.recipient)",
        "_country_in_id(case.recipient) or case.user_country",
    ),
)

BOOKS = (
    Mutation(
        "work that was cut off is forgotten",
        "workbench.py",
        'self.state.put(keys.JOBS + number.to_bytes(4, "big"), encode(job))',
        "pass",
    ),
    Mutation(
        "a late profile rates nothing of what waited",
        "meter.py",
        '    bench.decide_range(keys.of_owner(keys.UNKNOWN_ACCOUNT, profile.account_id), b"", None)',
        "",
    ),
    Mutation(
        "a reversal is not taken off its total",
        "corrections.py",
        "self._bench.totals.add(priced.figures, priced.total, -1)",
        "",
    ),
    Mutation("a correction keeps the revision", "corrections.py", "delivery.revision += 1", "delivery.revision = 1"),
    Mutation(
        "an event that is replaced is forgotten by the ledger",
        "intake.py",
        "events[SUPERSEDED] = events.get(SUPERSEDED, 0) + 1",
        "",
    ),
)

TIERS = (
    Mutation(
        "an edge is never looked for before where it was",
        "tiers/allocation.py",
        "while before >= at:",
        "while False:",
    ),
    Mutation(
        "a band ends one message early",
        "tiers/allocation.py",
        "return edge.at - edge.before if place == edge.holder else 0",
        "return edge.at - edge.before - 1 if place == edge.holder else 0",
    ),
    Mutation(
        "every account has bands of its own, whatever its portfolio",
        "decision.py",
        "        version.portfolio_id,\n        tuple(",
        "        given.profiles.hex(),\n        tuple(",
    ),
    Mutation(
        "authentication abroad is counted apart",
        "catalog/cells.py",
        'return AUTHENTICATION if category == "authentication_international" else category',
        "return category",
    ),
    Mutation(
        "a year's messages are counted together",
        "tiers/naming.py",
        "return month_of(LocalDate(self.date))",
        "return month_of(LocalDate(self.date))[:4]",
    ),
    Mutation(
        "bands are filled account by account instead of day by day",
        "tiers/naming.py",
        "parts = (_DATE, _ACCOUNT, _PHONE,",
        "parts = (_ACCOUNT, _DATE, _PHONE,",
    ),
    Mutation(
        "who has one band only does not count for the others",
        "decision.py",
        "    bands = catalog.bands(version.currency, given.market, category, given.date)\n",
        "    bands = catalog.bands(version.currency, given.market, category, given.date)\n    if len(bands) < 2:\n        return None\n",
    ),
    Mutation(
        "a charged service message counts for utility's bands",
        "catalog/cells.py",
        'return AUTHENTICATION if category == "authentication_international" else category',
        'return {"authentication_international": AUTHENTICATION, "service": "utility"}.get(category, category)',
    ),
    Mutation(
        "nobody hears that an edge has moved over a total",
        "tiers/stage.py",
        "for place, tally in _passed(order, old, volume.edges) if place not in after",
        "for place, tally in () if place not in after",
    ),
    Mutation(
        "a message that is taken back is still counted",
        "tiers/tallies.py",
        "        record.messages -= 1\n",
        "",
    ),
    Mutation(
        "lines stay in the band that they were charged in",
        "tiers/tallies.py",
        "lines += _adjustments(touched.name, record, record.terms, totals)",
        "pass",
    ),
    Mutation(
        "an adjustment is not put on its total",
        "tiers/tallies.py",
        "        totals.adjust(total, cost_nanos, amount_nanos)\n",
        "",
    ),
)

COMMANDS = (
    Mutation("a void changes nothing", "commands.py", "delivery.voided = order.cause", "pass"),
    Mutation(
        "a void message keeps its place among the free ones",
        "redecide.py",
        'whatever else is heard of it."""\n        self._take_place(delivery, None)',
        'whatever else is heard of it."""',
    ),
    Mutation(
        "a member of whom is heard after the void is billed",
        "redecide.py",
        " or (delivery.participant and self._is_void_with_its_message(delivery))",
        "",
    ),
    Mutation(
        "a command that was cut off is forgotten",
        "commands.py",
        "self._state.put(key, encode(order))\n                return True",
        "self._state.delete(key)\n                return True",
    ),
    Mutation("a reprice leaves what was known as it was", "redecide.py", "kept = None if anew else self._kept(", "kept = self._kept("),
    Mutation(
        "a correction that became known later does not count",
        "catalog/knowledge.py",
        "newest[at] = max(newest.get(at, BEGINNING), row.known_from)",
        "newest[at] = min(newest.get(at, row.known_from), row.known_from)",
    ),
)

MUTATIONS = (*WINDOWS, *LIVES, *ENTRY_POINTS, *ALLOWANCE, *CALENDAR, *PRICES, *BOOKS, *TIERS, *COMMANDS)
