"""A small template of a pipeline, as a user has it, to be changed by tests."""

from __future__ import annotations

from pathlib import Path

SMALL = """
Parameters:
  Size: {Type: Number, Default: 10}
  Bucket: {Type: String}
Conditions:
  Never: !Equals [a, b]
Resources:
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Handle:
    Type: AWS::Lambda::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Role: !GetAtt Unread.Arn
      Code: {S3Bucket: !Ref Bucket, S3Key: code.zip}
  Trigger:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Items.StreamArn
      FunctionName: !GetAtt Handle.Arn
      StartingPosition: LATEST
      BatchSize: !Ref Size
"""


def write(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The small template, with changes, and the handler that it names beside it."""
    text = SMALL[1:]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "template.yaml").write_text(text)
    return tmp_path / "template.yaml"


def after(place: str, addition: str) -> tuple[str, str]:
    return place, f"{place}\n{addition}"
