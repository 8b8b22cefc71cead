"""The user's own stack: what CloudFormation is asked for, from the template as it is written."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.documents import load_template
from harness.errors import UserError
from harness.pipeline.dependencies import THIS_PYTHON
from harness.pipeline.sam import in_json
from harness.workflow.init import init_files
from harness.workflow.stack import UserStack, name_of, read_stack, user_stack

ROOT = Path(__file__).parents[3]
LEDGER = ROOT / "lambda" / "ledger" / "template.yaml"


def wanted(template: Path, name: str = "shop", function: str | None = None, **parameters: str) -> UserStack:
    return user_stack(read_stack(template, name, parameters, function))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """What `init` writes, for the Python of these tests."""
    for file, text in init_files(tmp_path / "shop").items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("python3.12", f"python{THIS_PYTHON}"))
    return tmp_path / "shop" / "template.yaml"


def with_resources(template: Path, **more: Any) -> Path:
    """The template with more in it, as JSON: which is YAML too."""
    text = template.read_text()
    lines = "".join(f"  {name}: {json.dumps(resource)}\n" for name, resource in more.items())
    template.write_text(f"{text}\n{lines}")
    return template


def function(folder: str) -> dict[str, Any]:
    properties = {"Runtime": "python3.11", "Handler": "job.run", "Code": folder, "Role": {"Ref": "Role"}}
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def names_in(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def test_the_template_is_as_it_is_written_but_for_its_code() -> None:
    """No names, no agent, no settings of ours; the parameters that said where code is are not asked for."""
    stack = wanted(LEDGER, "ledger")
    template = stack.request.template
    properties = template["Resources"]["Function"]["Properties"]
    (key,) = stack.packages
    assert re.fullmatch(r"ledger/Function-[0-9a-f]{16}\.zip", key)
    assert properties["Code"]["S3Key"] == key
    assert list(template["Parameters"]) == ["Handler"]
    assert stack.request.parameters == {"Handler": "idempotent.handler"}
    written = in_json(load_template(LEDGER).value["Resources"])
    written["Function"]["Properties"]["Code"] = properties["Code"]
    assert template["Resources"] == written
    assert names_in(stack.packages[key]) == ["effects.py", "idempotent.py"]


def test_other_code_is_another_template(shop: Path) -> None:
    """So that CloudFormation sees that it has changed; code that nothing imports is no change."""
    before = wanted(shop).request
    (shop.parent / "src" / "other.py").write_text("")
    assert wanted(shop).request == before
    handler = shop.parent / "src" / "app.py"
    handler.write_text(f"{handler.read_text()}\nNEW = 1\n")
    assert wanted(shop).request != before


def test_every_function_with_a_folder_is_packaged(shop: Path) -> None:
    """Also those that no stream triggers, each with what its own handler imports."""
    (shop.parent / "jobs").mkdir()
    for name in ("job", "other"):
        (shop.parent / "jobs" / f"{name}.py").write_text("run = print\n")
    stack = wanted(with_resources(shop, Nightly=function("jobs")))
    assert [program.logical_id for program in stack.programs] == ["Function", "Nightly"]
    assert [names_in(package) for package in stack.packages.values()] == [["app.py"], ["job.py"]]


def test_of_several_with_a_stream_one_is_named(shop: Path) -> None:
    """By the option, which the sentence says."""
    mapping = {
        "FunctionName": {"Ref": "Second"},
        "EventSourceArn": {"Fn::GetAtt": ["Todos", "StreamArn"]},
        "StartingPosition": "LATEST",
    }
    second = {**function("src")["Properties"], "Handler": "app.handler"}
    with_resources(
        shop,
        Second={"Type": "AWS::Lambda::Function", "Properties": second},
        SecondMapping={"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    )
    with pytest.raises(UserError, match=r"--function: 2 functions of .* have a stream.*Function, Second"):
        wanted(shop)
    assert wanted(shop, function="Second").programs[0].logical_id == "Second"
    assert len(wanted(shop, function="Second").packages) == 2


def test_a_parameter_without_a_value_is_asked_for(shop: Path) -> None:
    """With the words that give it."""
    text = shop.read_text().replace("Resources:", "Parameters: {Stage: {Type: String}}\nResources:", 1)
    shop.write_text(text.replace("BatchSize: 10", "BatchSize: 10\nOutputs: {Where: {Value: !Sub 'at-${Stage}'}}"))
    with pytest.raises(UserError, match="parameter 'Stage' has no default: give it as --parameter Stage=VALUE"):
        wanted(shop)
    assert wanted(shop, Stage="live").request.parameters == {"Stage": "live"}


@pytest.mark.parametrize("name, sentence", [("harness-x", "those of runs"), ("a_b", "letters"), ("1a", "letters")])
def test_a_name_that_cannot_be_is_refused(name: str, sentence: str, shop: Path) -> None:
    """CloudFormation's rule, and that `down --stacks` must not take it for a run's."""
    with pytest.raises(UserError, match=f"--stack {name}: .*{sentence}"):
        wanted(shop, name)


def test_a_stack_is_called_as_its_folder(shop: Path) -> None:
    """As far as a stack can be."""
    assert name_of(shop) == "shop"
    assert name_of(Path("my_2nd shop") / "template.yaml") == "my-2nd-shop"
    assert name_of(Path("2") / "template.yaml") == "pipeline"


@pytest.fixture
def no_other_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has this one alone."""
    monkeypatch.setenv("PATH", "")


