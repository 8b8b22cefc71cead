"""Deploys the user's own stack by a change set, compares it, and removes it. Other stacks are left alone.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import Problem, UserError
from harness.platforms.deployed import cloudformation
from harness.platforms.deployed.cloudformation import DEPLOY_TAG, GONE, StackRequest, deployed, take_away, wait
from harness.platforms.target import Target
from harness.waiting import held_back, until
from harness.workflow.stack import BUCKET, UserStack

MAX_CHANGE_SET_SECONDS = 120
_PREFIX = "harness-"
_NOTHING_NEW = ("didn't contain changes", "No updates are to be performed")
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}


@dataclass(frozen=True, slots=True)
class ResourceChange:
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

    def _computed(self) -> list[ResourceChange]:
        answer = until(self._described, MAX_CHANGE_SET_SECONDS)
        if answer is None:
            raise UserError(
                f"{self._request.name}: CloudFormation has not computed the changes within {MAX_CHANGE_SET_SECONDS} s"
            )
        if answer["Status"] == "FAILED":
            why = answer.get("StatusReason", "")
            if any(words in why for words in _NOTHING_NEW):
                return []
            raise UserError([Problem(f"CloudFormation refuses it: {why}", file=str(self._request.file))])
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
    """A change set for the time of the block. One that was not carried out is removed at its end, and so is the empty
    stack that a change set for a new stack makes, and one that a killed process left.
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
    """Whether somebody else has a change set for a stack of this name."""
    summaries = client.list_change_sets(StackName=name)["Summaries"]
    return any(not each["ChangeSetName"].startswith(_PREFIX) for each in summaries)


def changes(
    resources: Sequence[Mapping[str, Any]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[ResourceChange]:
    """What CloudFormation says will change. LocalStack 4.14 does not name the properties: the templates do."""
    return [
        ResourceChange(
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


MAX_SECONDS = 900  # AWS takes minutes over some resources
_NEVER_WAS = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")  # and cannot be updated
_WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class UserDeployment:
    """The user's stack of this name on a target."""

    def __init__(self, target: Target, name: str) -> None:
        self._name = name
        self._target = target
        self._stacks = target.client("cloudformation")

    def difference(self, wanted: UserStack) -> list[ResourceChange]:
        """What `deploy` would change. Uploads no code and leaves nothing behind."""
        with _as_user_error():
            self._deployed()
            with change_set(self._stacks, wanted.request) as difference:
                return difference.changes

    def deploy(self, wanted: UserStack) -> list[ResourceChange]:
        """Makes the stack as wanted. Returns what that changed.

        Raises UserError with CloudFormation's reasons; the stack is then as it was before.
        """
        with _as_user_error():
            self._wait_for_others()
            with change_set(self._stacks, wanted.request) as difference:
                if difference.changes:
                    cloudformation.upload_packages(
                        self._target.client("s3"), wanted.packages, self._bucket(), [DEPLOY_TAG]
                    )
                    self._judge(difference.carry_out(MAX_SECONDS), wanted)
            self._remove_packages(wanted.packages)
            return difference.changes

    def destroy(self) -> None:
        """Raises UserError where there is no such stack, or CloudFormation keeps something of it."""
        with _as_user_error():
            self.resources()
            status = cloudformation.take_away(self._stacks, self._name, MAX_SECONDS)
            if status != GONE:
                reasons = cloudformation.reasons(self._stacks, self._name)
                raise UserError(f"the stack {self._name} ended as {status}: {reasons}")
            self._remove_packages(())

    def resources(self) -> dict[str, tuple[str, str]]:
        """Type and name of each resource, by logical ids. Raises UserError where the stack is not deployed."""
        with _as_user_error():
            if self._deployed() is None:
                raise UserError(f"no stack {self._name} is deployed at {self._target}: `harness deploy` does that")
            resources = self._stacks.describe_stack_resources(StackName=self._name)["StackResources"]
            return {each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in resources}

    def outputs(self) -> dict[str, str]:
        """The values of the template's Outputs, by their keys."""
        with _as_user_error():
            stack = self._deployed() or {}
            return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs") or ()}

    def _wait_for_others(self) -> None:
        """Waits until no other deployment changes the stack; deletes one that was never completed."""
        if self._deployed() is None:
            return
        if cloudformation.wait(self._stacks, self._name, MAX_SECONDS) in _NEVER_WAS:
            cloudformation.take_away(self._stacks, self._name, MAX_SECONDS)

    def _judge(self, status: str, wanted: UserStack) -> None:
        if status not in _WELL:
            problem = cloudformation.ended_as(self._stacks, wanted.request, status)
            if status in _NEVER_WAS:
                cloudformation.take_away(self._stacks, self._name, MAX_SECONDS)
                self._remove_packages(())
            raise UserError([problem])

    def _deployed(self) -> dict[str, Any] | None:
        """The stack, None where it does not exist. Raises UserError where another stack has its name."""
        stack = deployed(self._stacks, self._name)
        if stack is not None and DEPLOY_TAG not in stack.get("Tags", ()):
            message = f"a stack {self._name} is at {self._target} that `harness deploy` did not make"
            raise UserError(f"{message}: name another with --stack")
        return stack

    def _bucket(self) -> str:
        account = self._target.client("sts").get_caller_identity()["Account"]
        return BUCKET.format(account=account, region=self._stacks.meta.region_name)

    def _remove_packages(self, kept: Collection[str]) -> None:
        """Those of this stack that it does not use any more."""
        cloudformation.remove_packages(self._target.client("s3"), self._bucket(), f"{self._name}/", kept)


@contextmanager
def _as_user_error() -> Iterator[None]:
    """Turns AWS errors into UserError."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise UserError([Problem(str(error))]) from error
