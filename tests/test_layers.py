"""Layers: three ways to write one, all first class; foreign objects; Dropout; what is refused."""

import collections
import copy
import functools
import gc
import pickle
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
import seed_notebook
from hypothesis import given
from hypothesis import strategies as st
from strategies import WAYS, ByHand, ForwardOnly, weights

import minigrad as mg

each_way = pytest.mark.parametrize("make", WAYS.values(), ids=WAYS)
a_seed = st.integers(0, 2**32 - 1)
X = np.array([[2.0, 3.0], [-1.0, 0.5]])


class Own(mg.Affine):
    """Somebody's own idea of a backward, below ours."""

    def backward(self, dout):
        return 10 * super().backward(dout)


def gradient(y, *wrt):
    return mg.gradients(np.sum(y), list(wrt))


def near(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def reference(W, b, x, dout):
    """tanh(x W + b) and its gradients by x, W and b."""
    y = np.tanh(x @ W + b)
    dz = dout * (1 - y**2)
    return y, dz @ W.T, x.T @ dz, dz.sum(axis=0)


# ---- three ways, and a wrapped foreign object ----------------------------------------------------


@each_way
@given(a_seed)
def test_every_way_has_the_same_forward_backward_and_grads(make, seed):
    rng = np.random.default_rng(seed)
    W, b = weights(3, 2, rng)
    x, dout = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    y, dx, dW, db = reference(W, b, x, dout)
    layer, given = make(W, b), dout.copy()
    near(layer.forward(x), y)
    near(layer.backward(given), dx)
    near(layer.grads["W"], dW)
    near(layer.grads["b"], db)
    assert list(layer.grads) == list(layer.params) == ["W", "b"]


@each_way
@given(a_seed)
def test_every_way_is_differentiated_inside_a_graph(make, seed):
    rng = np.random.default_rng(seed)
    W, b = weights(3, 2, rng)
    x, g = mg.Tensor(rng.normal(size=(4, 3))), rng.normal(size=(4, 2))
    layer = make(W, b)
    y = layer(x)
    found = mg.gradients(y, [x, *layer.tensors().values()], g)
    for a, expected in zip([y.data, *found], reference(W, b, x.data, g), strict=True):
        near(a, expected)


@each_way
def test_every_way_trains_in_a_network_and_is_checked_by_numbers(make):
    net = mg.Sequential(make(*weights(2, 3, 0)), make(*weights(3, 2, 1)), loss=mg.SoftmaxWithLoss())
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    x, t, before = X, np.array([0, 1]), net.loss(X, np.array([0, 1]))
    numerical = net.numerical_gradient(x, t)
    for name, g in net.gradient(x, t).items():
        np.testing.assert_allclose(g, numerical[name], rtol=1e-6, atol=1e-9)
    for _ in range(20):
        mg.SGD(lr=0.5).update(net.params, net.gradient(x, t))
    assert net.loss(x, t) < before / 2


@each_way
def test_a_layer_used_twice_in_one_graph_keeps_a_cache_per_call(make):
    W, b = weights(2, 2, 0)
    layer, plain = make(W, b), ForwardOnly(W, b)
    x = mg.Tensor(X)
    found = gradient(layer(layer(x)) * layer(x + 1), x, *layer.tensors().values())
    expected = gradient(plain(plain(x)) * plain(x + 1), x, *plain.tensors().values())
    for a, e in zip(found, expected, strict=True):
        near(a, e)


@each_way
def test_every_way_may_be_used_by_several_threads_at_once(make):
    net = mg.Sequential(make(*weights(2, 3, 0)), make(*weights(3, 2, 1)), loss=mg.SoftmaxWithLoss())
    batches = [(X * k, np.array([0, 1])) for k in (1.0, -1.0, 2.0)] * 10
    expected = [net.gradient(*batch) for batch in batches]
    pause = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(lambda batch: net.gradient(*batch), batches))
    finally:
        sys.setswitchinterval(pause)
    for mine, theirs in zip(found, expected, strict=True):
        assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)


@each_way
def test_a_graph_survives_that_its_layer_is_called_again_with_another_batch(make):
    W, b = weights(2, 3, 0)
    layer, x = make(W, b), mg.Tensor(X)
    y = layer(x)
    layer(mg.Tensor(np.ones((5, 2))))
    layer.forward(np.zeros((1, 2)))
    first = gradient(y, x, *layer.tensors().values())
    for a, e in zip(first, reference(W, b, X, np.ones((2, 3)))[1:], strict=True):
        near(a, e)
    for a, e in zip(gradient(y, x, *layer.tensors().values()), first, strict=True):
        assert np.array_equal(a, e)


@each_way
def test_backward_belongs_to_the_latest_forward(make):
    W, b = weights(2, 3, 0)
    layer = make(W, b)
    layer.forward(np.ones((5, 2)))
    layer.forward(X)
    near(layer.backward(np.ones((2, 3))), reference(W, b, X, np.ones((2, 3)))[1])


