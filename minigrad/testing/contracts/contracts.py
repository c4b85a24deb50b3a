"""What a layer owes its callers beside right numbers; each contract by name, each can be left out.

Half of all wrong backwards are not wrong calculus: they overwrite what is not theirs, or give an
answer only the first time.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection

from minigrad.testing.contracts import calls, kinds, memory
from minigrad.testing.contracts.memory import Broken
from minigrad.testing.contracts.trial import Trial, quiet
from minigrad.testing.evidence.evidence import Evidence
from minigrad.testing.reports import causes
from minigrad.testing.reports.findings import Finding, Verdict
from minigrad.testing.subjects.subject import Subject

CONTRACTS: dict[str, Callable[[Trial], Broken]] = {
    causes.MISSING_GRADIENT: kinds.is_missing,
    causes.NO_GRADIENT: kinds.is_none,
    causes.INTEGER_GRADIENT: kinds.integer_gradient,
    causes.WRONG_SHAPE: kinds.wrong_shape,
    causes.MUTATES_DOUT: memory.changes_dout,
    causes.MUTATES_INPUT: memory.changes_its_input,
    causes.MUTATES_OUTPUT: memory.changes_its_output,
    causes.MUTATES_PARAMETER: memory.changes_a_parameter,
    causes.ALIASES_DOUT: memory.returns_dout,
    causes.SHARES_MEMORY: memory.shares_memory,
    causes.ALIASES_BUFFER: memory.returns_its_buffer,
    causes.RANDOM_BACKWARD: calls.random_in_backward,
    causes.IGNORES_DOUT: calls.ignores_dout,
    causes.NOT_LINEAR: calls.not_linear,
    causes.ACCUMULATES: calls.adds_up,
    causes.SECOND_BACKWARD: calls.second_backward,
    causes.SHARED_STATE: calls.shared_state,
    causes.STALE_CACHE: calls.stale_cache,
    causes.STALE_PARAMETER: calls.stale_parameter,
    causes.STATE_IN_BACKWARD: calls.state_in_backward,
    causes.WRONG_DTYPE: kinds.wrong_dtype,
    causes.PROMOTES: kinds.promotes,
    causes.LAYOUT: kinds.layout,
    causes.BATCH_OF_ONE: kinds.batch_of_one,
    causes.EMPTY_BATCH: kinds.empty_batch,
    causes.NAN_AT_ZERO: kinds.not_finite_at_zero,
    causes.OVERFLOWS: kinds.overflows,
}

NOTED = {causes.PROMOTES}  # a note, unless somebody asks for it by name: it is right, and wasteful


def run(subject: Subject, evidence: Evidence | None, skip: Collection[str] = ()) -> list[Finding]:
    """Look at every contract that is not skipped: a finding for each, kept or broken.

    Args:
        subject: what is checked.
        evidence: what is known of its values; None where backward could not run.
        skip: names of contracts to leave out; they are the keys of `CONTRACTS`.

    Returns:
        One finding per contract, with its promise as the sentence, or how it was broken.

    >>> from minigrad.testing.subjects import subjects
    >>> def backward(dout):
    ...     dout *= np.cos(1.0)
    ...     return dout.copy()
    >>> subject = subjects.of_pair(np.sin, backward, np.ones(2))
    >>> [found.sentence for found in run(subject, None) if found.verdict is Verdict.FAIL][0]
    'backward overwrites it: dout[0] was -1.15755 and is -0.625427'
    """
    subject.rows = getattr(subject, "rows", ())
    trial, found = Trial(subject, evidence), []
    for name, contract in CONTRACTS.items():
        if name not in skip:
            found.append(_looked_at(name, contract, trial))
    return [one for one in found if one is not None]


def must_be_known(names: Collection[str]) -> None:
    """Refuse the name of no contract: what was to be left out would be looked at, or the reverse.

    >>> must_be_known(["return dout itself"])
    Traceback (most recent call last):
    ValueError: no contract is called 'return dout itself': did you mean 'returns dout itself'?
    """
    for name in [names] if isinstance(names, str) else names:
        if name not in CONTRACTS:
            near = difflib.get_close_matches(name, CONTRACTS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CONTRACTS)}"
            raise ValueError(f"no contract is called {name!r}: {hint}")


def _looked_at(name: str, contract: Callable[[Trial], Broken], trial: Trial) -> Finding | None:
    """The finding; none where the contract could not be looked at because something raised."""
    try:
        with quiet():
            broken = contract(trial)
    except Exception:
        return None
    if broken is None:
        promise = (contract.__doc__ or "").partition("\n")[0]
        return Finding(name, Verdict.PASS, promise)
    at, sentence = broken
    return Finding(name, Verdict.FAIL, sentence, tuple(at))
