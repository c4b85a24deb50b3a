"""The walk back: what `gradients` and `backward` promise, whatever the functions are."""

import gc
import weakref

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, defvjp, gradients, primitive, unbroadcast
from minigrad.graph import write


def doubling(log):
    """x -> 2x, whose rule writes down that it ran."""

    def rule(g, y, x):
        log.append("ran")
        return 2 * g

    return primitive(rule)(lambda x: 2 * x)


@pytest.fixture
def collector_off():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# ---- leaves and interior nodes -------------------------------------------------------------------
def test_leaves_accumulate_and_interior_nodes_do_not():
    x = Tensor([1.0, 2.0])
    h = x * x
    y = np.sum(h * 3)
    y.backward()
    y.backward()
    assert x.grad.tolist() == [12.0, 24.0]
    assert h.grad is None
    assert y.grad is None


def test_the_second_backward_gives_the_same_as_the_first():
    x = Tensor(3.0)
    h = x * x
    y = h + h
    y.backward()
    first = x.grad.copy()
    y.backward()
    assert x.grad == 2 * first == 24.0


def test_grad_is_an_array_of_the_shape_of_its_leaf_however_often_it_grows():
    x = Tensor(2.0)
    for times in (1, 2, 3):
        (x * 5).backward()
        assert type(x.grad) is np.ndarray
        assert x.grad.shape == ()
        assert x.grad == 5 * times


def test_backward_of_a_leaf_is_one():
    x = Tensor(2.0)
    x.backward()
    assert x.grad == 1.0


def test_backward_with_a_cotangent_is_the_pullback():
    x = Tensor([1.0, 2.0])
    (x**2).backward([10.0, 100.0])
    assert x.grad.tolist() == [20.0, 400.0]


def test_backward_reaches_every_leaf_once():
    a, b, c, unrelated = Tensor(1.0), Tensor(2.0), Tensor(3.0), Tensor(4.0)
    (a * b + b * c).backward()
    assert [t.grad and t.grad.item() for t in (a, b, c, unrelated)] == [2.0, 4.0, 2.0, None]


def test_gradients_is_pure():
    x = Tensor(2.0)
    y = x * x
    assert gradients(y, x) == gradients(y, x) == 4.0
    assert x.grad is None
    assert y.grad is None


def test_gradients_may_be_asked_for_interior_nodes_and_for_the_output_itself():
    x = Tensor(3.0)
    h = x * x
    y = 5 * h
    assert [g.item() for g in gradients(y, [y, h, x])] == [1.0, 5.0, 30.0]
    assert gradients(y, h) == 5.0


def test_the_gradient_of_an_interior_node_is_whole_before_it_flows_on():
    x = Tensor(3.0)
    h = x + 0
    y = h * 2 + h * 3 + h * x
    assert [g.item() for g in gradients(y, [h, x])] == [2 + 3 + 3, 2 + 3 + 3 + 3]


def test_an_output_that_does_not_depend_on_it_has_gradient_zero():
    x, z = Tensor(2.0), Tensor(np.ones((2, 3), np.float32))
    zero = gradients(x * x, z)
    assert (zero.shape, zero.dtype, zero.any()) == ((2, 3), np.float32, False)
    assert gradients(x, x * x) == 0.0


def test_one_tensor_asks_for_one_gradient_and_a_list_for_a_list():
    x = Tensor(2.0)
    assert gradients(x * x, x) == 4.0
    assert gradients(x * x, [x]) == [4.0]
    assert gradients(x * x, (x, x)) == [4.0, 4.0]
    assert gradients(x * x, []) == []


def test_any_collection_of_tensors_will_do():
    x = Tensor(2.0)
    for wrt in ((x,), {x: 1}, {"x": x}.values(), iter([x]), (t for t in [x])):
        assert gradients(x * x, wrt) == [4.0]


# ---- only what is needed -------------------------------------------------------------------------
def test_only_rules_between_the_output_and_what_is_asked_for_run():
    log = []
    double = doubling(log)
    x = Tensor(1.0)
    before = double(double(x))
    beside = double(Tensor(1.0))
    after = double(before)
    assert gradients(after + beside, before) == 2.0
    assert log == ["ran"]


