"""What stands in a template: what its names mean (parameters, resources), and the properties of its resources.

Names that only AWS knows are made up, and noted.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Values
from typing import Any, TypeVar

from harness.documents import Document
from harness.errors import DocumentPath, NotImitated, Problem, UserError, nearest
from harness.models import Refusals, read
from harness.pipeline.intrinsics import NO_VALUE, Resolver, text
from harness.pipeline.properties import Properties, properties
from harness.pipeline.resources import ACCOUNT, BUCKET, PARTITION, REGION, RESOURCE_TYPES, arn
from harness.schemas import mistakes, schema_of

_OF_SSM = "AWS::SSM::Parameter::Value"
CONSUMER = "AWS::Kinesis::StreamConsumer"
# Where an ARN has another word than the type of the resource, or another character before the name.
_SERVICES = {"StepFunctions": "states", "Cognito": "cognito-idp", "CloudWatch": "cloudwatch", "OpenSearchService": "es"}
_KINDS = {
    "AWS::Events::EventBus": "event-bus",
    "AWS::StepFunctions::StateMachine": "stateMachine",
    "AWS::KinesisFirehose::DeliveryStream": "deliverystream",
}
_SEPARATORS = {"states": ":", "secretsmanager": ":", "cloudwatch": ":"}
_REF_IS_ARN = ("AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret", "AWS::SSO::PermissionSet")


class _MadeUpAttributes(dict[str, str]):
    """Of a resource of whose type nothing is known: any attribute has a value."""

    def __init__(self, known: dict[str, str], name: str) -> None:
        super().__init__(known)
        self._name = name

    def made_up(self, attribute: str) -> str:
        if attribute.lower().endswith("arn"):
            return self["Arn"]
        address = attribute.lower().endswith(("url", "uri", "endpoint"))
        return f"https://{self._name.lower()}.invalid" if address else f"{self._name}-{attribute}"


class Scope:
    """`types` are the types of the resources that exist, by logical id: those whose condition holds.

    Raises UserError when the document is not a template, or does not have one of the parameters.
    """

    def __init__(self, document: Document, stack_name: str, parameters: Values[str, str]) -> None:
        self.document = document
        self.stack_name = stack_name
        self.resolver = Resolver(document, self.ref, self.attribute)
        _check(document)
        self._given = parameters
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
        """The value of `Ref`. Raises LookupError, with a sentence that says why not."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._declared:
            return self._parameter(name)
        if name not in self.types:
            names = (*self._pseudo, *self._declared, *self.types)
            raise LookupError(f"'{name}' is neither a parameter nor a resource. {nearest(name, names)}")
        return self._attributes(name)["Ref"]

    def attribute(self, logical_id: str, name: str) -> str:
        """The value of `Fn::GetAtt`. Raises LookupError, with a sentence that says why not."""
        if logical_id not in self.types:
            raise LookupError(f"'{logical_id}' is not a resource. {nearest(logical_id, self.types)}")
        attributes = self._attributes(logical_id)
        keys = [key for key in attributes if key != "Ref"]
        if name not in keys and isinstance(attributes, _MadeUpAttributes):
            return attributes.made_up(name)
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
            return self._unmodelled(logical_id)
        name = self.physical(logical_id)
        return {key: pattern.format(name) for key, pattern in RESOURCE_TYPES[type].attributes.items()}

    def _parameter(self, name: str) -> str | list[str]:
        type = str(self._declared[name].get("Type", "String"))
        if type.startswith(_OF_SSM):
            return self._of_ssm(name, type)
        if name not in self.parameters:
            raise LookupError(f"parameter '{name}' has no default, and no value was given")
        value = self.parameters[name]
        return [part.strip() for part in value.split(",")] if "List" in type else value

    def _of_ssm(self, name: str, type: str) -> str | list[str]:
        """What a parameter has that names a parameter of the Systems Manager, unless the value itself is given."""
        if name in self._given:
            value: str = self._given[name]
        else:
            written = self.parameters.get(name, name)
            value = self.resolver.make_up(f"parameter {name}, of type {type},", written)
        return [part.strip() for part in value.split(",")] if "List" in type else value

    def _unmodelled(self, logical_id: str) -> dict[str, str]:
        """The names of a resource that is no part of a pipeline: as AWS would make them, but for what is random."""
        type = self.types[logical_id]
        service, _, kind = type.partition("::")[2].partition("::")
        service = _SERVICES.get(service, service.lower())
        properties = ("Resources", logical_id, "Properties")
        given = (self.resolver.resolve((*properties, property)) for property in (f"{kind}Name", "Name"))
        name = next((value for value in given if isinstance(value, str)), f"{self.stack_name}-{logical_id}")
        if type == CONSUMER:
            stream = self.resolver.resolve((*properties, "StreamARN"))
            return {"Ref": f"{stream}/consumer/{name}:1", "ConsumerARN": f"{stream}/consumer/{name}:1"}
        its_arn = arn(service, f"{_KINDS.get(type, kind.lower())}{_SEPARATORS.get(service, '/')}{name}")
        return _MadeUpAttributes({"Ref": its_arn if type in _REF_IS_ARN else name, "Arn": its_arn}, name)


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


