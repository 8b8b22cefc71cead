"""Deploys the user's own stack, compares it, and takes it away. A stack that `deploy` did not make is left alone."""

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
    """The stack of a name at a place."""

    def __init__(self, target: Target, name: str) -> None:
        self._name = name
        self._target = target
        self._stacks = target.client("cloudformation")

    def difference(self, wanted: UserStack) -> list[Change]:
        """What deploying would change. Leaves nothing behind, and takes no code there."""
        with _told():
            self._own()
            with change_set(self._stacks, wanted.request) as found:
                return found.changes

    def deploy(self, wanted: UserStack) -> list[Change]:
        """Makes the stack what is wanted. Returns what that changed.

        Raises UserError with CloudFormation's reasons; the stack is then as it was before.
        """
        with _told():
            self._wait_for_others()
            with change_set(self._stacks, wanted.request) as found:
                if found.changes:
                    cloudformation.upload_packages(
                        self._target.client("s3"), wanted.packages, self._bucket(), DEPLOY_TAG
                    )
                    self._judge(found.carry_out(MAX_SECONDS), wanted)
            self._remove_packages(wanted.packages)
            return found.changes

    def destroy(self) -> None:
        """Raises UserError where there is no such stack, or CloudFormation keeps something of it."""
        with _told():
            self.resources()
            status = cloudformation.take_away(self._stacks, self._name, MAX_SECONDS)
            if status != GONE:
                reasons = cloudformation.reasons(self._stacks, self._name)
                raise UserError(f"the stack {self._name} ended as {status}: {reasons}")
            self._remove_packages(())

    def resources(self) -> dict[str, tuple[str, str]]:
        """Type and name of each resource, by logical ids. Raises UserError where the stack is not deployed."""
        with _told():
            if self._own() is None:
                raise UserError(f"no stack {self._name} is deployed at {self._target}: `harness deploy` does that")
            found = self._stacks.describe_stack_resources(StackName=self._name)["StackResources"]
            return {each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in found}

    def outputs(self) -> dict[str, str]:
        """What the template wants to be told of it."""
        with _told():
            stack = self._own() or {}
            return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs") or ()}

    def _wait_for_others(self) -> None:
        """Whoever else is at the stack goes first; one that was never completed is cleared away."""
        if self._own() is None:
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

    def _own(self) -> dict[str, Any] | None:
        """The stack, if it is there. Raises UserError where another one has its name."""
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
def _told() -> Iterator[None]:
    """What AWS refuses, and why, is the user's to know, without our own frames."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise UserError([Problem(str(error))]) from error
