"""Random architectures: every door of the one backward pass gives the same gradients."""

import copy

import numpy as np
from hypothesis import given
from strategies import assume_no_kink_near, cases

import minigrad as mg


def by_tensor(case):
    """Tensor.backward on the objective."""
    net = copy.deepcopy(case.net)
    net.objective(case.x, case.t).backward()
    return {name: t.grad for name, t in net.tensors().items()}


def by_layers(case):
    """The book's way: forward through net and loss, backward through loss and net."""
    net = copy.deepcopy(case.net)
    loss = net.loss_layer
    loss.forward(net.forward(case.x, train_flag=True), case.t)
    net.backward(loss.backward())
    return net.grads


def by_network(case):
    return copy.deepcopy(case.net).gradient(case.x, case.t)


def equal(a, b):
    return list(a) == list(b) and all(np.array_equal(a[k], b[k]) for k in a)


def near(a, b, rtol=1e-9, atol=1e-12):
    return list(a) == list(b) and all(np.allclose(a[k], b[k], rtol, atol) for k in a)


@given(cases())
def test_three_doors_give_the_same_gradients(case):
    grads = by_network(case)
    assert equal(by_tensor(case), grads)
    assert near(by_layers(case), grads)
    assert all(grads[name].shape == p.shape for name, p in case.net.params.items())


@given(cases())
def test_gradients_agree_with_finite_differences(case):
    assume_no_kink_near(copy.deepcopy(case.net).objective(case.x, case.t))
    numerical = case.net.numerical_gradient(case.x, case.t)
    assert near(case.net.gradient(case.x, case.t), numerical, 1e-5, 1e-8)


@given(cases())
def test_gradients_by_the_input_agree_through_tensor_layer_and_finite_differences(case):
    x, nets = mg.Tensor(case.x), [copy.deepcopy(case.net) for _ in range(3)]
    objective = nets[0].objective(x, case.t)
    assume_no_kink_near(objective)
    dx = mg.gradients(objective, x)

    loss = nets[1].loss_layer
    loss.forward(nets[1].forward(case.x, train_flag=True), case.t)
    np.testing.assert_allclose(nets[1].backward(loss.backward()), dx, rtol=1e-9, atol=1e-12)

    def value(x):
        return copy.deepcopy(nets[2]).objective(x, case.t).item()

    numerical = mg.numerical_gradient(value, case.x.copy())
    np.testing.assert_allclose(numerical, dx, rtol=1e-5, atol=1e-8)


@given(cases())
def test_a_network_is_a_value_that_copies_and_runs_the_same_again(case):
    x, t, state = case.x.copy(), case.t.copy(), case.net.state_dict()
    twin = copy.deepcopy(case.net)
    assert equal(twin.gradient(case.x, case.t), case.net.gradient(case.x, case.t))
    assert np.array_equal(twin.predict(case.x), case.net.predict(case.x))
    assert twin.loss(case.x, case.t) == case.net.loss(case.x, case.t)
    assert equal(state, case.net.state_dict())
    assert np.array_equal(x, case.x)
    assert np.array_equal(t, case.t)


@given(cases())
def test_float32_stays_float32_and_is_near_float64(case):
    net = case.net.astype(np.float32)
    exact = by_network(case)
    grads = net.gradient(case.x, case.t)
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}
    assert net.predict(case.x).dtype == np.float32
    assert_near = np.testing.assert_allclose
    for name, g in grads.items():
        assert_near(g, exact[name], rtol=1e-3, atol=1e-4 * (1 + np.abs(exact[name]).max()))


@given(cases())
def test_the_summary_counts_every_parameter_and_the_repr_names_every_layer(case):
    total = sum(p.size for p in case.net.params.values())
    assert case.net.summary(case.x).split()[-1] == f"{total:,}"
    assert all(
        type(layer).__name__ in repr(case.net)
        for layer in case.net
        if type(layer) is not mg.layers.wrapping.Wrapped
    )
