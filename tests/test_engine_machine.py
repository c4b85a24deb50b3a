"""Our engine beside the naive one of oracle.py, on graphs that Hypothesis builds step by step."""

import gc

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oracle import NAIVE, Naive

from minigrad import Tensor, gradients

OURS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "tanh": np.tanh,
    "sin": np.sin,
    "sum": np.sum,
    "transpose": np.transpose,
    "first": lambda a: a[0],
    "matmul": np.matmul,
}
BINARY, UNARY = ["add", "subtract", "multiply"], ["tanh", "sin", "sum", "transpose"]
SHAPES = [(), (1,), (3,), (3, 3), (1, 3), (3, 1)]
numbers = st.floats(-1.5, 1.5).map(lambda x: round(x, 3))
places = st.integers(0, 10**6)


class TwoEngines(RuleBasedStateMachine):
    """Every node is a pair; what one engine does, the other does too."""

    def __init__(self):
        super().__init__()
        self.pairs, self.leaves = [], []

    def any(self, place):
        return self.pairs[place % len(self.pairs)]

    def record(self, name, *pairs):
        """Do it in both, unless numbers explode or paths do: the naive engine walks each."""
        mine = OURS[name](*[ours for ours, _ in pairs])
        theirs = NAIVE[name](*[naive for _, naive in pairs])
        theirs.paths = 1 + sum(naive.paths for _, naive in pairs)
        if theirs.paths < 500 and np.max(np.abs(theirs.value)) < 1e3:
            self.pairs.append((mine, theirs))

    @initialize(a=hnp.arrays(float, (3, 3), elements=numbers), b=numbers)
    def begin(self, a, b):
        self.leaf(a)
        self.leaf(np.array(b))

    @rule(array=st.sampled_from(SHAPES).flatmap(lambda s: hnp.arrays(float, s, elements=numbers)))
    def leaf(self, array):
        pair = Tensor(array), Naive(array)
        pair[1].paths = 1
        self.pairs.append(pair)
        self.leaves.append(pair)

    @rule(name=st.sampled_from(UNARY), place=places)
    def unary(self, name, place):
        self.record(name, self.any(place))

    @rule(name=st.sampled_from(BINARY), left=places, right=places)
    def binary(self, name, left, right):
        self.record(name, self.any(left), self.any(right))

    @rule(name=st.sampled_from(BINARY), place=places, number=numbers, swap=st.booleans())
    def with_a_constant(self, name, place, number, swap):
        ours, naive = self.any(place)
        constant = Naive(number)
        constant.paths = 0
        pairs = [(ours, naive), (number, constant)]
        self.record(name, *(pairs[::-1] if swap else pairs))

    @rule(place=places)
    def first_row(self, place):
        pair = self.any(place)
        if pair[0].ndim:
            self.record("first", pair)

    @rule(left=places, right=places)
    def matmul(self, left, right):
        square = [pair for pair in self.pairs if pair[0].shape == (3, 3)]
        if square:
            self.record("matmul", square[left % len(square)], square[right % len(square)])

    @rule(place=places, factor=numbers)
    def backward(self, place, factor):
        ours, naive = self.any(place)
        g = np.cos(np.arange(ours.size)).reshape(ours.shape) * factor
        ours.backward(g)
        naive.backward(g)

    @rule(place=places, wanted=st.lists(places, min_size=1, max_size=4), create=st.booleans())
    def gradients_of_any_nodes(self, place, wanted, create):
        ours, naive = self.any(place)
        pairs = [self.any(w) for w in wanted]
        g = np.cos(np.arange(ours.size) + 1).reshape(ours.shape)
        mine = gradients(ours, [t for t, _ in pairs], g, create_graph=create)
        found = naive.gradients(g, {})
        for (t, node), grad in zip(pairs, mine, strict=True):
            assert grad.shape == t.shape
            grad = grad.data if create else grad
            np.testing.assert_allclose(grad, found.get(node, 0.0), rtol=1e-9, atol=1e-10)

    @rule(place=places)
    def clear_a_gradient(self, place):
        ours, naive = self.leaves[place % len(self.leaves)]
        ours.grad = naive.grad = None

    @precondition(lambda self: len(self.pairs) > 2)
    @rule(place=places)
    def drop_a_reference(self, place):
        self.pairs.pop(place % len(self.pairs))

    @invariant()
    def both_have_the_same_values_and_gradients(self):
        for ours, naive in self.pairs:
            np.testing.assert_allclose(ours.data, naive.value, rtol=1e-12, atol=1e-12)
        for ours, naive in self.leaves:
            assert (ours.grad is None) == (naive.grad is None)
            if naive.grad is not None:
                np.testing.assert_allclose(ours.grad, naive.grad, rtol=1e-9, atol=1e-10)
        assert all(t.grad is None for t, n in self.pairs if n.parents)

    def teardown(self):
        self.pairs.clear()
        self.leaves.clear()
        assert gc.isenabled()


TestTwoEngines = TwoEngines.TestCase
