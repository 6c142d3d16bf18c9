"""The words of an invoice, by language. Names of plans, add-ons and their sections are the operator's own and stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Words(NamedTuple):
    """One language. Texts with braces are filled in with figures that are printed already."""

    annual: str
    cycle: str
    amendment: str
    account: str
    issued: str
    period: str
    currency: str
    what: str
    quantity: str
    unit_price: str
    months: str
    amount: str
    total: str
    subtotal: str
    messages: tuple[str, str]
    """One, and any other number."""
    days: str
    """Part of one cycle."""
    months_and_days: str
    one_month_and_days: str
    thirtieths: str
    not_counted: str
    rests_on: str
    commands: tuple[str, str]
    """One, and several."""
    usage_of: str
    page: str
    sections: Mapping[str, str]
    """Headings that are ours: by the kind of line under them."""


ENGLISH: Final = Words(
    annual="Annual invoice",
    cycle="Invoice",
    amendment="Amendment invoice",
    account="Account",
    issued="Issued",
    period="Period",
    currency="Currency",
    what="Description",
    quantity="Quantity",
    unit_price="Price per month",
    months="Months",
    amount="Amount",
    total="Total",
    subtotal="Subtotal",
    messages=("message", "messages"),
    days="{days} of the {of} days of its cycle",
    months_and_days="{months} whole months, and {days} of the {of} days of the first cycle",
    one_month_and_days="a whole month, and {days} of the {of} days of the first cycle",
    thirtieths="{days} of 30 days",
    not_counted="the day of purchase is not counted",
    rests_on="What each line rests on",
    commands=("command {ids}", "commands {ids}"),
    usage_of="usage of {days}",
    page="Page {page} of {pages}",
    sections={},
)
FRENCH: Final = Words(
    annual="Facture annuelle",
    cycle="Facture",
    amendment="Facture d’avenant",
    account="Compte",
    issued="Émise le",
    period="Période",
    currency="Devise",
    what="Désignation",
    quantity="Quantité",
    unit_price="Prix par mois",
    months="Mois",
    amount="Montant",
    total="Total",
    subtotal="Sous-total",
    messages=("message", "messages"),
    days="{days} des {of} jours de son cycle",
    months_and_days="{months} mois entiers, et {days} des {of} jours du premier cycle",
    one_month_and_days="un mois entier, et {days} des {of} jours du premier cycle",
    thirtieths="{days} jours sur 30",
    not_counted="le jour de l’achat n’est pas compté",
    rests_on="Sur quoi repose chaque ligne",
    commands=("commande {ids}", "commandes {ids}"),
    usage_of="consommation du {days}",
    page="Page {page} sur {pages}",
    sections={"usage": "Consommation WhatsApp", "adjustment": "Régularisations"},
)

_BY_LANGUAGE: Final = {"en": ENGLISH, "fr": FRENCH}


def words_of(language: str) -> Words:
    """The words of a language; English where we have none."""
    return _BY_LANGUAGE.get(language, ENGLISH)
