"""The explanation: the data, and the views and questions that it answers."""

from __future__ import annotations

from minigrad.explain.model import Trace
from minigrad.explain.quiz import Quiz


class Explanation(Trace):
    """A forward pass and the backward pass through it, as data that explain themselves; made by
    `mg.explain`.

    >>> import minigrad as mg
    >>> apple, count = mg.Tensor(100.0), mg.Tensor(2.0)
    >>> e = mg.explain(apple * count, names={"apple": apple, "count": count})
    >>> e.gradients
    {'apple': array(2.), 'count': array(100.)}
    """

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