@pytest.mark.usefixtures("no_other_python")
def test_code_that_is_no_python_is_refused_with_its_line(shop: Path) -> None:
    """Where this Python reads as much as the function's; else it is a warning, because it may be this one's fault."""
    handler = shop.parent / "src" / "app.py"
    handler.write_text("x = 1\ndef handler(:\n")
    with pytest.raises(UserError, match=r"src/app.py:2:\d+: SyntaxError: "):
        wanted(shop)
    newer = f"python{sys.version_info.major}.{sys.version_info.minor + 1}"
    shop.write_text(shop.read_text().replace(f"python{THIS_PYTHON}", newer))
    (warning,) = wanted(shop).warnings
    assert re.search(r"src/app.py:2:\d+: SyntaxError: ", str(warning))


@pytest.mark.usefixtures("no_other_python")
def test_code_that_only_a_newer_python_reads_is_refused(shop: Path) -> None:
    """The function's own Python counts; and so does what is no matter of grammar."""
    handler = shop.parent / "src" / "app.py"
    handler.write_text("def handler(event, context):\n    match event:\n        case _: return\n")
    wanted(shop)
    shop.write_text(shop.read_text().replace(f"python{THIS_PYTHON}", "python3.9"))
    with pytest.raises(UserError, match=r"src/app.py:3:\d+: SyntaxError: Pattern matching .*\(as Python 3.9 reads it"):
        wanted(shop)
    handler.write_text("def handler(event, context): ...\nreturn\n")
    with pytest.raises(UserError, match=r"src/app.py:2:\d+: SyntaxError: 'return' outside function"):
        wanted(shop)


def test_the_functions_own_python_reads_the_code(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this machine has it, by whatever name its version goes: what it refuses is refused, and nothing else is."""
    newer = f"python{sys.version_info.major}.{sys.version_info.minor + 1}"
    shop.write_text(shop.read_text().replace(f"python{THIS_PYTHON}", newer))
    (tmp_path / "bin").mkdir()
    own = tmp_path / "bin" / newer
    own.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(own.parent), prepend=os.pathsep)
    handler = shop.parent / "src" / "app.py"
    handler.write_text("x = 1\ndef handler(:\n")
    with pytest.raises(UserError, match=rf"src/app.py:2:\d+: SyntaxError: .*\(as Python {newer[6:]} reads it"):
        wanted(shop)
    handler.write_text("def handler(event, context): pass\n")
    assert wanted(shop).warnings == ()
    own.unlink()
    own.write_text("#!/bin/sh\nexit 127\n")  # as a shim of pyenv that has no such version
    own.chmod(0o755)
    handler.write_text("x = 1\ndef handler(:\n")
    assert len(wanted(shop).warnings) == 1


def test_an_alias_is_left_out_and_said(tmp_path: Path) -> None:
    """With its place in the template."""
    (tmp_path / "app.py").write_text("handler = print\n")
    template = tmp_path / "template.yaml"
    template.write_text(
        """
Transform: AWS::Serverless-2016-10-31
Resources:
  Todos:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      AutoPublishAlias: live
      Events:
        Changed: {Type: DynamoDB, Properties: {Stream: !GetAtt Todos.StreamArn, StartingPosition: LATEST}}
"""
    )
    stack = wanted(template)
    assert [str(warning) for warning in stack.warnings] == [
        f"{template}:16:7: Resources.Function.Properties.AutoPublishAlias: AutoPublishAlias is left out: "
        "a deployment replaces the function"
    ]
    assert "Transform" not in stack.request.template
    assert {each["Type"] for each in stack.request.template["Resources"].values()} == {
        *("AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function"),
    }
