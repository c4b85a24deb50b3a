"""A Tensor among the things that Python and its libraries do with arrays and numbers.

Each either works, with its derivative; or is a decision by nature, a constant that says so by its
type; or is refused with an error that names the remedy. Nothing loses a gradient silently.
"""

import bisect
import copy
import csv
import fractions
import functools
import io
import itertools
import json
import math
import operator
import pickle
import random
import re
import statistics

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, gradients

DATA = r"\.data"
ITEM = r"\.item\(\)"
STACK = r"np\.stack"


def vector():
    return Tensor([3.0, 1.0, 2.0])


# ---- what works, with its derivative -------------------------------------------------------------
WORKING = {  # a scalar made of the vector [3, 1, 2], and its gradient
    "list(t)": (lambda t: list(t)[-1] * 5, [0, 0, 5]),
    "tuple(t)": (lambda t: tuple(t)[1] * 5, [0, 5, 0]),
    "a, b, c = t": (lambda t: (lambda a, b, c: a * c)(*t), [2, 0, 3]),
    "first, *rest = t": (lambda t: (lambda a, *rest: sum(rest))(*t), [0, 1, 1]),
    "for row in t": (lambda t: functools.reduce(operator.mul, t), [2, 6, 3]),
    "sum(t)": (sum, [1, 1, 1]),
    "sum of a list of Tensors": (lambda t: sum([t, 2 * t])[0], [3, 0, 0]),
    "sum with a start": (lambda t: sum(t, t[0]), [2, 1, 1]),
    "max(t)": (max, [1, 0, 0]),
    "min of two": (lambda t: min(t[0], t[2]), [0, 0, 1]),
    "max with a key": (lambda t: max(t, key=lambda x: -x.item()), [0, 1, 0]),
    "sorted(t)": (lambda t: sorted(t)[1], [0, 0, 1]),
    "list.sort": (lambda t: (lambda xs: xs.sort() or xs[0])(list(t)), [0, 1, 0]),
    "reversed(t)": (lambda t: next(reversed(t)), [0, 0, 1]),
    "enumerate": (lambda t: sum(i * x for i, x in enumerate(t)), [0, 1, 2]),
    "zip": (lambda t: sum(a * b for a, b in zip(t, t, strict=True)), [6, 2, 4]),
    "map": (lambda t: sum(map(np.square, t)), [6, 2, 4]),
    "filter": (lambda t: sum(filter(lambda x: x > 1, t)), [1, 0, 1]),
    "math.prod": (math.prod, [2, 6, 3]),
    "math.prod of a list": (lambda t: math.prod([t, t])[0], [6, 0, 0]),
    "pow(t, 2)": (lambda t: pow(t, 2)[0], [6, 0, 0]),
    "abs": (lambda t: abs(-t)[0], [1, 0, 0]),
    "divmod": (lambda t: divmod(t, 2.0)[1][0], [1, 0, 0]),
    "itertools.accumulate": (lambda t: [*itertools.accumulate(t)][1], [1, 1, 0]),
    "itertools.chain": (lambda t: sum(itertools.chain(t, t)), [2, 2, 2]),
    "random.choice": (lambda t: random.Random(1).choice(t), [1, 0, 0]),
    "operator.itemgetter": (lambda t: operator.itemgetter(1)(t), [0, 1, 0]),
    "operator.add": (lambda t: operator.add(t, t)[0], [2, 0, 0]),
    "+= of a name": (lambda t: operator.iadd(t * 1, t)[0], [2, 0, 0]),
    "a number on the left": (lambda t: (2 * t - np.float64(3) / t)[1], [0, 5, 0]),
    "an array on the left": (lambda t: (np.arange(3.0) * t)[2], [0, 0, 2]),
    "fractions.Fraction as a number": (
        lambda t: (t * float(fractions.Fraction(1, 2)))[0],
        [0.5, 0, 0],
    ),
    "np.stack of rows": (lambda t: np.stack(list(t))[0], [1, 0, 0]),
    "np.array of rows, by np.stack": (lambda t: np.sum(np.stack([t[0], 1.0 * t[1]])), [1, 1, 0]),
    "np.fromfunction": (lambda t: np.fromfunction(lambda i: i * t, (3,))[2], [0, 0, 2]),
    "np.ix_ as an outer product": (lambda t: np.sum(np.multiply(*np.ix_(t, t))), [12, 12, 12]),
    "a method of an array": (lambda t: t.reshape(3, 1).T.sum(), [1, 1, 1]),
    "copy.copy of a list": (lambda t: copy.copy([t * 1])[0][0], [1, 0, 0]),
    "a dict's values": (lambda t: sum({"a": t, "b": 2 * t}.values())[0], [3, 0, 0]),
    "a dataclass's replace, a closure, a partial": (
        lambda t: functools.partial(np.multiply, t)(t)[0],
        [6, 0, 0],
    ),
    "functools.lru_cache": (lambda t: functools.lru_cache(lambda x: x[0] * 2)(t), [2, 0, 0]),
    "a conditional expression": (lambda t: t[0] * 2 if t[0] > t[1] else t[1], [2, 0, 0]),
}