def test_each_rule_runs_once_however_many_paths_there_are():
    log = []
    double = doubling(log)
    x = Tensor(1.0)
    y = double(x)
    for _ in range(60):
        y = y + y
    assert gradients(y, x) == 2.0**61
    assert log == ["ran"]


def test_a_joint_rule_runs_once_for_all_operands():
    log = []

    def rule(g, y, a, b):
        log.append("ran")
        return g * b, g * a

    times = primitive(joint=rule)(lambda a, b: a * b)
    a, b = Tensor(3.0), Tensor(5.0)
    assert gradients(times(a, b), [a, b]) == [5.0, 3.0]
    assert log == ["ran"]
    assert gradients(times(2.0, b), b) == 2.0


def test_rules_of_constant_operands_do_not_run():
    def never(g, y, *_):
        raise AssertionError("a constant has no gradient")

    times = primitive(lambda g, y, a, b: g * b, never)(lambda a, b: a * b)
    a = Tensor(3.0)
    assert gradients(times(a, 7.0), a) == 7.0


def test_an_operand_without_a_rule_is_an_intermediate_and_gets_nothing():
    times = primitive(lambda g, y, a, b: g * b, None)(lambda a, b: a * b)
    a = Tensor(3.0)
    b = a + 2.0
    assert gradients(times(a, b), [a, b]) == [5.0, 0.0]


# ---- gradients are yours -------------------------------------------------------------------------
def test_the_two_gradients_of_a_sum_are_not_one_array():
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    dout = np.array([1.0, 1.0])
    da, db = gradients(a + b, [a, b], dout)
    da += 0.1 * a.data
    assert db.tolist() == [1.0, 1.0]
    assert dout.tolist() == [1.0, 1.0]


def test_gradients_stored_by_backward_share_no_memory_either():
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    dout = np.ones(2)
    (a + b).backward(dout)
    assert not np.may_share_memory(a.grad, b.grad)
    assert not np.may_share_memory(a.grad, dout)


def test_a_gradient_that_was_broadcast_is_writable():
    x = Tensor(np.ones((2, 3)))
    g = gradients(np.sum(x), x)
    g[0, 0] = 7.0
    assert g.sum() == 12.0


@given(data=st.data())
def test_writing_into_one_gradient_changes_no_other(data):
    a, b = Tensor(np.ones((2, 2))), Tensor(np.ones((2, 2)))
    h = a + b
    k = np.transpose(h)
    y = k + h
    dout = np.ones((2, 2))
    wrt = data.draw(st.lists(st.sampled_from([a, b, h, k, y]), min_size=1, max_size=6))
    grads = gradients(y, wrt, dout)
    copies = [g.copy() for g in grads]
    for i, g in enumerate(grads):
        g[...] = -1
        assert all(map(np.array_equal, grads[i + 1 :], copies[i + 1 :]))
    assert np.all(dout == 1)


def test_adding_up_a_gradient_in_place_does_not_reach_its_twin():
    a, b = Tensor(np.ones(2)), Tensor(np.ones(2))
    y = (a + b) + (a * 2 + a * 3 + a * 4)
    da, db = gradients(y, [a, b], np.ones(2))
    assert da.tolist() == [10.0, 10.0]
    assert db.tolist() == [1.0, 1.0]


# ---- what is refused -----------------------------------------------------------------------------
def test_an_output_that_is_no_scalar_needs_a_cotangent():
    x = Tensor([1.0, 2.0])
    for ask in (lambda: gradients(x * x, x), (x * x).backward):
        with pytest.raises(ValueError, match=r"shape \(2,\) needs a cotangent.*np\.sum"):
            ask()
    assert gradients(Tensor([[2.0]]) * 3, []) == []
    (Tensor([[2.0]]) * 3).backward()


def test_a_cotangent_of_another_shape_is_refused_with_both_shapes():
    x = Tensor([1.0, 2.0])
    for wrong in (np.ones(3), 1.0, np.ones((1, 2))):
        with pytest.raises(ValueError, match=r"grad has shape .*but the output has \(2,\)"):
            gradients(x * x, x, wrong)


def test_a_refused_backward_leaves_every_grad_alone():
    x = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="grad has shape"):
        (x * x).backward(np.ones(3))
    assert x.grad is None


