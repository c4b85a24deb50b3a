"""Recurrent layers: a cell and its unrolling, LSTM and GRU cells."""

import numpy as np

from zoo.causes import (
    CHAIN,
    MISSED,
    OPERAND,
    ORDER,
    OTHER_DERIVATIVE,
    OUTPUT,
    OVERWRITES,
    PLACE,
    SIGN,
    SWAPPED,
    TERM,
    TRANSPOSED,
)
from zoo.functions import sigmoid
from zoo.specimen import normal, slip, twin

WEIGHTS = {"Wx": "dWx", "Wh": "dWh", "b": "db"}


class Cell:
    """tanh(x Wx + h Wh + b)."""

    def __init__(self, Wx, Wh, b):
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def forward(self, x, h):
        self.x, self.h = x, h
        self.y = np.tanh(x @ self.Wx + h @ self.Wh + self.b)
        return self.y

    def slope(self, dout):
        return dout * (1 - self.y**2)

    def backward(self, dout):
        dt = self.slope(dout)
        self.dWx, self.dWh, self.db = self.x.T @ dt, self.h.T @ dt, dt.sum(axis=0)
        return dt @ self.Wx.T, dt @ self.Wh.T


class SlopeOfTheOldState(Cell):
    """tanh's derivative is taken from the state that came in, not the one that went out."""

    def slope(self, dout):
        return dout * (1 - self.h**2)


class WeightFromTheNewState(Cell):
    """dWh multiplies with the new state instead of the old one."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dWh = self.y.T @ self.slope(dout)
        return dx


class BiasBeforeTheSlope(Cell):
    """db adds up dout itself, without tanh's derivative."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout.sum(axis=0)
        return dx


class InputAndStateSwapped(Cell):
    """The gradients of input and state are returned in the wrong order."""

    def backward(self, dout):
        dx, dh = super().backward(dout)
        return dh, dx


CELL = twin(
    "rnn cell",
    Cell,
    normal((3, 4), (3, 4)),
    arguments=normal((4, 4), (4, 4), (4,), scale=0.5),
    param_grads=WEIGHTS,
    rows=("x", "h"),
)


class Unrolled:
    """The cell over all time steps; every state is an output: x is (batch, time, features)."""

    def __init__(self, Wx, Wh, b):
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def forward(self, x, h):
        self.x, self.first = x, h
        self.states = np.zeros((*x.shape[:2], len(self.Wh)), x.dtype)
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ self.Wx + h @ self.Wh + self.b)
            self.states[:, t] = h
        return self.states.copy()

    def before(self, t):
        return self.states[:, t - 1] if t > 0 else self.first

    def steps(self):
        return reversed(range(self.x.shape[1]))

    def carried(self, dt):
        return dt @ self.Wh.T

    def collect(self, t, dt):
        self.dWx += self.x[:, t].T @ dt
        self.dWh += self.before(t).T @ dt
        self.db += dt.sum(axis=0)

    def backward(self, dout):
        dx, dh = np.zeros_like(self.x), np.zeros_like(self.first)
        self.dWx, self.dWh = np.zeros_like(self.Wx), np.zeros_like(self.Wh)
        self.db = np.zeros_like(self.b)
        for t in self.steps():
            dt = (dout[:, t] + dh) * (1 - self.states[:, t] ** 2)
            self.collect(t, dt)
            dx[:, t], dh = dt @ self.Wx.T, self.carried(dt)
        return dx, dh


class NothingCarried(Unrolled):
    """The gradient is not carried from one step to the one before: dh stays 0 inside the loop."""

    def carried(self, dt):
        return np.zeros_like(dt)


class ForwardsThroughTime(Unrolled):
    """The loop of the backward runs from the first step to the last."""

    def steps(self):
        return range(self.x.shape[1])


class StateOfTheSameStep(Unrolled):
    """dWh multiplies with the state of the same step instead of the step before."""

    def before(self, t):
        return self.states[:, t]


class CarriedByTheWrongSide(Unrolled):
    """The carried gradient multiplies with Wh, not its transpose."""

    def carried(self, dt):
        return dt @ self.Wh


class WeightOfTheFirstStep(Unrolled):
    """dWx is assigned in the loop, not added to: the first step, which comes last, is kept."""

    def collect(self, t, dt):
        super().collect(t, dt)
        self.dWx = self.x[:, t].T @ dt


