"""docs/landing.md for tests: the page and its examples, one for each event type."""

import json
import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "landing.md").read_text()
EXAMPLE_LINES: list[str] = re.findall(r"```json\n(.*?)\n```", PAGE)
EXAMPLES: list[dict[str, Any]] = [json.loads(line) for line in EXAMPLE_LINES]