@each_way
def test_a_layer_twice_in_a_network_is_one_set_of_parameters(make):
    layer = make(*weights(2, 2, 0))
    net = mg.Sequential(layer, mg.Tanh(), layer, loss=mg.MeanSquaredError())
    assert list(net.params) == ["W1", "b1"]
    numerical = net.numerical_gradient(X, X)
    for name, g in net.gradient(X, X).items():
        np.testing.assert_allclose(g, numerical[name], rtol=1e-6, atol=1e-9)


@each_way
def test_params_write_through_and_older_graphs_refuse(make):
    layer, x = make(*weights(2, 2, 0)), mg.Tensor(X)
    y = layer(x)
    layer.params["b"] -= 1.0
    with pytest.raises(RuntimeError, match=r"parameter b.*written after"):
        gradient(y, x)
    W, b = weights(2, 2, 0)
    near(layer.forward(X), np.tanh(X @ W + b - 1))


@pytest.mark.parametrize("make", [ForwardOnly, WAYS["a primitive"], WAYS["wrapped"]])
def test_backward_after_a_parameter_was_replaced_is_refused(make):
    layer = make(*weights(2, 2, 0))
    layer.forward(X)
    if make is WAYS["wrapped"]:
        layer.layer.W = np.zeros((2, 2))
    else:
        layer.W = mg.Tensor(np.zeros((2, 2)))
    with pytest.raises(RuntimeError, match="forward"):
        layer.backward(np.ones((2, 2)))


@pytest.mark.parametrize("value", [np.ones((2, 2)), [[1.0, 0.0], [0.0, 1.0]], 2.0, np.float64(2)])
def test_numbers_in_place_of_a_parameter_are_refused(value):
    layer = ForwardOnly(*weights(2, 2, 0))
    with pytest.raises(TypeError, match=r"W is a parameter.*params\['W'\].*mg\.Tensor"):
        layer.W = value
    assert list(layer.params) == ["W", "b"]


@each_way
def test_copies_after_forward_are_equal_and_independent(make):
    layer = make(*weights(2, 2, 0))
    layer.forward(X)
    gradient(layer(mg.Tensor(X)), *layer.tensors().values())
    copies = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    expected = layer.forward(X)
    layer.params["W"] = np.zeros((2, 2))
    for twin in copies:
        assert np.array_equal(twin.forward(X), expected)
        assert np.array_equal(twin(mg.Tensor(X)).data, expected)


@each_way
def test_arrays_of_a_caller_are_left_alone(make):
    layer, x, dout = make(*weights(2, 2, 0)), X.copy(), np.ones((2, 2))
    y = layer(mg.Tensor(x))
    mg.gradients(y, list(layer.tensors().values()), dout)
    assert np.array_equal(x, X)
    assert np.array_equal(dout, np.ones((2, 2)))


def test_a_layer_that_keeps_its_input_gains_no_parameter():
    class Keeps(ForwardOnly):
        def __call__(self, x):
            self.x, self.seen = x, [x]
            return super().__call__(x)

    layer = Keeps(*weights(2, 2, 0))
    layer.forward(X)
    layer.backward(np.ones((2, 2)))
    assert list(layer.params) == list(layer.grads) == ["W", "b"]


@each_way
def test_a_dropped_layer_is_freed_without_the_collector(make):
    layer = make(*weights(2, 2, 0))
    net = mg.Sequential(layer, loss=mg.MeanSquaredError())
    layer(mg.Tensor(X))
    layer.forward(X)
    layer.backward(X)
    net.gradient(X, X)
    net.numerical_gradient(X, X)
    watched = [weakref.ref(layer), weakref.ref(net)]
    gc.disable()
    try:
        del layer, net
        assert [ref() for ref in watched] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("make", [ForwardOnly, WAYS["a primitive"]])
def test_what_is_written_in_numpy_has_second_derivatives(make):
    layer, x = make(*weights(2, 2, 0)), mg.Tensor(X)
    slope = mg.gradients(np.sum(layer(x)), x, create_graph=True)
    second = mg.gradients(np.sum(slope), x)

    def total(x):
        x = mg.Tensor(x)
        return mg.gradients(np.sum(layer(x)), x).sum()

    np.testing.assert_allclose(second, mg.numerical_gradient(total, X.copy()), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("make", [ByHand, WAYS["wrapped"], lambda W, b: Own(2, 2, rng=0)])
def test_a_hand_written_backward_says_that_it_has_no_derivative(make):
    layer, x = make(*weights(2, 2, 0)), mg.Tensor(X)
    with pytest.raises(TypeError, match=r"by hand .*create_graph=True.* __call__ in NumPy"):
        mg.gradients(np.sum(layer(x)), x, create_graph=True)


# ---- which way a class is written ----------------------------------------------------------------


def call(self, x):
    return x * 2.0


def forward(self, x):
    return x * 3.0


def backward(self, dout):
    return dout * 3.0


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"forward": forward}, "defines forward and no backward"),
        ({"backward": backward}, "defines backward and no forward"),
        ({"__call__": call, "forward": forward, "backward": backward}, "write a layer one way"),
        ({"__call__": call, "forward": forward}, "write a layer one way"),
        ({"__call__": call, "backward": backward}, "write a layer one way"),
        ({}, "says nowhere what it computes"),
    ],
)
def test_a_class_that_is_written_in_no_one_way_is_refused_when_it_is_made(members, words):
    with pytest.raises(TypeError, match=f"Mine .*{words}"):
        type("Mine", (mg.Layer,), members)


