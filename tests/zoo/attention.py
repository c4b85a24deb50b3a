"""Attention: dot-product, causal, with several heads, additive, pooled; rotary positions."""

import math

import numpy as np

from zoo.causes import (
    AXIS,
    BATCH_SUM,
    BROADCAST,
    CHAIN,
    CONSTANT,
    DETACHED,
    DIAGONAL,
    FACTOR,
    OPERAND,
    OVERWRITES,
    RESHAPED,
    SIGN,
    TERM,
    TRANSPOSED,
    WRONG_MASK,
)
from zoo.functions import softmax
from zoo.specimen import normal, slip, twin


class Attention:
    """softmax(q kᵀ / √d) v for each sequence of the batch."""

    def forward(self, q, k, v):
        self.q, self.k, self.v = q, k, v
        self.scale = 1 / math.sqrt(q.shape[2])
        self.a = softmax(q @ k.swapaxes(1, 2) * self.scale)
        return self.a @ v

    def through_softmax(self, da):
        return self.a * (da - (da * self.a).sum(axis=2, keepdims=True))

    def by_weights(self, dout):
        return dout @ self.v.swapaxes(1, 2)

    def backward(self, dout):
        ds = self.through_softmax(self.by_weights(dout)) * self.scale
        dv = self.a.swapaxes(1, 2) @ dout
        return ds @ self.k, ds.swapaxes(1, 2) @ self.q, dv


class ScaleForgotten(Attention):
    """The division by √d is not undone."""

    def through_softmax(self, da):
        return super().through_softmax(da) / self.scale


class SoftmaxDiagonal(Attention):
    """softmax is differentiated as if each weight depended on its own score only."""

    def through_softmax(self, da):
        return da * self.a * (1 - self.a)


class SumOverQueries(Attention):
    """softmax's inner sum runs over the queries instead of the keys."""

    def through_softmax(self, da):
        return self.a * (da - (da * self.a).sum(axis=1, keepdims=True))


class KeysNotTransposed(Attention):
    """dk uses the scores' gradient without transposing it; there are as many keys as queries."""

    def backward(self, dout):
        dq, _, dv = super().backward(dout)
        ds = self.through_softmax(self.by_weights(dout)) * self.scale
        return dq, ds @ self.q, dv


class ValuesNotTransposed(Attention):
    """dv uses the weights without transposing them."""

    def backward(self, dout):
        dq, dk, _ = super().backward(dout)
        return dq, dk, self.a @ dout


class KeysForValues(Attention):
    """The weights' gradient multiplies with the keys instead of the values."""

    def by_weights(self, dout):
        return dout @ self.k.swapaxes(1, 2)


class WeightsAsConstants(Attention):
    """dv alone is computed; the weights are treated as constants."""

    def backward(self, dout):
        dv = super().backward(dout)[2]
        return np.zeros_like(self.q), np.zeros_like(self.k), dv


ATTENTION = twin(
    "attention",
    Attention,
    normal((2, 3, 4), (2, 3, 4), (2, 3, 4)),
    rows=("q", "k", "v"),
)


class CausalAttention(Attention):
    """Step t sees the steps up to t."""

    def forward(self, q, k, v):
        self.q, self.k, self.v = q, k, v
        self.scale = 1 / math.sqrt(q.shape[2])
        scores = q @ k.swapaxes(1, 2) * self.scale
        future = np.triu(np.ones(scores.shape[1:], bool), 1)
        self.a = softmax(np.where(future, -1e9, scores))
        return self.a @ v


class FutureSeenInBackward(CausalAttention):
    """The backward computes the weights anew, to save memory, and forgets the mask."""

    def backward(self, dout):
        kept = self.a
        self.a = softmax(self.q @ self.k.swapaxes(1, 2) * self.scale)
        grads = super().backward(dout)
        self.a = kept
        return grads


CAUSAL = twin(
    "causal attention",
    CausalAttention,
    normal((2, 3, 4), (2, 3, 4), (2, 3, 4)),
    rows=("q", "k", "v"),
)


