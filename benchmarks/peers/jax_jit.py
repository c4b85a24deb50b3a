"""JAX: whole steps compiled by jax.jit, parameters and optimizer state donated.

The batch is on JAX's side before the clock starts, and a block of steps is waited for once, at its
end: both favour JAX. With `numpy batches` each step is handed the batch as NumPy's arrays, as a
loader of data would.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import problems, whole
from benchmarks.problems import Problem, Settings
from benchmarks.trial import Trial


def start(settings: Settings) -> None:
    """Allow float64 where the case is in float64."""
    jax.config.update("jax_enable_x64", settings["dtype"] == "float64")


def logits(params: list[Any], x: Any) -> Any:
    """The net."""
    for i in range(0, len(params), 2):
        x = x @ params[i] + params[i + 1]
        if i < len(params) - 2:
            x = jax.nn.relu(x)
    return x


def loss(params: list[Any], x: Any, t: Any) -> Any:
    """Softmax cross-entropy."""
    y = jax.nn.log_softmax(logits(params, x))
    return -jnp.mean(jnp.take_along_axis(y, t[:, None], axis=1))


def sgd(lr: float, params: list[Any], grads: list[Any], state: Any) -> tuple[list[Any], Any]:
    """W ← W − η g."""
    return [p - lr * g for p, g in zip(params, grads, strict=True)], state


def adam(lr: float, params: list[Any], grads: list[Any], state: Any) -> tuple[list[Any], Any]:
    """Algorithm 1 of Kingma and Ba."""
    count, m, v = state
    count = count + 1
    m = [0.9 * a + 0.1 * g for a, g in zip(m, grads, strict=True)]
    v = [0.999 * a + 0.001 * g * g for a, g in zip(v, grads, strict=True)]
    c1, c2 = 1 - 0.9**count, 1 - 0.999**count
    moved = [
        p - lr * (a / c1) / (jnp.sqrt(b / c2) + 1e-8) for p, a, b in zip(params, m, v, strict=True)
    ]
    return moved, (count, m, v)


RULES = {"SGD": sgd, "Adam": adam}


def first_state(params: list[Any]) -> Any:
    """Step zero, and zeros for m and v."""
    return (
        jnp.zeros((), params[0].dtype),
        [jnp.zeros_like(p) for p in params],
        [jnp.zeros_like(p) for p in params],
    )


def place(problem: Problem) -> tuple[list[Any], Any, Any]:
    """The weights and the batch as JAX's arrays."""
    return [jnp.array(W) for W in problem.weights], jnp.array(problem.x), jnp.array(problem.t)


def whole_step(settings: Settings) -> Any:
    """Value, gradient and update in one compiled function."""
    update, lr = RULES[settings["optimizer"]], settings["lr"]

    def compiled(params: list[Any], state: Any, x: Any, t: Any) -> tuple[Any, Any, Any]:
        value, grads = jax.value_and_grad(loss)(params, x, t)
        params, state = update(lr, params, grads, state)
        return value, params, state

    return jax.jit(compiled, donate_argnums=(0, 1))


def training_step(settings: Settings) -> Trial:
    """One call of the compiled step."""
    start(settings)
    problem = problems.net(settings)
    params, x, t = place(problem)
    if settings.get("numpy batches"):
        x, t = problem.x, problem.t
    state = first_state(params) if settings["optimizer"] == "Adam" else ()
    run = whole_step(settings)
    held = [params, state]

    def step() -> None:
        _, held[0], held[1] = run(held[0], held[1], x, t)

    return Trial(
        step,
        lambda: problems.changes(problem, held[0], loss(held[0], x, t)),
        lambda: jax.block_until_ready(held[0]),
    )


def forward(settings: Settings) -> Trial:
    """The loss alone: a compiled forward pass keeps nothing, so this is less than others do."""
    start(settings)
    params, x, t = place(problems.net(settings))
    run = jax.jit(loss)
    return Trial(
        lambda: run(params, x, t).block_until_ready(),
        lambda: {"loss": np.asarray(run(params, x, t))},
    )


def predict(settings: Settings) -> Trial:
    """The logits."""
    start(settings)
    params, x, _ = place(problems.net(settings))
    run = jax.jit(logits)
    return Trial(
        lambda: run(params, x).block_until_ready(), lambda: {"logits": np.asarray(run(params, x))}
    )


def chain(settings: Settings) -> Trial:
    """The chain and its derivatives in one compiled function, which fuses it."""
    start(settings)
    operands = [jnp.array(array) for array in problems.operands(settings)]
    count = settings["leaves"]
    ones = jnp.ones_like(operands[0])

    def compiled(*operands: Any) -> dict[str, Any]:
        def value(*leaves: Any) -> Any:
            return problems.chain(settings, jnp, *leaves, *operands[count:])

        if not settings["backward"]:
            return {"y": value(*operands[:count])}
        y, back = jax.vjp(value, *operands[:count])
        return {"y": y} | dict(zip("xwb", back(ones), strict=False))

    run = jax.jit(compiled)
    return Trial(
        lambda: jax.block_until_ready(run(*operands)),
        lambda: {name: np.asarray(value) for name, value in run(*operands).items()},
    )


def training(settings: Settings) -> Trial:
    """Until the test accuracy is reached; each training compiles afresh, unless `compiled`."""
    start(settings)
    run, predict = whole_step(settings), jax.jit(logits)

    def begin(problem: Problem) -> whole.Loop:
        if not settings.get("compiled"):
            jax.clear_caches()
        params, _, _ = place(problem)
        held = [params, first_state(params)]

        def step(x: Any, t: Any) -> None:
            _, held[0], held[1] = run(held[0], held[1], x, t)

        return whole.Loop(step, lambda x: np.asarray(predict(held[0], x)))

    return whole.training(settings, begin)