@pytest.mark.parametrize("name", WORKING)
def test_it_works_with_its_derivative(name):
    f, expected = WORKING[name]
    t = vector()
    y = f(t)
    assert isinstance(y, Tensor)
    assert gradients(y, t).tolist() == expected


# ---- decisions: the type says that it is a constant ----------------------------------------------
def printed(t):
    stream = io.StringIO()
    print(t, t[0], file=stream)
    return stream.getvalue()


def written(t):
    stream = io.StringIO()
    csv.writer(stream).writerow(t.tolist())
    return stream.getvalue()


DECISIONS = {
    "bool": (lambda t: bool(t[0]), True),
    "not": (lambda t: not t[0], False),
    "int": (lambda t: int(t[0]), 3),
    "len": (len, 3),
    "item": (lambda t: t.item(1), 1.0),
    "tolist": (lambda t: t.tolist(), [3.0, 1.0, 2.0]),
    "a comparison": (lambda t: (t > 1.5).tolist(), [True, False, True]),
    "in": (lambda t: 2.0 in t, True),
    "not in": (lambda t: 7.0 not in t, True),
    "any": (any, True),
    "all": (all, True),
    "an f-string": (lambda t: f"{t[0]} {t[0]:.2f} {t[0]:>6}", "3.0 3.00    3.0"),
    "an f-string of an array": (lambda t: f"{t}", "[3. 1. 2.]"),
    "an f-string with !r": (lambda t: f"{t!r}", "Tensor([3., 1., 2.])"),
    "str": (str, "Tensor([3., 1., 2.])"),
    "%s": (lambda t: operator.mod("%s", t), "Tensor([3., 1., 2.])"),
    "%d": (lambda t: operator.mod("%d", t[0]), "3"),
    "format": (lambda t: format(t[0], ".1f"), "3.0"),
    "assert_almost_equal": (lambda t: np.testing.assert_almost_equal(t[0], 3.0), None),
    "print": (printed, "Tensor([3., 1., 2.]) Tensor(3., from getitem)\n"),
    "json of tolist": (lambda t: json.dumps({"w": t.tolist()}), '{"w": [3.0, 1.0, 2.0]}'),
    "csv of tolist": (written, "3.0,1.0,2.0\r\n"),
    "range(int(t))": (lambda t: list(range(int(t[0]))), [0, 1, 2]),
    "range(len(t))": (lambda t: list(range(len(t))), [0, 1, 2]),
    "an index by argmax": (lambda t: "abc"[np.argmax(t)], "a"),
    "an index by argsort": (lambda t: np.array([5, 6, 7])[np.argsort(t)].tolist(), [6, 7, 5]),
    "an index by a comparison": (lambda t: np.array([5, 6, 7])[t > 1].tolist(), [5, 7]),
    "np.array_equal": (lambda t: np.array_equal(t, [3, 1, 2]), True),
    "np.allclose": (lambda t: np.allclose(t, [3, 1, 2]), True),
    "np.shape": (lambda t: (np.shape(t), np.size(t), np.ndim(t)), ((3,), 3, 1)),
    "np.isscalar": (lambda t: np.isscalar(t[0]), False),
    "np.dtype": (np.dtype, np.float64),
    "np.where for places": (lambda t: np.where(t > 1)[0].tolist(), [0, 2]),
    "np.astype of integers": (lambda t: t.astype(int).tolist(), [3, 1, 2]),
    "np.testing of .data": (lambda t: np.testing.assert_allclose(t.data, [3, 1, 2]), None),
    "random of .data": (lambda t: np.random.default_rng(0).normal(t.data).shape, (3,)),
    "random of its shape": (lambda t: np.random.default_rng(0).normal(size=t.shape).shape, (3,)),
    "bisect": (lambda t: bisect.bisect([1.0, 2.0], t[2]), 2),
    "a set": (lambda t: len({t, t, vector()}), 2),
    "isinstance": (lambda t: isinstance(t, np.ndarray), False),
    "math.isclose of items": (lambda t: math.isclose(t[0].item(), 3.0), True),
    "time.sleep of an item": (lambda t: t[0].item().is_integer(), True),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_it_is_a_decision_and_its_type_says_so(name):
    f, expected = DECISIONS[name]
    found = f(vector())
    assert found == expected
    assert not isinstance(found, Tensor)


# ---- refused, with the remedy --------------------------------------------------------------------
A = np.zeros(3)
INDEX = r"int\(t\)|\.data\.astype\(int\)"
RNG = np.random.default_rng(0)
MASKED = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
CUTS = r"np\.where.*cuts off"
NET = mg.mlp([3, 1], loss=mg.MeanSquaredError(), rng=0)
REFUSED = {
    "np.asarray": (np.asarray, f"{DATA}.*{STACK}"),
    "np.array": (np.array, f"{DATA}.*{STACK}"),
    "np.array with a dtype": (lambda t: np.array(t, dtype=np.float32), DATA),
    "np.array without a copy": (lambda t: np.array(t, copy=None), DATA),
    "np.asanyarray": (np.asanyarray, DATA),
    "np.ascontiguousarray": (np.ascontiguousarray, DATA),
    "np.asfortranarray": (np.asfortranarray, DATA),
    "np.asarray_chkfinite": (np.asarray_chkfinite, DATA),
    "np.require": (np.require, DATA),
    "np.array([t1, t2])": (lambda t: np.array([t, t]), STACK),
    "np.array([t[0], 1.0])": (lambda t: np.array([t[0], 1.0]), STACK),
    "np.array of objects": (lambda t: np.array([t, None], dtype=object), STACK),
    "np.sum([t1, t2])": (lambda t: np.sum([t, t]), STACK),
    "np.mean of a list": (lambda t: np.mean([t[0], t[1]]), STACK),
    "np.full": (lambda t: np.full(3, t[0]), DATA),
    "np.full_like an array": (lambda t: np.full_like(A, t), r"np\.broadcast_to"),
    "np.append of a list": (lambda t: np.append(A, [t[0]]), STACK),
    "np.r_": (lambda t: np.r_[t, t], STACK),
    "np.c_": (lambda t: np.c_[t, t], STACK),
    "np.float64(t)": (lambda t: np.float64(t[0]), DATA),
    "np.ma.array": (np.ma.array, DATA),
    "np.ma.exp": (np.ma.exp, DATA),
    "np.ma.median": (np.ma.median, DATA),
    "a masked array * t": (lambda t: MASKED * t, DATA),
    "t * a masked array": (lambda t: t * MASKED, CUTS),
    "np.sum of a masked array and t": (lambda t: np.dot(t, MASKED), CUTS),
    "np.matrix * t": (lambda t: np.asmatrix(np.eye(3)) * t, r"np\.asarray"),
    "t @ np.matrix": (lambda t: t @ np.asmatrix(np.eye(3)), r"np\.asarray"),
    "a Tensor of a masked array": (lambda t: Tensor(MASKED), CUTS),
    "a Tensor of a matrix": (lambda t: Tensor(np.asmatrix(np.eye(3))), r"np\.asarray"),
    "grad of a masked array": (lambda t: mg.grad(np.sum)(MASKED), CUTS),
    "a masked cotangent": (lambda t: (t * 1).backward(MASKED), CUTS),
    "a masked tangent": (lambda t: mg.jvp(np.exp, t.data, MASKED), CUTS),
    "masked outputs": (lambda t: mg.mean_squared_error(MASKED, t), CUTS),
    "masked targets": (lambda t: mg.mean_squared_error(t.data, MASKED), CUTS),
    "masked classes": (lambda t: mg.softmax_cross_entropy(t.data, MASKED), CUTS),
    "differences of a masked array": (lambda t: mg.numerical_gradient(np.sum, MASKED), CUTS),
    "a masked input": (lambda t: mg.Affine(3, 1, rng=0).forward(MASKED), CUTS),
    "a masked batch": (lambda t: mg.mlp([3, 1], rng=0).predict(MASKED[None]), CUTS),
    "a masked batch to learn from": (lambda t: NET.gradient(MASKED[None], t.data[:1]), CUTS),
    "masked targets to learn from": (lambda t: NET.gradient(t.data[None], MASKED[:1]), CUTS),
    "masked targets of a loss": (lambda t: NET.loss(t.data[None], MASKED[:1]), CUTS),
    "np.polynomial.Polynomial": (np.polynomial.Polynomial, DATA),
    "np.vectorize": (lambda t: np.vectorize(math.exp)(t), DATA),
    "np.frompyfunc": (lambda t: np.frompyfunc(math.exp, 1, 1)(t), DATA),
    "np.ndenumerate": (lambda t: list(np.ndenumerate(t)), DATA),
    "np.broadcast": (lambda t: np.broadcast(t, t), DATA),
    "as_strided": (lambda t: np.lib.stride_tricks.as_strided(t, (2,)), DATA),
    "np.arange": (lambda t: np.arange(t[0]), DATA),
    "ndarray += t": (lambda t: operator.iadd(A, t), r"y = x \+ t"),
    "ndarray *= t": (lambda t: operator.imul(A, t), r"y = x \+ t"),
    "ndarray[:] = t": (lambda t: operator.setitem(A, slice(None), t), DATA),
    "ndarray[0] = t[0]": (lambda t: operator.setitem(A, 0, t[0]), f"{STACK}.*{ITEM}"),
    "ndarray.fill(t)": (lambda t: A.fill(t[0]), f"{STACK}.*{ITEM}"),
    "ndarray.dot(t)": (lambda t: A.dot(t), DATA),
    "np.fromiter": (lambda t: np.fromiter(t, float), f"{STACK}.*{ITEM}"),
    "np.put": (lambda t: np.put(A, 0, t[0]), r"x\.at\["),
    "np.copyto": (lambda t: np.copyto(A, t), r"np\.where"),
    "out=": (lambda t: np.exp(t, out=A), "use the result"),
    "out= of a constant": (lambda t: np.round(A, out=t), "use the result"),
    "out= of a constant, by position": (lambda t: np.fix(A, t), "use the result"),
    "where=": (lambda t: np.exp(t, where=[True, False, True]), r"np\.where"),
    "logaddexp.reduce": (np.logaddexp.reduce, r"mg\.logsumexp\(x, axis=axis\)"),
    "t[0] = 1": (lambda t: operator.setitem(t, 0, 1.0), r"x\.at\[index\]\.set"),
    "t.fill": (lambda t: t.fill(0.0), r"x\.at\[index\]\.set"),
    "t.sort": (lambda t: t.sort(), r"x\.at\[index\]\.set.*np\.sort"),
    "t.choose": (lambda t: t.choose([1.0]), r"np\.choose\(x\)"),
    "t.tobytes": (lambda t: t.tobytes(), r"x\.data\.tobytes"),
    "t.flat": (lambda t: t.flat, r"x\.data\.flat"),
    "shuffle": (lambda t: RNG.shuffle(t), r"x\.at\[index\]\.set"),
    "random.shuffle": (random.shuffle, r"x\.at\[index\]\.set"),
    "math.exp": (lambda t: math.exp(t[0]), rf"np\.exp.*{ITEM}"),
    "math.fsum": (math.fsum, STACK),
    "math.dist": (lambda t: math.dist(t, t), STACK),
    "math.floor": (lambda t: math.floor(t[0]), ITEM),
    "math.trunc": (lambda t: math.trunc(t[0]), r"np\.trunc"),
    "round": (lambda t: round(t[0]), r"np\.round"),
    "float": (lambda t: float(t[0]), ITEM),
    "complex": (lambda t: complex(t[0]), ITEM),
    "%f": (lambda t: operator.mod("%f", t[0]), ITEM),
    "range": (lambda t: range(t[0]), INDEX),
    "a list's index": (lambda t: [1, 2][t[0]], INDEX),
    "a list times": (lambda t: "abc"[: t[0]], INDEX),
    "an array's index": (lambda t: A[t], DATA),
    "an array's slice": (lambda t: A[: t[0]], INDEX),
    "a Tensor's index": (lambda t: t[t], INDEX),
    "an update's index": (lambda t: t.at[t].set(0.0), INDEX),
    "a part of an update's index": (lambda t: np.stack([t]).at[0, t].mul(0.0), INDEX),
    "np.take's indices": (lambda t: np.take(t, t), DATA),
    "np.insert's place": (lambda t: np.insert(A, t, 0.0), INDEX),
    "np.split's number": (lambda t: np.split(A, t[0]), INDEX),
    "np.array_split's number": (lambda t: np.array_split(t, t[0]), INDEX),
    "np.cov's counts": (lambda t: np.cov(A, fweights=t), "aweights= weighs"),
    "np.choose's numbers": (lambda t: np.choose(t, [A, A]), INDEX),
    "np.zeros(t)": (lambda t: np.zeros(t), INDEX),
    "np.eye(t)": (lambda t: np.eye(t[0]), INDEX),
    "hex": (lambda t: hex(t[0]), INDEX),
    "operator.index": (lambda t: operator.index(t[0]), INDEX),
    "bytes": (bytes, INDEX),
    "np.random with a mean": (lambda t: RNG.normal(t), DATA),
    "np.random's old functions": (lambda t: np.random.RandomState(0).normal(t), DATA),
    "permutation": (lambda t: RNG.permutation(t), DATA),
    "choice": (lambda t: RNG.choice(t), DATA),
    "np.save": (lambda t: np.save("t.npy", t), DATA),
    "np.savez": (lambda t: np.savez("t.npz", t), DATA),
    "np.savetxt": (lambda t: np.savetxt("t.txt", t), DATA),
    "assert_allclose": (lambda t: np.testing.assert_allclose(t, [3, 1, 2]), DATA),
    "assert_allclose, the other": (lambda t: np.testing.assert_allclose([3, 1, 2], t), DATA),
    "assert_array_equal": (lambda t: np.testing.assert_array_equal(t, t), DATA),
    "statistics.mean": (lambda t: statistics.fmean(t), f"{STACK}.*{ITEM}"),
    "iteration of a number": (lambda t: list(t[0]), ITEM),
    "a Tensor of a Tensor": (Tensor, r"mg\.Tensor\(t\.data\)"),
    "a Tensor of Tensors": (lambda t: Tensor([t, t]), STACK),
    "pickle of an interior node": (lambda t: pickle.dumps(t * 1), DATA),
    "copy of an interior node": (lambda t: copy.copy(t * 1), DATA),
    "deepcopy of an interior node": (lambda t: copy.deepcopy({"h": [t * 1]}), DATA),
    "inheritance": (lambda t: type("Mine", (Tensor,), {}), "hold a Tensor in an attribute"),
    "gradients of an array": (lambda t: gradients(t.data, t), r"mg\.Tensor"),
}


def told(error):
    """The message of an error and of those that caused it."""
    words = []
    while error is not None:
        words.append(str(error))
        error = error.__cause__ or error.__context__
    return " / ".join(words)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:you are shuffling", "ignore:the matrix subclass")
def test_it_is_refused_with_the_remedy(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    f, remedy = REFUSED[name]
    t = vector()
    with pytest.raises((TypeError, ValueError, AttributeError)) as found:
        f(t)
    assert t.tolist() == vector().tolist()
    assert re.search(remedy, told(found.value)), told(found.value)
    assert A.tolist() == [0.0, 0.0, 0.0]
    assert list(tmp_path.iterdir()) == []


PLAIN = {  # errors of others, who know nothing of Tensors: loud, but without a remedy
    "json": (lambda t: json.dumps({"w": t}), "Tensor is not JSON serializable"),
    "memoryview": (memoryview, "bytes-like object is required, not 'Tensor'"),
    "np.frombuffer": (np.frombuffer, "bytes-like object is required, not 'Tensor'"),
    "random.sample": (lambda t: random.sample(t, 2), "Population must be a sequence"),
    "Fraction": (lambda t: fractions.Fraction(t[0]), "Rational|number"),
    "size=": (lambda t: RNG.normal(size=t[0]), "integer"),
    "np.random.default_rng": (np.random.default_rng, "SeedSequence"),
    "a list of arrays searched": (lambda t: t in [A], "ambiguous"),
    "if t": (lambda t: 1 if t else 0, "ambiguous"),
    "np.nditer": (lambda t: list(np.nditer(t)), "Iterator"),
    "np.nditer of two": (lambda t: list(np.nditer([A, t])), "Iterator"),
    "the buffer of a file": (lambda t: io.BytesIO().write(t), "bytes-like object is required"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_others_refuse_it_too(name):
    f, words = PLAIN[name]
    with pytest.raises((TypeError, ValueError), match=words):
        f(vector())


MATH = [f for f in vars(math).values() if callable(f)]


@pytest.mark.parametrize("function", MATH, ids=lambda f: f.__name__)
def test_the_math_module_never_drops_a_gradient(function):
    t = Tensor(1.5)
    for args in ((t,), (t, t), ([t, t],), ([t, t], [t, t])):
        try:
            result = function(*args)
        except (TypeError, ValueError):
            continue
        y = result if isinstance(result, Tensor) else None
        assert y is not None, f"math.{function.__name__} gave {result!r}"
        assert np.all(gradients(y, t, np.ones(y.shape)) != 0)


DECIDING = {  # constants, or the Tensor is read as a dtype
    *("round", "round_", "common_fill_value", "ones_like", "zeros_like", "empty_like"),
    *("array", "asarray", "frombuffer", "masked_all_like"),
}
OF_MASKED = sorted({n for n in np.ma.__all__ if callable(getattr(np.ma, n))} - DECIDING)


@pytest.mark.parametrize("name", OF_MASKED)
@pytest.mark.filterwarnings("ignore")
def test_masked_arrays_never_drop_a_gradient(name):
    function, t = getattr(np.ma, name), vector()
    for args in ((t,), (MASKED, t), (t, MASKED)):
        try:
            found = function(*args)
        except Exception:  # np.ma has errors of its own
            continue
        kind = getattr(found, "dtype", np.dtype(bool)).kind
        assert isinstance(found, Tensor) or kind not in "fcO", f"np.ma.{name} gave {found!r}"


OUTER = {
    "add": (lambda t: np.add.outer(t, [1.0, 2.0, 3.0])[:, 1], [1, 1, 1]),
    "subtract": (lambda t: np.subtract.outer([[1.0, 2.0]], t)[0, 0], [-1, -1, -1]),
    "multiply": (lambda t: np.multiply.outer(t, t)[0], [9, 3, 3]),
    "accumulate": (lambda t: np.multiply.accumulate(t)[1], [1, 3, 0]),
    "accumulate along": (lambda t: np.add.accumulate(np.outer(t, [1, 2]), 1)[:, 1], [3, 3, 3]),
}


@pytest.mark.parametrize("name", OUTER)
def test_methods_of_ufuncs_have_the_derivatives_of_their_functions(name):
    f, expected = OUTER[name]
    t = vector()
    y = f(t)
    np.testing.assert_array_equal(y.data, f(t.data))
    assert gradients(np.sum(y), t).tolist() == expected


def test_an_outer_comparison_is_a_constant():
    assert np.greater.outer(vector(), [1.0, 2.0]).tolist() == [
        [True, True],
        [False, False],
        [True, False],
    ]


RANDOM = [n for n in dir(np.random.Generator) if not n.startswith(("_", "bit_gen", "spawn"))]


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.filterwarnings("ignore:you are shuffling")
def test_random_numbers_are_never_drawn_with_a_tensor(name):
    draw, t = getattr(np.random.default_rng(0), name), Tensor([0.5, 0.25])
    for args in ((t,), (t, t), (t, t, t), (1.0, t)):
        with pytest.raises((TypeError, ValueError)):
            draw(*args)


# ---- copies --------------------------------------------------------------------------------------
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "the oldest pickle": lambda x: pickle.loads(pickle.dumps(x, 2)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_leaf_is_a_leaf_of_its_own(way):
    t = Tensor([3.0, 1.0, 2.0], name="W")
    np.sum(t * t).backward()
    twin = WAYS[way](t)
    assert (twin.name, twin.tolist(), twin.grad.tolist()) == ("W", t.tolist(), [6.0, 2.0, 4.0])
    assert gradients(np.sum(twin * 2), [t, twin])[0].tolist() == [0.0, 0.0, 0.0]
    np.sum(twin).backward()
    assert t.grad.tolist() == [6.0, 2.0, 4.0]


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "the oldest pickle"])
def test_a_copied_network_computes_the_same_and_trains_alone(way):
    net = mg.mlp([3, 4, 2], rng=0)
    x, labels = np.linspace(-1, 1, 15).reshape(5, 3), np.array([0, 1, 0, 1, 1])
    net.gradient(x, labels)
    twin = WAYS[way](net)
    np.testing.assert_array_equal(twin.predict(x), net.predict(x))
    before = net.predict(x).copy()
    for name, p in twin.params.items():
        p -= twin.gradient(x, labels)[name]
    np.testing.assert_array_equal(net.predict(x), before)
    assert not np.array_equal(twin.predict(x), before)


def test_a_tensor_inside_a_container_copies_once():
    t = vector()
    twins = copy.deepcopy({"a": t, "b": [t, (t,)]})
    assert twins["a"] is twins["b"][0] is twins["b"][1][0] is not t


# ---- libraries that are not dependencies ---------------------------------------------------------
def library(name):
    return pytest.importorskip(name, reason=f"{name} is not installed, and is no dependency")


SCIPY = {
    "special.erf": lambda sp, t: sp.special.erf(t),
    "special.gammaln": lambda sp, t: sp.special.gammaln(t),
    "special.xlogy": lambda sp, t: sp.special.xlogy(t, 2.0),
    "special.expit of a list": lambda sp, t: sp.special.expit([t[0], t[1]]),
    "special.logsumexp": lambda sp, t: sp.special.logsumexp(t),
    "stats.norm.logpdf": lambda sp, t: sp.stats.norm.logpdf(t),
    "linalg.solve": lambda sp, t: sp.linalg.solve(np.eye(3), t),
    "linalg.expm": lambda sp, t: sp.linalg.expm(np.outer(A, A) + t),
    "signal.convolve": lambda sp, t: sp.signal.convolve(t, t),
    "fft.fft": lambda sp, t: sp.fft.fft(t),
    "interpolate.interp1d": lambda sp, t: sp.interpolate.interp1d([1, 2, 3], t),
    "ndimage.gaussian_filter": lambda sp, t: sp.ndimage.gaussian_filter(t, 1.0),
    "spatial.distance.cdist": lambda sp, t: sp.spatial.distance.cdist(t[:, None], t[:, None]),
    "a sparse matrix @ t": lambda sp, t: sp.sparse.eye_array(3).tocsr() @ t,
    "t * a sparse matrix": lambda sp, t: t * sp.sparse.eye_array(3).tocsr(),
    "optimize.minimize from t": lambda sp, t: sp.optimize.minimize(lambda x: np.sum(x * x), t),
    "integrate.quad of t": lambda sp, t: sp.integrate.quad(lambda x: x * t[0], 0.0, 1.0),
}


@pytest.mark.parametrize("name", SCIPY)
def test_a_function_of_scipy_without_a_rule_is_refused_with_the_remedy(name, monkeypatch):
    sp = library("scipy")
    library(f"scipy.{name.split('.')[0]}" if "." in name else "scipy.sparse")
    if "special" in vars(sp):  # another test, or the documentation, may have given erf its rule
        monkeypatch.delitem(mg.table.RULES, sp.special.erf, raising=False)
    with pytest.raises(TypeError, match=rf"mg\.defvjp|{DATA}|{ITEM}|mg\.primitive"):
        SCIPY[name](sp, vector())


def test_what_is_refused_is_called_by_its_own_name():
    special, t = library("scipy.special"), vector()
    with pytest.raises(TypeError, match=r"^gammaln with out= is not recorded: .*use the result"):
        special.gammaln(t, out=np.zeros(3))
    with pytest.raises(TypeError, match=r"^xlogy\.reduce has no derivative rule"):
        special.xlogy.reduce(t)


def test_a_ufunc_of_scipy_with_a_rule_differentiates():
    erf = library("scipy.special").erf
    known = mg.table.RULES.get(erf)
    mg.defvjp(erf, lambda g, y, x: g * (2 / math.sqrt(math.pi)) * np.exp(-(x**2)))
    try:
        t = Tensor([0.0, 0.5])
        y = erf(t)
        slope = 2 / np.sqrt(np.pi) * np.exp([0.0, -0.25])
        np.testing.assert_allclose(gradients(y, t, np.ones(2)), slope)
        first = gradients(np.sum(y), t, create_graph=True)
        second = gradients(np.sum(first), t)
        np.testing.assert_allclose(second, -2 * t.data * slope)
    finally:
        mg.table.RULES.pop(erf)
        if known is not None:
            mg.table.RULES[erf] = known


def test_scipy_minimizes_with_gradients_from_here():
    optimize = library("scipy.optimize")

    def value_and_slope(x):
        t = Tensor(x)
        y = np.sum((t - np.array([1.0, 2.0])) ** 2)
        return y.item(), gradients(y, t)

    found = optimize.minimize(value_and_slope, np.zeros(2), jac=True)
    np.testing.assert_allclose(found.x, [1.0, 2.0], atol=1e-6)


MATPLOTLIB = {
    "plot": lambda ax, t: ax.plot(t),
    "plot against": lambda ax, t: ax.plot([1, 2, 3], t),
    "scatter": lambda ax, t: ax.scatter(t, t),
    "bar": lambda ax, t: ax.bar([1, 2, 3], t),
    "imshow": lambda ax, t: ax.imshow(np.stack([t, t])),
    "hist": lambda ax, t: ax.hist(t),
    "set_xlim": lambda ax, t: ax.set_xlim(t[0], t[1]),
}


@pytest.mark.parametrize("name", MATPLOTLIB)
def test_matplotlib_is_given_data(name):
    figure = library("matplotlib.figure").Figure()
    with pytest.raises(TypeError, match=rf"{DATA}|{ITEM}"):
        MATPLOTLIB[name](figure.add_subplot(), vector())
    figure.add_subplot().plot(vector().data)


PANDAS = {
    "Series": lambda pd, t: pd.Series(t),
    "DataFrame": lambda pd, t: pd.DataFrame({"w": t}),
    "Series + t": lambda pd, t: pd.Series([1.0, 2.0, 3.0]) + t,
}


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_is_given_data(name):
    pd = library("pandas")
    try:
        found = PANDAS[name](pd, vector())
    except (TypeError, ValueError):
        return
    assert all(isinstance(x, Tensor) for x in np.ravel(found)), "a gradient was lost"


def test_scikit_learn_is_given_data():
    linear = library("sklearn.linear_model").LinearRegression()
    x = np.arange(3.0)[:, None]
    for args in ((Tensor(x), A), (x, vector())):
        with pytest.raises(TypeError, match=DATA):
            linear.fit(*args)
    assert linear.fit(x, vector().data).coef_.shape == (1,)
