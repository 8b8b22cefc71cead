"""Handlers in TypeScript: built by esbuild, and as right as their twins in Python."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from play import LEDGER, ROOT, fired, found, operations, play

from harness.api import run
from harness.errors import UserError
from harness.history import FAIL

TYPESCRIPT = ROOT / "lambda" / "typescript"
POWERTOOLS = ROOT / "lambda" / "powertools_typescript"
FEW = {"intents": 4, "items": 2}


SAM = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Source": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            },
        },
        "Out": {"Type": "AWS::SQS::Queue"},
        "Function": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "src",
                "Handler": "app.lambdaHandler",
                "Runtime": "nodejs20.x",
                "Events": {
                    "Changes": {
                        "Type": "DynamoDB",
                        "Properties": {
                            "Stream": {"Fn::GetAtt": ["Source", "StreamArn"]},
                            "StartingPosition": "TRIM_HORIZON",
                            "MaximumRetryAttempts": 0,
                        },
                    }
                },
            },
            "Metadata": {
                "BuildMethod": "esbuild",
                "BuildProperties": {
                    "EntryPoints": ["app.ts"],
                    "Format": "esm",
                    "OutExtension": [".js=.mjs"],
                    "External": ["@aws-sdk/*"],
                    "Minify": True,
                },
            },
        },
    },
}


@pytest.mark.parametrize("name", ["naive", "marker_first", "effect_first", "idempotent", "transactional"])
def test_a_pattern_promises_the_same_in_both_languages(name: str, tmp_path: Path) -> None:
    """The verdict, the anomalies and the party to blame, under each of three faults."""
    for fault in (
        {"crash": {"call": "effect", "when": "after", "nth": 3}},
        {"lose_reply": {"process": "function", "call": "dynamodb.*", "nth": 3}},
        {"redeliver": {"nth": 2}},
    ):
        twins = [
            play(tmp_path / suffix, folder / f"{name}.{suffix}", [fault], workload=FEW, mapping={"batch_size": 1})
            for folder, suffix in ((LEDGER, "py"), (TYPESCRIPT, "ts"))
        ]
        python, typescript = [(each.verdict, found(each), fired(each)) for each in twins]
        assert python == typescript


def test_npm_installs_what_a_package_json_asks_for(tmp_path: Path) -> None:
    """Powertools for TypeScript, whose lock outlives a crash; what it cannot find is told in its own words."""
    handler = POWERTOOLS / "powertools.ts"
    crash = {"crash": {"call": "effect", "when": "after", "nth": 2}}
    outcome = play(tmp_path, handler, [crash], workload=FEW)
    assert (found(outcome), fired(outcome)) == ({("duplicated", "function")}, [1]), outcome
    errors = {(op.error or "").partition(": ")[0] for op in operations(outcome, "execute", FAIL)}
    assert errors == {"IdempotencyAlreadyInProgressError"}
    assert play(tmp_path, handler, [{"redeliver": {"nth": 2}}], workload=FEW).verdict == "valid"
    (tmp_path / "app.mjs").write_text("export const handler = async () => {};")
    (tmp_path / "package.json").write_text('{"dependencies": {"typescript": "0.0.0-none"}}')
    with pytest.raises(UserError, match=r"npm cannot install typescript: .*No matching version found"):
        play(tmp_path, tmp_path / "app.mjs")


def test_sam_has_it_built_by_esbuild(tmp_path: Path) -> None:
    """As its metadata say; errors show the line of the source."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.ts").write_text(
        textwrap.dedent("""\
        interface Event { Records: unknown[] }

        export const lambdaHandler = async (event: Event): Promise<void> => {
          const count: number = event.Records.length;
          throw new TypeError(`no ${count}`);
        };
        """)
    )
    (tmp_path / "template.json").write_text(json.dumps(SAM))
    scenario = {
        "scenario": "built",
        "question": "Is it?",
        "pipeline": {"template": str(tmp_path / "template.json"), "sinks": {"Out": {"role": "ledger"}}},
        "workload": {"writer": "put", "intents": 2},
        "expect": "valid",
    }
    outcome = run(scenario, tmp_path / "runs")
    assert {op.error for op in operations(outcome, "execute", FAIL)} == {"TypeError: no 2 at app.ts:5"}
    source = tmp_path / "src" / "app.ts"
    source.write_text(source.read_text().replace("const count", "const const"))
    with pytest.raises(UserError, match=r'app\.ts:4: esbuild: Expected identifier but found "const"'):
        run(scenario, tmp_path / "runs")
