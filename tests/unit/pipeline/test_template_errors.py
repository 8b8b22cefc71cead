"""A template that cannot be read is refused with all that is wrong in it, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_template import after, write

from harness.errors import NotImitated, UserError
from harness.pipeline.template import read


def problems(template: Path, **given: object) -> list[str]:
    with pytest.raises(UserError) as error:
        read(template, "run", **given)  # type: ignore[arg-type]
    return [str(problem).replace(str(template), "T") for problem in error.value.problems]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("!GetAtt Items.StreamArn", "!GetAtt Itms.StreamArn"),
            "T:23:7: Resources.Trigger.Properties.EventSourceArn.Fn::GetAtt: "
            "'Itms' is not a resource. Did you mean 'Items'? Known: Handle, Items, Trigger",
        ),
        (
            ("!GetAtt Items.StreamArn", "!GetAtt Items.StreamArm"),
            "T:23:7: Resources.Trigger.Properties.EventSourceArn.Fn::GetAtt: "
            "'StreamArm' is not an attribute of AWS::DynamoDB::Table. Did you mean 'StreamArn'? Known: Arn, StreamArn",
        ),
        (
            ("      StreamSpecification: {StreamViewType: NEW_IMAGE}\n", ""),
            "T:22:7: Resources.Trigger.Properties.EventSourceArn.Fn::GetAtt: "
            "'Items' has no stream: give it a StreamSpecification",
        ),
        (
            ("!Ref Size", "!Ref Bucket"),
            "T:26:7: Resources.Trigger.Properties.BatchSize.Ref: "
            "parameter 'Bucket' has no default, and no value was given",
        ),
        (
            ("!Ref Size", "20000"),
            "T:26:7: Resources.Trigger.Properties.BatchSize: got 20000; expected a whole number from 1 to 10000",
        ),
        (
            ("StreamViewType: NEW_IMAGE", "StreamViewType: NEW"),
            "T:12:29: Resources.Items.Properties.StreamSpecification.StreamViewType: "
            "got 'NEW'. Did you mean 'NEW_IMAGE'? Known: KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE, OLD_IMAGE",
        ),
        (
            ("[{AttributeName: id, KeyType: HASH}]", "[{AttributeName: di, KeyType: HASH}]"),
            "T:9:5: Resources.Items.Properties: "
            "key 'di' is not in AttributeDefinitions. Did you mean 'id'? Known: id",
        ),
        (
            ("      StartingPosition: LATEST\n", ""),
            "T:22:5: Resources.Trigger.Properties: 'StartingPosition' is missing: "
            "Where in the stream the mapping begins: at its oldest record, or at what comes next.",
        ),
        (
            ("!GetAtt Handle.Arn", "handel"),
            "T:24:7: Resources.Trigger.Properties.FunctionName: 'handel' is not a function of the template. "
            "Did you mean 'run-Handle'? Known: run-Handle",
        ),
        (
            ("Handler: app.handler", "Handler: aap.handler"),
            "T:16:7: Resources.Handle.Properties.Handler: 'aap.handler' is not a handler in F: there is no aap.py. "
            "Did you mean 'app'? Known: app. Where the code lies elsewhere on this machine, `pipeline.code` says so, "
            "or `try --code`",
        ),
        (
            ("Runtime: python3.13", "Runtime: ruby3.3"),
            "T:17:7: Resources.Handle.Properties.Runtime: "
            "only Python and Node.js can be run: python3.12, nodejs22.x and the like, not 'ruby3.3'",
        ),
        (
            ("{S3Bucket: !Ref Bucket, S3Key: code.zip}", "{ZipFile: 'print()'}"),
            "T:16:7: Resources.Handle.Properties.Handler: 'app.handler' is not a handler in the inline code: "
            "there is no app.py. Known: index",
        ),
        (
            ("{S3Bucket: !Ref Bucket, S3Key: code.zip}", "{ImageUri: 'somewhere:latest'}"),
            "T:19:7: Resources.Handle.Properties.Code: the code must not be an image: embedded, this Python runs it",
        ),
        (
            after("  Items:", "    Metadata: {harness: {role: sorce}}"),
            "T:8:26: Resources.Items.Metadata.harness.role: 'sorce' is not a role. "
            "Did you mean 'source'? Known: ledger, on_failure, source, state, view",
        ),
        (
            after("  Items:", "    Metadata: {harness: {role: view}}"),
            "T:8:26: Resources.Items.Metadata.harness.role: is 'view', but for the mapping it is 'source'",
        ),
        (
            after("Resources:", "  Queue: {Type: AWS::SQS::Queue, Metadata: {harness: {role: on_failure}}}"),
            "T:7:55: Resources.Queue.Metadata.harness.role: is 'on_failure', but the mapping does not use it so",
        ),
        (
            after("Resources:", "  Letters: {Type: AWS::SQS::Queue, Metadata: {harness: {role: view}}}"),
            "T:7:57: Resources.Letters.Metadata.harness.role: only a table or a bucket can be 'view'; "
            "a sink of another kind is a 'ledger'",
        ),
        (
            ("!GetAtt Items.StreamArn", "arn:aws:dynamodb:us-east-1:123456789012:table/Other/stream/x"),
            "T:23:7: Resources.Trigger.Properties.EventSourceArn: is neither the stream of a table of the template "
            "nor a Kinesis stream of it",
        ),
        (
            ("Type: AWS::Lambda::EventSourceMapping", "Type: AWS::Lambda::EventSourceMappin"),
            "T:6:1: Resources: a pipeline has one AWS::Lambda::EventSourceMapping of a stream of DynamoDB or Kinesis; "
            "there is none",
        ),
        (
            ("Type: AWS::Lambda::Function", "Typ: AWS::Lambda::Function"),
            "T:13:3: Resources.Handle: is not a resource: it has no Type",
        ),
        (
            ("Parameters:", "Transform: AWS::Serverless-2016-10-30\nParameters:"),
            "T:1:1: Transform: AWS::Serverless-2016-10-30 runs at AWS only: use the template that it makes. "
            "Did you mean 'AWS::Serverless-2016-10-31'? Known: AWS::Serverless-2016-10-31",
        ),
        (("Resources:", "Resource:"), "T:1:1: is not a CloudFormation template: it has no Resources"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_error(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """It says where, what is wrong, what was given, what is valid, and the nearest word."""
    assert [text.replace(str(tmp_path), "F") for text in problems(write(tmp_path, change))] == [problem]


def test_several_triggers_are_named(tmp_path: Path) -> None:
    """A pipeline has one function and one mapping: which is meant cannot be guessed."""
    second = """
  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Items.StreamArn, FunctionName: !Ref Handle, StartingPosition: LATEST}"""
    [problem] = problems(write(tmp_path, after("Resources:", second[1:])))
    assert problem.endswith("of a stream of DynamoDB or Kinesis; there are 2: Second, Trigger")


def test_problems_come_all_at_once(tmp_path: Path) -> None:
    """Two tables with two mistakes are two problems."""
    other = "  Other: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [], AttributeDefinitions: []}}"
    template = write(tmp_path, after("Resources:", other), ("NEW_IMAGE", "NEW"))
    assert [problem.split(": ")[1] for problem in problems(template)] == [
        "Resources.Other.Properties.KeySchema",
        "Resources.Items.Properties.StreamSpecification.StreamViewType",
    ]


def test_an_unknown_mapping_setting_is_refused(tmp_path: Path) -> None:
    """Overrides have the names of harness.pipeline.resources."""
    [problem] = problems(write(tmp_path), mapping={"batchsize": 1})
    assert problem.startswith("'batchsize' is not a mapping setting. Did you mean 'batch_size'?")


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    """A value can be given only for a parameter of the template."""
    [problem] = problems(write(tmp_path), parameters={"Sise": "3"})
    assert problem == "T:1:1: Parameters: 'Sise' is not a parameter. Did you mean 'Size'? Known: Bucket, Size"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            after("      Runtime: python3.13", "      FileSystemConfigs: [arn]"),
            ":18:7: Resources.Handle.Properties.FileSystemConfigs: "
            "FileSystemConfigs of a AWS::Lambda::Function is not imitated.",
        ),
        (
            after("      Runtime: python3.13", "      ReservedConcurrentExecutions: 0"),
            "Properties.ReservedConcurrentExecutions: with no concurrency the function never runs",
        ),
        (
            after("      Runtime: python3.13", "      Environment: {Variables: {ZONES: !GetAZs ''}}"),
            "Resources.Handle.Properties.Environment.Variables.ZONES.Fn::GetAZs: Fn::GetAZs is not imitated",
        ),
        (
            after("      StartingPosition: LATEST", "      DestinationConfig: {OnFailure: {Destination: 'arn:x'}}"),
            "a destination other than the template's queues is not imitated",
        ),
    ],
)  # fmt: skip
def test_what_the_embedded_platform_must_refuse_is_named(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """Reading goes on, because other platforms can do it; the stack says what is not imitated, and where it stands."""
    [text] = read(write(tmp_path, change), "run").not_imitated
    assert problem in text


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (after("      Runtime: python3.13", "      Layers: [arn]"), ":18:7: Resources.Handle.Properties.Layers: "),
        (
            after("      Runtime: python3.13", "      Environment: {Variables: {BUS: !ImportValue the-bus}}"),
            ".BUS.Fn::ImportValue: Fn::ImportValue of the-bus is 'made-up-bus' here, which is made up",
        ),
        (
            after("      Runtime: python3.13", "      Environment: {Variables: {BUS: 'x-{{resolve:ssm:/bus/name}}'}}"),
            "{{resolve:ssm:/bus/name}} is 'made-up-name' here, which is made up",
        ),
        (
            ("  Bucket: {Type: String}", "  Bucket: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}"),
            None,  # nothing needs its value
        ),
    ],
)  # fmt: skip
def test_what_only_aws_knows_is_made_up_and_noted(tmp_path: Path, change: tuple[str, str], note: str | None) -> None:
    """It is told once, with its place; nothing is refused for it."""
    stack = read(write(tmp_path, change), "run")
    assert stack.not_imitated == ()
    assert [note in text for text in stack.noted if note] == ([True] if note else [])


def test_resources_beside_the_pipeline_have_the_names_of_aws(tmp_path: Path) -> None:
    """Whatever their type: a name, an ARN, and any other attribute."""
    variables = """
      Environment:
        Variables:
          BUS: !Ref Bus
          BUS_ARN: !GetAtt Bus.Arn
          FLOW: !Ref Flow
          KEY: !GetAtt Key.Arn
          API: !GetAtt Api.ApiEndpoint"""
    others = """
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: mine}}
  Flow: {Type: AWS::StepFunctions::StateMachine}
  Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {}}}
  Api: {Type: AWS::ApiGatewayV2::Api}"""
    template = write(tmp_path, after("      Runtime: python3.13", variables[1:]), after("Resources:", others[1:]))
    assert read(template, "run").function.environment == {
        "BUS": "mine",
        "BUS_ARN": "arn:aws:events:us-east-1:123456789012:event-bus/mine",
        "FLOW": "arn:aws:states:us-east-1:123456789012:stateMachine:run-Flow",
        "KEY": "arn:aws:kms:us-east-1:123456789012:key/run-Key",
        "API": "https://run-api.invalid",
    }


def test_a_name_that_the_pipeline_needs_must_be_known(tmp_path: Path) -> None:
    """Without it there is no stack on any platform that could be described."""
    template = write(tmp_path, ("!GetAtt Handle.Arn", "!Select [0, !GetAZs '']"))
    with pytest.raises(NotImitated, match="Fn::GetAZs is not imitated"):
        read(template, "run")
