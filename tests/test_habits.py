"""What people write by mistake or out of habit: the error says what to write instead."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import habits


def told(call, error=Exception):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


# ---- in place of a layer -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (mg.ReLU, "brackets behind it, mg.ReLU()"),
        ([mg.ReLU(), mg.Tanh()], "unpack it with *"),
        (np.tanh, "mg.Tanh()"),
        (mg.relu, "mg.ReLU()"),
        (mg.leaky_relu, "mg.LeakyReLU()"),
        ("relu", "mg.ReLU()"),
        (lambda x: x, "class MyLayer(mg.Layer)"),
        (mg.SoftmaxWithLoss, "brackets behind it, mg.SoftmaxWithLoss()"),
        (mg.softmax_cross_entropy, "mg.SoftmaxWithLoss()"),
        (mg.binary_cross_entropy_with_logits, "mg.SigmoidWithLoss()"),
        (mg.mean_squared_error, "mg.MeanSquaredError()"),
        (3, "forward and backward, and 3 is none"),
    ],
)
def test_what_is_no_layer_is_refused_with_what_to_write(thing, words):
    assert words in told(lambda: mg.Sequential(thing), TypeError)
    assert words in told(lambda: mg.Sequential(mg.Affine(2, 2), loss=thing), TypeError)


def test_sizes_and_seeds_in_the_wrong_place():
    assert "mlp([784, 50, 10])" in told(lambda: mg.mlp(64, 50, 10), TypeError)
    assert "rng=0" in told(lambda: mg.Affine(50, 10, 0), TypeError)


class Silent(mg.Layer):
    def __call__(self, x):
        2 * x


class Around(mg.Network):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.out = inner, mg.Affine(2, 2, rng=0)

    def __call__(self, x):
        return self.out(self.inner(x))


SOURCE = """
class OnlyIf(mg.Layer):
    def __call__(self, x):
        "Answers for large numbers."
        if np.all(x > 1e9):
            return x
