"""The quiz: it asks what it hides, judges by one set of numbers, and says what went wrong."""

import json
import re

import browser
import numpy as np
import pytest

import minigrad as mg
from minigrad.explain.command import explained
from minigrad.explain.data.model import Contribution, Line, Step, Trace
from minigrad.explain.examples import EXAMPLES
from minigrad.explain.questions.questions import LARGEST, in_full
from minigrad.explain.questions.quiz import Quiz

needs_browser = pytest.mark.skipif(not browser.found(), reason="no Chromium is installed here")


# ---- two apples, with the book's numbers, written down by hand -----------------------------------
def number(value):
    return np.array(float(value))


def share(to, position, rule, value, path=1, paths=1, running=None):
    running = value if running is None else running
    made = number(value)
    return Contribution(to, position, rule, rule, None, made, made, path, paths, number(running))


def apples():
    values = {"apple": 100, "count": 2, "tax": 1.1, "bag": 200, "price": 220}
    calls = {"bag": ("apple * count", (0, 1)), "price": ("bag * tax", (3, 2))}
    lines = [
        Line(i, "call" if name in calls else "leaf", name, True, number(value))
        for i, (name, value) in enumerate(values.items())
    ]
    for name, (call, operands) in calls.items():
        line = next(line for line in lines if line.name == name)
        line.call, line.operands = call, operands
    last = [share(3, 0, "dprice * tax", 1.1), share(2, 1, "dprice * bag", 200)]
    first = [share(0, 0, "dbag * count", 2.2), share(1, 1, "dbag * apple", 110)]
    steps = [Step(0, 4, number(1), last), Step(1, 3, number(1.1), first)]
    return Trace(lines, steps, [], output=4, seed=number(1))


def doubled():
    """y = a + a, whose gradient is the sum of two paths."""
    lines = [Line(0, "leaf", "a", True, number(3)), Line(1, "call", "y", True, number(6), "a + a")]
    lines[1].operands = (0, 0)
    shares = [share(0, 0, "dy", 1, 1, 2), share(0, 1, "dy", 1, 2, 2, running=2)]
    return Trace(lines, [Step(0, 1, number(1), shares)], [], output=1, seed=number(1))


def all_of(trace, **options):
    return Quiz(trace, questions=100, **options)


# ---- the questions -------------------------------------------------------------------------------
def test_every_contribution_can_be_asked_for_in_the_order_of_the_walk():
    quiz = all_of(apples())
    asked = [(q.number, q.target, q.answer) for q in quiz.questions]
    assert asked == [(1, "dbag", 1.1), (2, "dtax", 200), (3, "dapple", 2.2), (4, "dcount", 110)]
    assert len(quiz) == 4


@pytest.mark.parametrize("question", all_of(apples()).questions, ids=lambda q: q.target)
def test_a_question_shows_what_its_answer_is_made_of_and_not_the_answer(question):
    text = str(question)
    assert question.call in text
    assert question.rule not in text
    for name, value in question.shown:
        assert f"{name} = {value}" in text
    names = {name for name, _ in question.shown}
    assert set(question.rule.split(" = ")[1].split(" * ")) <= names


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_question_shows_is_enough_to_answer_it(name):
    """The rule, run by Python on the very digits that are shown, gives the answer."""
    quiz = Quiz(explained(EXAMPLES[name]()), seed=1, questions=100)
    assert len(quiz) >= 4
    for question in quiz.questions:
        numbers = {name: np.array(eval(text, {"array": np.array})) for name, text in question.shown}
        code = question.rule.split("= ", 1)[1]
        result = eval(code, {"np": np, "one_hot": lambda t, k: np.eye(k)[t], **numbers})
        index = re.search(r"\[(.*)\]", question.target)
        entry = tuple(map(int, index[1].split(","))) if index else ()
        assert result[entry] == pytest.approx(question.answer, rel=1e-3, abs=1e-6), question.rule
        assert quiz.check(question.number, float(result[entry]))


def test_equal_seeds_ask_equal_questions_and_seeds_differ():
    drawn = [[q.target for q in Quiz(apples(), seed, questions=2).questions] for seed in range(20)]
    again = [[q.target for q in Quiz(apples(), seed, questions=2).questions] for seed in range(20)]
    assert drawn == again
    assert {tuple(targets) for targets in drawn} > {tuple(drawn[0])}


def test_of_an_array_one_entry_is_asked_for():
    trace, rng = apples(), np.random.default_rng(0)
    made = rng.normal(size=(2, 3))
    trace.steps[1].contributions[0].share = made
    trace.steps[1].contributions[0].running = made
    question = all_of(trace, seed=3).questions[2]
    i, j = map(int, question.target.removeprefix("dapple[").removesuffix("]").split(", "))
    assert question.answer == made[i, j]