class FirstStateTakenForZero(Unrolled):
    """dWh leaves the first step out, as if the first state were always zeros."""

    def before(self, t):
        return self.states[:, t - 1] if t > 0 else np.zeros_like(self.first)


UNROLLED = twin(
    "rnn over time",
    Unrolled,
    normal((2, 4, 3), (2, 3)),
    arguments=normal((3, 3), (3, 3), (3,), scale=0.7),
    param_grads=WEIGHTS,
    rows=("x", "h"),
)
EARLIER = ("dx", "dh", "dWx", "dWh", "db")


class LSTMCell:
    """One step of an LSTM: the gates f, g, i, o stand side by side in the weights."""

    def __init__(self, Wx, Wh, b):
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def forward(self, x, h, c):
        f, g, i, o = np.split(x @ self.Wx + h @ self.Wh + self.b, 4, axis=1)
        self.f, self.g, self.i, self.o = sigmoid(f), np.tanh(g), sigmoid(i), sigmoid(o)
        self.x, self.h, self.c = x, h, c
        self.next_c = self.f * c + self.i * self.g
        self.t = np.tanh(self.next_c)
        return self.o * self.t, self.next_c.copy()

    def backward(self, dh, dc):
        ds = self.through_cell(dh, dc)
        dz = self.joined(*self.gates(dh, ds))
        self.dWx, self.dWh, self.db = self.x.T @ dz, self.h.T @ dz, dz.sum(axis=0)
        return dz @ self.Wx.T, dz @ self.Wh.T, self.kept(ds)

    def through_cell(self, dh, dc):
        return dc + dh * self.o * (1 - self.t**2)

    def gates(self, dh, ds):
        df = ds * self.c * self.f * (1 - self.f)
        di = ds * self.g * self.i * (1 - self.i)
        do = dh * self.t * self.o * (1 - self.o)
        return df, self.candidate(ds), di, do

    def candidate(self, ds):
        return ds * self.i * (1 - self.g**2)

    def kept(self, ds):
        return ds * self.f

    def joined(self, df, dg, di, do):
        return np.hstack([df, dg, di, do])


class ForgetGateFromTheNewCell(LSTMCell):
    """The forget gate's gradient multiplies with the new cell instead of the old one."""

    def gates(self, dh, ds):
        _, dg, di, do = super().gates(dh, ds)
        return ds * self.next_c * self.f * (1 - self.f), dg, di, do


class CellFromItsOwnGradient(LSTMCell):
    """The cell's gradient is dc alone: that h depends on the cell is forgotten."""

    def through_cell(self, dh, dc):
        return dc


class CellWithoutItsOwnGradient(LSTMCell):
    """The cell's gradient comes from h alone; the dc that arrives is dropped."""

    def through_cell(self, dh, dc):
        return dh * self.o * (1 - self.t**2)


class SlopeOfTheCell(LSTMCell):
    """1 − c² where 1 − tanh(c)² belongs."""

    def through_cell(self, dh, dc):
        return dc + dh * self.o * (1 - self.next_c**2)


class CandidateAsGate(LSTMCell):
    """The candidate is a tanh and is differentiated as a sigmoid, like the gates."""

    def candidate(self, ds):
        return ds * self.i * self.g * (1 - self.g)


class GatesInAnotherOrder(LSTMCell):
    """The gradients are joined as i, f, g, o; the weights are ordered f, g, i, o."""

    def joined(self, df, dg, di, do):
        return np.hstack([di, df, dg, do])


class OldCellWithoutGate(LSTMCell):
    """The old cell's gradient is not multiplied by the forget gate."""

    def kept(self, ds):
        return ds.copy()


class OutputGateFromTheCell(LSTMCell):
    """The output gate's gradient multiplies with c instead of tanh(c)."""

    def gates(self, dh, ds):
        df, dg, di, _ = super().gates(dh, ds)
        return df, dg, di, dh * self.next_c * self.o * (1 - self.o)


LSTM = twin(
    "lstm cell",
    LSTMCell,
    normal((3, 2), (3, 3), (3, 3)),
    arguments=normal((2, 12), (3, 12), (12,), scale=0.5),
    param_grads=WEIGHTS,
    rows=("x", "h", "c"),
)
GATES = ("dx", "dh", "dWx", "dWh", "db")


