"""From evidence to a named cause, in one sentence of plain words with the numbers."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO

import numpy as np

from minigrad.testing.contracts.contracts import CONTRACTS
from minigrad.testing.diagnosis.closures import late_binding
from minigrad.testing.diagnosis.corrections import Catalogue
from minigrad.testing.diagnosis.differentiated import as_others
from minigrad.testing.diagnosis.factors import batch, meaning, number
from minigrad.testing.diagnosis.facts import facts
from minigrad.testing.diagnosis.forwards import remedy
from minigrad.testing.diagnosis.guesses import Guess
from minigrad.testing.diagnosis.modes import other_mode
from minigrad.testing.diagnosis.overlooked import (
    Share,
    other_cases,
    other_constants,
    pairs_of_shares,
    shares,
    straight_through,
)
from minigrad.testing.diagnosis.probes import Site
from minigrad.testing.diagnosis.repairs import repairs
from minigrad.testing.diagnosis.workbench import Workbench, near
from minigrad.testing.evidence.evidence import Comparison, Evidence
from minigrad.testing.reports import causes
from minigrad.testing.reports.findings import Cause, Finding, Verdict
from minigrad.testing.reports.showing import grad_of

SURE = 0.5  # a guess so cheap is believed without looking for others
OWN_VIEW = "it shares memory with"  # an operand, say: harmless where the numbers are right
FAR = 3.0  # from here on a guess is said to be one
HARMLESS = {  # broken contracts that do not explain wrong numbers in an ordinary call
    causes.WRONG_SHAPE,
    causes.ALIASES_DOUT,
    causes.ALIASES_BUFFER,
    causes.SHARED_STATE,
    causes.STALE_CACHE,
    causes.STALE_PARAMETER,
    causes.STATE_IN_BACKWARD,
    causes.WRONG_DTYPE,
    causes.PROMOTES,
    causes.LAYOUT,
    causes.BATCH_OF_ONE,
    causes.EMPTY_BATCH,
    causes.NAN_AT_ZERO,
    causes.OVERFLOWS,
}


def diagnose(evidence: Evidence | None, findings: Sequence[Finding]) -> Cause | None:
    """Name the cause of a failed check, or None rather than a wrong one.

    A broken contract that entails wrong numbers comes first, then what the numbers themselves say,
    then contracts that are broken although the numbers are right.

    Args:
        evidence: yours beside the numerical gradients; None where backward could not run.
        findings: what was looked at; those of contracts have the contracts' names.
    """
    broken = [f for f in findings if f.verdict is Verdict.FAIL and f.name in CONTRACTS]
    if evidence is None or not evidence.wrong:
        return _of_contract(broken[0]) if broken else None
    grave = [f for f in broken if f.name not in HARMLESS]
    ignoring = [f for f in grave if f.name == causes.IGNORES_DOUT]
    absent = [f for f in grave if f.name in {causes.MISSING_GRADIENT, causes.NO_GRADIENT}]
    if ignoring and not absent:  # what is handed out instead may be an operand, or an integer
        dout = evidence.subject.arguments_of_backward()[0]
        words = f"backward returns slopes alone: multiply each of them by {dout}"
        return replace(_of_contract(ignoring[0]), remedy=words)
    views = [f for f in grave if f.name == causes.SHARES_MEMORY and OWN_VIEW in f.sentence]
    grave = [f for f in grave if f not in views]
    if grave:
        return _of_contract(grave[0])
    shape = [f for f in broken if f.name == causes.WRONG_SHAPE]
    if shape and all(_only_shape(one) for one in evidence.wrong.values()):
        return _of_contract(shape[0])
    try:
        with np.errstate(all="ignore"), redirect_stdout(StringIO()):  # it may print, each time
            found = guesses(Workbench(evidence))
    except Exception:  # the bench ran somebody's code in ways that they did not foresee
        found = []
    if found:
        hint = remedy(found[0], evidence.source.get("forward", ""))
        return replace(_of_guess(found), remedy=hint)
    return _of_contract((shape or views)[0]) if shape or views else None


def _only_shape(one: Comparison) -> bool:
    """Whether the numbers are right and only the shape is wrong."""
    if one.shape_is_right or one.yours is None or np.size(one.yours) != one.numerical.size:
        return False
    gap = np.abs(np.ravel(one.yours) - np.ravel(one.numerical))
    return bool(np.all(gap <= np.ravel(one.tolerance)))


def _of_contract(found: Finding) -> Cause:
    return Cause(found.name, _sentence(found), True, tuple(found.at))


def _sentence(found: Finding) -> str:
    names = ", ".join(found.at)
    return (
        f"{found.name} ({names}): {found.sentence}" if names else f"{found.name}: {found.sentence}"
    )


def _of_guess(found: list[Guess]) -> Cause:
    """The best guess, and the next best of another kind where the best is not sure."""
    best = found[0]
    sentence = f"{best.label}: {best.sentence}"
    others = [g for g in found[1:] if g.label != best.label and g.cost < best.cost + 1]
    if others and best.cost > SURE:
        sentence += f". Or else: {others[0].label}: {others[0].sentence}"
    return Cause(best.label, sentence, best.cost < FAR, best.at)


def guesses(bench: Workbench) -> list[Guess]:
    """Every explanation found, the most believable first."""
    found: list[Guess] = []
    families = [other_mode, facts, of_shares, as_others, of_constants, of_functions]
    families += [late_binding, of_repairs]
    for family in families:
        found += merged(_as_far_as_it_goes(family(bench)))
        found.sort(key=lambda guess: (-len(guess.at), guess.cost))
        if found and found[0].cost <= SURE and len(found[0].at) == len(bench.wrong):
            break
    return found


def _as_far_as_it_goes(found: Iterator[Guess]) -> Iterator[Guess]:
    """What was found until somebody's code, run as they did not foresee, raised something."""
    try:
        yield from found
    except Exception:
        return


