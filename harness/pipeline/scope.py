"""What the names in a template stand for: parameters, pseudo parameters, and resources with their attributes."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import Any

from harness.documents import Document
from harness.errors import NotImitated, UserError, nearest
from harness.pipeline.intrinsics import NO_VALUE, Resolver, text
from harness.pipeline.resources import ACCOUNT, BUCKET, PARTITION, REGION, RESOURCE_TYPES, arn

_OF_SSM = "AWS::SSM::Parameter::Value"


class Scope:
    """`types` are the types of the resources that exist, by logical id: those whose condition holds.

    Raises UserError when the document is not a template, or does not have one of the parameters.
    """

    def __init__(self, document: Document, stack_name: str, parameters: Values[str, str]) -> None:
        self.document = document
        self.stack_name = stack_name
        self.resolver = Resolver(document, self.ref, self.attribute)
        _check(document)
        self._declared: dict[str, Any] = document.at(("Parameters",)) or {}
        unknown = [name for name in parameters if name not in self._declared]
        if unknown:
            raise UserError(
                document.problem(("Parameters",), f"'{name}' is not a parameter. {nearest(name, self._declared)}")
                for name in unknown
            )
        self.parameters = {
            name: text(parameters.get(name, declared.get("Default")))
            for name, declared in self._declared.items()
            if name in parameters or "Default" in declared
        }
        self._pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NotificationARNs": [],
            "AWS::Partition": PARTITION,
            "AWS::Region": REGION,
            "AWS::StackId": arn("cloudformation", f"stack/{stack_name}/{stack_name}"),
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.types: dict[str, str] = {}  # empty while conditions are evaluated: they cannot refer to resources
        self.types = self._existing()

    def _existing(self) -> dict[str, str]:
        types = {}
        for logical_id, resource in self.document.value["Resources"].items():
            condition = resource.get("Condition")
            path = ("Resources", logical_id, "Condition")
            if condition is None or self.resolver.condition(condition, path):
                types[logical_id] = resource["Type"]
        return types

    def of_type(self, type: str) -> list[str]:
        return [logical_id for logical_id, other in self.types.items() if other == type]

    def ref(self, name: str) -> Any:
        """The value of `Ref`. Raises LookupError, or NotImitated where only AWS knows it."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._declared:
            return self._parameter(name)
        if name not in self.types:
            names = (*self._pseudo, *self._declared, *self.types)
            raise LookupError(f"'{name}' is neither a parameter nor a resource. {nearest(name, names)}")
        return self._attributes(name)["Ref"]

    def attribute(self, logical_id: str, name: str) -> str:
        """The value of `Fn::GetAtt`. Raises LookupError, or NotImitated where only AWS knows it."""
        if logical_id not in self.types:
            raise LookupError(f"'{logical_id}' is not a resource. {nearest(logical_id, self.types)}")
        attributes = self._attributes(logical_id)
        keys = [key for key in attributes if key != "Ref"]
        if name not in keys:
            raise LookupError(f"'{name}' is not an attribute of {self.types[logical_id]}. {nearest(name, keys)}")
        if name == "StreamArn" and not self.document.at(("Resources", logical_id, "Properties", "StreamSpecification")):
            raise LookupError(f"'{logical_id}' has no stream: give it a StreamSpecification")
        return attributes[name]

    def physical(self, logical_id: str) -> str:
        """The name in the template; without one, it is made of the stack's name and the logical id."""
        properties = ("Resources", logical_id, "Properties")
        name_property = RESOURCE_TYPES[self.types[logical_id]].name_property
        name = self.resolver.resolve((*properties, name_property))
        if name is not None and name is not NO_VALUE:
            return str(name)
        ending = ".fifo" if self.resolver.resolve((*properties, "FifoQueue")) in (True, "true") else ""
        name = f"{self.stack_name}-{logical_id}{ending}"
        return name.lower() if self.types[logical_id] == BUCKET else name  # S3 takes no capital letters

    def _attributes(self, logical_id: str) -> dict[str, str]:
        type = self.types[logical_id]
        if type not in RESOURCE_TYPES:
            raise NotImitated(f"the names of {logical_id}, a {type}, are not imitated")
        name = self.physical(logical_id)
        return {key: pattern.format(name) for key, pattern in RESOURCE_TYPES[type].attributes.items()}

    def _parameter(self, name: str) -> str | list[str]:
        type = str(self._declared[name].get("Type", "String"))
        if type.startswith(_OF_SSM):
            raise NotImitated(f"parameters of type {type} are not imitated")
        if name not in self.parameters:
            raise LookupError(f"parameter '{name}' has no default, and no value was given")
        value = self.parameters[name]
        return [part.strip() for part in value.split(",")] if "List" in type else value


def _check(document: Document) -> None:
    """Raises UserError unless the document has the shape of a template; the rest of this class relies on it."""
    if not isinstance(document.value, dict) or not isinstance(document.at(("Resources",)), dict):
        raise UserError([document.problem((), "is not a CloudFormation template: it has no Resources")])
    problems = [
        document.problem(("Resources", logical_id), "is not a resource: it has no Type")
        for logical_id, resource in document.value["Resources"].items()
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str)
    ]
    for section in ("Parameters", "Conditions", "Mappings"):
        entries = document.at((section,)) or {}
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            problems.append(document.problem((section,), f"{section} maps names to their settings"))
    if problems:
        raise UserError(problems)
