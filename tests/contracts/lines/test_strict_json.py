"""The strict JSON reader accepts exactly what RFC 8259 allows, and reports what is wrong otherwise."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.json_limits import MAX_DIGITS, MAX_LEVELS, MAX_NAME_UNITS, MAX_TEXT_UNITS
from contracts.lines.json_problems import LONGEST_SHOWN
from contracts.lines.strict_json import read_json, value_text
from tests.odd_lines import LIMITS, ODD_LINES, RAW_VALUES, nested, with_raw

BLANK = r"[ \t\n\r]*"
TOKEN = re.compile(
    rf"""{BLANK}(?:([\[\]{{}},:])|(true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{{4}})*")){BLANK}""",
    re.VERBOSE,
)


def is_json(text: str) -> bool:
    """RFC 8259's grammar, token by token: written down apart from any reader."""
    kinds, at = "", 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            return False
        kinds, at = kinds + (found[1] or ("v" if found[2] else "s")), found.end()
    previous = ""
    while kinds != previous:
        previous = kinds
        kinds = re.sub(r"\[(?:[vs](?:,[vs])*)?\]|\{(?:s:[vs](?:,s:[vs])*)?\}", "v", kinds)
    return kinds in {"v", "s"}


def reason(line: str | bytes) -> str | None:
    _, problem = read_json(line if isinstance(line, bytes) else line.encode())
    return None if problem is None else problem.reason


def detail(line: str | bytes) -> str:
    _, problem = read_json(line if isinstance(line, bytes) else line.encode())
    assert problem is not None
    return problem.detail


JSON_TEXT = st.text(alphabet='{}[]",:\\u0dD8c1eE+-. \t\n\x0b\u00a0ntrfals', max_size=12)


@given(text=st.sampled_from(RAW_VALUES).flatmap(lambda raw: JSON_TEXT.map(lambda more: raw + more)) | JSON_TEXT)
def test_it_takes_exactly_what_the_grammar_allows(text: str) -> None:
    assert (reason(text) != "malformed_json") == is_json(text)


def test_it_takes_of_odd_lines_exactly_what_the_grammar_allows() -> None:
    lines = [line for line in ODD_LINES if line not in LIMITS]
    wrong = [line for line in lines if (reason(line) != "malformed_json") != is_json(line)]
    assert wrong == []
    assert {is_json(line) for line in lines} == {True, False}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(
    value=st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10),
    is_ascii=st.booleans(),
)
def test_it_reads_what_was_written(value: Any, is_ascii: bool) -> None:
    read, problem = read_json(json.dumps(value, ensure_ascii=is_ascii).encode())
    assert problem is None
    assert json.dumps(read) == json.dumps(_with_texts(value))


def _with_texts(value: Any) -> Any:
    """``value`` with the digits of its numbers as texts."""
    if isinstance(value, list):
        return [_with_texts(one) for one in value]
    if isinstance(value, dict):
        return {name: _with_texts(one) for name, one in value.items()}
    return json.dumps(value) if type(value) in (int, float) else value