def merged(found: Iterator[Guess]) -> list[Guess]:
    """Guesses of the same kind at several operands are one guess."""
    first: dict[tuple[str, float], Guess] = {}
    for guess in found:
        key = guess.label, guess.cost
        if key in first and not set(guess.at) <= set(first[key].at):
            sentence = f"{first[key].sentence}; {guess.sentence}"
            first[key] = replace(first[key], sentence=sentence, at=(*first[key].at, *guess.at))
        first.setdefault(key, guess)
    return list(first.values())


def of_shares(bench: Workbench) -> Iterator[Guess]:
    """What flows through one expression of the forward is missing, or too much."""
    found = [share for share in shares(bench) if not share.whole]
    at = tuple(dict.fromkeys(k for k, _ in bench.directions(1)))
    if found:
        yield _of_share(found, bench, at)
    elif not any(np.any(bench.yours[0][k]) for k in at):
        return
    else:
        pair = pairs_of_shares(bench)
        if pair is not None:
            a, b = pair
            words = f"what flows through `{a.text}` and `{b.text}`, line {b.line}, is left out"
            yield Guess(causes.DETACHED, words, at, 0.9)


def _of_share(found: list[Share], bench: Workbench, at: tuple[str, ...]) -> Guess:
    plain = [share for share in found if share.site.kind not in {"Name", "Attribute"}]
    first, last = (plain or found)[0], found[-1]
    place = f"`{first.site.text}`{_within(bench, first.site)} (line {first.site.line})"
    if abs(first.factor) < 1e-3:
        label = _left_out(found, bench.operands)
        return Guess(label, f"what flows through {place} is left out", at, 0.5)
    sites = [share.site for share in found]
    label, words, sure = meaning(first.factor, bench, sites, lambda b: _share_of(b, last.site))
    times = f"{number(first.factor)} × its share"
    words = f"what flows through {place} is {times}: {words}"
    return Guess(label, words, at, 0.5 + 4 * (not sure))


def _within(bench: Workbench, site: Site) -> str:
    """Where a single name stands, in words: of several `x` in a line it is this one."""
    if site.kind not in {"Name", "Attribute"}:
        return ""
    whole = [
        s.text
        for s in bench.ahead.sites
        if s.file == site.file and s.span != site.span
        if s.span[0] <= site.span[0] and site.span[1] <= s.span[1]
    ]
    nearest = min(whole, key=len, default="")
    return f" in `{nearest}`" if nearest and len(nearest) <= 60 else ""