def test_only_tensors_are_differentiated():
    x = Tensor(1.0)
    for output, wrt in ((np.ones(()), x), (x, np.ones(2)), (x, [x, 3.0]), (x, [None])):
        with pytest.raises(TypeError, match="gradients differentiates Tensors, not"):
            gradients(output, wrt)


def test_a_complex_cotangent_is_refused():
    with pytest.raises(TypeError, match="real"):
        gradients(Tensor(1.0) * 2, [], grad=1j)


def test_an_integer_cotangent_means_the_numbers():
    x = Tensor(np.ones(2, np.float32))
    g = gradients(x * 2, x, [1, 3])
    assert (g.dtype, g.tolist()) == (np.float32, [2.0, 6.0])


def test_a_rule_that_returns_another_shape_is_named():
    wrong = primitive(lambda g, y, x: g[:1])(lambda x: x.copy())
    defvjp(wrong, lambda g, y, x: np.ones((4, 3)))
    x = Tensor(np.ones(2))
    with pytest.raises(ValueError, match=r"lambda.* returned shape \(4, 3\) .* \(2,\)"):
        gradients(wrong(x), x, np.ones(2))


def test_a_rule_may_return_a_plain_number():
    steady = primitive(lambda g, y, x: 3.0)(lambda x: 3.0 * x)
    x = Tensor(np.float32(2.0), dtype="f")
    g = gradients(steady(x), x)
    assert (type(g), g.dtype, g.item()) == (np.ndarray, np.float32, 3.0)


# ---- values that were replaced -------------------------------------------------------------------
def test_backward_through_a_graph_older_than_its_parameter_names_the_parameter():
    W = Tensor([1.0, 2.0], name="W1")
    loss = np.sum(W * W)
    write(W, [5.0, 6.0])
    for ask in (loss.backward, lambda: gradients(loss, W)):
        with pytest.raises(RuntimeError, match=r"W1 was written after np\.multiply used it"):
            ask()
    assert W.grad is None
    np.sum(W * W).backward()
    assert W.grad.tolist() == [10.0, 12.0]


def test_a_view_of_a_parameter_is_stale_with_it():
    W = Tensor([[1.0, 2.0]], name="W")
    old = W.T
    write(W, [[5.0, 6.0]])
    with pytest.raises(RuntimeError, match="W was written"):
        gradients(np.sum(old * old), W)


def test_a_view_of_a_parameter_is_stale_even_to_younger_inputs():
    W = Tensor([[1.0, 2.0]], name="W")
    transposed = W.T
    x = Tensor([3.0])
    loss = np.sum((transposed @ x) ** 2)
    write(W, [[5.0, 6.0]])
    with pytest.raises(RuntimeError, match="W was written"):
        gradients(loss, x)


def test_a_parameter_without_a_name_is_named_by_its_shape():
    W = Tensor(np.ones((2, 3)))
    loss = np.sum(W)
    write(W, 0.0)
    with pytest.raises(RuntimeError, match=r"parameter of shape \(2, 3\)"):
        loss.backward()


def test_write_fills_the_same_array_so_that_views_of_it_follow():
    W = Tensor([1.0, 2.0])
    view = W.data
    write(W, [3.0, 4.0])
    assert view.tolist() == W.tolist() == [3.0, 4.0]


def test_writing_one_parameter_leaves_the_graphs_of_others_alone():
    a, b = Tensor(1.0), Tensor(2.0)
    y = b * b
    write(a, 5.0)
    assert gradients(y, b) == 4.0


# ---- derivatives of derivatives ------------------------------------------------------------------
def test_create_graph_always_returns_tensors():
    x, z = Tensor([1.0, 2.0]), Tensor(1.0)
    for g in gradients(np.sum(x * 3), [x, z], create_graph=True):
        assert isinstance(g, Tensor)


def test_the_fourth_derivative_of_a_fifth_power():
    x = Tensor(2.0)
    y = x**5
    for _ in range(4):
        y = gradients(y, x, create_graph=True)
    assert y.item() == pytest.approx(5 * 4 * 3 * 2 * 2.0)


@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_mixed_derivatives_do_not_depend_on_the_order(x, y):
    a, b = Tensor(x), Tensor(y)
    f = np.sin(a * b) * np.exp(a - b)
    fa, fb = gradients(f, [a, b], create_graph=True)
    np.testing.assert_allclose(gradients(fa, b), gradients(fb, a), rtol=1e-10, atol=1e-12)