P = TypeVar("P", bound=Properties)
T = TypeVar("T")


class PropertiesReader:
    """Goes on after a problem, so that the user gets all problems at once.

    `not_imitated` says what the embedded platform must refuse, `noted` what it leaves out or makes up.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.not_imitated: list[str] = []
        self.noted: list[str] = []
        self._problems: list[Problem] = []

    def add(self, path: DocumentPath, message: str) -> None:
        self._problems.append(self.scope.document.problem(path, message))

    def set_aside(self, path: DocumentPath, message: str) -> None:
        self.not_imitated.append(str(self.scope.document.problem(path, message)))

    def note(self, path: DocumentPath, message: str) -> None:
        self.noted.append(str(self.scope.document.problem(path, message)))

    def raise_problems(self) -> None:
        if self._problems:
            raise UserError(self._problems)

    def each(self, type: str, read: Callable[[str], T]) -> list[T]:
        """Reads every resource of a type. One that cannot be read is left out, and its problem is collected."""
        values = []
        for logical_id in self.scope.of_type(type):
            try:
                values.append(read(logical_id))
            except UserError as error:
                self._problems += error.problems
            except NotImitated as error:
                self.not_imitated.append(str(error))
        return values

    def read(self, logical_id: str, model: type[P]) -> P:
        """The properties of a resource, resolved and checked. Raises UserError, NotImitated."""
        aliases = [model.key(name) for name in model.FIELDS]
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        unknown_values: dict[str, NotImitated] = {}
        for name in self.scope.document.at(properties(logical_id)) or {}:
            path = properties(logical_id, name)
            if name in aliases:
                try:
                    values[name] = self.scope.resolver.resolve(path)
                except UserError as error:
                    problems += error.problems
                except NotImitated as error:
                    unknown_values[name] = error
            elif name not in model.ignored:
                message = f"{name} of a {self.scope.types[logical_id]} is not imitated."
                self.set_aside(path, f"{message} {nearest(name, (*aliases, *model.ignored))}")
        if problems:
            raise UserError(problems)
        return self._validated(logical_id, model, values, unknown_values)

    def _validated(
        self, logical_id: str, model: type[P], values: dict[str, Any], unknown_values: dict[str, NotImitated]
    ) -> P:
        known_values = {name: value for name, value in values.items() if value is not NO_VALUE}
        try:
            settings: P = read(model, known_values)
        except Refusals as error:
            for path, _ in error.refusals:
                if path and path[0] in unknown_values:
                    raise unknown_values[str(path[0])] from error
            wrong = mistakes(error, schema_of(model), known_values, logical_id)
            raise UserError(
                self.scope.document.problem(properties(logical_id, *each.path), each.message) for each in wrong
            ) from error
        self.not_imitated += [str(error) for error in unknown_values.values()]
        return settings
