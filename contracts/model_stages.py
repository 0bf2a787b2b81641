"""The life of a model in ``gold.models``: what ``promote`` makes of it."""

CANDIDATE, SERVING, RETIRED, REJECTED = "candidate", "serving", "retired", "rejected"
BEFORE = "trained"
"""Of models from before they were judged: every one of them served."""

MODEL_STAGES: dict[str, str] = {
    CANDIDATE: "not judged, or judged without a result; a model of a role that scores nothing stays one",
    SERVING: "scores the newest night that was judged",
    RETIRED: "scored an earlier night",
    REJECTED: "was clearly worse than what it was compared with, and never scored a night",
    BEFORE: "from before models were judged",
}