def _share_of(bench: Workbench, site: Site) -> float | None:
    """The factor of the same share on another bench."""
    return next((s.factor for s in shares(bench) if s.site.text == site.text), None)


def _left_out(found: list[Share], names: Collection[str]) -> str:
    """Whether what is left out is a term, a branch, or something computed and held constant."""
    last = found[-1].site
    if "where" in last.around[:2] and any(share.elementwise for share in found):
        return causes.BRANCH
    if found[-1].elementwise:
        return causes.TERM
    texts = " ".join(share.site.text for share in found)
    joined = last.around[:1]
    if joined[:1] == ("Div",):
        return causes.DETACHED
    if joined and joined[0] in {"Mult", "MatMult", "Pow"}:
        sums = re.search(r"\b(sum|mean|var|std|norm|softmax|sqrt|max)\(", texts)
        first = found[0].site
        computed = first.kind == "Attribute" and first.text.removeprefix("self.") not in names
        return causes.DETACHED if sums or computed else causes.TERM
    return causes.DETACHED if re.search(r"\b(mean|var|std|softmax)\(", texts) else causes.TERM


def of_constants(bench: Workbench) -> Iterator[Guess]:
    """Yours is right for another value of a constant."""
    at = tuple(k for k, _ in bench.directions(1))
    for other in other_constants(bench):
        small = 0 < abs(other.was) <= 1e-2 and abs(other.value) < 1e-3 * abs(other.was)
        if (abs(other.value) < 1e-6 and not small) or other.was == 0:
            continue  # that is a share which is left out
        whole = other.was == round(other.was) and "." not in other.site.text
        if whole and not near(other.value, round(other.value)):
            continue  # a count, an axis, an offset has no values in between
        label = causes.EPS if small else causes.CONSTANT
        value = 0 if small else other.value
        if near(other.value, 1) and other.was > 0:
            label = causes.FACTOR
        elif near(other.value, batch(bench)):
            label = causes.COUNT
        yield Guess(
            label,
            f"yours is the gradient for `{other.site.text}` = {number(value)}, "
            f"and the forward has {number(other.was)}",
            at,
            0.3 if small else 1.2 if near(other.value, round(other.value, 3)) else 2.3,
        )


def of_functions(bench: Workbench) -> Iterator[Guess]:
    """A function of the forward was not differentiated."""
    at = tuple(k for k, _ in bench.directions(1))
    for site in straight_through(bench):
        mask = "maximum(" in site.text or "minimum(" in site.text or "clip(" in site.text
        label = causes.MASK if mask else causes.COUNT if _is_mean(bench, site) else causes.CHAIN
        if "where(" not in site.text and "@" not in site.text:
            yield Guess(label, f"the derivative of `{site.text}` is left out", at, 1.0)
    for site, how in other_cases(bench):
        words = f"yours is the gradient of a forward in which `{site.text}` is {how}"
        cases = how == "turned round" or any("where(" in s.text for s in bench.ahead.sites)
        yield Guess(causes.BRANCH if cases else causes.MASK, words, at, 1.7)


def _is_mean(bench: Workbench, site: Site) -> bool:
    """Whether an expression divides by a count."""
    node = ast.parse(site.text, mode="eval").body
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return False
    divisor = ast.unparse(node.right)
    values = [v[0] for k, v in bench.before.items() if bench.ahead.sites[k].text == divisor]
    return bool(values) and bool(np.all(np.asarray(values[0]) == np.round(values[0])))


def of_repairs(bench: Workbench) -> Iterator[Guess]:
    """One change of the backward mends it."""
    for repair in repairs(bench, Catalogue(bench)):
        site, words = repair.site, repair.correction.words
        if words.endswith("in the place of it"):
            change = f"{words.removesuffix('it')}`{site.text}`"
        else:
            change = f"{'axis ' if site.role == 'axis' else ''}`{site.text}` {words}"
        names = ", ".join(f"{grad_of(name)}" for name in repair.operands)
        yield Guess(
            repair.correction.label,
            f"with {change} in line {site.line}, all of {names} is right",
            repair.operands,
            repair.correction.cost + len(site.text) * 1e-4,
        )
