"""How a subscription begins.

Source: billing.md §1, §3.
"""

from __future__ import annotations

from datetime import date

from rating.billing.advance import advance, pay_for_all
from rating.billing.book import Book
from rating.billing.calendar import date_of
from rating.billing.charges import Terms, in_advance, terms_of
from rating.billing.closing import Closer, last_closed
from rating.billing.invoices import Invoice, issue
from rating.billing.plans import Plans
from rating.billing.records import Account, Boundary, Contract
from rating.billing.refusal import RefusedError
from rating.billing.request import Accepted, allow_command
from rating.billing.usage import Usage
from schemas.billing_commands import KINDS, Command


def start(plans: Plans, account: Account, book: Book, usage: Usage, command: Command) -> Accepted:
    """Begins a subscription on the command's local date and issues the first invoice. Raises `RefusedError`."""
    today = date_of(command.time_ms, command.timezone)
    fixed = _end_before(plans, account, book, command, today)
    if command.plan not in plans.plans:
        raise RefusedError("unknown_plan", f'There is no plan "{command.plan}"; choose one of {", ".join(plans.plans)}.')
    if command.is_upfront and command.term != "annual":
        raise RefusedError("invalid_terms", "Only an annual term can be paid upfront; choose the annual term, or monthly invoices.")
    allow_command(command, "account_manager", "owner")
    contract = _contract(command, today)
    terms = terms_of(plans, contract)
    _check(terms, command)

    index = len(account.contracts)
    if index:
        _stop(plans, account, book, fixed, today)
    account.contracts = [*account.contracts, contract]
    for kind, ids in enumerate(command.units):
        for unit_id in ids:
            account.units_added += 1
            book.add_unit(index, kind, unit_id, account.units_added, command.id)
        contract.active[kind] = len(ids)
    pay_for_all(contract)
    return Accepted(f"Subscribed to {terms.plan.name} from {today}.", today, _first_invoice(plans, account, book, usage, terms, command))


def _first_invoice(plans: Plans, account: Account, book: Book, usage: Usage, terms: Terms, command: Command) -> list[Invoice]:
    lines = in_advance(terms, book, len(account.contracts) - 1, 0)
    if terms.contract.is_upfront:
        return issue(account, terms, "annual", terms.contract.currency, terms.calendar.term_of(0), lines, command.time_ms)
    return Closer(plans, account, book, usage, command.time_ms, command.time_ms).first_cycle(lines, terms.calendar.cycle(0))


def _end_before(plans: Plans, account: Account, book: Book, command: Command, today: date) -> dict[int, Boundary]:
    """What was fixed up to the end of the subscription before; refuses where it hasn't ended, by its own zone and by the new one."""
    if not account.contracts:
        return {}
    before = terms_of(plans, account.contracts[-1])
    its_today = max(date_of(command.time_ms, before.contract.timezone), before.contract.day)
    if not (before.has_ended(its_today) and before.has_ended(today)):
        ends = before.contract.ends
        raise RefusedError(
            "already_subscribed",
            "This account has a subscription; cancel it first." if ends is None else f"The subscription before runs until {ends} begins.",
        )
    return advance(before, book, len(account.contracts) - 1, its_today)


def _stop(plans: Plans, account: Account, book: Book, fixed: dict[int, Boundary], today: date) -> None:
    index = len(account.contracts) - 1
    for cycle, boundary in fixed.items():
        book.put_boundary(index, cycle, boundary)
    before = terms_of(plans, account.contracts[index])
    before.contract.stops = max(today, last_closed(before))


def _contract(command: Command, today: date) -> Contract:
    return Contract(
        command_id=command.id,
        plan=command.plan,
        term=command.term,
        is_upfront=command.is_upfront,
        currency=command.currency,
        country=command.country,
        timezone=command.timezone,
        start=today,
        minimum=[each or 0 for each in command.minimum],
        active=[0, 0],
        paid=[0, 0],
        whatsapp_accounts=list(command.whatsapp_accounts),
        day=today,
    )


def _check(terms: Terms, command: Command) -> None:
    """Prices of what will be charged, the minimum, the units: in this order."""
    plan, minimum = terms.plan, terms.contract.minimum
    needed = [] if plan.base is None else [(plan.name, plan.base)]
    for kind, ids in enumerate(command.units):
        if minimum[kind]:
            needed.append((plan.minimum[kind].name, plan.minimum[kind].prices))
        if len(ids) > minimum[kind]:
            needed.append((plan.additional[kind].name, plan.additional[kind].prices))
    for name, prices in needed:
        if terms.price(prices) is None:
            raise no_price(terms, name)
    if None in command.minimum:
        raise RefusedError("invalid_quantity", "The minimum of users and of numbers must be whole numbers of at least 0.")
    for kind, ids in enumerate(command.units):
        if len(set(ids)) < len(ids):
            raise RefusedError("duplicate_unit", f"A {KINDS[kind]} is named twice; name each once.")


def no_price(terms: Terms, name: str) -> RefusedError:
    """The refusal of what has no price in the plans file."""
    contract = terms.contract
    return RefusedError(
        "no_price", f"{name} has no {contract.term} price in {contract.currency}; choose another currency or term, or ask for a price."
    )