def test_large_and_infinite_arrays_are_not_asked_for():
    trace = apples()
    trace.lines[0].value = np.ones(LARGEST + 1)
    assert [q.target for q in all_of(trace).questions] == ["dbag", "dtax"]
    trace.steps[0].caches = {"kept": np.ones(LARGEST + 1)}
    with pytest.raises(ValueError, match="nothing to ask"):
        Quiz(trace)
    trace.steps[0].caches = {"kept": np.ones(2)}
    assert "kept = [1, 1]" in str(Quiz(trace).questions[0])
    trace.steps[0].contributions[0].share = number(np.nan)
    assert [q.target for q in all_of(trace).questions] == ["dtax"]
    trace.steps[0].contributions[1].share = number(np.inf)
    with pytest.raises(ValueError, match="nothing to ask"):
        Quiz(trace)


def test_a_number_of_questions_below_one_is_refused():
    with pytest.raises(ValueError, match="the number of questions is one at least, and here"):
        Quiz(apples(), questions=0)


def test_values_are_written_with_six_digits():
    assert in_full(np.array([[1 / 3, 2.0]])) == "[[0.333333, 2]]"
    assert in_full(np.array([True, False])) == "[1, 0]"
    assert in_full(np.array([-0.0, 1e-7])) == "[0, 1e-07]"


# ---- answers -------------------------------------------------------------------------------------
@pytest.mark.parametrize("answer", [2.2, "2.2", "2 * 1.1", "2.21", " 22/10 ", "1.1 + 1.1"])
def test_numbers_and_arithmetic_are_answers(answer):
    assert all_of(apples()).check(3, answer)


@pytest.mark.parametrize(
    ("trace", "number", "answer", "words"),
    [
        (apples(), 3, -2.2, "look at the sign"),
        (apples(), 3, 2, "the gradient that comes in is missing"),
        (apples(), 3, 1.1, "the call's own derivative is missing"),
        (doubled(), 2, 2, "the sum of the paths so far"),
        (apples(), 1, 200, "adds to dtax: the other operand is the factor here"),
        (apples(), 3, 110, "adds to dcount: the other operand is the factor here"),
    ],
)
def test_a_wrong_answer_is_told_what_it_would_be_the_answer_to(trace, number, answer, words):
    feedback = all_of(trace).check(number, answer)
    assert not feedback
    assert words in str(feedback)


def test_wrong_answers_bring_nothing_then_a_hint_then_the_rule():
    quiz = all_of(apples())
    told = [str(quiz.check(3, 7)) for _ in range(4)]
    rule = "Not yet. The rule here: dapple = dbag * count"
    assert told == ["Not yet.", "Not yet. It is made of dbag and count.", rule, rule]


@pytest.mark.parametrize(
    "answer", ["dbag*count", "dbag * 2", "count + 0.2", "sqrt(count**2) * dbag"]
)
def test_an_expression_of_what_is_shown_is_an_answer(answer):
    assert all_of(apples()).check(3, answer)
    assert "an expression of" in str(all_of(apples()).check(3, "price"))


@pytest.mark.parametrize("answer", ["two", "", "open('x')", "[1, 2]", "1/0", "nan", None])
def test_what_is_no_number_is_no_try(answer):
    quiz = all_of(apples())
    assert "is no number" in str(quiz.check(1, answer))
    assert quiz.questions[0].tries == []


def test_a_question_that_is_not_there_is_an_error():
    for number in (0, 5, -1):
        with pytest.raises(IndexError, match="from 1 to 4"):
            all_of(apples()).check(number, 1)


def test_a_second_path_is_asked_with_the_sum_so_far():
    first, second = map(str, all_of(doubled()).questions)
    assert "(path 1 of 2)" in first
    assert "(path 2 of 2; the sum so far is 1)" in second


# ---- the terminal --------------------------------------------------------------------------------
def played(*answers, **options):
    """Play a whole quiz, and return what was said and the result."""
    said, waiting = [], list(answers)

    def ask(prompt):
        said.append(prompt)
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    result = all_of(apples()).run(ask, said.append, **options)
    return "\n".join(said), result


def test_a_perfect_run():
    said, result = played("1.1", "200", "2.2", "110")
    assert said.endswith("4 of 4 are right.")
    assert (result["asked"], result["answered"], result["right"]) == (4, 4, 4)


def test_three_tries_and_the_answer_is_told():
    said, result = played("1", "2", "3", "200", "", "?", "110")
    assert "It is 1.1.  dbag = dprice * tax" in said
    assert "It is 2.2.  dapple = dbag * count" in said
    assert "    dcount = dbag * apple" in said
    assert [q["right"] for q in result["questions"]] == [False, True, False, True]
    assert [q["tries"] for q in result["questions"]] == [["1", "2", "3"], ["200"], [], ["110"]]


def test_the_end_of_the_input_ends_the_quiz():
    said, result = played("1.1")
    assert said.endswith("1 of 4 are right.")
    assert result["answered"] == 1


def test_the_result_is_json():
    quiz = all_of(apples(), seed=7)
    quiz.check(1, 1.1)
    written = json.loads(quiz.to_json())
    assert written == quiz.result()
    assert (written["schema"], written["seed"], written["right"]) == ("minigrad.quiz/1", 7, 1)


