"""A quiz over a backward pass: some contributions are hidden, and the learner works them out.

The questions are plain records. `run` asks them in a terminal (or in a notebook's input field),
`check` takes one answer at a time, and `to_html` makes a page that asks by itself; all three judge
by the same numbers and leave the same result, which `to_json` writes down.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from minigrad.explain.expressions import ExpressionError, evaluate
from minigrad.explain.model import Contribution, Line, Step, Trace
from minigrad.explain.quiz_page import quiz_page
from minigrad.graph import Array

SCHEMA = "minigrad.quiz/1"
TOLERANCE = 0.01  # of the answer: enough digits to show that it was worked out
LARGEST = 24  # entries of an array that a person may be asked to look at


@dataclass
class Question:
    """One hidden contribution: what a call adds to one entry of the gradient of an operand."""

    number: int
    call: str  # total = bag * tax
    target: str  # dtotal, or dW[0, 1]
    shown: list[tuple[str, str]]  # names and values that the answer is made of
    rule: str  # dtotal = dprice * tax: the hint
    place: str  # "path 2 of 3; the sum so far is 4.5", or ""
    answer: float
    slips: dict[str, float] = field(default_factory=dict)  # words about a wrong answer -> that one
    tries: list[str] = field(default_factory=list)
    right: bool = False

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.shown)
        lines = [f"{self.number}.  {self.call}"]
        for name, value in self.shown:
            indent = " " * (width + 7)
            lines.append(f"    {name.rjust(width)} = " + value.replace("\n", "\n" + indent))
        place = f"   ({self.place})" if self.place else ""
        return "\n".join([*lines, f"    What does this call add to {self.target}?{place}"])


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

    Answers count as right within 1 %. They may be numbers, or arithmetic like "2 * 1.1".

    Raises:
        ValueError: when there is nothing to ask: no gradient flows, or every array is large.

    >>> import minigrad as mg
    >>> apple, tax = mg.Tensor(100.0, name="apple"), mg.Tensor(1.1, name="tax")
    >>> quiz = mg.explain(apple * 2 * tax).quiz(seed=0)
    >>> quiz.check(1, 55)
    Not yet. The rule here: ...
    >>> quiz.result()["right"]
    0
    """

    def __init__(self, trace: Trace, seed: int = 0, questions: int = 5) -> None:
        if questions < 1:
            raise ValueError(f"a quiz has one question at least, and questions={questions}")
        self.seed = seed
        rng = np.random.default_rng(seed)
        found = list(_askable(trace))
        if not found:
            raise ValueError(
                "there is nothing to ask here: no gradient flows, or every array in the way has "
                f"more than {LARGEST} entries; explain a smaller batch or net"
            )
        chosen = sorted(rng.permutation(len(found))[:questions].tolist())
        self.questions = [
            _question(trace, number, found[i][0], found[i][1], rng)
            for number, i in enumerate(chosen, 1)
        ]

    def check(self, number: int, answer: float | str) -> Feedback:
        """Judge an answer to a question; numbers begin at 1.

        A wrong one is told what it would be the answer to, where that can be seen, and the rule.

        Raises:
            IndexError: when there is no such question.
        """
        if not 1 <= number <= len(self.questions):
            raise IndexError(f"there is no question {number}; they go from 1 to {len(self)}")
        question = self.questions[number - 1]
        try:
            given = float(evaluate(str(answer), {}))
        except (ExpressionError, TypeError):
            return Feedback(False, f"{answer!r} is no number; 2.5 would be one, or 2 * 1.25")
        question.tries.append(str(answer))
        if _close(given, question.answer):
            question.right = True
            return Feedback(True, f"Right.  {question.rule}")
        slip = next((w for w, wrong in question.slips.items() if _close(given, wrong)), "")
        return Feedback(False, f"Not yet. {slip}The rule here: {question.rule}")

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
        say(f"{len(self)} questions. Empty passes on, ? shows the rule.")
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


# ---- choosing and writing questions --------------------------------------------------------------
def _askable(trace: Trace) -> Iterator[tuple[Step, Contribution]]:
    """List the contributions that a person can work out with what fits on the screen."""
    for step in trace.steps:
        arrays = [line.value for line in _seen(trace, step)] + [step.gradient]
        if all(np.size(array) <= LARGEST for array in arrays):
            for contribution in step.contributions:
                finite = np.all(np.isfinite(contribution.share))
                if finite and 0 < contribution.share.size <= LARGEST:
                    yield step, contribution


def _seen(trace: Trace, step: Step) -> list[Line]:
    """List what the rules of a step may ask for: operands, each once, and the output."""
    ids = dict.fromkeys([*trace.lines[step.line].operands, step.line])
    return [trace.lines[i] for i in ids if i is not None]


def _question(
    trace: Trace, number: int, step: Step, part: Contribution, rng: np.random.Generator
) -> Question:
    call, to = trace.lines[step.line], trace.lines[part.to]
    entry = _entry(part.share, rng)
    shown = [(line.name, in_full(line.value)) for line in _seen(trace, step)]
    shown += [(name, in_full(np.asarray(value))) for name, value in step.caches.items()]
    shown.append((call.d, in_full(step.gradient)))
    place = ""
    if part.path > 1:
        before = float(part.running[entry] - part.share[entry])
        place = f"path {part.path} of {part.paths}; the sum so far is {before:.6g}"
    elif part.paths > 1:
        place = f"path 1 of {part.paths}"
    index = f"[{', '.join(map(str, entry))}]" if entry else ""
    answer = float(part.share[entry])
    return Question(
        number=number,
        call=f"{call.name} = {call.call}",
        target=to.d + index,
        shown=shown,
        rule=f"{to.d} {part.sign} {part.rule}",
        place=place,
        answer=answer,
        slips=_slips(step, part, entry, answer),
    )


def _entry(share: Array, rng: np.random.Generator) -> tuple[int, ...]:
    """Draw an entry, three times out of four one that is not 0."""
    places = np.flatnonzero(share)
    if not len(places) or rng.random() < 0.25:
        places = np.arange(share.size)
    flat = int(rng.choice(places))
    return tuple(int(i) for i in np.unravel_index(flat, share.shape))


def _slips(
    step: Step, part: Contribution, entry: tuple[int, ...], answer: float
) -> dict[str, float]:
    """Say for wrong answers that are often given what they are."""
    slips = {"The size is right; look at the sign. ": -answer}
    if part.path > 1:
        total = float(part.running[entry])
        slips["That is the sum of the paths so far; asked is what this one adds. "] = total
    if step.gradient.shape == part.share.shape:
        incoming = float(step.gradient[entry])
        slips["That is the gradient that comes in; the call's own derivative is missing. "] = (
            incoming
        )
        if incoming:
            local = answer / incoming
            slips["That is the call's own derivative; the gradient that comes in is missing. "] = (
                local
            )
    return {words: wrong for words, wrong in slips.items() if not _close(wrong, answer)}


def in_full(value: Array) -> str:
    """Write an array with six digits, rows under each other.

    >>> in_full(np.array([[1.0, 0.25]])), in_full(np.array(2.0))
    ('[[1, 0.25]]', '2')
    """
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return np.array2string(
            array, separator=", ", formatter={"float_kind": lambda x: f"{x:.6g}"}
        )
    return np.array2string(array, separator=", ")


def _close(given: float, wanted: float) -> bool:
    return math.isfinite(given) and abs(given - wanted) <= TOLERANCE * abs(wanted) + 1e-9


def _body(question: Question) -> str:
    """The question without its number, which a list gives."""
    return str(question).removeprefix(f"{question.number}.  ")
