"""Add-ons: bought, tried, asked for, assigned, removed.

Source: billing.md §3, §5; seeds S000, S001, S003.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from rating.billing.calendar import ONE_DAY
from rating.billing.charges import of_purchase, quantity_of
from rating.billing.plans import Addon
from rating.billing.records import USER, Holding
from rating.billing.refusal import RefusedError
from rating.billing.request import Accepted, Request, allow
from rating.billing.start import no_price
from rating.billing.units import KEEPERS, unknown_unit


def purchase(request: Request) -> Accepted:
    """Buys an add-on; the account manager may add to what is there. It ends a trial."""
    allow(request, "owner", "account_manager")
    addon = _addon(request)
    _not_included(request, addon)
    command, contract = request.command, request.contract
    if addon.quote and command.role == "owner":
        raise RefusedError("quote_required", f"{addon.name} is sold on a quote; ask for one, and your account manager will add it.")
    holding = contract.holdings.get(addon.key)
    if holding is not None and (command.role == "owner" or addon.seats == "account"):
        raise _already_purchased(addon)
    if request.terms.price(addon.prices) is None:
        raise no_price(request.terms, addon.name)
    quantity = command.quantity
    if addon.seats == "account":
        quantity = 1
    if quantity is None:
        raise RefusedError("invalid_quantity", "The quantity must be a whole number of at least 1.")

    if holding is None:
        request.account.purchases += 1
        holding = contract.holdings[addon.key] = Holding(0, [], request.account.purchases)
    holding.quantity += quantity
    holding.evidence = [*holding.evidence, command.id]
    contract.trials.pop(addon.key, None)
    charged = quantity_of(request.terms, addon, holding) if addon.seats == "account" else quantity
    lines = of_purchase(request.terms, addon, holding, charged, request.day, command.id)
    return Accepted(f"{addon.name} is bought from {request.day}.", request.day, request.amendment(lines))


def trial(request: Request) -> Accepted:
    """Tries an add-on for its days, once."""
    allow(request, "owner", "admin")
    addon = _addon(request)
    if not addon.trial_days:
        raise RefusedError("not_available", f"{addon.name} has no trial; it can be bought.")
    _not_included(request, addon)
    _not_purchased_yet(request, addon)
    if addon.key in request.account.trials_used:
        raise RefusedError("trial_used", f"{addon.name} was tried before; it can be tried once.")
    last = request.day + timedelta(days=addon.trial_days - 1)
    request.account.trials_used = [*request.account.trials_used, addon.key]
    request.contract.trials = {**request.contract.trials, addon.key: last}
    return Accepted(f"{addon.name} is free to try until {last}; every user has it.", request.day)


def request_quote(request: Request) -> Accepted:
    """Asks for a quote: an event, nothing else."""
    allow(request, "owner", also=("admin",) if request.plans.admin_may_request_quote else ())
    addon = _addon(request)
    _not_included(request, addon)
    _not_purchased_yet(request, addon)
    return Accepted(f"A quote for {addon.name} is asked for; your account manager will send it.", request.day)


def request_feature(request: Request) -> Accepted:
    """Tells the owner that someone wants an add-on: an event, nothing else."""
    allow(request, "admin", "supervisor")
    addon = _addon(request)
    _not_included(request, addon)
    _not_purchased_yet(request, addon)
    return Accepted(f"To the owner: {addon.name} is asked for by a team member.", request.day)


def assign(request: Request) -> Accepted:
    """Gives a user a licence out of the balance."""
    addon, holding = _licensed(request)
    unit_id, book = request.command.unit_id, request.book
    if holding is not None and book.holds_licence(holding.purchase, unit_id):
        raise RefusedError("already_assigned", f"This user has a licence of {addon.name} already.")
    if holding is None or addon.seats != "provisioned" or holding.assigned >= holding.quantity:
        raise RefusedError("no_licence_left", _no_licence(addon, holding))
    book.assign(holding.purchase, unit_id)
    holding.assigned += 1
    left = holding.quantity - holding.assigned
    return Accepted(f"The user has a licence of {addon.name}; {left} {'is' if left == 1 else 'are'} left.", request.day)


def unassign(request: Request) -> Accepted:
    """Takes a user's licence back into the balance. No money comes back."""
    addon, holding = _licensed(request)
    unit_id, book = request.command.unit_id, request.book
    if holding is None or not book.holds_licence(holding.purchase, unit_id):
        raise RefusedError("not_assigned", f"This user has no licence of {addon.name}.")
    book.unassign(holding.purchase, unit_id)
    holding.assigned -= 1
    return Accepted(f"The licence of {addon.name} is free for another user.", request.day)


