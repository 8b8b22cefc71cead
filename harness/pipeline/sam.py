"""A SAM template as the CloudFormation template that AWS makes of it, translated by AWS's own library.

That library takes only code in S3. A folder that the template names is replaced by an S3 location before the
translation, and put back afterwards.
Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from harness.documents import Document, Place
from harness.errors import DocumentPath, Problem, UserError, nearest
from harness.pipeline.resources import REGION

TRANSFORM = "AWS::Serverless-2016-10-31"
_FUNCTION, _LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
_CODE = {
    _FUNCTION: "CodeUri",
    _LAYER: "ContentUri",
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
_NO_FOLDER = ("CodeUri", "InlineCode", "ImageUri")
# Left out: each run deploys a new function, of which an alias would be a second name.
OF_RELEASES = ("AutoPublishAlias", "AutoPublishAliasAllProperties", "DeploymentPreference")
_BUCKET = "a-folder-beside-the-template"


def cloudformation(document: Document, parameters: Mapping[str, str]) -> Document:
    """The document itself unless it is a SAM template. Raises UserError for what SAM refuses."""
    transforms = document.at(("Transform",))
    if transforms is None or not isinstance(document.at(("Resources",)), dict):
        return document
    for transform in transforms if isinstance(transforms, list) else [transforms]:
        if transform != TRANSFORM:
            message = (
                f"{transform} runs at AWS only: use the template that it makes. {nearest(str(transform), [TRANSFORM])}"
            )
            raise UserError([document.problem(("Transform",), message)])
    content = _translated(document, _folders_hidden(document), parameters)
    for resource in content["Resources"].values():
        _show_folder(resource.get("Properties", {}))
    return Document(content, {}, {**document.places, **_places_of(document, content["Resources"])})


def in_json(value: Any) -> Any:
    """A copy with each `Fn::GetAtt` as a list: JSON, SAM and LocalStack 4.14 do not take it as a text."""
    if isinstance(value, list):
        return [in_json(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: inner.split(".", 1) if key == "Fn::GetAtt" and isinstance(inner, str) else in_json(inner)
        for key, inner in value.items()
    }


def _translated(document: Document, content: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    # Imported here, because it is slow and most templates are not SAM templates.
    from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException

    try:
        translated: dict[str, Any] = json.loads(_translation(json.dumps(content), tuple(parameters.items())))
    except InvalidDocumentException as error:
        raise UserError([_problem(document, cause) for cause in error.causes]) from error
    except ExceptionWithMessage as error:
        raise UserError([_problem(document, error)]) from error
    except Exception as error:  # of a template that the library does not expect
        what = f"SAM's library cannot translate it: {type(error).__name__}: {error}"
        raise UserError([document.problem(("Transform",), what, at_key=True)]) from error
    return translated


@cache
def _translation(content: str, parameters: tuple[tuple[str, str], ...]) -> str:
    """Cached: every run of a template needs the same translation."""
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    # Given a session with a Region, it does not look for one; the names of AWS's policies come with the library.
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=REGION))
    try:
        return json.dumps(translator.translate(json.loads(content), dict(parameters), passthrough_metadata=True))
    finally:
        translator.metrics.publish()  # to nothing: without this call it warns


def _problem(document: Document, error: Any) -> Problem:
    logical_id = str(getattr(error, "_logical_id", ""))
    with_made = Document(document.value, {}, {**document.places, **_places_of(document, [logical_id])})
    path: DocumentPath = ("Resources", logical_id) if ("Resources", logical_id) in with_made.places else ()
    return with_made.problem(path, f"SAM refuses it: {error.message}")


def _folders_hidden(document: Document) -> dict[str, Any]:
    content: dict[str, Any] = in_json(document.value)
    general = _mapping_at(document, ("Globals", "Function"))
    for path in _code_paths(document):
        properties: dict[str, Any] = content
        for key in path:
            properties = properties[key]
        type = content["Resources"][path[1]]["Type"] if path[0] == "Resources" else _FUNCTION
        for name in OF_RELEASES:
            properties.pop(name, None)
        has_code = any(name in each for name in _NO_FOLDER for each in (properties, general))
        if type == _FUNCTION and path[0] == "Resources" and not has_code:
            properties["CodeUri"] = "."  # where `sam build` looks too
        code = properties.get(_CODE[type])
        if isinstance(code, str) and not code.startswith("s3://"):
            properties[_CODE[type]] = {"Bucket": _BUCKET, "Key": code}
    return content


def _mapping_at(document: Document, path: DocumentPath) -> dict[str, Any]:
    """SAM refuses what is none, in its own words."""
    value = document.at(path)
    return value if isinstance(value, dict) else {}


def _code_paths(document: Document) -> Iterator[tuple[str, ...]]:
    """The paths of the properties that may name a folder of code."""
    if isinstance(document.at(("Globals", "Function")), dict):
        yield "Globals", "Function"
    for logical_id, resource in document.value["Resources"].items():
        if (
            isinstance(resource, dict)
            and resource.get("Type") in [*_CODE]
            and isinstance(resource.get("Properties"), dict)
        ):
            yield "Resources", logical_id, "Properties"


def _show_folder(properties: Any) -> None:
    for name in ("Code", "Content"):
        code = properties.get(name) if isinstance(properties, dict) else None
        if isinstance(code, dict) and code.get("S3Bucket") == _BUCKET:
            properties[name] = code["S3Key"]


def _places_of(document: Document, logical_ids: Iterable[str]) -> dict[DocumentPath, Place]:
    """The positions in the user's file of the resources from which SAM makes these, and of their parts."""
    marks: dict[DocumentPath, Place] = {}
    written = document.value["Resources"]
    for logical_id in logical_ids:
        origins = [name for name in written if logical_id.startswith(name)]
        if origins and logical_id not in written:
            marks[("Resources", logical_id)] = document.places[("Resources", max(origins, key=len))]
    for logical_id, resource in written.items():
        if not isinstance(resource, dict) or resource.get("Type") != _FUNCTION:
            continue
        here: DocumentPath = ("Resources", logical_id, "Properties")
        general = _below(document, ("Globals", "Function"), here)
        marks.update({path: mark for path, mark in general.items() if path not in document.places})
        marks.update(_below(document, (*here, "CodeUri"), (*here, "Code")))
        for event in _mapping_at(document, (*here, "Events")):
            mapping: DocumentPath = ("Resources", f"{logical_id}{event}")
            written_at: DocumentPath = (*here, "Events", event)
            marks[mapping] = document.places[written_at]
            marks.update(_below(document, (*written_at, "Properties"), (*mapping, "Properties")))
            marks.update(
                _below(document, (*written_at, "Properties", "Stream"), (*mapping, "Properties", "EventSourceArn"))
            )
    return marks


def _below(document: Document, origin: DocumentPath, target: DocumentPath) -> dict[DocumentPath, Place]:
    length = len(origin)
    return {(*target, *path[length:]): mark for path, mark in document.places.items() if path[:length] == origin}
