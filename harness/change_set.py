"""What CloudFormation would change of a stack: a change set, which is carried out or removed again.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.errors import Problem, UserError
from harness.platforms.deployed.cloudformation import StackRequest, deployed, take_away, wait
from harness.waiting import held_back, until

MAX_SECONDS = 120
_PREFIX = "harness-"
_NOTHING_NEW = ("didn't contain changes", "No updates are to be performed")
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}


@dataclass(frozen=True, slots=True)
class Change:
    """Of one resource. action: Add, Modify, Remove, …; `properties` are those that differ; replaced: made anew."""

    action: str
    logical_id: str
    type: str
    replaced: bool = False
    properties: tuple[str, ...] = ()

    def __str__(self) -> str:
        details = [", ".join(self.properties), "is made anew: what it holds is lost" if self.replaced else ""]
        words = [_SIGNS.get(self.action, self.action), self.logical_id, self.type]
        return ": ".join([" ".join(words), *(each for each in details if each)])


class ChangeSet:
    """One that CloudFormation has computed. `changes` is empty where the stack is as it is asked for."""

    def __init__(self, client: Any, request: StackRequest, identity: str) -> None:
        self._client = client
        self._request = request
        self.identity = identity
        self.carried_out = False
        self.changes = self._computed()

    def carry_out(self, seconds: float) -> str:
        """The status in which the stack ends within these seconds, or which it then has."""
        with held_back():
            self._client.execute_change_set(ChangeSetName=self.identity)
            self.carried_out = True
        return wait(self._client, self._request.name, seconds)

    def _computed(self) -> list[Change]:
        answer = until(self._described, MAX_SECONDS)
        if answer is None:
            raise UserError(f"{self._request.name}: CloudFormation has not told the changes within {MAX_SECONDS} s")
        if answer["Status"] == "FAILED":
            why = answer.get("StatusReason", "")
            if any(words in why for words in _NOTHING_NEW):
                return []
            raise UserError([Problem(f"CloudFormation does not take it: {why}", file=str(self._request.file))])
        pages = self._client.get_paginator("describe_change_set").paginate(ChangeSetName=self.identity)
        resources = [
            change["ResourceChange"] for page in pages for change in page["Changes"] if "ResourceChange" in change
        ]
        is_there = deployed(self._client, self._request.name)
        before = _template(self._client, self._request.name) if is_there else {}
        return changes(resources, before, self._request.template)

    def _described(self) -> dict[str, Any] | None:
        answer: dict[str, Any] = self._client.describe_change_set(ChangeSetName=self.identity)
        return None if answer["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else answer


@contextmanager
def change_set(client: Any, request: StackRequest) -> Iterator[ChangeSet]:
    """Removed with the block unless it was carried out, and with it the empty stack that one for a new stack makes.

    Also one that a killed process has left.
    """
    is_new = deployed(client, request.name) is None
    made: ChangeSet | None = None
    name = f"{_PREFIX}{uuid.uuid4()}"
    arguments = request.arguments() | {"ChangeSetName": name, "ChangeSetType": "CREATE" if is_new else "UPDATE"}
    with held_back():
        identity = client.create_change_set(**arguments)["Id"]
    try:
        made = ChangeSet(client, request, identity)
        yield made
    finally:
        if made is None or not made.carried_out:
            with held_back():
                client.delete_change_set(ChangeSetName=identity)
                if is_new and not _foreign(client, request.name):
                    take_away(client, request.name)


def _foreign(client: Any, name: str) -> bool:
    """Whether somebody else prepares a stack of this name, too."""
    summaries = client.list_change_sets(StackName=name)["Summaries"]
    return any(not each["ChangeSetName"].startswith(_PREFIX) for each in summaries)


def changes(
    resources: Sequence[Mapping[str, Any]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Change]:
    """What CloudFormation says will change. LocalStack 4.14 does not name the properties: the templates do."""
    return [
        Change(
            each["Action"],
            each["LogicalResourceId"],
            each["ResourceType"],
            each.get("Replacement") == "True",
            tuple(sorted(_details(each) | _differing(each, before, after))),
        )
        for each in resources
    ]


def _details(resource: Mapping[str, Any]) -> set[str]:
    targets = [detail.get("Target", {}) for detail in resource.get("Details") or ()]
    return {str(target["Name"]) for target in targets if target.get("Name")}


def _differing(resource: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    if resource["Action"] != "Modify":
        return set()
    old, new = (
        template.get("Resources", {}).get(resource["LogicalResourceId"], {}).get("Properties") or {}
        for template in (before, after)
    )
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def _template(client: Any, name: str) -> dict[str, Any]:
    body = client.get_template(StackName=name)["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template
