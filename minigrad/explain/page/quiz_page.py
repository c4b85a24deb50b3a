"""A quiz as one page: no network, no library, and the same judgement as in Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from minigrad.explain.assets import read


def quiz_page(quiz: Mapping[str, Any], bodies: Sequence[str]) -> str:
    """Write the page for the data of a quiz and the texts of its questions.

    >>> quiz_page({"questions": []}, []).startswith("<!doctype html>")
    True
    """
    style, script = read("quiz.css"), read("quiz.js")
    items = "".join(
        _item(number, body, question["target"])
        for number, (body, question) in enumerate(zip(bodies, quiz["questions"], strict=True), 1)
    )
    data = json.dumps(quiz, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Backward pass: a quiz</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>Backward pass: a quiz</h1>
<p>Each call below is one step on the way back. Work out what it adds to one gradient. Answers count
within 1 %; arithmetic such as <code>2 * 1.1</code>, with names too, is welcome.</p>
<noscript><p>This page needs its script to judge answers. In Python, <code>quiz.run()</code> asks
the same questions.</p></noscript>
<ol>
{items}</ol>
<p id="score" aria-live="polite"></p>
<details><summary>The result as JSON</summary><pre id="result" tabindex="0"></pre></details>
</main>
<script type="application/json" id="questions">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def _item(number: int, body: str, target: str) -> str:
    *given, question = body.splitlines()
    asked = escape(question.strip()).replace(escape(target), f"<code>{escape(target)}</code>", 1)
    return f"""<li><form autocomplete="off">
<pre tabindex="0">{number}.  {escape(chr(10).join(given))}</pre>
<label for="answer{number}">{asked}</label>
<div class="row"><input id="answer{number}" aria-describedby="status{number}">
<button>Check</button><button type="button" class="rule">Show the rule</button>\
<button type="button" class="pass">Pass on</button></div>
<p role="status" id="status{number}"></p>
</form></li>
"""
