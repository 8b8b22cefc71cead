"""A SAM template is read as what AWS makes of it, and its mistakes stand where the user wrote them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from small_template import SMALL, after, write

from harness.errors import UserError
from harness.pipeline.template import read

OWN = Path(__file__).parents[2] / "own_template"
SAM = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.12
    CodeUri: src
    AutoPublishAlias: live
Parameters:
  Size: {Type: Number, Default: 7}
Resources:
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Handle:
    Type: AWS::Serverless::Function
    Metadata: {own: true}
    Properties:
      Handler: app.handler
      Events:
        Changed:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Items.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: !Ref Size
"""


def sam(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = SAM[1:]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "template.yaml").write_text(text)
    return tmp_path / "template.yaml"


def problems(template: Path, **given: object) -> list[str]:
    with pytest.raises(UserError) as error:
        read(template, "run", **given)  # type: ignore[arg-type]
    return [str(problem).replace(str(template), "T") for problem in error.value.problems]


def test_a_sam_template_is_a_pipeline(tmp_path: Path) -> None:
    """Globals, a folder as code, an event as mapping, a role that SAM makes, parameters: all as AWS would have it."""
    template = sam(tmp_path)
    stack = read(template, "run")
    function = stack.function
    assert (function.root, function.handler, function.runtime) == (tmp_path / "src", "app.handler", "python3.12")
    assert (function.role_id, stack.mapping_id) == ("HandleRole", "HandleChanged")
    assert (stack.mapping.batch_size, stack.mapping.starting_position) == (7, "TRIM_HORIZON")
    assert stack.not_imitated == ()
    assert read(template, "run", parameters={"Size": "3"}).mapping.batch_size == 3


def test_code_that_is_not_named_lies_beside_the_template(tmp_path: Path) -> None:
    """As `sam build` takes it."""
    template = sam(tmp_path, ("    CodeUri: src\n", ""))
    (tmp_path / "app.py").touch()
    assert read(template, "run").function.root == tmp_path


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("BatchSize: !Ref Size", "BatchSize: 20000"),
            "T:27:13: Resources.HandleChanged.Properties.BatchSize: "
            "got 20000; expected a whole number from 1 to 10000",
        ),
        (
            ("!GetAtt Items.StreamArn", "!GetAtt Itms.StreamArn"),
            "T:25:13: Resources.HandleChanged.Properties.EventSourceArn.Fn::GetAtt: "
            "'Itms' is not a resource. Did you mean 'Items'? Known: Handle, HandleChanged, HandleRole, Items",
        ),
        (
            ("Runtime: python3.12", "Runtime: ruby3.3"),
            "T:4:5: Resources.Handle.Properties.Runtime: "
            "only Python and Node.js can be run: python3.12, nodejs22.x and the like, not 'ruby3.3'",
        ),
        (
            ("            StartingPosition: TRIM_HORIZON\n", "            StartngPosition: TRIM_HORIZON\n"),
            "T:22:9: Resources.HandleChanged: SAM refuses it: "
            "Resource with id [HandleChanged] is invalid. "
            "property StartngPosition not defined for resource of type DynamoDB",
        ),
        (
            ("Transform: AWS::Serverless-2016-10-31", "Transform: [AWS::LanguageExtensions]"),
            "T:1:1: Transform: AWS::LanguageExtensions runs at AWS only: use the template that it makes. "
            "Known: AWS::Serverless-2016-10-31",
        ),
    ],
)  # fmt: skip
def test_a_mistake_stands_where_the_user_wrote_it(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """Line and column are those of the SAM file, although the translation is what is read."""
    (found,) = problems(sam(tmp_path, change))
    assert found == problem


def test_several_functions_with_a_stream_are_told_apart_by_name() -> None:
    """One is picked by its logical id; without it, or with another word, the known ones are listed."""
    template = OWN / "readings" / "template.json"
    stack = read(template, "run", logical_id="Alarm")
    assert (stack.function.handler, stack.mapping_id) == ("alarm.log", "AlarmReading")
    assert stack.other_mapping_ids == ("ProjectorReading",)
    assert stack.other_code == {"Projector": template.parent / "projector"}
    assert problems(template) == [
        "pipeline.function: 2 functions of T have a stream: name the one that is meant. Known: Alarm, Projector"
    ]
    assert problems(template, logical_id="Alarms") == [
        "pipeline.function: no function 'Alarms' of T has a stream. Did you mean 'Alarm'? Known: Alarm, Projector"
    ]


def test_sinks_are_what_the_template_has(tmp_path: Path) -> None:
    """A role that a scenario gives counts before the template's; a name that it does not have is refused."""
    template = write(
        tmp_path, after("Resources:", "  Jobs: {Type: AWS::SQS::Queue, Metadata: {harness: {role: state}}}")
    )
    assert read(template, "run", sinks={"Jobs": "ledger"}).queues[0].role == "ledger"
    assert problems(template, sinks={"Jbos": "ledger", "Jobs": "view"}) == [
        "pipeline.sinks.Jbos: 'Jbos' is no table, queue, bucket or topic of T. Did you mean 'Jobs'? Known: Items, Jobs",
        "pipeline.sinks.Jobs.role: only a table or a bucket can be 'view'; a sink of another kind is a 'ledger'",
    ]


def test_only_a_sam_template_loads_the_translator(tmp_path: Path) -> None:
    """It takes longer to import than most runs take."""
    (tmp_path / "template.yaml").write_text(SMALL[1:])
    (tmp_path / "app.py").touch()
    program = (
        "import sys; from pathlib import Path; from harness.pipeline.template import read; "
        f"read(Path({str(tmp_path / 'template.yaml')!r}), 'run'); print('samtranslator' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