class MultiHead:
    """Self-attention with several heads, a projection into q, k and v, and one out of them."""

    heads = 2

    def __init__(self, Wq, Wk, Wv, Wo):
        self.Wq, self.Wk, self.Wv, self.Wo = Wq, Wk, Wv, Wo

    def split(self, x):
        N, T, D = x.shape
        x = x.reshape(N, T, self.heads, D // self.heads).swapaxes(1, 2)
        return x.reshape(N * self.heads, T, D // self.heads)

    def merged(self, x):
        N, T, d = x.shape
        x = x.reshape(N // self.heads, self.heads, T, d).swapaxes(1, 2)
        return x.reshape(N // self.heads, T, self.heads * d)

    def forward(self, x):
        self.x, self.inner = x, self.attention()
        parts = (self.split(x @ W) for W in (self.Wq, self.Wk, self.Wv))
        self.joined = self.merged(self.inner.forward(*parts))
        return self.joined @ self.Wo

    def attention(self):
        return Attention()

    def cut(self, dout):
        return self.split(dout @ self.Wo.T)

    def back_to_input(self, dq, dk, dv):
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T

    def backward(self, dout):
        self.dWo = np.einsum("nti,nto->io", self.joined, dout)
        dq, dk, dv = (self.merged(d) for d in self.inner.backward(self.cut(dout)))
        self.dWq, self.dWk, self.dWv = (np.einsum("nti,nto->io", self.x, d) for d in (dq, dk, dv))
        return self.back_to_input(dq, dk, dv)


class HeadsReshapedOnly(MultiHead):
    """The gradient is reshaped to heads without moving their axis: steps and heads mix."""

    def cut(self, dout):
        d = dout @ self.Wo.T
        N, T, D = d.shape
        return d.reshape(N * self.heads, T, D // self.heads)


class InputUsedOnce(MultiHead):
    """x goes into queries, keys and values; the keys' share of dx is left out."""

    def back_to_input(self, dq, dk, dv):
        return dq @ self.Wq.T + dv @ self.Wv.T


class OutputWeightFromTheInput(MultiHead):
    """dWo multiplies with x instead of the joined heads."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dWo = np.einsum("nti,nto->io", self.x, dout)
        return dx


class ScaledByTheWholeWidth(MultiHead):
    """The backward divides by the root of the whole width, not of a head's."""

    def backward(self, dout):
        right = self.inner.scale
        self.inner.scale = 1 / math.sqrt(self.x.shape[2])
        dx = super().backward(dout)
        self.inner.scale = right
        return dx


MULTI_HEAD = twin(
    "multi-head attention",
    MultiHead,
    normal((2, 3, 4)),
    arguments=normal((4, 4), (4, 4), (4, 4), (4, 4), scale=0.7),
    param_grads={"Wq": "dWq", "Wk": "dWk", "Wv": "dWv", "Wo": "dWo"},
    rows=("x",),
)


class AdditiveScores:
    """w · tanh(q_i + k_j) for every query i and key j."""

    def __init__(self, w):
        self.w = w

    def forward(self, q, k):
        self.t = np.tanh(q[:, :, None] + k[:, None])
        return self.t @ self.w

    def through_tanh(self, dout):
        return dout[..., None] * self.w * (1 - self.t**2)

    def backward(self, dout):
        self.dw = (dout[..., None] * self.t).sum(axis=(0, 1, 2))
        d = self.through_tanh(dout)
        return d.sum(axis=2), d.sum(axis=1)


class TanhForgotten(AdditiveScores):
    """tanh's derivative is missing for queries and keys."""

    def through_tanh(self, dout):
        return dout[..., None] * self.w


class FirstKeyOnly(AdditiveScores):
    """A query meets every key; its gradient is taken from the first."""

    def backward(self, dout):
        _, dk = super().backward(dout)
        return self.through_tanh(dout)[:, :, 0].copy(), dk


class QueriesAndKeysSummedAlike(AdditiveScores):
    """The query's gradient is summed over the queries; there are as many keys."""

    def backward(self, dout):
        _, dk = super().backward(dout)
        return self.through_tanh(dout).sum(axis=1), dk


ADDITIVE = twin(
    "additive scores",
    AdditiveScores,
    normal((2, 3, 4), (2, 3, 4)),
    arguments=normal((4,)),
    param_grads={"w": "dw"},
    rows=("q", "k"),
)


class AttentionPooling:
    """The mean of a sequence, weighted by softmax(x u)."""

    def __init__(self, u):
        self.u = u

    def forward(self, x):
        self.x, self.a = x, softmax(x @ self.u)
        return (self.a[..., None] * x).sum(axis=1)

    def by_scores(self, dout):
        da = (dout[:, None] * self.x).sum(axis=2)
        return self.a * (da - (da * self.a).sum(axis=1, keepdims=True))

    def backward(self, dout):
        ds = self.by_scores(dout)
        self.du = np.einsum("nt,ntd->d", ds, self.x)
        return self.a[..., None] * dout[:, None] + ds[..., None] * self.u


class PoolingWeightsAsConstants(AttentionPooling):
    """x is weighted and also decides the weights; the latter is left out of dx."""

    def backward(self, dout):
        super().backward(dout)
        return self.a[..., None] * dout[:, None]


POOLING = twin(
    "attention pooling",
    AttentionPooling,
    normal((3, 4, 2)),
    arguments=normal((2,)),
    param_grads={"u": "du"},
    rows=("x",),
)


class RotaryPositions:
    """Pairs of features are turned by an angle that grows with the time step."""

    def forward(self, x):
        half = x.shape[2] // 2
        angle = np.arange(x.shape[1])[:, None] / 10.0 ** np.arange(half)
        self.cos, self.sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
        return self.turned(x, self.sin)

    def turned(self, x, sin):
        a, b = np.split(x, 2, axis=2)
        return np.concatenate([a * self.cos - b * sin, a * sin + b * self.cos], axis=2)

    def backward(self, dout):
        return self.turned(dout, -self.sin)


class TurnedTheSameWay(RotaryPositions):
    """The gradient is turned forwards once more instead of back."""

    def backward(self, dout):
        return self.turned(dout, self.sin)


ROTARY = twin("rotary positions", RotaryPositions, normal((2, 3, 4)), rows=("x",))


class Positions:
    """A learned vector for every time step is added to every sequence."""

    def __init__(self, P):
        self.P = P

    def forward(self, x):
        return x + self.P[: x.shape[1]]

    def backward(self, dout):
        self.dP = np.zeros_like(self.P)
        self.dP[: dout.shape[1]] = dout.sum(axis=0)
        return dout.copy()


class PositionsOfOneSequence(Positions):
    """The positions' gradient is taken from the last sequence instead of their sum."""

    def backward(self, dout):
        dx = super().backward(dout)
        for d in dout:
            self.dP[: dout.shape[1]] = d
        return dx


POSITIONS = twin(
    "learned positions",
    Positions,
    normal((3, 4, 2)),
    arguments=normal((6, 2)),
    param_grads={"P": "dP"},
    rows=("x",),
)


TWINS = [ATTENTION, CAUSAL, MULTI_HEAD, ADDITIVE, POOLING, ROTARY, POSITIONS]
WRONG = [
    slip(ATTENTION, ScaleForgotten, FACTOR, "dq", "dk"),
    slip(ATTENTION, SoftmaxDiagonal, DIAGONAL, "dq", "dk"),
    slip(ATTENTION, SumOverQueries, AXIS, "dq", "dk"),
    slip(ATTENTION, KeysNotTransposed, TRANSPOSED, "dk"),
    slip(ATTENTION, ValuesNotTransposed, TRANSPOSED, "dv"),
    slip(ATTENTION, KeysForValues, OPERAND, "dq", "dk"),
    slip(ATTENTION, WeightsAsConstants, DETACHED, "dq", "dk"),
    slip(CAUSAL, FutureSeenInBackward, WRONG_MASK, "dq", "dk", "dv"),
    slip(MULTI_HEAD, HeadsReshapedOnly, RESHAPED, "dx", "dWq", "dWk", "dWv"),
    slip(MULTI_HEAD, InputUsedOnce, TERM, "dx"),
    slip(MULTI_HEAD, OutputWeightFromTheInput, OPERAND, "dWo"),
    slip(MULTI_HEAD, ScaledByTheWholeWidth, CONSTANT, "dx", "dWq", "dWk"),
    slip(ADDITIVE, TanhForgotten, CHAIN, "dq", "dk"),
    slip(ADDITIVE, FirstKeyOnly, BROADCAST, "dq"),
    slip(ADDITIVE, QueriesAndKeysSummedAlike, AXIS, "dq"),
    slip(POOLING, PoolingWeightsAsConstants, DETACHED, "dx"),
    slip(ROTARY, TurnedTheSameWay, SIGN, "dx"),
    slip(POSITIONS, PositionsOfOneSequence, BATCH_SUM, "dP", alike=(OVERWRITES,)),
]
