"""A quiz over a backward pass: some contributions are hidden, and the learner works them out.

The questions are plain records. `run` asks them in a terminal (or in a notebook's input field),
`check` takes one answer at a time, and `to_html` makes a page that asks by itself; all three judge
by the same numbers and leave the same result, which `to_json` writes down.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from minigrad.explain.data.asked import count_asked, generator_asked, whole_asked
from minigrad.explain.data.expressions import ExpressionError, evaluate
from minigrad.explain.data.model import Trace
from minigrad.explain.page.quiz_page import quiz_page
from minigrad.explain.questions.questions import LARGEST, TOLERANCE, Question, close, questions_of

SCHEMA = "minigrad.quiz/1"


@dataclass
class Feedback:
    """What is said to an answer; it prints as these words, and counts as true when it is right.

    >>> str(Feedback(True, "Right.")), bool(Feedback(False, "No."))
    ('Right.', False)
    """

    right: bool
    words: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return self.words


class Quiz:
    """Questions about a backward pass, drawn by a seed, in the order in which the walk comes by.

    Args:
        trace: the data of an explanation.
        seed: decides which contributions and which entries are asked for.
        questions: how many, where there are so many.

    Answers count as right within 1 %. They may be numbers, arithmetic like "2 * 1.1", or
    expressions of what is shown, "dprice * tax". A wrong answer is told what it is the answer to,
    where that can be seen; the second one brings a hint, and the third the rule.

    Raises:
        ValueError: when there is nothing to ask: no gradient flows, or every array is large.

    >>> import minigrad as mg
    >>> apple, tax = mg.Tensor(100.0, name="apple"), mg.Tensor(1.1, name="tax")
    >>> quiz = mg.explain(apple * 2 * tax).quiz(seed=0)
    >>> quiz.check(1, 55)
    Not yet.
    >>> quiz.result()["right"]
    0
    """

    def __init__(self, trace: Trace, seed: int = 0, questions: int = 5) -> None:
        most = count_asked("the number of questions", questions)
        if trace.failure is not None:
            raise ValueError(f"there is nothing to ask here: the {trace.failure.phase} pass failed")
        self.seed = seed
        self.questions = questions_of(trace, most, generator_asked("the seed of a quiz", seed))
        if not self.questions:
            raise ValueError(
                "there is nothing to ask here: no gradient flows, or every array in the way has "
                f"more than {LARGEST} entries or complex ones; explain a smaller batch or net"
            )

    def check(self, number: int, answer: float | str) -> Feedback:
        """Judge an answer to a question; numbers begin at 1.

        A wrong one is told what it would be the answer to, where that can be seen; the second wrong
        one brings a hint too, and the third the rule.

        Raises:
            IndexError: when there is no such question.
        """
        if not 1 <= whole_asked("the number of a question", number) <= len(self):
            raise IndexError(f"there is no question {number}; they go from 1 to {len(self)}")
        question = self.questions[number - 1]
        try:
            given = float(evaluate(str(answer), question.values))
        except (ExpressionError, TypeError):
            told = f"{answer!r} is no number; 2.5 would be one, or 2 * 1.25"
            names = [name for name in question.values if name.isidentifier()]
            return Feedback(False, f"{told}, or an expression of {', '.join(names)}")
        question.tries.append(str(answer))
        if close(given, question.answer):
            question.right = True
            return Feedback(True, f"Right.  {question.rule}")
        slip = next((w for w, wrong in question.slips.items() if close(given, wrong)), "")
        helps = {1: "", 2: question.hint}
        told = helps.get(len(question.tries), f"The rule here: {question.rule}")
        return Feedback(False, f"Not yet. {slip}{told}".rstrip())

    def run(
        self,
        ask: Callable[[str], str] = input,
        say: Callable[[str], object] = print,
        tries: int = 3,
    ) -> dict[str, Any]:
        """Ask every question, each so many times at most, and return the result.

        An empty answer passes on to the next question, "?" shows the rule; the end of the input
        (Ctrl-D) ends the quiz.
        """
        tries = count_asked("tries", tries)
        say(f"{len(self)} question{'s' * (len(self) != 1)}. Empty passes on, ? shows the rule.")
        try:
            for question in self.questions:
                say(f"\n{question}")
                self._ask(question, ask, say, tries)
        except (EOFError, KeyboardInterrupt):
            say("")
        result = self.result()
        say(f"\n{result['right']} of {result['asked']} are right.")
        return result

    def _ask(
        self,
        question: Question,
        ask: Callable[[str], str],
        say: Callable[[str], object],
        tries: int,
    ) -> None:
        while len(question.tries) < tries:
            answer = ask(f"    {question.target}: ").strip()
            if answer == "?":
                say(f"    {question.rule}")
                continue
            if not answer:
                break
            feedback = self.check(question.number, answer)
            say(f"    {feedback}")
            if feedback:
                return
        say(f"    It is {question.answer:.6g}.  {question.rule}")

    def result(self) -> dict[str, Any]:
        """Return what was answered: plain data, as `to_json` writes it."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "asked": len(self),
            "answered": sum(bool(q.tries) for q in self.questions),
            "right": sum(q.right for q in self.questions),
            "questions": [
                {
                    "number": q.number,
                    "call": q.call,
                    "target": q.target,
                    "answer": q.answer,
                    "tries": list(q.tries),
                    "right": q.right,
                }
                for q in self.questions
            ],
        }

    def to_json(self, indent: int | None = None) -> str:
        """Write the result as JSON."""
        return json.dumps(self.result(), indent=indent, ensure_ascii=False)

    def to_html(self) -> str:
        """Make a page that asks and judges by itself, without a network."""
        data = {
            "schema": SCHEMA,
            "seed": self.seed,
            "tolerance": TOLERANCE,
            "questions": [
                {
                    "number": q.number,
                    "call": q.call,
                    "target": q.target,
                    "answer": q.answer,
                    "rule": q.rule,
                    "hint": q.hint,
                    "values": {k: float(v) for k, v in q.values.items() if _is_number(v)},
                    "slips": [*q.slips.items()],
                }
                for q in self.questions
            ],
        }
        return quiz_page(data, [_body(question) for question in self.questions])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page of `to_html` to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.to_html())

    def __len__(self) -> int:
        return len(self.questions)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.questions))

    def __repr__(self) -> str:
        done = self.result()
        return (
            f"<Quiz of {len(self)} questions: {done['right']} right, {done['answered']} answered>"
        )

    def _repr_html_(self) -> str:
        """Show the questions in a notebook; they are answered by quiz.check(1, 2.2)."""
        items = "".join(
            f"<li style='margin-bottom:1em'><pre style='margin:0'>{escape(_body(q))}</pre>"
            f"{'✓ right' if q.right else '✗ not yet' if q.tries else '<em>open</em>'}</li>"
            for q in self.questions
        )
        return (
            f"<ol>{items}</ol><p>Answer with <code>quiz.check(1, 2.2)</code>, or all of them with "
            "<code>quiz.run()</code>.</p>"
        )


def _is_number(value: Any) -> bool:
    """Whether a page can compute with it: one finite number."""
    return np.ndim(value) == 0 and bool(np.isfinite(value))


def _body(question: Question) -> str:
    """The question without its number, which a list gives."""
    return str(question).removeprefix(f"{question.number}.  ")