def test_a_hessian_is_symmetric_and_its_products_agree():
    x = Tensor(np.array([0.3, -0.7, 1.1]))
    y = np.prod(np.sin(x)) + np.sum(x) ** 3
    g = gradients(y, x, create_graph=True)
    hessian = np.array([gradients(g[i], x) for i in range(3)])
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
    np.testing.assert_allclose(gradients(g, x, v), hessian @ v, rtol=1e-12)


def test_the_cotangent_may_be_differentiated_too():
    x, v = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    g = gradients(x * x, x, v, create_graph=True)
    assert gradients(g, v, np.array([1.0, 10.0])).tolist() == [2.0, 40.0]
    with pytest.raises(TypeError, match="create_graph=True"):
        gradients(x * x, x, v)


def test_create_graph_changes_no_gradient():
    x = Tensor(np.linspace(0.1, 0.9, 6).reshape(2, 3))
    y = np.sum(np.tanh(x @ x.T) / np.sqrt(x[:, :2] + 1) * np.max(x, axis=1))
    np.testing.assert_array_equal(gradients(y, x), gradients(y, x, create_graph=True).data)


# ---- linearity -----------------------------------------------------------------------------------
@given(a=st.floats(-10, 10), b=st.floats(-10, 10))
def test_gradients_are_linear_in_the_cotangent(a, b):
    x = Tensor([0.3, -0.4])
    y = np.tanh(x @ np.array([[1.0, 2.0], [3.0, 4.0]]))
    u, v = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    mixed = gradients(y, x, a * u + b * v)
    parts = a * gradients(y, x, u) + b * gradients(y, x, v)
    np.testing.assert_allclose(mixed, parts, rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_mean_is_the_mean_of_gradients():
    x = Tensor([1.0, 2.0, 3.0])
    each = [gradients(np.sin(x)[i], x) for i in range(3)]
    np.testing.assert_allclose(gradients(np.mean(np.sin(x)), x), np.mean(each, axis=0))


# ---- a million nodes, and memory -----------------------------------------------------------------
def test_a_million_calls_are_recorded_walked_and_released_without_recursion(collector_off):
    x = Tensor(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    alive = weakref.ref(y)
    y.backward()
    assert x.grad == 1.0
    del y
    assert alive() is None


def test_a_leaf_that_is_used_thirty_thousand_times_adds_them_all_up():
    x = Tensor(1.0)
    y = x
    for _ in range(30_000):
        y = y + x
    assert gradients(y, x) == 30_001


def test_a_wide_sum_has_as_many_gradients_as_terms(collector_off):
    xs = [Tensor(float(i)) for i in range(50_000)]
    y = np.sum(np.stack([sum(xs[:40_000]), *xs[40_000:]]) * 2)
    assert all(g == 2.0 for g in gradients(y, xs))


def test_the_graph_of_a_long_gradient_is_released_without_recursion(collector_off):
    x = Tensor(1.0)
    y = x
    for _ in range(50_000):
        y = np.sin(y)
    g = gradients(y, x, create_graph=True)
    alive = weakref.ref(g)
    del y, g
    assert alive() is None


def test_dropping_the_result_frees_the_graph_without_the_collector(collector_off):
    x = Tensor(np.ones(3))
    h = np.exp(x)
    y = np.sum(np.concatenate([h, x]) ** 3)
    g = gradients(y, x, create_graph=True)
    alive = [weakref.ref(t) for t in (h, y, g)]
    del h, y, g
    assert [a() for a in alive] == [None] * 3
    assert gc.collect() == 0


def test_leaves_do_not_keep_the_graphs_they_were_used_in(collector_off):
    x = Tensor(np.ones(3))
    alive = []
    for _ in range(3):
        y = np.sum(np.stack([x, x * 2]))
        y.backward()
        alive.append(weakref.ref(y))
    del y
    assert [a() for a in alive] == [None] * 3
    assert gc.collect() == 0


def test_the_walk_lets_go_of_each_call_as_it_passes(collector_off):
    alive = {}
    spied = []

    def rule(g, y, x):
        spied.append("gone" if alive["late"]() is None else "late")
        return g

    early = primitive(rule)(lambda x: x.copy())

    def build(x):
        late = np.exp(early(x))
        alive["late"] = weakref.ref(late)
        return np.sum(late * 2)

    x = Tensor(np.ones(3))
    gradients(build(x), [x])
    gradients(build(x), x)
    assert spied == ["gone", "gone"]


# ---- unbroadcast ---------------------------------------------------------------------------------
@given(data=st.data())
def test_unbroadcast_is_the_adjoint_of_broadcasting(data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=1, min_side=0, max_side=3))
    small, large = shapes.input_shapes[0], shapes.result_shape
    large = np.broadcast_shapes(small, large, data.draw(st.sampled_from([(), (1,) * 4])))
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=small), rng.normal(size=large)
    back = unbroadcast(g, small)
    assert back.shape == small
    np.testing.assert_allclose(np.sum(back * x), np.sum(g * np.broadcast_to(x, large)), atol=1e-12)


