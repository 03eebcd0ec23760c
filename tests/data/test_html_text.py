import random
import time

import pytest

from aigc_cli.data.html_text import text_of_page

PAGE = """<!DOCTYPE html><html><head><title>Not this</title><meta charset=utf-8><style>p > a {}</style>
<body><nav><ul><li>Home<li>About</ul></nav>
<div><script>if (a < b) document.write("</div><p>nor this</p>")</script>
<h1>A   day
out</h1><p>Fish &amp; chips&#x2014;and <b>tea</b> .<br>Then <i> home</i>.
<img src="data:image/png;base64,%s" alt="a < b > c"><ul><li>one<li>two</ul>
<pre>
  def f():
      return 1</pre><!-- a <p>comment --><table><tr><td>x<td>y</table></div>""" % ("A" * 9000)


def test_blocks_are_lines_and_what_nobody_reads_is_left_out():
    assert text_of_page(PAGE) == (
        "A day out\n\nFish & chips—and tea .\nThen home.\n\none\ntwo\n\n  def f():\n      return 1\n\nx y\n"
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<title/><body><p>closed<script src='a.js'/>at once</p>", "closedat once\n"),
        ("<p>a</p>\n\n\n<p></p><div></div><p>b</p>", "a\n\nb\n"),
        ("<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字", "漢字\n"),
        ("2 < 3 and 4 > 3 &lt;b&gt; &eacute;&nbsp;&unknown;", "2 < 3 and 4 > 3 <b> é\xa0&unknown;\n"),
        ("<script>never closed <p>x", ""),
        ("<SCRIPT>x</Script >said<style>p</STYLE>", "said\n"),
        ("<blockquote><p>quoted</p></blockquote>", "quoted\n"),
        ("  <p> </p> ", ""),
        ("", ""),
    ],
)
def test_single_cases(html, text):
    assert text_of_page(html) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        '<a b="',
        '<a"<',
        "<a'<'",
        "</",
        "<![",
        "<!--",
        "&#",
        "&",
        "<div>",
        "<div></b>",
        "<script>",
        "<p/>",
        "&#9",
    ],
)
def test_time_grows_with_the_length_alone(piece):
    started = time.process_time()
    text_of_page(piece * (1 << 16))
    assert time.process_time() - started < 4  # what grows with the square takes minutes


def test_time_grows_with_the_length_alone_whatever_the_quotes():
    rng = random.Random(3)
    started = time.process_time()
    text_of_page("".join(rng.choice(["<a", '"', "'", "x", "<b "]) for _ in range(1 << 18)))
    assert time.process_time() - started < 4