def test_a_forward_alone_below_a_call_is_refused_when_it_is_made():
    with pytest.raises(TypeError, match="defines forward and no backward"):
        type("Mine", (mg.Affine,), {"forward": forward})


def both_doors(layer):
    """One number from the book's protocol, one from the graph, for values and for gradients."""
    x, ones = mg.Tensor(np.ones(2)), np.ones(2)
    y = layer(x)
    return layer.forward(ones)[0], y.data[0], layer.backward(ones)[0], mg.gradients(y, x, ones)[0]


def test_the_nearest_class_that_defines_a_way_decides():
    Call = type("Call", (mg.Layer,), {"__call__": call})
    Hand = type("Hand", (Call,), {"forward": forward, "backward": backward})
    Back = type("Back", (Hand,), {"backward": lambda self, dout: dout * 4.0})
    Again = type("Again", (Back,), {"__call__": lambda self, x: x * 5.0})
    Last = type("Last", (Again,), {})
    assert both_doors(Call()) == (2, 2, 2, 2)
    assert both_doors(Hand()) == (3, 3, 3, 3)
    assert both_doors(Back()) == (3, 3, 4, 4)
    assert both_doors(Again()) == (5, 5, 5, 5)
    assert both_doors(Last()) == (5, 5, 5, 5)


@pytest.mark.parametrize(
    "members", [{"__call__": call}, {"forward": forward, "backward": backward}]
)
def test_a_class_beside_layer_may_bring_the_way(members):
    Beside = type("Beside", (), members)
    layer = type("Mine", (Beside, mg.Layer), {})()
    assert both_doors(layer) == both_doors(type("Mine", (mg.Layer,), members)())


def test_the_notes_dropout_becomes_a_layer_by_inheritance():
    layer = type("Mine", (seed_notebook.Dropout, mg.Layer), {})(0.5)
    assert layer.takes_train_flag
    assert np.array_equal(layer(X, train_flag=False), X / 2)


def test_a_backward_below_ours_is_used_through_every_door():
    ours, theirs = (kind(2, 3, rng=0) for kind in (mg.Affine, Own))
    x = mg.Tensor(X)
    dx, dW = gradient(ours(x), x, ours.W)
    assert np.array_equal(gradient(theirs(x), x)[0], 10 * dx)
    assert np.array_equal(theirs.forward(X), ours.forward(X))
    assert np.array_equal(theirs.backward(np.ones((2, 3))), 10 * dx)
    assert np.array_equal(theirs.grads["W"], dW)
    nets = [
        mg.Sequential(mg.Affine(2, 2, rng=1), layer, loss=mg.MeanSquaredError())
        for layer in (ours, theirs)
    ]
    grads, scaled = (net.gradient(X, np.ones((2, 3))) for net in nets)
    near(scaled["W1"], 10 * grads["W1"])
    near(scaled["W2"], grads["W2"])


def test_a_backward_below_our_sequential_is_used():
    class Doubled(mg.Sequential):
        def backward(self, dout):
            return 2 * super().backward(dout)

    plain = mg.Sequential(mg.Affine(2, 2, rng=0), mg.Tanh())
    doubled, x = Doubled(*copy.deepcopy(plain).layers), mg.Tensor(X)
    (dx, dW), (dx2, dW2) = (gradient(n(x), x, n.tensors()["W1"]) for n in (plain, doubled))
    near(dx2, 2 * dx)
    near(dW2, dW)


# ---- the book's classes, and others' -------------------------------------------------------------


class BookRelu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class BookSoftmaxWithLoss:
    def forward(self, x, t):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y, self.t = e / e.sum(axis=-1, keepdims=True), t
        return -np.sum(np.log(self.y[np.arange(len(t)), t])) / len(t)

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


class MulLayer:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x


class AddLayer:
    def forward(self, x, y):
        return x + y

    def backward(self, dout):
        return dout * 1, dout * 1


class BookAffine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


def test_the_books_layers_make_the_same_network_as_ours():
    ours = mg.mlp([2, 4, 3], rng=0)
    W1, b1, W2, b2 = (p.copy() for p in ours.params.values())
    names = {"W": "dW", "b": "db"}
    theirs = mg.Sequential(
        mg.wrap(BookAffine(W1, b1), param_grads=names),
        BookRelu(),
        mg.wrap(BookAffine(W2, b2), param_grads=names),
        loss=BookSoftmaxWithLoss(),
    )
    x, t = np.random.default_rng(0).normal(size=(5, 2)), np.array([0, 1, 2, 1, 0])
    assert theirs.loss(x, t) == pytest.approx(ours.loss(x, t), rel=1e-12)
    near(theirs.predict(x), ours.predict(x))
    expected = ours.gradient(x, t)
    assert list(theirs.params) == list(ours.params)
    for name, g in theirs.gradient(x, t).items():
        near(g, expected[name])


