"""A template is read as the pipeline that it describes, whatever else is in it."""

from __future__ import annotations

from pathlib import Path

from small_template import after, write

from harness.pipeline.resources import Index, Mapping, Queue, Table
from harness.pipeline.stack import Function, Stack
from harness.pipeline.template import read

LEDGER = Path(__file__).parents[3] / "lambda" / "ledger"


def test_the_ledger_is_a_pipeline() -> None:
    """The template of the handlers is read whole: what each resource is, is called, and is for."""
    stack = read(LEDGER / "template.yaml", "run")

    def table(logical_id: str, key: str, role: str, view_type: str | None = None, ends: str | None = None) -> Table:
        return Table(logical_id, f"run-{logical_id}", key, None, {key: "S"}, (), view_type, ends, role=role)

    queue = Queue("OnFailureQueue", "run-OnFailureQueue", role="on_failure")
    names = {"EFFECTS_TABLE": "run-Effects", "VIEW_TABLE": "run-View", "MARKERS_TABLE": "run-Markers"}
    assert stack == Stack(
        name="run",
        template=LEDGER / "template.yaml",
        parameters={"Handler": "idempotent.handler"},
        tables=(
            table("Todos", "id", "source", "NEW_AND_OLD_IMAGES", "expires_at"),
            table("Effects", "effect", "ledger", "NEW_IMAGE"),
            table("View", "id", "view"),
            table("Markers", "marker", "state"),
        ),
        queues=(queue,),
        function=Function(
            "Function",
            "run-Function",
            LEDGER,
            "idempotent.handler",
            "python3.12",
            3,
            128,
            names,
            "Role",
            "arn:aws:iam::123456789012:role/run-Role",
        ),
        mapping=Mapping(on_failure_arn=queue.arn),
        mapping_id="Mapping",
    )
    assert stack.source == stack.tables[0]


def test_what_the_scenario_gives_takes_the_place_of_what_the_template_says() -> None:
    """A handler brings its folder with it; other settings are replaced one by one."""
    stack = read(
        LEDGER / "template.yaml",
        "run",
        handler=LEDGER / "naive.py",
        mapping={"batch_size": 2, "bisect_batch_on_function_error": True},
        timeout=7,
        environment={"SECONDS_PER_RECORD": "2"},
    )
    assert (stack.function.root, stack.function.handler, stack.function.timeout) == (LEDGER, "naive.handler", 7)
    assert stack.function.environment["SECONDS_PER_RECORD"] == "2"
    assert stack.function.environment["EFFECTS_TABLE"] == "run-Effects"
    assert (stack.mapping.batch_size, stack.mapping.bisect_batch_on_function_error) == (2, True)
    assert stack.mapping.on_failure_arn == stack.queues[0].arn


def test_parameters_are_the_templates() -> None:
    """A parameter takes the place of its default, for those who deploy the same template by hand too."""
    stack = read(LEDGER / "template.yaml", "run", parameters={"Handler": "naive.handler"})
    assert stack.function.handler == "naive.handler"


def test_a_users_template_needs_no_roles(tmp_path: Path) -> None:
    """The mapping says which table is the source; its settings may come from parameters; code lies beside it."""
    stack = read(write(tmp_path), "run")
    assert (stack.source.logical_id, stack.mapping.batch_size) == ("Items", 10)
    assert stack.mapping.starting_position == "LATEST"
    assert stack.function.root == tmp_path
    assert stack.not_imitated == ()


def test_names_given_in_the_template_are_kept(tmp_path: Path) -> None:
    """A handler may know a table by the name that the template gives it."""
    template = write(
        tmp_path,
        after(
            "  Items:\n    Type: AWS::DynamoDB::Table\n    Properties:",
            "      TableName: !Sub '${AWS::StackName}-of-${Size}'",
        ),
        after("Resources:", "  Jobs: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}"),
    )
    stack = read(template, "run")
    assert stack.source.name == "run-of-10"
    assert stack.queues[0].name == "run-Jobs.fifo"
    assert stack.queues[0].create_parameters()["Attributes"] == {"FifoQueue": "true"}


