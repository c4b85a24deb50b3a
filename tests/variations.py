"""What holds for a call of NumPy's when it is written in another way.

A sample of the table is called, and what NumPy hands over to Tensors is caught: the function with
its arguments, as a dict of those by place and those by name. They are then varied: an option more,
a list for an array, integers for floats.
"""

import warnings

import numpy as np

from minigrad import Tensor, gradients

OPTIONS = [  # each is NumPy's to understand, or to refuse
    *[("dtype", kind) for kind in (np.float32, np.float64, np.longdouble)],
    *[("order", order) for order in "CFK"],
    *[("casting", rule) for rule in ("no", "same_kind", "unsafe")],
    *[("subok", True), ("subok", False), ("copy", True), ("keepdims", True)],
    *[("where", True), ("where", False), ("overwrite_input", True), ("axis", 0), ("axis", -1)],
    *[("initial", 0.5), ("nonsense", None)],
]
UNSEEN = {  # where NumPy does not look for Tensors
    np.full_like: {1},
    np.polyint: {2},
    np.nanvar: {"mean"},
    np.nanstd: {"mean"},
    np.select: {"default"},
}


def caught(function, s):
    """What the sample's call with Tensors gives, and the first call of the function; or None."""
    calls = []

    def of_ufunc(self, ufunc, method, *args, **keywords):
        if ufunc is function and method == "__call__":
            calls.append(dict(enumerate(args)) | keywords)
        return by_ufunc(self, ufunc, method, *args, **keywords)

    def of_function(self, called, types, args, keywords):
        if called is function:
            calls.append(dict(enumerate(args)) | keywords)
        return by_function(self, called, types, args, keywords)

    by_ufunc, by_function = Tensor.__array_ufunc__, Tensor.__array_function__
    Tensor.__array_ufunc__, Tensor.__array_function__ = of_ufunc, of_function
    try:
        result = s.call(*s.tensors())
    finally:
        Tensor.__array_ufunc__, Tensor.__array_function__ = by_ufunc, by_function
    return result, calls[0] if calls else None


def hold(function, call, rng):
    """Try one variation of a call, drawn at random."""
    [out_is_refused, an_option_is_numpys, others_are_numbers][rng.integers(3)](function, call, rng)


# ---- variations ----------------------------------------------------------------------------------
def out_is_refused(function, call, rng):
    """A Tensor is a value: the result is not written into an array."""
    if function is np.piecewise:  # whose options are those of its functions
        return
    results = outcome(function, call)
    out = np.full(np.shape(results[0]) if results else (), np.nan)
    assert outcome(function, call | {"out": out}) is TypeError
    assert np.all(np.isnan(out))


def an_option_is_numpys(function, call, rng):
    """An option does what it does in NumPy, or is refused."""
    name, value = OPTIONS[rng.integers(len(OPTIONS))]
    varied = call | {name: value}
    found = outcome(function, varied)
    if found is not TypeError:
        as_numpy_has_it(
            found, outcome(function, values(varied)), 1e-5 if value is np.float32 else 1e-12
        )


def others_are_numbers(function, call, rng):
    """A list is read as NumPy reads it, and integers are numbers, also in the derivative."""
    everywhere = places(call)
    tensors = [place for place in everywhere if isinstance(at(call, place), Tensor)]
    seen = [place for place in tensors if place[0] not in UNSEEN.get(function, ())]
    some = [p for p in everywhere if at(call, p).ndim and at(call, p).size and seen != [p]]
    if not some:
        return
    place = some[rng.integers(len(some))]
    a = values(at(call, place))
    whole = np.rint(np.nan_to_num(a)).astype(int)
    other = [a.tolist(), whole, whole.tolist()][rng.integers(3)]
    varied = put(call, place, other)
    found, expected = outcome(function, varied), outcome(function, values(varied))
    if found is TypeError and isinstance(expected, list) and expected[0].dtype.kind == "i":
        return  # integers hold no Tensor
    as_numpy_has_it(found, expected)
    if isinstance(found, list):
        leaves = [at(call, p) for p in tensors if p != place]
        plain = outcome(function, put(call, place, np.asarray(other, float)))
        for g, h in zip(slopes(found, leaves), slopes(plain, leaves), strict=True):
            np.testing.assert_allclose(g, h, 1e-12, 1e-12)


# ---- arguments, and arrays in lists that are arguments -------------------------------------------
def places(call):
    """Where the arrays and Tensors of floats stand."""
    found = [(key,) for key, a in call.items() if is_float(a)]
    lists = [(key, a) for key, a in call.items() if isinstance(a, (list, tuple))]
    return found + [(key, k) for key, a in lists for k, x in enumerate(a) if is_float(x)]


def is_float(a):
    return isinstance(a, (Tensor, np.ndarray)) and a.dtype.kind == "f"


def at(call, place):
    """What stands at a place."""
    for key in place:
        call = call[key]
    return call


def put(call, place, value):
    """The same call with something else at that place."""
    key, *rest = place
    if rest:
        (k,), items = rest, call[key]
        value = type(items)([*items[:k], value, *items[k + 1 :]])
    return call | {key: value}


def values(x):
    """Arrays in place of Tensors."""
    if isinstance(x, dict):
        return {key: values(value) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)(map(values, x))
    return x.data if isinstance(x, Tensor) else x


# ---- what is compared ----------------------------------------------------------------------------
def outcome(function, call):
    """A list of the results; or TypeError, or None for another error."""
    args = [a for key, a in call.items() if isinstance(key, int)]
    keywords = {key: a for key, a in call.items() if isinstance(key, str)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            results = function(*args, **keywords)
        except TypeError:
            return TypeError
        except (ValueError, IndexError, ZeroDivisionError):
            return None
    return list(results) if isinstance(results, (tuple, list)) else [results]


def as_numpy_has_it(found, expected, rtol=1e-12):
    """Equal results in equal dtypes; an error where NumPy has one."""
    assert isinstance(found, list) == isinstance(expected, list)
    if isinstance(found, list):
        for a, b in zip(found, expected, strict=True):
            assert type(a) in (Tensor, type(b))
            least = np.float16 if isinstance(a, Tensor) else bool
            a, b = np.asarray(values(a)), np.asarray(b)
            assert (a.shape, a.dtype) == (b.shape, np.result_type(b, least))
            np.testing.assert_allclose(a, b, rtol, 1e-12)


def slopes(results, leaves):
    """The gradients of all results, each entry weighed by a number of its own."""
    recorded = [y for y in results if isinstance(y, Tensor)]
    with np.errstate(all="ignore"):
        total = sum(np.sum(y * np.arange(1.0, y.size + 1).reshape(y.shape)) for y in recorded)
        return gradients(total, leaves) if recorded else []