def test_a_wrapped_layer_shares_its_arrays_with_its_object():
    book = BookAffine(*weights(2, 3, 0))
    layer = mg.wrap(book, param_grads={"W": "dW", "b": "db"})
    layer.params["W"] -= 1.0
    assert layer.params["W"] is book.W
    book.W = np.zeros((2, 3))
    assert np.array_equal(layer.params["W"], book.W)
    near(layer.forward(X), np.zeros((2, 3)) + book.b)


def test_apples_and_oranges_have_the_books_gradients():
    price, count, tax = mg.Tensor(100.0), mg.Tensor(2.0), mg.Tensor(1.1)
    other_price, other_count = mg.Tensor(150.0), mg.Tensor(3.0)
    mul, add = mg.wrap(MulLayer()), mg.wrap(AddLayer())  # one layer of each, used again and again
    total = mul(add(mul(price, count), mul(other_price, other_count)), tax)
    wrt = [price, count, other_price, other_count, tax]
    assert total.item() == pytest.approx(715)
    near(mg.gradients(total, wrt), [2.2, 110, 3.3, 165, 650])


def test_a_layer_of_two_inputs_has_two_gradients_in_the_books_protocol():
    layer = mg.wrap(MulLayer())
    assert layer.forward(np.array(3.0), np.array(4.0)) == 12
    assert layer.backward(np.array(2.0)) == (8, 6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (BookRelu, r"brackets behind it, BookRelu\(\)"),
        (None, "forward and backward"),
        (3, "forward and backward"),
        (np.tanh, r"mg\.Tanh\(\)"),
        ([mg.ReLU()], "unpack"),
        (mg.ReLU, r"brackets behind it, mg\.ReLU\(\)"),
    ],
)
def test_what_is_no_layer_is_refused(wrong, words):
    for take in (mg.wrap, mg.Sequential):
        with pytest.raises(TypeError, match=words):
            take(wrong)


def test_param_grads_must_name_arrays_of_floats():
    for param_grads in ({"V": "dV"}, {"mask": "dmask"}):
        with pytest.raises(TypeError, match=r"BookRelu names '(V|mask)'"):
            mg.wrap(BookRelu(), param_grads)
    with pytest.raises(TypeError, match="names 'W', which must be an array of floats"):
        mg.wrap(BookAffine(np.ones((2, 2), int), np.ones(2)), {"W": "dW"})
    with pytest.raises(TypeError, match=r"ReLU\(\) is a layer already"):
        mg.wrap(mg.ReLU(), {"W": "dW"})


class Scaled:
    """Multiplies by numbers that it keeps somewhere: a parameter, or not?"""

    def forward(self, x):
        return x * self.k()

    def backward(self, dout):
        return dout * self.k()


def scaled(k, **members):
    """A foreign object with members, whose k() finds the array among them."""
    layer = type("Scaled", (Scaled,), {"k": k, "__slots__": ("W",) if "W" in members else ()})()
    for name, value in members.items():
        setattr(layer, name, value)
    return layer


K = np.ones(2)
HOLDERS = {
    "an attribute": scaled(lambda self: self.k_, k_=K),
    "a list (the book's volume 2)": scaled(lambda self: self.weights[0], weights=[K]),
    "a dict": scaled(lambda self: self.weights["k"], weights={"k": K}),
    "an inner object": scaled(lambda self: self.inner.W, inner=BookAffine(K, K)),
    "a slot": scaled(lambda self: self.W, W=K),
}


@pytest.mark.parametrize("layer", HOLDERS.values(), ids=HOLDERS)
def test_a_foreign_object_that_holds_floats_is_asked_about(layer):
    with pytest.raises(TypeError, match=r"Scaled .*mg\.wrap\(layer, param_grads"):
        mg.Sequential(layer)
    assert mg.Sequential(mg.wrap(layer)).predict(np.ones((1, 2))).tolist() == [[1, 1]]


# ---- caches of every kind ------------------------------------------------------------------------


class Square:
    """x², with x kept by `keep` and found by `get`."""

    def forward(self, x):
        self.keep(x)
        return x * x

    def backward(self, dout):
        return dout * 2 * self.get()


class Attribute(Square):
    def keep(self, x):
        self.x = x

    def get(self):
        return self.x


class Slot:
    __slots__ = ("x",)

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dout):
        return dout * 2 * self.x


class FilledInPlace(Square):
    x = None

    def keep(self, x):
        if self.x is None:
            self.x = x.copy()
        self.x[...] = x

    def get(self):
        return self.x


class FilledInPlaceIsTheFirstInput(FilledInPlace):
    def keep(self, x):
        if self.x is None:
            self.x = x
        self.x[...] = x


