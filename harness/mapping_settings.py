"""The settings of the event source mapping, as a scenario gives them: all of them optional, durations also as text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model

from harness.duration import Duration
from harness.mapping import SETTINGS, setting_type
from harness.scenario_part import Part

_ONLY_IN_TEMPLATES = ("enabled", "on_failure_arn")


def _optional(name: str) -> Any:
    kind = setting_type(name)
    kind = Annotated[kind, Duration()] if name.endswith("_in_seconds") else kind
    return kind | None, Field(None, description=SETTINGS[name].description)


_optional_settings = {name: _optional(name) for name in SETTINGS if name not in _ONLY_IN_TEMPLATES}
_Settings = create_model("_Settings", __base__=Part, **_optional_settings)


class MappingOverrides(_Settings):
    """Settings of the event source mapping; those that are given override the template's.

    Source of the bounds: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """

    def settings(self) -> dict[str, Any]:
        """The settings that the scenario gives, by the names of harness.mapping.Mapping."""
        return {name: value for name, value in self if value is not None}
