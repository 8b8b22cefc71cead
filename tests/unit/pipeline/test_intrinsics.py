"""CloudFormation's YAML and its intrinsic functions: what they stand for, and where a mistake is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.documents import load_template
from harness.errors import NotImitated, UserError
from harness.pipeline.intrinsics import NO_VALUE, Resolver

SECTIONS = """
Mappings: {Sizes: {eu-west-1: {Batch: 10}}}
Conditions:
  Right: !Equals [a, a]
  Wrong: !Not [!Condition Right]
  Both: !And [{Condition: Right}, !Condition Wrong]
  Any: !Or [!Condition Wrong, !Condition Right]
  Circular: !Not [!Condition Circular]
  Text: hello
"""


def ref(name: str) -> Any:
    names = {"Region": "eu-west-1", "List": ["a", "b", "c"], "Number": 3}
    if name not in names:
        raise LookupError(f"'{name}' is neither a parameter nor a resource.")
    return names[name]


def attribute(logical_id: str, name: str) -> str:
    if logical_id == "Topic":
        raise NotImitated("the names of Topic are not imitated")
    return f"{logical_id}/{name}"


def resolver(tmp_path: Path, value: str, sections: str = SECTIONS) -> Resolver:
    file = tmp_path / "template.yaml"
    file.write_text(f"Value: {value}\n{sections}")
    return Resolver(load_template(file), ref, attribute)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("!Ref Region", "eu-west-1"),
        ("{Ref: Region}", "eu-west-1"),
        ('{"Ref": "Region"}', "eu-west-1"),
        ("!GetAtt Table.StreamArn", "Table/StreamArn"),
        ("!GetAtt Nested.Outputs.Arn", "Nested/Outputs.Arn"),
        ("!GetAtt [Table, Arn]", "Table/Arn"),
        ("{Fn::GetAtt: Table.Arn}", "Table/Arn"),
        ("!Sub arn:${Region}:${Table.Arn}", "arn:eu-west-1:Table/Arn"),
        ("!Sub ['${Region}-${own}', {own: !Ref Number}]", "eu-west-1-3"),
        ("!Sub '${!Region} $Region'", "${Region} $Region"),
        ("!Join ['-', [a, !Ref Region, 3, true]]", "a-eu-west-1-3-true"),
        ("!Join ['-', !Ref List]", "a-b-c"),
        ("!Select [1, !Ref List]", "b"),
        ("!Select ['1', [a, b]]", "b"),
        ("!Split [',', 'a,b']", ["a", "b"]),
        ("!If [Right, !Ref Region, !Ref Absent]", "eu-west-1"),
        ("!If [Wrong, 1, {a: !Ref Number}]", {"a": 3}),
        ("!If [Both, 1, 2]", 2),
        ("!If [Any, 1, 2]", 1),
        ("!FindInMap [Sizes, !Ref Region, Batch]", 10),
        ("!Base64 hello", "aGVsbG8="),
        ("[a, !Ref AWS::NoValue]", ["a"]),
        ("{a: !Ref AWS::NoValue, b: 1}", {"b": 1}),
        ("!Ref AWS::NoValue", NO_VALUE),
        ("2012-10-17", "2012-10-17"),
        ("{Condition: a, Effect: Allow}", {"Condition": "a", "Effect": "Allow"}),
    ],
)
def test_functions_stand_for_their_values(tmp_path: Path, value: str, result: Any) -> None:
    """Short and long forms mean the same; only the branch that is taken is looked at; a date is a text."""
    assert resolver(tmp_path, value).resolve(("Value",)) == result


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!Ref Absent", "1:1: Value.Ref: 'Absent' is neither a parameter nor a resource."),
        ("{a: [b, !Ref Absent]}", "1:16: Value.a[1].Ref: 'Absent' is neither a parameter nor a resource."),
        ("!Sub 'x${Absent}'", "1:1: Value.Fn::Sub: 'Absent' is neither a parameter nor a resource."),
        ("!Reff Region", "1:1: Value.Fn::Reff: 'Fn::Reff' is not a function."),
        ("!Joyn [a, [b]]", "1:1: Value.Fn::Joyn: 'Fn::Joyn' is not a function. Did you mean 'Fn::Join'?"),
        ("!Join [a]", "1:1: Value.Fn::Join: Fn::Join takes [delimiter, [values]], not ['a']"),
        ("!Select [3, [a]]", "Fn::Select takes [index, [values]]"),
        (
            "!If [Rigth, 1, 2]",
            "'Rigth' is not a condition. Did you mean 'Right'? Known: Any, Both, Circular, Right, Text, Wrong",
        ),
        ("!If [Text, 1, 2]", "9:3: Conditions.Text: a condition is true or false, not 'hello'"),
        ("!If [Circular, 1, 2]", "8:3: Conditions.Circular: refers to itself"),
        ("!FindInMap [Sizes, eu-west-2, Batch]", "'eu-west-2' is not in Mappings. Did you mean 'eu-west-1'?"),
    ],
)
def test_a_mistake_is_shown_where_it_is(tmp_path: Path, value: str, message: str) -> None:
    """An error names file, line, column, the setting, what is wrong and the nearest word that is right."""
    with pytest.raises(UserError) as error:
        resolver(tmp_path, value, SECTIONS[1:]).resolve(("Value",))
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "template.yaml"))


@pytest.mark.parametrize("value", ["!GetAZs ''", "!GetAtt Topic.Arn", "!Transform {Name: x}"])
def test_what_only_aws_knows_is_not_imitated(tmp_path: Path, value: str) -> None:
    """Where AWS would find a value and we cannot, the error is another one, and it has its place too."""
    with pytest.raises(NotImitated, match=r"template.yaml:1:\d+: Value.* not imitated"):
        resolver(tmp_path, value).resolve(("Value",))
