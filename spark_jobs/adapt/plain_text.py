"""HTML to plain text, in columns: tags are removed, entities decoded once, white space normalised."""

import json
from html.entities import html5

from pyspark.sql import Column
from pyspark.sql import functions as F

BLOCK_TAG = r"(?i)</?(p|div|br|hr|li|ul|ol|h[1-6]|pre|blockquote|table|tr)\b[^>]*>"
OTHER_TAG = r"</?[A-Za-z][^>]*>"
REFERENCE = r"^(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]*);"
USUAL = ("amp", "gt", "lt", "quot", "nbsp", "mdash", "ndash", "hellip", "rsquo", "ldquo", "rdquo")
BLANKS = r"[ \t\u00A0]+"
LINE_BREAKS = r" ?(?:\r?\n ?)+"


def strip_html(html: Column) -> Column:
    """Plain text of an HTML column; null stays null.

    Block-level tags become a line break, other tags are removed; then entities are decoded; then runs of blanks become
    one blank, runs of line breaks one line break, and both ends are trimmed. Entities are decoded after the tags are
    removed, so that an escaped ``&lt;p&gt;`` stays visible as ``<p>``.
    """
    text = F.regexp_replace(F.regexp_replace(html, BLOCK_TAG, "\n"), OTHER_TAG, "")
    text = F.regexp_replace(F.regexp_replace(decode_entities(text), BLANKS, " "), LINE_BREAKS, "\n")
    return F.trim(text, F.lit(" \n"))


def decode_entities(text: Column) -> Column:
    """Decode named (HTML 5) and numeric character references in one pass; unknown ones stay unchanged.

    One pass matters: ``&amp;lt;`` is the text ``&lt;``, not ``<``. So the text is split at every ``&`` and each piece
    is decoded separately.
    """
    named = F.from_json(F.lit(json.dumps(_characters())), "map<string,string>")

    def decode(piece: Column, index: Column) -> Column:
        reference = F.regexp_extract(piece, REFERENCE, 1)
        character = F.when(reference.startswith("#"), _numeric_character(reference)).when(
            reference != "", F.try_element_at(named, reference)
        )
        decoded = F.concat(character, F.substr(piece, F.length(reference) + F.lit(2)))
        return F.when(index == 0, piece).otherwise(F.coalesce(decoded, F.concat(F.lit("&"), piece)))

    return F.array_join(F.transform(F.split(text, "&", -1), decode), "")


def _characters() -> dict[str, str]:
    """Character by entity name, the usual ones first: Spark looks a key up in a map by scanning it."""
    names = {name.removesuffix(";"): character for name, character in html5.items() if name.endswith(";")}
    return {name: names[name] for name in (*USUAL, *names)}


def _numeric_character(reference: Column) -> Column:
    digits = F.regexp_extract(reference, "^#[xX]?([0-9A-Fa-f]+)$", 1)
    point = F.when(reference.rlike("^#[xX]"), F.conv(digits, 16, 10)).otherwise(digits).try_cast("int")
    is_character = point.between(1, 0xD7FF) | point.between(0xE000, 0x10FFFF)
    return F.when(is_character, F.decode(F.unhex(F.lpad(F.hex(point), 8, "0")), "UTF-32"))
