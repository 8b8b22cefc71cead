"""What a run does not create of a template: the ways in from outside, and mappings that are not to deliver. Pure.

Writers write into the table; LocalStack, as `harness up` starts it, has no service for APIs and schedules, and a
schedule would play along unasked. A disabled mapping would do no harm, but LocalStack 4.14 never gets rid of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.mentions import mentioned

_ENTRANCES = ("AWS::ApiGateway::", "AWS::ApiGatewayV2::", "AWS::Events::", "AWS::Scheduler::")


def without_entrances(template: dict[str, Any], needed: Iterable[str], idle: Iterable[str] = ()) -> dict[str, Any]:
    """The template without them and what depends on them; with all of it, where what is needed depends on them.

    idle: the logical ids of the mappings that are not to deliver.
    """
    resources = template["Resources"]
    mentions = {name: set(mentioned(resource)) for name, resource in resources.items()}
    gone = {name for name, resource in resources.items() if str(resource["Type"]).startswith(_ENTRANCES)} | set(idle)
    while more := {name for name, others in mentions.items() if others & gone} - gone:
        gone |= more
    if gone.intersection(needed):
        return template
    outputs = {
        name: output for name, output in (template.get("Outputs") or {}).items() if not gone & set(mentioned(output))
    }
    left = {name: resource for name, resource in resources.items() if name not in gone}
    return {**template, "Resources": left} | ({"Outputs": outputs} if "Outputs" in template else {})