@given(halves=st.text(st.sampled_from("ab\U0001f600\ud83d\ude00"), max_size=6), as_name=st.booleans())
def test_a_text_with_half_a_surrogate_pair_is_refused(halves: str, as_name: bool) -> None:
    line = json.dumps({halves: 1} if as_name else {"name": [halves]})
    whole = json.loads(line)
    text = next(iter(whole)) if as_name else whole["name"][0]
    is_whole = not any("\ud800" <= character <= "\udfff" for character in text)
    assert reason(line) == (None if is_whole else "lone_surrogate")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a": 1, "text": "half \\ud83d"}', 'text="half \\ud83d"'),
        ('{"a": {"deep": ["\\uDC00"]}}', 'a={"deep": ["\\uDC00"]}'),
        ('{"\\ud83d": 1}', 'the name "\\ud83d"'),
        ('["\\ud83d"]', '["\\ud83d"]'),
        ('{"a": 1, "b": 2, "a": 3}', '"a"'),
        ('{"x": {"\\u0062": 1, "b": 2}}', '"b"'),
        ('{"a": NaN}', "character 7: expecting value, found NaN}"),
        ('{"NaN": "NaN", "a": [1, -Infinity]}', "character 25: expecting value, found -Infinity]}"),
        ('{"a": Inf}', "character 7: expecting value, found Inf}"),
        ('{"a": 1', "character 8: expecting ',' delimiter, found the end of the line"),
        ('{"a": "b', 'character 7: unterminated string, found "b'),
        ('{"a": 1} {', "character 10: extra data, found {"),
        ("", "character 1: expecting value, found the end of the line"),
        ('{"a": "\t"}', 'character 8: invalid control character, found \\t"}'),
        ('{\ufeff"a": 1}', "character 2: expecting property name enclosed in double quotes, found a byte-order mark"),
        ("{\0", "character 2: expecting property name enclosed in double quotes, found a zero byte, as of UTF-16"),
        (b'{"name": "Andr\xe9"}', 'byte 15 is 0xe9, after {"name": "Andr: write the file in UTF-8'),
        (b"\x1f\x8b\x08\x00", "gzip data: name the file .gz"),
        (b"\xff\xfe{\x00", "UTF-16: write the file in UTF-8"),
        (b'"\xed\xa0\xbd"', 'byte 2 is 0xed, after ": write the file in UTF-8'),
    ],
)
def test_a_refusal_says_what_and_where(line: str | bytes, expected: str) -> None:
    assert detail(line) == expected


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_line_may_have_exactly_so_many_levels(opening: str, closing: str) -> None:
    assert reason(nested(MAX_LEVELS, opening, closing)) is None
    assert detail(nested(MAX_LEVELS + 1, opening, closing)) == "nested 1,001 levels deep, must be at most 1,000"
    assert reason(nested(50_000, opening, closing)) == "beyond_limits"
    assert reason("[" * 50_000) == "beyond_limits", "before any reader gets to its end"
    assert reason(with_raw(json.dumps("[{" * 2000))) is None, "brackets in a text are no levels"


def test_numbers_names_and_texts_have_a_length() -> None:
    assert reason(with_raw("-0." + "1" * (MAX_DIGITS - 1))) is None
    assert detail(with_raw("1" * (MAX_DIGITS + 1))) == "mood: a number of 1,001 digits, must be at most 1,000"
    assert reason(with_raw("1", "x" * MAX_NAME_UNITS)) is None
    assert detail(with_raw("1", "x" * (MAX_NAME_UNITS + 1))).endswith(
        "x…: a name of 50,001 characters, must be at most 50,000"
    )
    assert reason(with_raw("1", "\U0001f600" * (MAX_NAME_UNITS // 2 + 1))) == "beyond_limits"
    assert reason(with_raw(f'"{"x" * MAX_TEXT_UNITS}"')) is None
    assert detail(with_raw(f'"{"x" * (MAX_TEXT_UNITS + 1)}"')) == (
        "mood: a text of 20,000,001 characters, must be at most 20,000,000"
    )


def test_a_value_is_shown_as_it_stands_in_the_line() -> None:
    line = b' { "a" : [1,  {"b": "\\u00e9"}] ,"c":1E400, "\\u0064": "\xc3\xa9" } '
    texts = [value_text(line, name) for name in ("a", "c", "d", "e")]
    assert texts == ['[1,  {"b": "\\u00e9"}]', "1E400", '"\u00e9"', ""]
    assert value_text(nested(MAX_LEVELS).encode(), "mood") == "[" * (MAX_LEVELS - 1) + "]" * (MAX_LEVELS - 1)
    long = json.dumps({"x" * 200: "\ud83d"})
    assert detail(long) == f'{"x" * 200}="\\ud83d"'
    assert len(detail(json.dumps({"x": "y" * 200 + "\ud83d"}))) == len("x=") + LONGEST_SHOWN + 1


@pytest.mark.timeout(120)  # a reader that tries every quote to the end of the line takes hours
@pytest.mark.parametrize("end", ["", "\\", '"', '"}'])
def test_a_text_without_an_end_is_looked_at_once(end: str) -> None:
    line = '{"a": ' + "[" * 300 + '"\\' * 500_000 + end
    assert reason(line) == "malformed_json"
    assert reason('{"a": ' + "[" * 1_000 + '"' + end) == "beyond_limits"
