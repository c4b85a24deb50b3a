"""Products: vectors, stacks of matrices, einsum, bilinear and quadratic forms."""

import numpy as np

from zoo.causes import AXIS, BROADCAST, OPERAND, OVERWRITES, SWAPPED, TERM, TRANSPOSED
from zoo.specimen import Pair, normal, slip, twin


class VectorMatrix:
    """One vector times a matrix."""

    def __init__(self, W):
        self.W = W

    def forward(self, v):
        self.v = v
        return v @ self.W

    def backward(self, dout):
        self.dW = np.outer(self.v, dout)
        return self.W @ dout


class OuterTurnedRound(VectorMatrix):
    """The outer product of dW has its operands in the wrong order."""

    def backward(self, dout):
        dv = super().backward(dout)
        self.dW = np.outer(dout, self.v)
        return dv


VECTOR = twin(
    "vector times matrix",
    VectorMatrix,
    normal((3,)),
    arguments=normal((3, 3)),
    param_grads={"W": "dW"},
)


class BatchMatmul:
    """Matrix products of two stacks."""

    def forward(self, a, b):
        self.a, self.b = a, b
        return a @ b

    def backward(self, dout):
        return dout @ self.b.swapaxes(1, 2), self.a.swapaxes(1, 2) @ dout


class AllAxesReversed(BatchMatmul):
    """`.T` reverses all three axes of b; the stack is as deep as the matrices are wide."""

    def backward(self, dout):
        return dout @ self.b.T, super().backward(dout)[1]


class OperandsSwapped(BatchMatmul):
    """db is dout aᵀ instead of aᵀ dout."""

    def backward(self, dout):
        return super().backward(dout)[0], dout @ self.a.swapaxes(1, 2)


BATCH = twin("batch matmul", BatchMatmul, normal((3, 3, 3), (3, 3, 3)), rows=("a", "b"))


class SharedWeight:
    """The same weight multiplies every time step of every sequence."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = np.einsum("nti,nto->io", self.x, dout)
        return dout @ self.W.T


class WeightPerSequence(SharedWeight):
    """dW keeps one matrix per sequence; they are not added."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = self.x.swapaxes(1, 2) @ dout
        return dx


class LastSequenceOnly(SharedWeight):
    """dW is assigned in a loop over the sequences, and the last one is kept."""

    def backward(self, dout):
        dx = super().backward(dout)
        for x, d in zip(self.x, dout, strict=True):
            self.dW = x.T @ d
        return dx


SHARED = twin(
    "weight of a sequence",
    SharedWeight,
    normal((3, 4, 2)),
    arguments=normal((2, 3)),
    param_grads={"W": "dW"},
    rows=("x",),
)


class Scores:
    """Inner products of all queries with all keys, by einsum."""

    def forward(self, q, k):
        self.q, self.k = q, k
        return np.einsum("nid,njd->nij", q, k)

    def backward(self, dout):
        dq = np.einsum("nij,njd->nid", dout, self.k)
        dk = np.einsum("nij,nid->njd", dout, self.q)
        return dq, dk


class LettersSwapped(Scores):
    """The einsum of dk reads dout's two last axes in the wrong order; there are as many keys."""

    def backward(self, dout):
        return super().backward(dout)[0], np.einsum("nji,nid->njd", dout, self.q)


class KeysForQueries(Scores):
    """dk multiplies with the keys instead of the queries."""

    def backward(self, dout):
        return super().backward(dout)[0], np.einsum("nij,nid->njd", dout, self.k)


SCORES = twin("einsum of queries and keys", Scores, normal((2, 3, 4), (2, 3, 4)), rows=("q", "k"))


class Bilinear:
    """One bilinear form per output: A has the shape (outputs, left, right)."""

    def __init__(self, A):
        self.A = A

    def forward(self, u, v):
        self.u, self.v = u, v
        return np.einsum("ni,oij,nj->no", u, self.A, v)

    def backward(self, dout):
        self.dA = np.einsum("no,ni,nj->oij", dout, self.u, self.v)
        du = np.einsum("no,oij,nj->ni", dout, self.A, self.v)
        dv = np.einsum("no,oij,ni->nj", dout, self.A, self.u)
        return du, dv


class RightFromTheLeft(Bilinear):
    """dv uses A where its transpose belongs."""

    def backward(self, dout):
        du, _ = super().backward(dout)
        return du, np.einsum("no,oij,nj->ni", dout, self.A, self.u)


