"""What `harness init` writes: a scenario for the template that is there, or a small pipeline with one."""

from __future__ import annotations

import re
from pathlib import Path

from harness.documents import TEMPLATES, load_template
from harness.errors import Problem, UserError
from harness.sam import cloudformation
from harness.scenario import NAME_PATTERN
from harness.stack import LEDGER, VIEW, Stack
from harness.stores import DataStream, Table
from harness.template import WANTED, read
from harness.workloads.own_items import key_of

SCENARIO, ITEMS = "scenario.yaml", "items.yaml"

_TEMPLATE = """\
# A table, its stream, a function, and a table with a row for each effect. AWS deploys it as it is:
# aws cloudformation package, then deploy.
Resources:
  Todos:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}

  Effects:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: effect, AttributeType: S}]
      KeySchema: [{AttributeName: effect, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}   # tells the order in which effects landed

  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      ManagedPolicyArns:
        - !Sub arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole
      Policies:
        - PolicyName: effects
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt Effects.Arn}]

  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      Code: src
      Role: !GetAtt Role.Arn
      Environment: {Variables: {EFFECTS: !Ref Effects}}

  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Todos.StreamArn
      FunctionName: !Ref Function
      StartingPosition: TRIM_HORIZON
      BatchSize: 10
"""

_HANDLER = '''\
"""One effect for each change: it is named after its intent, and put only if it is not there yet."""

import os

import boto3

effects = boto3.resource("dynamodb").Table(os.environ["EFFECTS"])


def handler(event, context):
    for record in event["Records"]:
        if record["eventName"] == "REMOVE":
            continue
        todo = record["dynamodb"]["NewImage"]
        effect = {"effect": todo["intent"]["S"], "intent": todo["intent"]["S"], "todo": {"id": todo["id"]["S"]}}
        try:
            effects.put_item(Item=effect, ConditionExpression="attribute_not_exists(effect)")
        except effects.meta.client.exceptions.ConditionalCheckFailedException:
            pass  # this change had its effect already
'''

_SCENARIO = """\
# A question to the pipeline in {template}. Each field is explained in the README; `harness schema` is for your editor.
scenario: {name}
question: Does each change have exactly one effect when the function dies on the way?
pipeline:
  template: {template}
{function}\
  # What an item, or what landed, is about: JMESPath over the row as plain JSON. Every item that is written carries an
  # attribute `intent`, the name of its change. Where the function does not hand it on, let an attribute that it does
  # hand on be the name: source: {{intent: orderId}}. Each item is then written once.
{source}\
  sinks:
{sinks}\
workload:
  writer: put             # or another pattern: what happens when it is made twice? See the README.
{written}\
  writers: 2
faults:
  - crash: {{nth: 1}}       # after the first effect, before the batch is acknowledged: the batch comes again
  # - duplicate_put: {{nth: 2}}
  # - lose_reply: {{process: writer, probability: 0.3}}
expect: valid             # what you want to hold; exit code 1 when it does not
"""
_INTENTS = "  intents: 20             # changes of to-do items; or `data: items.yaml`, a list of your own\n"
_DATA = (
    "  data: items.yaml        # beside this file; each item is written once, unless `intents` says how many changes\n"
)
_ITEMS = "# What is written into {table}. Add the attributes that your function reads, and more items.\n"
_OWN_SINK = "    Effects: {role: ledger, intent: intent, item: todo.id}   # a ledger has a row for each effect\n"


def starter(folder: Path) -> dict[Path, str]:
    """The files to write, with their texts. Raises UserError when one is there, or the template is no pipeline."""
    template = next((folder / name for name in TEMPLATES if (folder / name).is_file()), None)
    name = _name(folder)
    if template:
        stack, functions = _read(template)
        files = {folder / SCENARIO: _scenario(stack, functions, name), folder / ITEMS: _items(stack.source)}
    else:
        own = _SCENARIO.format(
            template=TEMPLATES[0], name=name, function="", source="", sinks=_OWN_SINK, written=_INTENTS
        )
        files = {folder / TEMPLATES[0]: _TEMPLATE, folder / "src" / "app.py": _HANDLER, folder / SCENARIO: own}
    there = [file for file in files if file.exists()]
    if there:
        raise UserError([Problem("is there already, and is left as it is", file=str(file)) for file in there])
    return files


def _scenario(stack: Stack, functions: list[str], name: str) -> str:
    line = f"  function: {stack.function.logical_id}{_others(stack, functions)}\n" if len(functions) > 1 else ""
    key = stack.source.key_names
    source = "" if "id" in key else f"  source: {{intent: intent}}   # an item is named by its key: {', '.join(key)}\n"
    return _SCENARIO.format(
        template=stack.template.name, name=name, function=line, source=source, sinks=_sinks(stack), written=_DATA
    )


def _items(table: Table | DataStream) -> str:
    """A few, with no more than their keys."""
    keys = [key_of(f"{table.logical_id.lower()}-{number}", number, table) for number in range(1, 4)]
    plain_keys = [{name: _word(value) for name, value in key.items()} for key in keys]
    lines = [", ".join(f"{name}: {word}" for name, word in key.items()) for key in plain_keys]
    return _ITEMS.format(table=table.logical_id) + "".join(f"- {{{line}}}\n" for line in lines)


def _word(value: dict[str, str]) -> str:
    ((_, word),) = value.items()
    return word


def _read(template: Path) -> tuple[Stack, list[str]]:
    """The stack of its first function that has a stream, and the names of all of them."""
    try:
        stack = read(template, "init")
        return stack, [stack.function.logical_id]
    except UserError as error:
        if [problem.path for problem in error.problems] != [WANTED]:
            raise
    resources = cloudformation(load_template(template), {}).value["Resources"]
    found: dict[str, Stack] = {}
    for name in resources:
        try:
            found[name] = read(template, "init", logical_id=name)
        except UserError as error:
            if [problem.path for problem in error.problems] != [WANTED]:
                raise
    return next(iter(found.values())), list(found)


def _others(stack: Stack, functions: list[str]) -> str:
    others = [name for name in functions if name != stack.function.logical_id]
    return f"   # or {', '.join(others)}"


def _sinks(stack: Stack) -> str:
    """Every table that may be one: which it is, only the user knows."""
    tables = [table for table in stack.tables if table.logical_id != stack.source.logical_id]
    said = [table for table in tables if table.role in (LEDGER, VIEW)]
    lines = (f"    {table.logical_id}: {{role: {table.role or LEDGER}, intent: intent}}\n" for table in said or tables)
    return "".join(lines) or "    {}   # the template has no other table: nothing is known of effects elsewhere\n"


def _name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name if re.fullmatch(NAME_PATTERN, name) else "pipeline"
