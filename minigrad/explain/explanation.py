"""The explanation: the data, its views, and the questions that it answers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.explain.data import again, entries
from minigrad.explain.data.asked import generator_asked
from minigrad.explain.data.located import Place, located
from minigrad.explain.data.model import Line, Trace
from minigrad.explain.data.terms import Entry
from minigrad.explain.drawing import drawings
from minigrad.explain.drawing.views import LIMIT
from minigrad.explain.notebook import html
from minigrad.explain.page.page import page
from minigrad.explain.questions import checking, paths
from minigrad.explain.questions import health as healths
from minigrad.explain.questions.quiz import Quiz
from minigrad.explain.text import text


class Explanation(Trace):
    """A forward pass and the backward pass through it: data that explain themselves.

    Made by `mg.explain`. `print(e)` and a notebook show it; the methods answer questions.

    >>> import minigrad as mg
    >>> apple, count = mg.Tensor(100.0), mg.Tensor(2.0)
    >>> price = apple * count
    >>> e = mg.explain(price)
    >>> e.gradients
    {'apple': array(2.), 'count': array(100.)}
    """

    file: str | None = None  # where the learner's code stands, that computed it
    whole: Callable[[], again.Rerun] | None = None  # makes what runs a network again

    def text(
        self,
        width: int | None = None,
        colour: bool | None = None,
        whole: bool | None = None,
    ) -> str:
        """Write it for a terminal.

        Args:
            width: of a line, in characters, at least 60; the terminal's when None.
            colour: whether to colour; when None, if standard output is a terminal and the
                environment variable NO_COLOR is not set.
            whole: whether to tell every call, not layer by layer; when None, up to 60 calls.

        >>> import minigrad as mg
        >>> x = mg.Tensor(2.0)
        >>> y = x * x
        >>> print(mg.explain(y).text(60).splitlines()[-1])
          dx = 4
        """
        return text(self, width, colour, whole)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        calls = sum(line.kind == "call" for line in self.lines)
        return f"<Explanation of {calls} calls and {len(self.steps)} steps back: print it>"

    def at(self, name: str, *index: int) -> Entry:
        """Take one entry of a gradient apart: every term of its sum.

        Args:
            name: of the value, W1, or of its gradient, dW1.
            index: of the entry; none for a single number.

        Raises:
            KeyError: when nothing has the name.
            IndexError: when the index does not name one entry.
            ValueError: when no gradient reaches it.
            TypeError: when the name is no string, or an index no whole number.

        >>> import minigrad as mg
        >>> x, w = mg.Tensor([[1.0, 2.0], [3.0, 4.0]]), mg.Tensor([0.5, -1.0])
        >>> y = np.sum(x @ w)
        >>> print(mg.explain(y).at("w", 1))
        dw[1] = Σₙ x[n, 1] · dv1[n]
              = 2·1 + 4·1
              = 6
        """
        return entries.entry_at(self, name, index)

    def why(self, name: str, most: int = paths.MOST) -> paths.Why:
        """List the paths that a gradient comes by, with the product along each, the largest first.

        Args:
            name: of the value.
            most: how many paths to keep; a dozen are printed. Of more paths than are kept, or of
                very many through a deep graph, those are followed that carry most at each call.

        Raises:
            KeyError: when nothing has the name.
            ValueError: when no gradient reaches it.

        >>> import minigrad as mg
        >>> x = mg.Tensor(3.0)
        >>> y = x * x + x
        >>> print(mg.explain(y).why("x"))
        3 paths from y to x
          1  y → v1 → x
             1 · 3 = 3
          2  y → v1 → x
             1 · 3 = 3
          3  y → x
             1 = 1
        dx = 7, the sum over the paths
        """
        return paths.why(self, name, most)

    def check(self, rng: int | np.random.Generator | None = 0) -> checking.Check:
        """Compare the gradients of all leaves with finite differences, and predict a small step.

        The recorded calls are run again with one entry of a leaf moved, Dropout's masks and all
        else as they were: three times for each of at most 25 entries of each leaf (of fewer, in a
        graph of hundreds of calls), and with smaller steps where the two sides differ. What is a
        kink then is left out, and said; so is an entry without a finite slope. Complex entries are
        moved in both directions.

        Args:
            rng: a seed or a Generator that chooses the entries of large leaves.

        Raises:
            RuntimeError: when a parameter was written since.

        >>> import minigrad as mg
        >>> x = mg.Tensor(3.0)
        >>> y = x * x
        >>> print(mg.explain(y).check())
        Backprop and finite differences: they agree
          ✓ dx  agree on 1 entry: largest difference ..., largest gradient 6
        A small step, and what the gradient predicts of it
          x + 0.001: y is to change by 0.006, and changes by 0.006001
        """
        generator = generator_asked("rng", rng)
        output = "the output" if self.output is None else self.lines[self.output].name
        if self.failure is not None:
            return checking.Check([], output, f"the {self.failure.phase} pass failed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the forward pass gave its warnings
            try:
                rerun = self._rerun()
            except again.UnrepeatableError as error:
                cause = f"{error} cannot be run again to the same result"
                return checking.Check([], output, cause)
            return checking.check(self, rerun, generator)

    def _rerun(self) -> again.Rerun:
        """Make what runs the forward pass again: call by call, or a network as a whole."""
        try:
            return again.rerun_of(self)
        except again.UnrepeatableError:
            if self.whole is None:
                raise
            return self.whole()

    def health(self) -> healths.Health:
        """Look for what keeps a network from learning.

        Dead ReLU units, saturated sigmoids and tanhs, gradients that vanish or explode between the
        first layer and the last, and the first value that is not finite: which call made it, of
        which layer, and on which line of whose code, where that can be found.

        >>> import minigrad as mg
        >>> p = mg.Tensor([0.5, 0.0])
        >>> with np.errstate(all="ignore"):
        ...     y = np.sum(np.log(p))
        >>> print(mg.explain(y, names={"p": p, "y": y}).health())
        ✗ v1 = np.log(p) is the first value that is not finite (1 infinite of 2)...
        """
        return healths.health(self, lambda trace, line: self._located(line))

    def _located(self, line: Line) -> Place | None:
        return located(self, line, self.file)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        return {"text/plain": text(self, 100, False), "text/html": html(self)}

    def quiz(self, seed: int = 0, questions: int = 5) -> Quiz:
        """Hide so many contributions, drawn by the seed, and ask for them: see `Quiz`.

        `quiz.run()` asks in a terminal or a notebook, `quiz.check(1, 2.2)` judges one answer,
        `quiz.save("quiz.html")` writes a page that asks by itself; `quiz.to_json()` is the result.

        >>> import minigrad as mg
        >>> a, b = mg.Tensor(3.0), mg.Tensor(4.0)
        >>> quiz = mg.explain(a * b, names={"a": a, "b": b}).quiz()
        >>> print(quiz.questions[0])
        1.  y = a * b
            ...
            What does this call add to da?
        >>> quiz.check(1, 4)
        Right.  da = dy * b
        """
        return Quiz(self, seed, questions)

    # ---- drawn views -----------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str], inside: str | None = None) -> None:
        """Write one self-contained page: the graph, a stepper, and each step's arithmetic in full.

        The page needs no network. Arrow keys, Home and End step; `backward.html#step=7` is a link
        to a step; a click on a box or on a number shows the whole sum that it is.

        Args:
            path: the file to write, such as "backward.html".
            inside: of a graph too large to be opened in one page, the part to make the page of: the
                title of its box.

        Raises:
            KeyError: when no part is called `inside`.
            OSError: of the fitting kind, when the file cannot be written.

        >>> import minigrad as mg, os, tempfile
        >>> apple, count = mg.Tensor(100.0, name="apple"), mg.Tensor(2.0, name="count")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mg.explain(apple * count).save(os.path.join(folder, "backward.html"))
        """
        written = page(self, inside)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(written)

    def to_svg(self, inside: str | None = None, limit: int = LIMIT) -> str:
        """Draw the graph as SVG, values over the lines and gradients under them.

        Args:
            inside: the title of a box that stands for several calls: what is inside it.
            limit: of boxes; parts of a larger graph are drawn as one box each.

        Raises:
            KeyError: when no part is called `inside`.

        >>> import minigrad as mg
        >>> mg.explain(mg.Tensor(2.0, name="x") * 3.0).to_svg()[:43]
        '<svg xmlns="http://www.w3.org/2000/svg" cla'
        """
        return drawings.to_svg(self, inside, limit)

    def to_mermaid(self, inside: str | None = None, limit: int = LIMIT) -> str:
        """Write the graph for Mermaid; arguments and errors as for `to_svg`.

        >>> import minigrad as mg
        >>> print(mg.explain(mg.Tensor(2.0, name="x") * 3.0, names={}).to_mermaid())
        flowchart LR
          n0["x"]
          n1(["x * 3.0<br/>y"])
          n2(("y"))
          n0 -->|"2<br/>∂ 3"| n1
          n1 -->|"6<br/>∂ 1"| n2
        """
        return drawings.to_mermaid(self, inside, limit)

    def to_dot(self, inside: str | None = None, limit: int = LIMIT) -> str:
        """Write the graph in DOT, for Graphviz; arguments and errors as for `to_svg`.

        >>> import minigrad as mg
        >>> print(mg.explain(mg.Tensor(2.0, name="x") * 3.0, names={}).to_dot()[:21])
        digraph explanation {
        """
        return drawings.to_dot(self, inside, limit)
