"""What people write out of habit with other libraries, and what it is called here.

Read when a name is not found, to say in the error what to write instead.
"""

from __future__ import annotations

from typing import Any, NoReturn

OF_MINIGRAD = {
    "linear": "mg.Affine(n_in, n_out) is the fully connected layer",
    "dense": "mg.Affine(n_in, n_out) is the fully connected layer",
    "no_grad": "nothing is recorded on plain arrays, x.data; net.predict and net.loss return those",
    "mseloss": "mg.MeanSquaredError() is the layer, mg.mean_squared_error the function",
    "crossentropyloss": "mg.SoftmaxWithLoss() is the layer, mg.softmax_cross_entropy the function",
    "bcewithlogitsloss": "mg.SigmoidWithLoss() is the layer",
    "variable": "mg.Tensor(array) is what is differentiated",
    "parameter": "a mg.Tensor in an attribute of a layer is a parameter",
    "module": "mg.Layer and mg.Network are the classes to inherit from",
    "nn": "layers are names of minigrad itself, mg.Affine, mg.ReLU",
    "optim": "optimizers are names of minigrad itself, mg.SGD, mg.Adam",
}
OF_TENSORS = {
    "detach": "x.data is its values, without history",
    "numpy": "x.data is its values, without history",
    "cpu": "everything is in memory already, and x.data is its values",
    "cuda": "minigrad computes where NumPy does",
    "to": "x.astype(dtype) converts; minigrad computes where NumPy does",
    "zero_grad": "x.grad = None forgets the gradient",
    "requires_grad": "every Tensor is differentiated, and constants are plain arrays",
    "requires_grad_": "every Tensor is differentiated, and constants are plain arrays",
    "retain_grad": "mg.gradients(y, [x]) gives the gradient of any Tensor",
    "clone": "a Tensor is a value, and nothing changes it: use x itself, or np.copy(x)",
    "unsqueeze": "write np.expand_dims(x, axis), or x[:, None]",
    "mm": "write x @ y",
    "t": "write x.T",
    "view": "write x.reshape(shape); x.data.view is that of its values, without history",
    "flat": "write np.ravel(x); x.data.flat is that of its values, without history",
}
for _function in ("relu", "sigmoid", "softmax", "log_softmax", "softplus", "logsumexp"):
    OF_TENSORS[_function] = f"write mg.{_function}(x)"

OF_NETWORKS = {
    "parameters": "net.params is a mapping of arrays by name, net.tensors() the same as Tensors",
    "named_parameters": "net.params.items() gives names and arrays, net.tensors() the Tensors",
    "train": "gradient runs in training, predict and loss in testing: train_flag is an argument",
    "eval": "gradient runs in training, predict and loss in testing: train_flag is an argument",
    "zero_grad": "net.gradient returns new arrays each time, and there is nothing to put to zero",
    "to": "net.astype(dtype) converts; minigrad computes where NumPy does",
    "fit": "mg.Trainer(net, optimizer).fit(x, t, epochs=10)",
    "compile": "mg.Trainer(net, optimizer) trains a net with an optimizer",
    "weights": "net.params is a mapping of arrays by name",
}
OF_NETWORKS["modules"] = OF_NETWORKS["children"] = "layers stand in the attributes you gave them"


class Sign:
    """Stands in a class where other libraries have a method, and says what to write instead.

    `__getattr__` could do it, but in Python 3.11 it raises the price of every attribute.
    """

    def __init__(self, name: str, told: str) -> None:
        self.name, self.told = name, told

    def __get__(self, thing: Any, kind: type) -> NoReturn:
        raise AttributeError(self.told, name=self.name, obj=thing)


NO_OPTIONS = (  # of backward
    "a graph lives for as long as you hold its output, and mg.gradients(y, [x], create_graph=True) "
    "gives Tensors"
)
NO_FLOAT = (  # of a Tensor
    "float() and the math module would drop the gradient of a Tensor: use NumPy's function "
    "(np.exp, not math.exp), np.stack to gather Tensors, x.at[i].set(t) on a Tensor x where an "
    "array would have a[i] = t, or .item() for a constant"
)
NO_ARRAY = (
    "a Tensor does not turn into an array by itself, because its gradient would be lost: use .data "
    "for the values, np.stack([...]) to gather Tensors into one, and x.at[i].set(t) on a Tensor x "
    "where an array would have a[i] = t"
)
