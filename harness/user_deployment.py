"""Deploys the user's own stack, compares it, and deletes it. A stack that `deploy` did not make is left alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.change_set import Change, change_set
from harness.errors import Problem, UserError
from harness.platforms.deployed import cloudformation
from harness.platforms.deployed.cloudformation import DEPLOY_TAG, GONE, deployed
from harness.platforms.target import Target
from harness.user_stack import BUCKET, UserStack

MAX_SECONDS = 900  # AWS takes minutes over some resources
_NEVER_WAS = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")  # and cannot be updated
_WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class UserDeployment:
    """The user's stack of this name on a target."""

    def __init__(self, target: Target, name: str) -> None:
        self._name = name
        self._target = target
        self._stacks = target.client("cloudformation")

    def difference(self, wanted: UserStack) -> list[Change]:
        """What `deploy` would change. Uploads no code and leaves nothing behind."""
        with _as_user_error():
            self._deployed()
            with change_set(self._stacks, wanted.request) as difference:
                return difference.changes

    def deploy(self, wanted: UserStack) -> list[Change]:
        """Makes the stack as wanted. Returns what that changed.

        Raises UserError with CloudFormation's reasons; the stack is then as it was before.
        """
        with _as_user_error():
            self._wait_for_others()
            with change_set(self._stacks, wanted.request) as difference:
                if difference.changes:
                    cloudformation.upload_packages(
                        self._target.client("s3"), wanted.packages, self._bucket(), DEPLOY_TAG
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
