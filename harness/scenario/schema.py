"""The JSON Schema of a scenario file: for editors, for the reference, and for the words of errors.

It is kept as a file, because deriving it from the models takes longer than reading a scenario: `python -m tools.docs`
writes it, and a test compares.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
FILE = Path(__file__).with_name("schema.json")


@cache
def json_schema() -> Schema:
    """Draft 2020-12; each field has a description. It is read once: do not change it."""
    schema: Schema = json.loads(FILE.read_text("utf-8"))
    return schema
