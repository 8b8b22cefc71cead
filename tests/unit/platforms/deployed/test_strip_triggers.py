"""APIs and schedules of a template are not created, unless the pipeline itself needs them."""

from __future__ import annotations

from typing import Any

from harness.platforms.deployed.run_stack import strip_triggers


def template(**function: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi"},
            "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"RestApiId": {"Ref": "Api"}}},
            "Nightly": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Fn::GetAtt": ["Function", "Arn"]}]}},
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {"SourceArn": {"Fn::Sub": ["arn:${Of}/${Api}/*", {"Of": "x"}]}},
            },
            "Waits": {"Type": "AWS::SQS::Queue", "DependsOn": ["Permission"]},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        },
        "Outputs": {
            "Url": {"Value": {"Fn::Sub": "https://${Api.RootResourceId}"}},
            "Arn": {"Value": {"Fn::GetAtt": "Function.Arn"}},
        },
    }


def test_triggers_go_with_all_that_depends_on_them() -> None:
    """Whichever way it names them, outputs too; the rest stays as it is."""
    left = strip_triggers(template(Handler="app.handler"), ["Function"])
    assert left == {
        "Resources": {"Function": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "app.handler"}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": "Function.Arn"}}},
    }


def test_what_the_pipeline_needs_stays() -> None:
    """A function that is told the address of an API cannot do without it."""
    whole = template(Environment={"Variables": {"API": {"Ref": "Api"}}})
    assert strip_triggers(whole, ["Function"]) == whole


def test_a_template_without_any_is_left_as_it_is() -> None:
    """Not even outputs are added."""
    plain = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    assert strip_triggers(plain, ["Queue"]) == plain


def test_a_mapping_that_is_not_to_deliver_goes_too() -> None:
    """Where the harness's dispatcher stands in for it, or another function is the one under test."""
    mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Ref": "Function"}}}
    function = {"Type": "AWS::Lambda::Function", "Properties": {}}
    whole = {"Resources": {"Function": function, "Mapping": mapping}}
    assert strip_triggers(whole, ["Function"], ["Mapping"]) == {"Resources": {"Function": function}}