def test_unbroadcast_refuses_what_does_not_broadcast():
    for shape in ((2,), (2, 3), (1, 1, 3), (0,)):
        with pytest.raises(ValueError, match="does not broadcast to"):
            unbroadcast(np.ones(3), shape)


def test_float16_is_summed_in_float32():
    x = Tensor(np.float16(1.0), dtype=np.float16)
    g = gradients(np.broadcast_to(x, 5000), x, np.ones(5000))
    assert (g.dtype, g.item()) == (np.float16, 5000.0)


# ---- rows taken one by one -----------------------------------------------------------------------
def test_a_loop_over_rows_makes_one_array_for_them_all(monkeypatch):
    x = Tensor(np.ones((300, 4)))
    y = sum(np.sum(row * k) for k, row in enumerate(x)) + np.sum(x[::2]) + np.sum(x)
    made, zeros = [], np.zeros

    def counted(shape, *args, **kwargs):
        made.append(np.prod(shape))
        return zeros(shape, *args, **kwargs)

    monkeypatch.setattr(np, "zeros", counted)
    g = gradients(y, x)
    assert sum(n == x.size for n in made) <= 1
    assert np.array_equal(
        g, np.arange(300)[:, None] + 1 + (np.arange(300) % 2 == 0)[:, None] + 0 * g
    )


INDICES = [
    *(0, -1, None, ..., slice(None), slice(None, None, -2), slice(0, 0), (slice(1, 3), 1)),
    *((None, 0), (..., 1), [0, 0, 2], np.array([True, False, True]), np.array([[0, 1], [1, 1]])),
    *((np.array([2, 2]), slice(0, 2)), (np.array(1), 0), True, np.array(False), (1, 1)),
]


@given(
    st.lists(st.sampled_from(range(len(INDICES))), min_size=1, max_size=5),
    st.integers(0, 4),
    st.integers(0, 99),
)
def test_entries_taken_together_have_the_sum_of_their_gradients(chosen, before, seed):
    rng = np.random.default_rng(seed)
    x = Tensor(rng.normal(size=(3, 2)))
    taken = [x[INDICES[i]] for i in chosen]
    taken.insert(min(before, len(taken)), x + 0.0)  # whose share is the cotangent itself
    weights = [rng.normal(size=y.shape) for y in taken]
    total = sum(np.sum(y * w) for y, w in zip(taken, weights, strict=True))
    alone = sum(gradients(y, x, w) for y, w in zip(taken, weights, strict=True))
    np.testing.assert_allclose(gradients(total, x), alone, 1e-12, 1e-12)
    again = gradients(total, x, create_graph=True)
    np.testing.assert_allclose(again.data, alone, 1e-12, 1e-12)
    cotangent = np.ones((3, 2))
    gradients(x[...] + x[::1], x, cotangent)
    assert np.all(cotangent == 1)


def test_a_watcher_is_told_every_share_as_it_was_made_and_as_it_was_added():
    x, b = Tensor(np.ones((2, 3))), Tensor(np.ones(3))
    y = x * b
    told = []
    g = np.full((2, 3), 5.0)
    gradients(y, [x, b], g, watch=lambda *seen: told.append(seen))
    assert [(call is y, operand) for call, operand, *_ in told] == [(True, x), (True, b)]
    assert [made.shape for *_, made, _ in told] == [(2, 3), (2, 3)]
    assert [share.tolist() for *_, share in told] == [[[5] * 3] * 2, [10, 10, 10]]
    assert all(seen is told[0][2] for *_, seen, _, _ in told)
