"use strict";
const quiz = JSON.parse(document.getElementById("questions").textContent);
const tries = quiz.questions.map(() => []);
const right = quiz.questions.map(() => false);

// Numbers and names of numbers with + - * / ** and brackets; anything else is null.
function number(text, values = {}) {
  const tokens = text.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|[\p{L}_][\p{L}\p{N}_]*|\*\*|[-+*/()]|\S/giu) || [];
  let at = 0;
  const next = (...wanted) => (wanted.includes(tokens[at]) ? tokens[at++] : null);
  function sum() {
    let value = product();
    for (let op; (op = next("+", "-")); ) value = op === "+" ? value + product() : value - product();
    return value;
  }
  function product() {
    let value = signed();
    for (let op; (op = next("*", "/")); ) value = op === "*" ? value * signed() : value / signed();
    return value;
  }
  function signed() {
    const sign = next("+", "-");
    return sign ? (sign === "-" ? -signed() : signed()) : power();
  }
  function power() {
    const base = atom();
    return next("**") ? base ** signed() : base;
  }
  function atom() {
    if (next("(")) {
      const value = sum();
      return next(")") ? value : NaN;
    }
    const token = tokens[at++];
    if (Object.hasOwn(values, token)) return values[token];
    return /^[\d.]/.test(token || "") ? Number(token) : NaN;
  }
  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : null;
}

const close = (given, wanted) => Math.abs(given - wanted) <= quiz.tolerance * Math.abs(wanted) + 1e-9;

function judge(i, text) {
  const question = quiz.questions[i];
  const given = number(text, question.values);
  if (given === null) return [null, `“${text}” is no number; 2.5 would be one, or 2 * 1.25.`];
  tries[i].push(text);
  if (close(given, question.answer)) {
    right[i] = true;
    return [true, `✓ Right.  ${question.rule}`];
  }
  const slip = question.slips.find(([, wrong]) => close(given, wrong));
  const help = ["", "", question.hint][tries[i].length] ?? `The rule here: ${question.rule}`;
  return [false, `✗ Not yet. ${slip ? slip[0] : ""}${help}`.trimEnd()];
}

function result() {
  return {
    schema: quiz.schema,
    seed: quiz.seed,
    asked: quiz.questions.length,
    answered: tries.filter((given) => given.length).length,
    right: right.filter(Boolean).length,
    questions: quiz.questions.map(({ number, call, target, answer }, i) => ({
      number, call, target, answer, tries: tries[i], right: right[i],
    })),
  };
}

function show() {
  const now = result();
  document.getElementById("score").textContent = `${now.right} of ${now.asked} are right.`;
  document.getElementById("result").textContent = JSON.stringify(now, null, 2);
}

// One question after the other: what a later one shows may be the answer of an earlier one.
const items = document.querySelectorAll("li");
const reveal = (i) => { if (i < items.length) items[i].hidden = false; };
items.forEach((item, i) => { item.hidden = i > 0; });

document.querySelectorAll("form").forEach((form, i) => {
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = form.querySelector("input").value.trim();
    if (!text) return;
    const [verdict, words] = judge(i, text);
    form.className = verdict ? "right" : "wrong";
    status.textContent = words;
    if (verdict) reveal(i + 1);
    show();
  });
  form.querySelector(".rule").addEventListener("click", () => {
    form.className = "";
    status.textContent = `The rule here: ${quiz.questions[i].rule}`;
  });
  form.querySelector(".pass").addEventListener("click", () => {
    const { answer, rule } = quiz.questions[i];
    form.className = "";
    status.textContent = `It is ${Number(answer.toPrecision(6))}.  ${rule}`;
    reveal(i + 1);
  });
});
show();
