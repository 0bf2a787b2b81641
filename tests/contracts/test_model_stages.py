import json
from pathlib import Path

from contracts.model_stages import MODEL_STAGES

ROOT = Path(__file__).resolve().parents[2]


def test_ddl_and_suite_name_the_same_stages() -> None:
    assert (
        f"'{', '.join(MODEL_STAGES)}, see contracts/model_stages.py'" in (ROOT / "sql/gold/models/ddl.sql").read_text()
    )
    suite = json.loads((ROOT / "expectations/gold/models.json").read_text())
    (allowed,) = [item["kwargs"] for item in suite["expectations"] if item["kwargs"].get("column") == "stage"]
    assert allowed["value_set"] == list(MODEL_STAGES)