class GRUCell:
    """One step of a GRU: (1 − z) n + z h, where n sees r (h Un)."""

    def __init__(self, W, U, Wn, Un):
        self.W, self.U, self.Wn, self.Un = W, U, Wn, Un

    def forward(self, x, h):
        self.x, self.h = x, h
        self.z, self.r = np.split(sigmoid(x @ self.W + h @ self.U), 2, axis=1)
        self.hu = h @ self.Un
        self.n = np.tanh(x @ self.Wn + self.r * self.hu)
        return (1 - self.z) * self.n + self.z * h

    def backward(self, dout):
        dn = dout * (1 - self.z) * (1 - self.n**2)
        dz = self.update(dout) * self.z * (1 - self.z)
        dr = self.reset(dn) * self.r * (1 - self.r)
        dgates = np.hstack([dz, dr])
        self.dW, self.dU = self.x.T @ dgates, self.h.T @ dgates
        self.dWn, self.dUn = self.x.T @ dn, self.h.T @ (dn * self.r)
        dx = dgates @ self.W.T + dn @ self.Wn.T
        return dx, self.direct(dout) + dgates @ self.U.T + self.through_reset(dn) @ self.Un.T

    def update(self, dout):
        return dout * (self.h - self.n)

    def reset(self, dn):
        return dn * self.hu

    def direct(self, dout):
        return dout * self.z

    def through_reset(self, dn):
        return dn * self.r


class UpdateTurnedRound(GRUCell):
    """z's gradient has n − h where h − n belongs: another convention of the gate."""

    def update(self, dout):
        return dout * (self.n - self.h)


class StateNotPassedOn(GRUCell):
    """The direct way of the old state into the new one, z h, is forgotten."""

    def direct(self, dout):
        return 0.0


class ResetForgotten(GRUCell):
    """On its way to h, the candidate's gradient is not multiplied by r."""

    def through_reset(self, dn):
        return dn


class ResetFromTheState(GRUCell):
    """r's gradient multiplies with h; r multiplied h Un."""

    def reset(self, dn):
        return dn * self.h


GRU = twin(
    "gru cell",
    GRUCell,
    normal((3, 2), (3, 3)),
    arguments=normal((2, 6), (3, 6), (2, 3), (3, 3), scale=0.5),
    param_grads={"W": "dW", "U": "dU", "Wn": "dWn", "Un": "dUn"},
    rows=("x", "h"),
)


TWINS = [CELL, UNROLLED, LSTM, GRU]
WRONG = [
    slip(CELL, SlopeOfTheOldState, OPERAND, "dx", "dh", "dWx", "dWh", "db", alike=(OUTPUT,)),
    slip(CELL, WeightFromTheNewState, OUTPUT, "dWh"),
    slip(CELL, BiasBeforeTheSlope, CHAIN, "db"),
    slip(CELL, InputAndStateSwapped, SWAPPED, "dx", "dh"),
    slip(UNROLLED, NothingCarried, TERM, *EARLIER),
    slip(UNROLLED, ForwardsThroughTime, ORDER, *EARLIER),
    slip(UNROLLED, StateOfTheSameStep, PLACE, "dWh"),
    slip(UNROLLED, CarriedByTheWrongSide, TRANSPOSED, *EARLIER),
    slip(UNROLLED, WeightOfTheFirstStep, OVERWRITES, "dWx"),
    slip(UNROLLED, FirstStateTakenForZero, MISSED, "dWh"),
    slip(LSTM, ForgetGateFromTheNewCell, OPERAND, *GATES, alike=(OUTPUT,)),
    slip(LSTM, CellFromItsOwnGradient, TERM, *GATES, "dc"),
    slip(LSTM, CellWithoutItsOwnGradient, TERM, *GATES, "dc"),
    slip(LSTM, SlopeOfTheCell, OUTPUT, *GATES, "dc"),
    slip(LSTM, CandidateAsGate, OTHER_DERIVATIVE, *GATES),
    slip(LSTM, GatesInAnotherOrder, PLACE, *GATES, alike=(SWAPPED,)),
    slip(LSTM, OldCellWithoutGate, CHAIN, "dc"),
    slip(LSTM, OutputGateFromTheCell, OPERAND, *GATES, alike=(OUTPUT,)),
    slip(GRU, UpdateTurnedRound, SIGN, "dx", "dh", "dW", "dU"),
    slip(GRU, StateNotPassedOn, TERM, "dh"),
    slip(GRU, ResetForgotten, CHAIN, "dh"),
    slip(GRU, ResetFromTheState, OPERAND, "dx", "dh", "dW", "dU"),
]
