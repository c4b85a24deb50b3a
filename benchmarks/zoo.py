"""python -m benchmarks.zoo: the zoo of wrong backwards, judged by minigrad and by its peers.

Each side sees the same NumPy pairs of forward and backward at the same inputs. A wrong one that is
not passed is killed; a right one that is not passed is a false alarm; the cause is named if the
label is the zoo's, or one that the zoo calls alike. Peers name no causes; each may be missing.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
sys.path.insert(0, str(ROOT / "tests"))
zoo = import_module("zoo")


class Layer:
    """One specimen as a function of arrays to one flat array, with the gradients it hands out."""

    evaluations = 0  # of all layers; a check that raises cannot hand out its own count

    def __init__(self, specimen: Any, seed: int = 0) -> None:
        self.specimen, self.seed = specimen, seed
        self.inputs = specimen.inputs(np.random.default_rng(1000 + seed))
        layer = self.made()
        names = [n for n in specimen.names if n not in specimen.fixed]
        given = dict(zip(specimen.names, self.inputs, strict=True))
        self.names = [*names, *specimen.param_grads]
        held = {n: getattr(layer, n) for n in specimen.param_grads}
        self.operands = [np.asarray(given[n], float) for n in names]
        self.operands += [np.asarray(held[n], float) for n in held]

    def made(self) -> Any:
        """Make the layer, always with the same random numbers."""
        np.random.mtrand.seed(self.seed)  # one specimen draws from the global generator
        return self.specimen.layer(np.random.default_rng(self.seed))

    def forward(self, *operands: Any) -> tuple[Any, Any]:
        """A fresh layer after its forward on these operands, and its outputs, flat."""
        Layer.evaluations += 1
        layer, values = self.made(), dict(zip(self.names, map(np.array, operands), strict=True))
        for name in self.specimen.param_grads:
            setattr(layer, name, values.pop(name))
        pairs = zip(self.specimen.names, self.inputs, strict=True)
        inputs = [values.get(n, np.array(x)) for n, x in pairs]
        ys = layer.forward(*inputs, **self.specimen.options)
        ys = [np.asarray(y, float) for y in (ys if isinstance(ys, tuple) else (ys,))]
        return (layer, [y.shape for y in ys]), np.concatenate([y.ravel() for y in ys])

    def backward(self, state: Any, dout: Any) -> list[Any]:
        """The gradients of all operands, in order."""
        layer, shapes = state
        sizes = [int(np.prod(shape)) for shape in shapes]
        parts = np.split(np.array(dout, float), np.cumsum(sizes)[:-1])
        douts = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        dxs = layer.backward(*douts)
        dxs = list(dxs) if isinstance(dxs, (tuple, list)) else [dxs]
        if not self.specimen.names:
            dxs = []
        elif len(dxs) == len(self.specimen.names):
            pairs = zip(self.specimen.names, dxs, strict=True)
            dxs = [dx for name, dx in pairs if name not in self.specimen.fixed]
        return dxs + [getattr(layer, grad) for grad in self.specimen.param_grads.values()]

    def shaped(self, gradients: list[Any]) -> list[Any]:
        """Arrays of floats, one for each operand: what every peer demands of a rule."""
        if len(gradients) != len(self.operands) or any(g is None for g in gradients):
            raise ValueError("a gradient is missing")
        if any(np.shape(g) != x.shape for g, x in zip(gradients, self.operands, strict=True)):
            raise ValueError("a gradient has another shape than its operand")
        return [np.array(g, float) for g in gradients]


# ---- the sides: is it passed, and under what name is it failed? ----------------------------------
def by_minigrad(specimen: Any) -> tuple[bool, str, int]:
    """check_layer and check_vjp, with all contracts."""
    from minigrad.testing import check_layer, check_vjp

    layer = specimen.layer(np.random.default_rng(0))
    inputs = specimen.inputs(np.random.default_rng(1000))
    about = {"fixed": specimen.fixed, "raise_exception": False}
    about |= {"contracts": {"promotes to float64": True}}  # to other people it is but a note
    if isinstance(layer, zoo.Pair):
        report = check_vjp(*layer, *inputs, **about)
    else:
        about |= {"rows": specimen.rows, "fewest": specimen.fewest}
        about |= {"param_grads": specimen.param_grads}
        report = check_layer(layer, *inputs, **about, **specimen.options)
    return report.ok, report.cause.label if report.cause else "", report.evaluations


def by_pytorch(specimen: Any) -> tuple[bool, str, int]:
    """torch.autograd.gradcheck, slow mode, of an autograd.Function."""
    import torch

    layer = Layer(specimen)

    class Op(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *operands: Any) -> Any:
            ctx.state, y = layer.forward(*(x.detach().numpy() for x in operands))
            return torch.from_numpy(y)

        @staticmethod
        def backward(ctx: Any, dout: Any) -> Any:
            found = layer.shaped(layer.backward(ctx.state, dout.numpy()))
            return tuple(torch.from_numpy(g) for g in found)

    operands = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in layer.operands]
    ok = torch.autograd.gradcheck(Op.apply, operands)
    return bool(ok), "", 0


def by_jax(specimen: Any) -> tuple[bool, str, int]:
    """jax.test_util.check_grads, of a custom_vjp that calls back."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_jit", True)  # nothing runs twice: compiling would be all
    layer = Layer(specimen)
    _, y = layer.forward(*layer.operands)
    result = jax.ShapeDtypeStruct(y.shape, np.float64)
    like = [jax.ShapeDtypeStruct(x.shape, np.float64) for x in layer.operands]

    @jax.custom_vjp
    def op(*operands: Any) -> Any:
        return jax.pure_callback(lambda *xs: layer.forward(*xs)[1], result, *operands)

    def pulled(dout: Any, *operands: Any) -> list[Any]:
        state, _ = layer.forward(*operands)
        return layer.shaped(layer.backward(state, dout))

    def backward(operands: Any, dout: Any) -> Any:
        return tuple(jax.pure_callback(pulled, like, dout, *operands))

    op.defvjp(lambda *operands: (op(*operands), operands), backward)
    check_grads(op, layer.operands, order=1, modes=["rev"])
    return True, "", 0