class Stack(Square):
    make = list

    def __init__(self):
        self.stack = self.make()

    def keep(self, x):
        self.stack.append(x)

    def get(self):
        return self.stack.pop()


class Deque(Stack):
    make = collections.deque


class Dict(Square):
    make = dict

    def __init__(self):
        self.cache = self.make()

    def keep(self, x):
        self.cache["x"] = x

    def get(self):
        return self.cache["x"]


class DefaultDict(Dict):
    make = functools.partial(collections.defaultdict, list)


class DictFilledInPlace(Dict):
    make = collections.OrderedDict

    def keep(self, x):
        self.cache.setdefault("x", x.copy())[...] = x


class ClassDict(Dict):
    cache: ClassVar = {}

    def __init__(self):
        pass


class NamedTuple(Square):
    kind = collections.namedtuple("kind", "x")
    kept = None

    def keep(self, x):
        self.kept = self.kept or self.kind(x.copy())
        self.kept.x[...] = x

    def get(self):
        return self.kept.x


class ArrayOfArrays(Square):
    def __init__(self):
        self.kept = np.empty(1, object)

    def keep(self, x):
        if self.kept[0] is None:
            self.kept[0] = x.copy()
        self.kept[0][...] = x

    def get(self):
        return self.kept[0]


class Inner(Square):
    def __init__(self):
        self.inner = FilledInPlace()

    def keep(self, x):
        self.inner.keep(x)

    def get(self):
        return self.inner.x


class Closure(Square):
    def keep(self, x):
        self.get = lambda: x


class ClosureOverSelf(Attribute):
    def keep(self, x):
        self.x, self.get = x, lambda: self.x


class ClosureOverBuffer(FilledInPlace):
    def keep(self, x):
        super().keep(x)
        buffer = self.x
        self.get = lambda: buffer


class ClosureInDict(Dict):
    def keep(self, x):
        self.x = x
        self.cache["x"] = lambda: self.x

    def get(self):
        return self.cache["x"]()


class ClosureByDefault(Attribute):
    def keep(self, x):
        self.x = x
        self.get = lambda layer=self: layer.x


class BoundMethod(Attribute):
    def keep(self, x):
        self.x, self.found = x, self.get

    def backward(self, dout):
        return dout * 2 * self.found()


class Partial(Square):
    def keep(self, x):
        self.get = functools.partial(np.positive, x)


class Generator:
    def forward(self, x):
        def pull():
            dout = yield
            yield dout * 2 * x

        self.pull = pull()
        next(self.pull)
        return x * x

    def backward(self, dout):
        return self.pull.send(dout)


class PreallocatedOutput(Attribute):
    out = None

    def forward(self, x):
        self.x = x
        self.out = np.empty_like(x) if self.out is None else self.out
        return np.multiply(x, x, out=self.out)


class PreallocatedGradient(Attribute):
    dx = None

    def backward(self, dout):
        self.dx = np.empty_like(dout) if self.dx is None else self.dx
        return np.multiply(dout, 2 * self.x, out=self.dx)


class WritesIntoItsInput(Attribute):
    def forward(self, x):
        self.x = x.copy()
        x *= x
        return x


class WritesIntoItsGradient(Attribute):
    def backward(self, dout):
        dout *= 2 * self.x
        return dout


class UsesItsCacheUp(Attribute):
    def backward(self, dout):
        self.x *= 2 * dout
        return self.x


CACHES = [Attribute, Slot, FilledInPlace, FilledInPlaceIsTheFirstInput, Stack, Deque, Dict]
CACHES += [DefaultDict, DictFilledInPlace, ClassDict, NamedTuple, ArrayOfArrays, Inner, Closure]
CACHES += [
    ClosureOverSelf,
    ClosureOverBuffer,
    ClosureInDict,
    ClosureByDefault,
    BoundMethod,
    Partial,
    Generator,
    PreallocatedOutput,
]
CACHES += [PreallocatedGradient, WritesIntoItsInput, WritesIntoItsGradient, UsesItsCacheUp]
MAY_BE_REFUSED = {Generator, ClassDict, ClosureOverSelf, ClosureOverBuffer, ClosureInDict}
MUST_WORK = set(CACHES) - MAY_BE_REFUSED - {ClosureByDefault}


def refused(kind, work):
    """Whether `work` is refused with a TypeError that names the class."""
    try:
        work()
    except TypeError as refusal:
        return kind.__name__ in str(refusal) and kind not in MUST_WORK
    return False


@pytest.mark.parametrize("kind", CACHES)
def test_a_cache_of_any_kind_belongs_to_its_call_or_is_refused_by_name(kind):
    layer, x, z = mg.wrap(kind()), mg.Tensor(X), mg.Tensor(X + 5)
    if refused(kind, lambda: layer(layer(x))):
        return
    first, second, chain = layer(x), layer(z), layer(layer(x))
    for _ in range(2):  # a second backward finds the caches as the first did
        near(gradient(chain, x)[0], 4 * X**3)
        near(gradient(first, x)[0], 2 * X)
        near(gradient(second, z)[0], 2 * (X + 5))
    near(chain.data, X**4)
    near(first.data, X**2)
    assert np.array_equal(x.data, X)