def test_every_setting_of_a_mapping_is_read(tmp_path: Path) -> None:
    """AWS's names become those of harness.pipeline.resources."""
    settings = """
      MaximumBatchingWindowInSeconds: 5
      MaximumRetryAttempts: 3
      MaximumRecordAgeInSeconds: 60
      BisectBatchOnFunctionError: true
      FunctionResponseTypes: [ReportBatchItemFailures]
      ParallelizationFactor: 4
      TumblingWindowInSeconds: 30
      FilterCriteria: {Filters: [{Pattern: '{"eventName": ["INSERT"]}'}]}
      DestinationConfig: {OnFailure: {Destination: !GetAtt Failed.Arn}}
      Enabled: false"""
    template = write(
        tmp_path,
        after("      StartingPosition: LATEST", settings[1:]),
        after("Resources:", "  Failed: {Type: AWS::SQS::Queue}"),
    )
    stack = read(template, "run")
    assert stack.mapping == Mapping(
        batch_size=10,
        maximum_batching_window_in_seconds=5,
        starting_position="LATEST",
        maximum_retry_attempts=3,
        maximum_record_age_in_seconds=60,
        bisect_batch_on_function_error=True,
        report_batch_item_failures=True,
        parallelization_factor=4,
        tumbling_window_in_seconds=30,
        filter_criteria=({"eventName": ["INSERT"]},),
        on_failure_arn=stack.of(Queue, "on_failure")[0].arn,
        enabled=False,
        stands=True,
    )


def test_a_mapping_of_a_template_has_begun_before_the_first_write(tmp_path: Path) -> None:
    """At LATEST it misses nothing then; a scenario that gives the position asks for a mapping that begins with it."""
    template = write(tmp_path)
    assert read(template, "run").mapping.stands
    assert not read(template, "run", mapping={"starting_position": "LATEST"}).mapping.stands


def test_a_local_index_is_made_with_the_table(tmp_path: Path) -> None:
    """Beside the global ones; one whose name AWS would refuse is left out, which is noted."""
    index = (
        "{IndexName: by_time, KeySchema: [{AttributeName: id, KeyType: HASH}, {AttributeName: at, KeyType: RANGE}], "
    )
    other = index.replace("by_time", "i").replace("at,", "away,")
    indexes = f"[{index}Projection: {{ProjectionType: ALL}}}}, {other}Projection: {{ProjectionType: ALL}}}}]"
    types = [f"{{AttributeName: {name}, AttributeType: S}}" for name in ("id", "at", "away")]
    template = write(
        tmp_path,
        ("[{AttributeName: id, AttributeType: S}]", f"[{', '.join(types)}]"),
        after("      StreamSpecification: {StreamViewType: NEW_IMAGE}", f"      LocalSecondaryIndexes: {indexes}"),
    )
    stack = read(template, "run")
    (table,) = stack.tables
    assert table.indexes == (Index("by_time", "id", "at", "ALL", is_local=True),)
    assert [each["AttributeName"] for each in table.create_parameters()["AttributeDefinitions"]] == ["id", "at"]
    assert "an index whose name is shorter than 3 characters" in stack.noted[0]


def test_a_table_is_created_as_the_template_says(tmp_path: Path) -> None:
    """Sort keys and global secondary indexes reach CreateTable."""
    index = "[{IndexName: by_time, KeySchema: [{AttributeName: at, KeyType: HASH}], Projection: {ProjectionType: ALL}}]"
    template = write(
        tmp_path,
        ("KeySchema: [{AttributeName: id, KeyType: HASH}]", f"""KeySchema:
        - {{AttributeName: id, KeyType: HASH}}
        - {{AttributeName: at, KeyType: RANGE}}
      GlobalSecondaryIndexes: {index}"""),
        ("AttributeType: S}]", "AttributeType: S}, {AttributeName: at, AttributeType: N}]"),
    )  # fmt: skip
    source = read(template, "run").source
    assert source.key_names == ("id", "at")
    assert source.indexes == (Index("by_time", "at", None, "ALL"),)
    assert source.create_parameters() == {
        "TableName": "run-Items",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_time",
                "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }


def test_the_rest_of_a_template_is_left_alone(tmp_path: Path) -> None:
    """Buckets, other functions and their triggers, and what a condition leaves out, are no part of it."""
    others = """
  Bucket2: {Type: AWS::S3::Bucket}
  Waiting: {Type: AWS::SQS::Queue}
  Other: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs22.x, Code: {ZipFile: x}}}
  OtherTrigger:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Waiting.Arn, FunctionName: !Ref Other}
  SecondTrigger:
    Type: AWS::Lambda::EventSourceMapping
    Condition: Never
    Properties: {EventSourceArn: !GetAtt Items.StreamArn, FunctionName: !Ref Handle, StartingPosition: LATEST}"""
    stack = read(write(tmp_path, after("Resources:", others[1:])), "run")
    assert (stack.function.logical_id, stack.mapping_id, stack.not_imitated) == ("Handle", "Trigger", ())