def by_autograd(specimen: Any) -> tuple[bool, str, int]:
    """autograd.test_util.check_grads, of a primitive."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    layer = Layer(specimen)
    op = primitive(lambda *operands: layer.forward(*operands)[1])

    def rule(i: int) -> Any:
        def made(answer: Any, *operands: Any) -> Any:
            state, _ = layer.forward(*operands)
            return lambda dout: layer.shaped(layer.backward(state, dout))[i]

        return made

    defvjp(op, *map(rule, range(len(layer.operands))))
    check_grads(op, modes=["rev"], order=1)(*layer.operands)
    return True, "", 0


SIDES: dict[str, tuple[str, str, Callable[[Any], tuple[bool, str, int]]]] = {
    "minigrad": ("minigrad", "check_layer, check_vjp", by_minigrad),
    "PyTorch": ("torch", "gradcheck", by_pytorch),
    "JAX": ("jax", "check_grads", by_jax),
    "autograd": ("autograd", "check_grads", by_autograd),
}


# ---- the table -----------------------------------------------------------------------------------
def judged(side: str, specimen: Any) -> dict[str, Any]:
    """What a side says of one specimen; an exception is a failed check."""
    began, label, evaluations, error = time.perf_counter(), "", 0, ""
    Layer.evaluations = 0
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            ok, label, evaluations = SIDES[side][2](specimen)
    except Exception as raised:
        ok, error = False, f"{type(raised).__name__}: {raised}"[:200]
    count = evaluations or Layer.evaluations
    found = {"name": specimen.name, "ok": ok, "label": label, "evaluations": count}
    return found | {"seconds": time.perf_counter() - began, "error": error}


def run_side(side: str, part: slice) -> dict[str, Any]:
    """All specimens and all twins, by one side."""
    wrong = [judged(side, one) for one in zoo.ZOO[part]]
    right = [judged(side, one) for one in zoo.TWINS[part]]
    about = {one.name: one for one in zoo.ZOO}
    named = [one for one in wrong if one["label"] == about[one["name"]].wrong]
    alike = [one for one in wrong if one["label"] in about[one["name"]].alike]
    values = [one for one in wrong if about[one["name"]].wrong in zoo.VALUES]
    return {
        "checker": f"{side} {SIDES[side][1]}",
        "version": getattr(import_module(SIDES[side][0]), "__version__", ""),
        "wrong": len(wrong),
        "killed": sum(not one["ok"] for one in wrong),
        "values": len(values),
        "killed values": sum(not one["ok"] for one in values),
        "named": len(named),
        "named alike": len(alike),
        "twins": len(right),
        "false alarms": sum(not one["ok"] for one in right),
        "evaluations": sum(one["evaluations"] for one in wrong + right),
        "seconds": sum(one["seconds"] for one in wrong + right),
        "specimens": {one["name"]: one for one in wrong + right},
    }


def table(found: dict[str, dict[str, Any]]) -> str:
    """The results in Markdown."""
    lines = [
        "| checker | killed | of these wrong numbers | wrong conduct | cause named | false alarms |"
        " evaluations | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found.values():
        conduct = one["wrong"] - one["values"], one["killed"] - one["killed values"]
        named = one["named"] + one["named alike"]
        by_name = f"{named} ({one['named']} by the zoo's own label)" if named else "—"
        lines.append(
            f"| {one['checker']} {one['version']} | {one['killed']} of {one['wrong']} "
            f"| {one['killed values']} of {one['values']} | {conduct[1]} of {conduct[0]} "
            f"| {by_name} | {one['false alarms']} of {one['twins']} "
            f"| {one['evaluations'] or '—':{',' if one['evaluations'] else ''}} "
            f"| {one['seconds']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the sides that are there, and write zoo.json and zoo.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--every", type=int, default=1, help="only every n-th specimen")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "zoo.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for side in chosen.sides:
        try:
            import_module(SIDES[side][0])
        except ImportError:
            print(f"{side} is not installed")
            continue
        found[side] = run_side(side, slice(None, None, chosen.every))
        found = {name: found[name] for name in SIDES if name in found}
        path.write_text(json.dumps(found, indent=1), encoding="utf-8")
    (chosen.out / "zoo.md").write_text(table(found), encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