@pytest.mark.parametrize("kind", CACHES)
def test_two_layers_of_one_class_have_a_cache_each(kind):
    layers, x = [mg.wrap(kind()), mg.wrap(kind())], mg.Tensor(X)
    if refused(kind, lambda: layers[0](x)):
        return
    first, second = layers[0](x), layers[1](x + 1)
    near(gradient(first, x)[0], 2 * X)
    near(gradient(second, x)[0], 2 * (X + 1))


@pytest.mark.parametrize("kind", sorted(MUST_WORK, key=CACHES.index))
def test_a_foreign_layer_stands_twice_in_a_network(kind):
    square = kind()
    net = mg.Sequential(mg.Affine(2, 2, rng=0), square, mg.Affine(2, 2, rng=1), square)
    net.loss_layer = mg.MeanSquaredError()
    numerical = net.numerical_gradient(X, X)
    for name, g in net.gradient(X, X).items():
        np.testing.assert_allclose(g, numerical[name], rtol=1e-5, atol=1e-7)
    assert np.array_equal(net.predict(X), net.predict(X))


# ---- hand-written layers that are wrong ----------------------------------------------------------


def by_hand(forward=lambda self, x: x * 1.0, backward=lambda self, dout: dout):
    return type("Mine", (mg.Layer,), {"forward": forward, "backward": backward})()


@pytest.mark.parametrize(
    ("result", "error", "words"),
    [
        (
            lambda self, d: d.sum(axis=0),
            ValueError,
            r"Mine\.backward .*\(2,\) for input 0 .*\(2, 2\)",
        ),
        (lambda self, d: d[None], ValueError, r"Mine\.backward .*\(1, 2, 2\) for input 0"),
        (lambda self, d: d.sum(), ValueError, r"Mine\.backward .*\(\) for input 0"),
        (lambda self, d: None, TypeError, r"Mine\.backward made no gradient for input 0"),
        (lambda self, d: (d, d), (TypeError, ValueError), r"Mine\.backward .*2 .*1"),
    ],
    ids=range(5),
)
def test_a_wrong_gradient_is_refused_by_the_name_of_its_layer(result, error, words):
    x = mg.Tensor(X)
    with pytest.raises(error, match=words):
        gradient(by_hand(backward=result)(x), x)


def test_a_wrong_gradient_of_a_parameter_is_refused_by_name():
    Swapped = type("Swapped", (ByHand,), {"param_grads": {"W": "db", "b": "dW"}})
    layer, x = Swapped(*weights(2, 3, 0)), mg.Tensor(X)
    with pytest.raises(ValueError, match=r"Swapped\.backward .*for W of shape \(2, 3\)"):
        gradient(layer(x), x, layer.tensors()["W"])


def test_a_gradient_that_is_the_layers_own_array_is_copied():
    class Dot(mg.Layer):
        """The number x·W, whose gradients are W and x themselves."""

        param_grads: ClassVar = {"W": "dW"}

        def __init__(self):
            self.W = np.array([1.0, 2.0])

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, dout):
            self.dW = self.x
            return self.W

    layer, x = Dot(), mg.Tensor([3.0, 4.0])
    dx, dW = mg.gradients(layer(x), [x, layer.tensors()["W"]])
    dx[...], dW[...] = 0, 0
    assert layer.W.tolist() == [1, 2]
    assert x.tolist() == [3, 4]


def test_a_missing_gradient_of_a_parameter_is_refused_by_name():
    layer = mg.wrap(BookAffine(*weights(2, 3, 0)), {"W": "dW", "b": "dB"})
    with pytest.raises(TypeError, match=r"BookAffine\.backward made no gradient for b"):
        gradient(layer(mg.Tensor(X)), layer.tensors()["W"])


@pytest.mark.parametrize("result", [None, "text", 3, np.ones(2, int)])
def test_a_forward_that_makes_no_floats_is_refused_by_name(result):
    with pytest.raises(TypeError, match=r"Mine\.forward must return an array of floats"):
        by_hand(forward=lambda self, x: result)(mg.Tensor(X))


# ---- the book's protocol -------------------------------------------------------------------------

OURS = [mg.Affine(2, 3, rng=0), mg.Affine(2, 3, bias=False, rng=0), mg.ReLU(), mg.LeakyReLU()]
OURS += [mg.ELU(), mg.Sigmoid(), mg.Tanh(), mg.GELU(), mg.SiLU(), mg.Softplus(), mg.Softmax()]
OURS += [mg.Flatten(), mg.Dropout(rng=0), mg.mlp([2, 3], rng=0)]
each_layer = pytest.mark.parametrize("layer", OURS, ids=lambda layer: repr(layer).split("\n")[0])


LOSSES = [mg.SoftmaxWithLoss(), mg.SigmoidWithLoss(), mg.MeanSquaredError()]


