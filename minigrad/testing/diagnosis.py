"""From evidence to a named cause, in one sentence of plain words with the numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from minigrad.testing import causes
from minigrad.testing.corrections import Catalogue
from minigrad.testing.factors import meaning, number
from minigrad.testing.facts import facts
from minigrad.testing.guesses import Guess
from minigrad.testing.overlooked import Share, other_constants, shares, straight_through
from minigrad.testing.repairs import repairs
from minigrad.testing.workbench import Workbench

REDUCTION = re.compile(r"\b(mean|var|std|sum|average|max|min|norm|prod)\(")


def guesses(bench: Workbench) -> list[Guess]:
    """Every explanation found, the most believable first."""
    found = [*facts(bench), *of_shares(bench), *of_constants(bench)]
    found += [*of_functions(bench)]
    found += list(of_repairs(bench))
    return sorted(found, key=lambda guess: (-len(guess.at), guess.cost))


def of_shares(bench: Workbench) -> Iterator[Guess]:
    """What flows through one expression of the forward is missing, or too much."""
    found = [share for share in shares(bench) if not share.whole]
    at = tuple(k for k, _ in bench.directions(1))
    for share in found[:1] and [min(found, key=lambda s: (abs(s.factor) > 1e-3, 0))]:
        yield _of_share(share, found, bench, at)


def _of_share(share: Share, found: list[Share], bench: Workbench, at: tuple[str, ...]) -> Guess:
    places = f"`{share.site.text}` (line {share.site.line})"
    if abs(share.factor) < 1e-3:
        label = causes.TERM if share.elementwise else causes.DETACHED
        if share.site.kind in {"Name", "Attribute"} and share.site.text.split(".")[-1] in at:
            uses = REDUCTION.search(" ".join(s.site.text for s in found))
            label = causes.DETACHED if uses else causes.TERM
        return Guess(label, f"what flows through {places} is left out", at, 0.5)
    label, words, sure = meaning(share.factor, bench, [s.site for s in found])
    return Guess(label, f"what flows through {places} is {number(share.factor)} × its share: {words}", at, 0.5 + 4 * (not sure))


def of_constants(bench: Workbench) -> Iterator[Guess]:
    """Yours is right for another value of a constant."""
    at = tuple(k for k, _ in bench.directions(1))
    for other in other_constants(bench):
        small = 0 < abs(other.was) <= 1e-2 and abs(other.value) < 1e-3 * abs(other.was)
        label = causes.EPS if small else causes.CONSTANT
        yield Guess(label, f"yours is the gradient for `{other.site.text}` = {number(other.value)}; the forward has {number(other.was)}", at, 0.3 if small else 1.2)


def of_functions(bench: Workbench) -> Iterator[Guess]:
    """A function of the forward was not differentiated."""
    at = tuple(k for k, _ in bench.directions(1))
    for site in straight_through(bench):
        yield Guess(causes.CHAIN, f"the derivative of `{site.text}` is left out", at, 1.0)


def of_repairs(bench: Workbench) -> Iterator[Guess]:
    """One change of the backward mends it."""
    for repair in repairs(bench, Catalogue(bench)):
        words = repair.correction.words
        site = repair.site
        yield Guess(
            repair.correction.label,
            f"line {site.line}: with `{site.text}` {words}, all is right",
            repair.operands,
            repair.correction.cost + len(site.text) * 1e-4,
        )


def diagnose(evidence, findings):
    """Nothing yet."""
    return None