def remove(request: Request) -> Accepted:
    """Removes an add-on with the end of what it is committed for. Nothing is refunded."""
    known = request.plans.addons.get(request.command.addon)
    follows_the_plan = known is None or known.commitment == "plan"
    allow(request, "owner", "account_manager", also=("admin",) if follows_the_plan else ())
    addon = _addon(request)
    _not_included(request, addon)
    holding = request.contract.holdings.get(addon.key)
    if holding is None:
        raise RefusedError("not_purchased", f"{addon.name} is not bought, so there is nothing to remove.")
    calendar, current = request.terms.calendar, request.contract.current
    if not follows_the_plan:
        return _end(holding, addon, calendar.cycle(current).last + ONE_DAY)
    last = calendar.term_of(current).last
    if request.command.role != "account_manager":
        raise RefusedError(
            "committed_until", f"{addon.name} is committed until {last.isoformat()}, as your plan is; contact your account manager."
        )
    return _end(holding, addon, last + ONE_DAY)


def _end(holding: Holding, addon: Addon, day: date) -> Accepted:
    if holding.ends is None:
        holding.ends = day
    return Accepted(f"{addon.name} ends with {holding.ends - ONE_DAY}.", holding.ends)


def _addon(request: Request) -> Addon:
    key, plan = request.command.addon, request.terms.plan
    addon = request.plans.addons.get(key)
    if addon is None:
        raise RefusedError("unknown_addon", f'There is no add-on "{key}"; choose one of {", ".join(request.plans.addons)}.')
    if key not in plan.addons | plan.includes:
        raise RefusedError("not_available", f"{addon.name} does not come with {plan.name}; another plan may have it.")
    return addon


def _licensed(request: Request) -> tuple[Addon, Holding | None]:
    """What a licence is to be given of or taken back from, and what of it is bought; the user exists."""
    allow(request, *KEEPERS)
    addon = _addon(request)
    _not_included(request, addon)
    if not request.book.has_unit(request.place, USER, request.command.unit_id):
        raise unknown_unit("user")
    return addon, request.contract.holdings.get(addon.key)


def _not_included(request: Request, addon: Addon) -> None:
    if addon.key in request.terms.plan.includes:
        raise RefusedError("included", f"{addon.name} is part of {request.terms.plan.name}; every user has it.")


def _not_purchased_yet(request: Request, addon: Addon) -> None:
    if addon.key in request.contract.holdings:
        raise _already_purchased(addon)


def _already_purchased(addon: Addon) -> RefusedError:
    return RefusedError("already_purchased", f"{addon.name} is bought already; your account manager can change it.")


def _no_licence(addon: Addon, holding: Holding | None) -> str:
    if addon.seats != "provisioned":
        return f"{addon.name} has no licences to assign; it is for the whole account."
    if holding is None:
        return f"No licence of {addon.name} is bought; while it is tried every user has it."
    return f"All {holding.quantity} licences of {addon.name} are assigned; take one back, or buy more."


ADDON_HANDLERS: Final[dict[str, Callable[[Request], Accepted]]] = {
    "addon.purchase": purchase,
    "addon.trial": trial,
    "addon.request_quote": request_quote,
    "addon.request_feature": request_feature,
    "addon.assign": assign,
    "addon.unassign": unassign,
    "addon.remove": remove,
}