def test_every_layer_of_ours_is_tested_here():
    kinds = {getattr(mg.layers, name) for name in mg.layers.__all__}
    layers = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, mg.Layer)}
    tested = {type(layer) for layer in (*OURS, *LOSSES)}
    assert tested - {mg.Sequential} == layers - {mg.Layer, mg.Loss}


@each_layer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_a_layer_goes_in_and_out(layer, dtype):
    layer = mg.Sequential(copy.deepcopy(layer)).astype(dtype)[0]
    y = layer.forward(X.astype(dtype))
    assert (y.dtype, layer.backward(np.ones(y.shape)).dtype) == (dtype, dtype)
    assert {g.dtype for g in layer.grads.values()} <= {np.dtype(dtype)}


@each_layer
def test_a_layer_agrees_with_finite_differences(layer):
    layer, x = copy.deepcopy(layer), np.random.default_rng(3).normal(size=(3, 2))
    dout = np.random.default_rng(0).normal(size=layer.forward(x).shape)
    twin = copy.deepcopy(layer)
    layer.forward(x)
    numerical = mg.numerical_gradient(
        lambda x: np.sum(copy.deepcopy(twin).forward(x) * dout), x.copy()
    )
    np.testing.assert_allclose(layer.backward(dout), numerical, rtol=1e-6, atol=1e-8)


@each_layer
def test_backward_needs_a_forward_before_it(layer):
    with pytest.raises(RuntimeError, match=r"backward needs a forward before it"):
        copy.deepcopy(layer).backward(np.ones((2, 3)))


@each_layer
def test_a_dout_of_another_shape_is_refused_with_layer_and_shapes(layer):
    layer = copy.deepcopy(layer)
    y = layer.forward(X)
    with pytest.raises(ValueError, match=r"\(7, 1\).*") as refusal:
        layer.backward(np.ones((7, 1)))
    assert type(layer).__name__ in str(refusal.value)
    assert str(y.shape) in str(refusal.value)


@each_layer
def test_forward_takes_arrays_and_gives_arrays_of_its_own(layer):
    layer, x = copy.deepcopy(layer), X.copy()
    y = layer.forward(x)
    assert type(y) is np.ndarray
    assert not np.shares_memory(y, x)
    dx = layer.backward(dout := np.ones(y.shape))
    assert type(dx) is np.ndarray
    assert dx.shape == x.shape
    y[...], x[...], dout[...], dx[...] = 0, 0, 0, 0
    again = layer.backward(np.ones(y.shape))
    assert np.any(again) or type(layer) in (mg.ReLU, mg.Softmax, mg.Dropout)
    with pytest.raises(TypeError, match="takes arrays: for Tensors call the layer itself"):
        layer.forward(mg.Tensor(X))


@each_layer
def test_a_layer_prints_in_one_readable_line_or_one_line_for_each_part(layer):
    assert all(len(line) < 60 for line in repr(layer).splitlines())
    assert repr(layer).startswith(type(layer).__name__ + "(")
    assert "object at" not in repr(layer)


@each_layer
def test_forward_agrees_with_the_call_and_backward_with_the_graph(layer):
    twins = [copy.deepcopy(layer) for _ in range(2)]
    x = mg.Tensor(X)
    y = twins[0](x)
    assert np.array_equal(twins[1].forward(X), y.data)
    g = np.random.default_rng(0).normal(size=y.shape)
    dx, *grads = mg.gradients(y, [x, *twins[0].tensors().values()], g)
    assert np.array_equal(twins[1].backward(g), dx)
    for name, found in zip(twins[1].grads, grads, strict=True):
        assert np.array_equal(twins[1].grads[name], found)


def test_a_loss_is_a_layer_whose_dout_may_be_left_out():
    for loss, t in zip(LOSSES, [np.array([0, 1]), np.eye(2), X + 1], strict=True):
        value = loss.forward(X, t)
        assert np.shape(value) == ()
        dx = loss.backward()
        assert dx.shape == X.shape
        near(loss.backward(dout=2.0), 2 * dx)


def test_an_affine_refuses_what_does_not_fit_by_both_shapes():
    for bias in (True, False):
        layer = mg.Affine(3, 2, bias=bias)
        with pytest.raises(ValueError, match=r"x \(2, 2\) has 2 features .* W \(3, 2\) takes 3"):
            layer.forward(X)
        with pytest.raises(TypeError, match=r"floats, not int64.*astype"):
            layer.forward(np.ones((2, 3), int))


@pytest.mark.parametrize("sizes", [(0, 2), (2, -1), (2.0, 3), ("2", 3), (None, 2)])
def test_an_affine_has_positive_sizes(sizes):
    with pytest.raises(ValueError, match=r"Affine: n_(in|out) must be a positive integer, not"):
        mg.Affine(*sizes)


@pytest.mark.parametrize("made", [np.ones((3, 3)), np.ones(2), 1.0])
def test_an_initializer_must_make_the_shape_it_is_asked_for(made):
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        mg.Affine(2, 3, init=lambda shape, rng: made)


