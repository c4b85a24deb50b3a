"""A direct demonstration of each contract: given a specimen, the names that break it.

A demonstration runs fresh layers from `zoo_judge` and returns a set: of gradients (dx, dW), or of
the arrays concerned (dout, x, y, W). The empty set means that the contract is kept.
"""

import warnings
from itertools import combinations

import numpy as np
from zoo import causes
from zoo_judge import LEGACY, Run, cut, distance, numerical, right

SEED = 0
NEAR = 1e-6  # float32 is among them
WRONG = 1e-3


def others(specimen, run):
    """Other inputs of the same kind."""
    cast = {x.dtype for x in run.xs if x.dtype.kind == "f"} or {None}
    return Run(specimen, SEED + 1, cast=cast.pop()).given


def differing(found, expected):
    """The names under which two sets of gradients differ."""
    return {name for name, g in expected.items() if distance(found[name], g) > NEAR}


def tried(run, *douts):
    """The gradients, or None for each if backward fails."""
    try:
        return run.gradients(*douts)
    except Exception:
        return dict.fromkeys(run.operands)


# ---- memory --------------------------------------------------------------------------------------
def _changed(names, arrays, copies):
    pairs = zip(names, arrays, copies, strict=True)
    return {name for name, a, copy in pairs if not np.array_equal(a, copy)}


def mutates_dout(specimen):
    run = Run(specimen, SEED)
    copies = [d.copy() for d in run.douts]
    run.raw()
    return _changed(run.called("backward"), run.douts, copies)


def mutates_input(specimen):
    run = Run(specimen, SEED)
    run.raw()
    return _changed(specimen.names, run.xs, run.given)


def mutates_output(specimen):
    run = Run(specimen, SEED)
    copies = [y.copy() for y in run.ys]
    run.raw()
    return _changed(["y", "y2"][: len(copies)], run.ys, copies)


def mutates_parameter(specimen):
    run = Run(specimen, SEED)
    copies = [p.copy() for p in run.params.values()]
    run.raw()
    return _changed(run.params, run.params.values(), copies)


def _sharing(raw, arrays):
    return {n for n, g in raw.items() if any(np.shares_memory(g, a) for a in arrays)}


def _given(raw):
    return {name: g for name, g in raw.items() if g is not None}


def aliases_dout(specimen):
    run = Run(specimen, SEED)
    return _sharing(_given(run.raw()), run.douts)


def shares_memory(specimen):
    run = Run(specimen, SEED)
    raw = _given(run.raw())
    pairs = [(a, b) for a, b in combinations(raw, 2) if np.shares_memory(raw[a], raw[b])]
    found = _sharing(raw, [*run.xs, *run.ys, *run.params.values()])
    return found.union(*pairs)


def aliases_buffer(specimen):
    run = Run(specimen, SEED)
    raw, ys = _given(run.raw()), run.ys
    dxs = {name: g for name, g in raw.items() if name not in specimen.param_grads.values()}
    arrays = [*dxs.values(), *ys]
    copies = [np.array(a) for a in arrays]
    run.forward(*others(specimen, run))
    run.raw(*run.cotangents(1))
    return _changed([*dxs, "y", "y2"][: len(arrays)], arrays, copies)


# ---- calls ---------------------------------------------------------------------------------------
def second_backward(specimen):
    run = Run(specimen, SEED)
    first = run.gradients()
    return differing(tried(run), first)


def accumulates(specimen):
    run = Run(specimen, SEED)
    params = {name: p.copy() for name, p in run.params.items()}
    first = run.gradients()
    run.set(params)
    run.again()
    return {n for n in differing(tried(run), first) if n in specimen.param_grads.values()}


def stale_cache(specimen):
    fresh = Run(specimen, SEED)
    expected = fresh.gradients()
    run = Run(specimen, SEED, others(specimen, fresh))
    run.forward(*fresh.given)
    return differing(tried(run), expected)