# ---- the notebook --------------------------------------------------------------------------------
def test_a_notebook_shows_the_questions_without_a_script_and_what_became_of_them():
    quiz = all_of(apples())
    quiz.check(1, 1.1)
    quiz.check(2, 0)
    html = quiz._repr_html_()
    assert "<script" not in html
    assert html.count("<li") == 4
    assert (html.count("✓"), html.count("✗"), html.count("<em>open</em>")) == (1, 1, 2)


def test_names_are_text_wherever_they_come_from():
    trace = apples()
    for line in trace.lines:
        line.name = "</script><script>alert(1)</script>"
    quiz = all_of(trace)
    assert "<script>" not in quiz._repr_html_()
    page = quiz.to_html()
    assert page.count("<script") == 2  # ours
    assert page.count("</script>") == 2


# ---- the page ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def chromium():
    with browser.Browser(browser.found()) as opened:
        yield opened


@pytest.fixture
def opened(chromium, tmp_path):
    """Open the page of a quiz."""

    def of(quiz, **media):
        quiz.save(tmp_path / "quiz.html")
        return chromium.open(f"file://{tmp_path}/quiz.html", **media)

    return of


def give(page, number, answer):
    """Type an answer and send it, as a person would, and return what is said to it."""
    if page.evaluate(f"document.querySelector('li:nth-child({number})').hidden"):
        page.click(f"li:nth-child({number - 1}) .pass")
    field = f"document.getElementById('answer{number}')"
    page.evaluate(f"{field}.value = {json.dumps(str(answer))}")
    page.click(f"li:nth-child({number}) button")
    return page.evaluate(f"document.getElementById('status{number}').textContent")


@needs_browser
@pytest.mark.parametrize("answers", [("1.1", "200", "dbag*count", "110"), ("1", "-200", "2", "?")])
def test_the_page_judges_as_python_does_and_leaves_the_same_result(opened, answers):
    quiz = all_of(apples(), seed=5)
    page = opened(quiz)
    for number, answer in enumerate(answers, 1):
        said = give(page, number, answer)
        expected = quiz.check(number, answer)
        assert ("✓" in said) == bool(expected)
        if "is no number" not in str(expected):
            assert said.removeprefix("✓ ").removeprefix("✗ ") == str(expected)
    result = json.loads(page.evaluate("document.getElementById('result').textContent"))
    assert result == quiz.result()
    assert page.evaluate("document.getElementById('score').textContent").startswith(
        f"{result['right']} of 4"
    )
    assert page.messages == []
    assert [url for url in page.requests if not url.startswith("file:")] == []


@needs_browser
def test_a_question_is_shown_when_the_one_before_it_is_answered_or_passed(opened):
    page = opened(all_of(apples()))
    shown = "[...document.querySelectorAll('li')].filter(item => !item.hidden).length"
    assert page.evaluate(shown) == 1
    give(page, 1, "7")
    assert page.evaluate(shown) == 1
    give(page, 1, "1.1")
    assert page.evaluate(shown) == 2
    page.click("li:nth-child(2) .pass")
    said = page.evaluate("document.getElementById('status2').textContent")
    assert said == "It is 200.  dtax = dprice * bag"
    assert page.evaluate(shown) == 3


@needs_browser
@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_the_page_is_wider_than_the_screen(opened, width, scheme):
    trace = apples()
    trace.lines[4].call = " + ".join(["a_long_name"] * 20)
    page = opened(all_of(trace), width=width, prefers_color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = page.evaluate(
        "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
    )
    assert contrast(ink, paper) > 7


def contrast(*colours):
    """The contrast of two colours as WCAG 2 counts it."""
    lights = []
    for colour in colours:
        parts = np.array([int(part) for part in colour[4:-1].split(",")]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@needs_browser
def test_the_arithmetic_of_the_page_is_pythons(opened):
    page = opened(all_of(apples()))
    for text in (
        "2*1.1",
        "-2**2",
        "2**-1",
        "(1+2)*3",
        "1-2-3",
        "8/2/2",
        "1e-3",
        ".5",
        "2**3**2",
        "--2",
    ):
        assert page.evaluate(f"number({json.dumps(text)})") == pytest.approx(eval(text)), text
    for text in ("", "2,2", "(1", "1+", "alert(1)", "1/0", "x", "2 3"):
        assert page.evaluate(f"number({json.dumps(text)})") is None, text


def test_nobody_is_asked_to_multiply_complex_numbers():
    z, r = mg.Tensor([1 + 2j, 3]), mg.Tensor(2.0)
    loss = np.sum(np.abs(z) ** 2) * r
    quiz = mg.explain(loss).quiz(questions=20)
    assert quiz.questions
    assert not any("j" in question.call + str(question) for question in quiz.questions)
    with pytest.raises(ValueError, match="nothing to ask"):
        mg.explain(np.real(mg.Tensor(1j))).quiz()
