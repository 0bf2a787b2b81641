from html import unescape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.adapt.plain_text import decode_entities, strip_html

CASES: list[tuple[str | None, str | None]] = [
    ("<p>One <b>two</b></p>\n\n<p>three<br>four</p>", "One two\nthree\nfour"),
    ("<p>a&nbsp;&nbsp;b &amp; c</p>", "a b & c"),
    ("&amp;lt;p&amp;gt; stays escaped once", "&lt;p&gt; stays escaped once"),
    ("<code>&lt;p&gt; x &lt; y</code>", "<p> x < y"),
    ("if a < b and c > d", "if a < b and c > d"),
    ('<a href="https://example.org?a=1&amp;b=2" rel="x">link</a>', "link"),
    ("&#39;&#8714;&#x2208;&alpha;&subseteq;&thinsp;|", "'\u220a\u2208\u03b1\u2286\u2009|"),
    ("AT&T &unknown; & &#0; &#99999999;", "AT&T &unknown; & &#0; &#99999999;"),
    ("", ""),
    (None, None),
]


def test_html_becomes_plain_text(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(i, html) for i, (html, _) in enumerate(CASES)], "i INT, html STRING")
    stripped = [row[0] for row in frame.orderBy("i").select(strip_html(F.col("html"))).collect()]
    assert stripped == [text for _, text in CASES]


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["&", "amp;", "lt;", "#39;", "#x41;", "a", "é", ";", " "])), min_size=1))
def test_entities_decode_as_the_standard_library_does(spark: SparkSession, pieces: list[list[str]]) -> None:
    texts = ["".join(piece) for piece in pieces]
    frame = spark.createDataFrame(list(enumerate(texts)), "i INT, text STRING")
    decoded = [row[0] for row in frame.orderBy("i").select(decode_entities(F.col("text"))).collect()]
    assert decoded == [unescape(text) for text in texts]