def stale_parameter(specimen):
    run = Run(specimen, SEED)
    learned = {name: p + 0.1 * (1 + np.abs(p)) for name, p in run.params.items()}
    expected = Run(right(specimen), SEED, params=learned).gradients()
    run.set(learned)
    run.again()
    return new(differing(tried(run), expected), specimen)


def shared_state(specimen):
    expected, run = Run(specimen, SEED).gradients(), Run(specimen, SEED)
    Run(specimen, SEED, others(specimen, run))
    return differing(tried(run), expected)


def state_in_backward(specimen):
    plain, run = Run(specimen, SEED), Run(specimen, SEED)
    run.raw()
    testing = {"train_flag": False} if "train_flag" in specimen.options else {}
    a, b = (one.forward(*(x.copy() for x in one.given), **testing) for one in (plain, run))
    return {"y" for p, q in zip(a, b, strict=True) if distance(p, q) > NEAR}


def random_backward(specimen):
    run = Run(specimen, SEED)
    douts = [d.copy() for d in run.douts]
    before = run.rng.bit_generator.state, LEGACY.get_state()[2]
    first = run.gradients(*douts)
    drawn = before != (run.rng.bit_generator.state, LEGACY.get_state()[2])
    return differing(tried(run), first) if drawn else set()


def _of(specimen, douts):
    return Run(specimen, SEED).gradients(*(d.copy() for d in douts))


def not_linear(specimen):
    run = Run(specimen, SEED)
    d, e = run.cotangents(0), run.cotangents(1)
    of_d, of_e = _of(specimen, d), _of(specimen, e)
    both = _of(specimen, [np.asarray(2 * a + b) for a, b in zip(d, e, strict=True)])
    zero = _of(specimen, [np.zeros_like(a) for a in d])
    found = {n for n, g in zero.items() if g is not None and np.any(g)}
    sums = {n: None if g is None else 2 * g + of_e[n] for n, g in of_d.items()}
    sizes = [np.max(np.abs(g), initial=0) for g in of_d.values() if g is not None]
    least = 1e-6 * max(sizes, default=0)
    return found | {n for n, g in sums.items() if distance(both[n], g, least) > 5 * NEAR}


def ignores_dout(specimen):
    run = Run(specimen, SEED)
    d, e = (_of(specimen, run.cotangents(which)) for which in (0, 1))
    seen = {n for n, g in d.items() if g is not None and np.any(g)}
    return seen - {n for n in seen if distance(d[n], e[n]) > NEAR}


# ---- arrays --------------------------------------------------------------------------------------
def _kinds(specimen, cast):
    run = Run(specimen, SEED, cast=cast)
    for name, g in run.gradients().items():
        if g is not None:
            yield name, g.dtype, run.operands[name].dtype


def wrong_dtype(specimen):
    found = _kinds(specimen, np.float64)
    return {name for name, of_g, of_x in found if of_g.kind == "f" and of_g != of_x}


def promotes(specimen):
    found = _kinds(specimen, np.float32)
    return {name for name, of_g, of_x in found if of_g.kind == "f" and of_g != of_x}


def integer_gradient(specimen):
    return {name for name, of_g, _ in _kinds(specimen, None) if of_g.kind in "biu"}


def wrong_shape(specimen):
    run = Run(specimen, SEED)
    got = run.gradients()
    return {n for n, x in run.operands.items() if got[n] is not None and got[n].shape != x.shape}


def new(found, specimen):
    """What is left without the gradients that are wrong or absent in an ordinary call already."""
    ordinary = (no_gradient, missing_gradient, wrong_shape, wrong_value)
    return found.difference(*(f(specimen) for f in ordinary)) if found else found


def batch_of_one(specimen):
    if not specimen.rows or specimen.fewest > 1:
        return set()
    expected, size = numerical(specimen, SEED, 1)
    got = tried(Run(specimen, SEED, cut(specimen, SEED, 1), cast=np.float64))
    found = {n for n, g in expected.items() if distance(got[n], g, 1e-4 * size) > WRONG}
    return new(found, specimen)


