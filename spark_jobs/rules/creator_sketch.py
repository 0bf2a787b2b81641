"""Authors as places and signs of a sketch, which tells a user's authors in few numbers.

Signed feature hashing: Weinberger, Dasgupta, Langford, Smola and Attenberg, "Feature Hashing for Large Scale Multitask
Learning", ICML 2009. An author is +1 or -1 in one place. A user's counts of authors, summed place by place, give back
the count of any one author as the dot product with that author's sketch: those who share the place add or take away
with equal chance, so that the estimate is right in the mean.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.features import CREATOR_SKETCH


def sketch_of(author_id: Column) -> Column:
    """An author's sketch, an array of ``CREATOR_SKETCH`` numbers; the same in every process and version.

    Where nobody knows the author it is all zeros, which is the registry's default.
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
