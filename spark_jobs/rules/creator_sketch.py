"""Sketch of authors: a short vector that summarises the authors whom a user engages with.

Signed feature hashing: Weinberger, Dasgupta, Langford, Smola and Attenberg, "Feature Hashing for Large Scale Multitask
Learning", ICML 2009. An author's sketch is +1 or -1 at one index and 0 elsewhere. A user's sketch is the sum of the
sketches of the authors, weighted by their counts. Its dot product with one author's sketch estimates that author's
count: authors at the same index add or subtract with equal chance, so the estimate is unbiased.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.features import CREATOR_SKETCH


def sketch_of(author_id: Column) -> Column:
    """An author's sketch, an array of ``CREATOR_SKETCH`` numbers; the same in every process and version.

    If the author is unknown, all numbers are 0, the registry's default.
    """
    code = F.xxhash64(F.lit("creator"), author_id)
    place = F.pmod(code, F.lit(CREATOR_SKETCH))
    sign = F.pmod(F.shiftright(code, 32), F.lit(2)) * F.lit(2) - F.lit(1)
    return F.array(
        *(
            F.when((place == at) & author_id.isNotNull(), sign).otherwise(F.lit(0)).cast("int")
            for at in range(CREATOR_SKETCH)
        )
    )