def test_an_affine_without_bias_is_a_product():
    layer = mg.Affine(2, 3, bias=False, rng=0)
    assert list(layer.params) == ["W"]
    assert np.array_equal(layer.forward(X), X @ layer.params["W"])


@pytest.mark.parametrize("shape", [(2,), (0, 2), (3, 4, 2)])
def test_an_affine_maps_the_last_axis(shape):
    layer = mg.Affine(2, 3, rng=0)
    x = np.ones(shape)
    assert layer.forward(x).shape == (*shape[:-1], 3)
    assert layer.backward(np.ones((*shape[:-1], 3))).shape == shape


def test_lists_of_numbers_are_promoted():
    layer = mg.Affine(2, 3, rng=0)
    assert np.array_equal(layer.forward([[1, 2]]), layer.forward(np.array([[1.0, 2.0]])))


# ---- Dropout -------------------------------------------------------------------------------------


@given(a_seed, st.floats(0, 0.95), st.booleans())
def test_dropout_follows_its_source(seed, ratio, inverted):
    x = np.random.default_rng(1).normal(size=(3, 4))
    drop = mg.Dropout(ratio, inverted=inverted, rng=seed)
    mask = np.random.default_rng(seed).random((3, 4)) > ratio
    y = drop.forward(x, train_flag=True)
    assert np.array_equal(drop.mask, mask)
    assert np.array_equal(y, x * mask / (1 - ratio) if inverted else x * mask)
    assert np.array_equal(drop.backward(x), y)
    tested = drop.forward(x, train_flag=False)
    assert np.array_equal(tested, x if inverted else x * (1.0 - ratio))
    assert np.array_equal(drop.backward(x), tested)


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("inverted", [False, True])
def test_dropout_is_exact_in_expectation(ratio, inverted):
    drop = mg.Dropout(ratio, inverted=inverted, rng=0)
    n = 200_000
    mean = drop.forward(np.ones(n), train_flag=True).mean()
    tested = drop.forward(np.ones(1), train_flag=False).item()
    deviation = np.sqrt(ratio * (1 - ratio) / n) / (1 - ratio if inverted else 1)
    assert tested == pytest.approx(1 if inverted else 1 - ratio, rel=1e-15)
    assert abs(mean - tested) < 5 * deviation


def test_dropout_trains_when_nobody_says_otherwise_as_in_the_notes():
    assert set(mg.Dropout(0.5, rng=0).forward(np.ones(100))) == {0.0, 1.0}


def test_equal_seeds_give_equal_masks_and_nothing_reads_the_global_state():
    numpy_global = vars(np.random)
    before = numpy_global["get_state"]()[1].copy()
    masks = [
        mg.Dropout(0.5, rng=rng).forward(np.ones(50), train_flag=True)
        for rng in (7, 7, np.random.default_rng(7))
    ]
    assert np.array_equal(masks[0], masks[1])
    assert np.array_equal(masks[0], masks[2])
    assert np.array_equal(numpy_global["get_state"]()[1], before)


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 2.0, np.nan])
def test_a_dropout_ratio_is_a_share(ratio):
    with pytest.raises(ValueError, match=r"dropout_ratio must be in \[0, 1\), not"):
        mg.Dropout(ratio)


class Custom(mg.Network):
    """Passes train_flag on, to a list of layers and to a foreign Dropout."""

    def __init__(self):
        super().__init__()
        self.drops = [mg.Dropout(0.5, rng=0), mg.wrap(seed_notebook.Dropout(0.5))]

    def __call__(self, x, train_flag=False):
        for drop in self.drops:
            x = drop(x, train_flag=train_flag)
        return x


@pytest.mark.parametrize(
    "net",
    [
        mg.Sequential(mg.Dropout(0.75, rng=0)),
        mg.Sequential(mg.Sequential(mg.ReLU(), mg.Sequential(mg.Dropout(0.75, rng=0)))),
        mg.Sequential(seed_notebook.Dropout(0.75)),
        mg.Sequential(mg.ReLU(), Custom()),
    ],
    ids=["Sequential", "nested", "the notes'", "custom"],
)
def test_train_flag_reaches_every_dropout(net):
    x = np.ones((10, 40))
    assert set(np.unique(net.forward(x, train_flag=True))) == {0.0, 1.0}
    assert np.array_equal(net.forward(x, train_flag=False), 0.25 * x)
    assert np.array_equal(net.forward(x), 0.25 * x)
    assert np.array_equal(net.predict(x), 0.25 * x)


@given(st.sampled_from([np.float32, np.float64]), st.booleans(), st.booleans())
def test_dropout_keeps_the_dtype(dtype, inverted, train_flag):
    drop = mg.Dropout(0.3, inverted=inverted, rng=0)
    assert drop.forward(np.ones(4, dtype), train_flag=train_flag).dtype == dtype
    assert drop.backward(np.ones(4, dtype)).dtype == dtype