class FormTransposed(Bilinear):
    """dA is the product of v and u instead of u and v."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dA = self.dA.swapaxes(1, 2)
        return dx


class SidesSwapped(Bilinear):
    """The two gradients are returned in the wrong order."""

    def backward(self, dout):
        du, dv = super().backward(dout)
        return dv, du


BILINEAR = twin(
    "bilinear",
    Bilinear,
    normal((4, 3), (4, 3)),
    arguments=normal((2, 3, 3)),
    param_grads={"A": "dA"},
    rows=("u", "v"),
)


class Quadratic:
    """The quadratic form of each row."""

    def __init__(self, A):
        self.A = A

    def forward(self, x):
        self.x = x
        return ((x @ self.A) * x).sum(axis=1)

    def backward(self, dout):
        self.dA = (self.x * dout[:, None]).T @ self.x
        return dout[:, None] * (self.x @ self.A + self.x @ self.A.T)


class TakenForSymmetric(Quadratic):
    """dx is 2 x A, which holds for a symmetric A only."""

    def backward(self, dout):
        super().backward(dout)
        return 2 * dout[:, None] * (self.x @ self.A)


class OneSideOnly(Quadratic):
    """x stands on both sides of A, and only one of them is differentiated."""

    def backward(self, dout):
        super().backward(dout)
        return dout[:, None] * (self.x @ self.A.T)


QUADRATIC = twin(
    "quadratic form",
    Quadratic,
    normal((4, 3)),
    arguments=normal((3, 3)),
    param_grads={"A": "dA"},
    rows=("x",),
)


def row_products():
    """The inner product of each row of a with the same row of b, as a pair of functions."""
    saved = {}

    def forward(a, b):
        saved["a"], saved["b"] = a, b
        return (a * b).sum(axis=1)

    def backward(dout):
        return dout[:, None] * saved["b"], dout[:, None] * saved["a"]

    return Pair(forward, backward)


def own_operand():
    """Each gradient multiplies with its own operand instead of the other one."""
    forward, right = row_products()
    return Pair(forward, lambda dout: right(dout)[::-1])


def dout_along_the_row():
    """dout is spread along the row instead of down the column; there are as many of both."""
    saved = {}

    def forward(a, b):
        saved["a"], saved["b"] = a, b
        return (a * b).sum(axis=1)

    def backward(dout):
        return dout * saved["b"], dout * saved["a"]

    return Pair(forward, backward)


ROWS = twin("row products", row_products, normal((3, 3), (3, 3)), rows=("a", "b"))


class Gram:
    """Inner products of all pairs of rows."""

    def forward(self, x):
        self.x = x
        return x @ x.T

    def backward(self, dout):
        return (dout + dout.T) @ self.x


class RowsOnly(Gram):
    """Every row takes part as a left and as a right operand; only the left one is counted."""

    def backward(self, dout):
        return dout @ self.x


GRAM = twin("gram matrix", Gram, normal((4, 3)))


TWINS = [VECTOR, BATCH, SHARED, SCORES, BILINEAR, QUADRATIC, ROWS, GRAM]
WRONG = [
    slip(VECTOR, OuterTurnedRound, TRANSPOSED, "dW"),
    slip(BATCH, AllAxesReversed, TRANSPOSED, "da"),
    slip(BATCH, OperandsSwapped, TRANSPOSED, "db"),
    slip(SHARED, WeightPerSequence, BROADCAST, "dW"),
    slip(SHARED, LastSequenceOnly, OVERWRITES, "dW"),
    slip(SCORES, LettersSwapped, TRANSPOSED, "dk"),
    slip(SCORES, KeysForQueries, OPERAND, "dk"),
    slip(BILINEAR, RightFromTheLeft, TRANSPOSED, "dv"),
    slip(BILINEAR, FormTransposed, TRANSPOSED, "dA"),
    slip(BILINEAR, SidesSwapped, SWAPPED, "du", "dv"),
    slip(QUADRATIC, TakenForSymmetric, TRANSPOSED, "dx"),
    slip(QUADRATIC, OneSideOnly, TERM, "dx"),
    slip(ROWS, own_operand, OPERAND, "da", "db", alike=(SWAPPED,)),
    slip(ROWS, dout_along_the_row, AXIS, "da", "db"),
    slip(GRAM, RowsOnly, TERM, "dx"),
]