def empty_batch(specimen):
    if not specimen.rows or specimen.fewest > 0:
        return set()
    run = Run(specimen, SEED, cut(specimen, SEED, 0))
    with warnings.catch_warnings(action="ignore"):
        got = tried(run)
    found = {n for n, x in run.operands.items() if distance(got[n], np.zeros(x.shape)) > 0}
    return new(found, specimen)


def _strided(x):
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def _backwards(x):
    return x[::-1].copy()[::-1]


def layout(specimen):
    plain = Run(specimen, SEED)
    expected, found = plain.gradients(), set()
    for change in (np.asfortranarray, _strided, _backwards):
        xs, douts = (
            [change(a) if a.ndim else a for a in each] for each in (plain.given, plain.douts)
        )
        try:
            found |= differing(Run(specimen, SEED, xs).gradients(*douts), expected)
        except Exception:
            return set(expected)
    return found


def no_gradient(specimen):
    return {name for name, g in Run(specimen, SEED).raw().items() if g is None}


def missing_gradient(specimen):
    run = Run(specimen, SEED)
    return set(run.operands) - set(run.raw())


def _not_finite(specimen, change):
    pairs = zip(specimen.names, Run(specimen, SEED).given, strict=True)
    with np.errstate(all="ignore"):
        xs = [x if name in specimen.fixed else change(x) for name, x in pairs]
        got = Run(specimen, SEED, xs).gradients()
    return {n for n, g in got.items() if g is not None and not np.all(np.isfinite(g))}


def nan_at_zero(specimen):
    found = _not_finite(specimen, np.zeros_like)
    return found - _not_finite(right(specimen), np.zeros_like) if found else found


def overflows(specimen):
    found = _not_finite(specimen, lambda x: 1000 * x)
    return found - _not_finite(right(specimen), lambda x: 1000 * x) if found else found


def wrong_value(specimen):
    expected, size = numerical(specimen, SEED)
    got = Run(specimen, SEED, cast=np.float64).gradients()
    got = {n: g for n, g in got.items() if g is not None and g.size == expected[n].size}
    flat = {n: (g.ravel(), expected[n].ravel()) for n, g in got.items()}
    return {n for n, (g, true) in flat.items() if distance(g, true, 1e-4 * size) > WRONG}


CONDUCT = {  # wrong numbers or not, these can be shown
    causes.MUTATES_DOUT: mutates_dout,
    causes.MUTATES_INPUT: mutates_input,
    causes.MUTATES_OUTPUT: mutates_output,
    causes.MUTATES_PARAMETER: mutates_parameter,
    causes.ALIASES_DOUT: aliases_dout,
    causes.SHARES_MEMORY: shares_memory,
    causes.ALIASES_BUFFER: aliases_buffer,
    causes.SECOND_BACKWARD: second_backward,
    causes.ACCUMULATES: accumulates,
    causes.STALE_CACHE: stale_cache,
    causes.SHARED_STATE: shared_state,
    causes.STATE_IN_BACKWARD: state_in_backward,
    causes.RANDOM_BACKWARD: random_backward,
    causes.NOT_LINEAR: not_linear,
    causes.IGNORES_DOUT: ignores_dout,
    causes.WRONG_DTYPE: wrong_dtype,
    causes.PROMOTES: promotes,
    causes.INTEGER_GRADIENT: integer_gradient,
    causes.LAYOUT: layout,
    causes.NO_GRADIENT: no_gradient,
    causes.MISSING_GRADIENT: missing_gradient,
}
OTHERWISE_RIGHT = {  # these mean something only where the numbers are right
    causes.STALE_PARAMETER: stale_parameter,
    causes.WRONG_SHAPE: wrong_shape,
    causes.BATCH_OF_ONE: batch_of_one,
    causes.EMPTY_BATCH: empty_batch,
    causes.NAN_AT_ZERO: nan_at_zero,
    causes.OVERFLOWS: overflows,
    causes.WRONG_VALUE: wrong_value,
}
