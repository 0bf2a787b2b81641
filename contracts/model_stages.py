"""The model stages in ``gold.models``, which ``promote`` assigns."""

CANDIDATE, SERVING, RETIRED, REJECTED = "candidate", "serving", "retired", "rejected"
BEFORE = "trained"
"""Stage of models that were trained before models were judged; all of them served."""

MODEL_STAGES: dict[str, str] = {
    CANDIDATE: "not judged, or judged without a result; a model of a role that scores nothing stays one",
    SERVING: "scores the newest night that was judged",
    RETIRED: "scored an earlier night",
    REJECTED: "was clearly worse than what it was compared with, and never scored a night",
    BEFORE: "from before models were judged",
}
