"""The user's question: a YAML file becomes variants in which every value is known, or a list of all its problems.

`load` reads the file, `variants` multiplies its matrix, and `model` is one variant. `expectation` and `fault_entry`
read the two parts that have a language of their own, `fields` the kinds of values. `schema.json` says what is valid.
Begin with `model`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("schema.json")


@cache
def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors, for the reference and for the words of errors. Do not change it.

    Draft 2020-12; each field has a description. It is kept as a file, because deriving it from the models takes longer
    than reading a scenario: `python -m tools.docs` writes it, and a test compares.
    """
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return schema
