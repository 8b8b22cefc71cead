"""`--platform aws`, with LocalStack posing as the user's account: guarded, tagged, told beforehand, and gone after."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pipeline import client, eventually

from harness.localstack import Running

ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
BASELINE = ("scenarios/baseline.yaml",)
STREAM = ("scenarios/lost_reply.yaml", "--variant", "stream/naive")  # its source is a Kinesis stream
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def run(localstack: Running, runs: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "harness", "run", "--platform", "aws", "--runs", str(runs), *options]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**own, "AWS_ENDPOINT_URL": localstack.endpoint, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def left(localstack: Running) -> list[str]:
    """What of harness is in the account now."""
    tables = client(localstack, "dynamodb").list_tables()["TableNames"]
    buckets = [bucket["Name"] for bucket in client(localstack, "s3").list_buckets()["Buckets"]]
    functions = [each["FunctionName"] for each in client(localstack, "lambda").list_functions()["Functions"]]
    streams = client(localstack, "kinesis").list_streams()["StreamNames"]
    known = (*tables, *buckets, *functions, *streams)
    return [name for name in known if name.startswith(("harness-baseline-", "harness-lost-reply-"))]


@pytest.mark.parametrize("scenario", [BASELINE, STREAM], ids=["a table", "a stream"])
def test_a_run_in_the_named_account_says_what_it_creates_tags_it_and_deletes_it(
    scenario: tuple[str, ...], localstack: Running, tmp_path: Path
) -> None:
    """The verdict is the scenario's; while it lasts the tables carry the tag, and afterwards nothing is left."""
    ended: list[subprocess.CompletedProcess[str]] = []
    options = (*scenario, "--account", ACCOUNT, "--region", REGION)
    running = threading.Thread(target=lambda: ended.append(run(localstack, tmp_path, *options, **CREDENTIALS)))
    running.start()
    dynamodb = client(localstack, "dynamodb")
    made = eventually(lambda: [name for name in left(localstack) if name.endswith("-Effects")], "the run's ledger")
    arn = dynamodb.describe_table(TableName=made[0])["Table"]["TableArn"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    running.join()
    (done,) = ended
    assert done.returncode == 0, done.stderr
    assert {"Key": "harness", "Value": "run"} in tags
    assert f"platform: aws account {ACCOUNT} in {REGION}" in done.stderr
    assert f"table {made[0]}" in done.stderr
    assert ("Kinesis stream harness-lost-reply-" in done.stderr) == (scenario is STREAM)
    assert f"bucket {made[0].removesuffix('-Effects')}-code" in done.stderr
    assert left(localstack) == []


@pytest.mark.parametrize(
    "options, environment, sentence",
    [
        ((), CREDENTIALS, "--platform aws needs --account"),
        (("--account", "123456789012", "--region", REGION), CREDENTIALS, f"the credentials are of account {ACCOUNT}"),
        (("--account", ACCOUNT, "--region", REGION), {}, "no credentials were found"),
        (("--account", ACCOUNT), CREDENTIALS, "no Region is set"),
        (("--account", ACCOUNT, "--profile", "nobody"), CREDENTIALS, "The config profile (nobody) could not be found"),
    ],
    ids=["no account", "another account", "no credentials", "no region", "no such profile"],
)
def test_without_the_right_account_nothing_is_created(
    options: tuple[str, ...], environment: dict[str, str], sentence: str, localstack: Running, tmp_path: Path
) -> None:
    """One plain sentence, exit code 254, and no run folder."""
    done = run(localstack, tmp_path / "runs", *BASELINE, *options, **environment, HOME=str(tmp_path))
    assert done.returncode == 254
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
    assert left(localstack) == []