"""
exec(SOURCE)  # which linters would mend


@pytest.mark.parametrize("layer", [Silent, vars()["OnlyIf"]])
def test_a_forgotten_return_is_told_wherever_the_layer_stands(layer):
    first, last = mg.Sequential(layer(), mg.ReLU()), mg.Sequential(mg.Affine(2, 2), layer())
    for net in (first, last, Around(layer())):
        message = told(lambda net=net: net.predict(-np.ones((1, 2))), TypeError)
        assert f"{layer.__name__}.__call__ returned None: is a return missing?" in message
    assert "return" in told(lambda: layer().forward(-np.ones(2)), TypeError)


def test_a_call_that_always_returns_is_left_as_it_is():
    def call(self, x):
        return x if np.all(x > 0) else None

    kind = type("Plain", (mg.Layer,), {"__call__": call})
    assert kind.__call__ is not call
    for layer in (mg.Affine, mg.ReLU, mg.Dropout, mg.SoftmaxWithLoss):
        assert not hasattr(layer.__call__, "__wrapped__")


# ---- several inputs, several outputs -------------------------------------------------------------


@pytest.mark.parametrize("x", [(np.ones((2, 3)), np.ones((2, 4))), {"a": np.ones((2, 3))}])
def test_several_inputs_are_joined_by_the_user(x):
    net = mg.mlp([3, 2], rng=0)
    assert "np.concatenate([x, z], axis=1)" in told(lambda: net.gradient(x, [0, 1]), TypeError)


def test_several_outputs_are_for_a_call():
    class Two(mg.Network):
        def __call__(self, x):
            return x, 2 * x

    assert "2 outputs" in told(lambda: Two().predict(np.ones((2, 3))), TypeError)


# ---- names of other libraries --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Relu", "did you mean ReLU?"),
        ("adam", "did you mean Adam?"),
        ("sgd", "did you mean SGD?"),
        ("Linear", "mg.Affine"),
        ("exp", "np.exp"),
        ("no_grad", "net.predict"),
        ("Sequentail", "did you mean Sequential?"),
    ],
)
def test_a_name_that_minigrad_lacks_is_answered_with_the_one_that_was_meant(name, words):
    assert words in told(lambda: getattr(mg, name), AttributeError)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("detach", "x.data"),
        ("numpy", "x.data"),
        ("zero_grad", "x.grad = None"),
        ("requires_grad", "constants are plain arrays"),
        ("exp", "np.exp(x)"),
        ("relu", "mg.relu(x)"),
        ("choose", "np.choose(x)"),
    ],
)
def test_an_attribute_that_a_tensor_lacks_is_answered_with_minigrads_way(name, words):
    assert words in told(lambda: getattr(mg.Tensor(1.0), name), AttributeError)


@pytest.mark.parametrize("name", habits.OF_NETWORKS)
def test_a_method_that_a_network_lacks_is_answered_with_minigrads_way(name):
    assert habits.OF_NETWORKS[name] in told(lambda: getattr(mg.mlp([2, 2]), name), AttributeError)
    assert not hasattr(mg.ReLU(), name)
    assert name not in dir(mg.ReLU())


def test_a_layer_of_ones_own_may_have_such_a_method():
    class Fitting(mg.ReLU):
        def fit(self):
            return "fitted"

    layer = Fitting()
    layer.train = 3
    assert (layer.fit(), layer.train) == ("fitted", 3)
    assert {"fit", "train"} <= set(dir(layer))


def test_no_habit_hides_a_name_that_is_there():
    for name in habits.OF_TENSORS:
        assert not hasattr(mg.Tensor(1.0), name)
    for name in mg.__all__:
        assert name.casefold() not in habits.OF_MINIGRAD


def test_an_error_inside_a_property_of_a_layer_is_not_hidden():
    class Broken(mg.ReLU):
        @property
        def half(self):
            return self.missing / 2

    assert "missing" in told(lambda: Broken().half, AttributeError)


def test_options_of_other_libraries_for_backward():
    message = told(lambda: mg.Tensor(1.0).backward(retain_graph=True), TypeError)
    assert "no retain_graph=" in message
    assert "mg.gradients" in message


def test_methods_take_the_options_of_the_functions():
    a = np.array([[1.0, 5.0], [2.0, -1.0]])
    x = mg.Tensor(a)
    assert x.ravel(order="F").tolist() == a.ravel(order="F").tolist()
    assert x.sum(dtype=np.float32).dtype == np.float32
    assert x.mean(where=a > 0).item() == a.mean(where=a > 0)
    assert x.max(initial=7.0).item() == 7.0
    assert x.argmax(axis=0, keepdims=True).tolist() == a.argmax(axis=0, keepdims=True).tolist()


def test_writing_a_tensor_into_an_array_names_at():
    a = np.zeros((2, 3))
    for value in (mg.Tensor(np.ones(3)), mg.Tensor(1.0) * 2):
        with pytest.raises((TypeError, ValueError)) as caught:
            a[0] = value
        error = caught.value.__cause__ or caught.value
        assert ".at[i].set(t)" in str(error)


def test_one_shape_is_no_plural():
    assert "np.reshape of shape (2, 3):" in told(lambda: mg.Tensor(np.ones((2, 3))).reshape(5))


def test_an_unknown_initializer_reads_as_a_sentence():
    assert "'foo': there are he" in told(lambda: mg.Affine(2, 3, init="foo"), ValueError)


class Inner:
    def __init__(self):
        self.W, self.dW = np.ones((3, 3)), None


class Outer:
    def __init__(self):
        self.inner, self.own = Inner(), mg.Affine(2, 2, rng=0)

    def forward(self, x):
        self.x = x
        return x @ self.inner.W

    def backward(self, dout):
        self.inner.dW = self.x.T @ dout
        return dout @ self.inner.W.T


def test_param_grads_lead_into_what_an_object_holds():
    net = mg.Sequential(
        mg.wrap(Outer(), param_grads={"inner.W": "inner.dW"}), loss=mg.SoftmaxWithLoss()
    )
    x, t = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]]), np.array([0, 2])
    for taken in (net, net.astype(np.float32)):
        (name,) = taken.params
        assert name == "0.inner.W"
        assert taken.params[name].dtype == taken.gradient(x, t)[name].dtype
        np.testing.assert_allclose(
            taken.gradient(x, t)[name], taken.numerical_gradient(x, t)[name], 1e-3, 1e-5
        )


def test_arrays_that_nobody_named_are_listed_without_minigrads_own():
    message = told(lambda: mg.Sequential(Outer()), TypeError)
    assert "inner.W" in message
    assert "_Layer__memory" not in message
