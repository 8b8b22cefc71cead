"""Handlers in JavaScript and TypeScript: the same run, in a process of Node's."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest
from play import fired, found, operations, play

from harness.api import RunOutcome
from harness.errors import NotImitated, UserError
from harness.history import FAIL, INFO, OK
from harness.pipeline import node

FEW = {"intents": 4, "items": 2}
# What every handler of these tests begins with. `put` writes the effect of a record.
REQUIRED = """
const { randomUUID } = require('node:crypto');
const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
"""
IMPORTED = """
import { randomUUID } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
"""
PUT = """
const client = new DynamoDBClient(%s);
const put = async ({ eventID, dynamodb: { NewImage, SequenceNumber } }, effect = NewImage.intent.S) => {
  const Item = { effect: { S: effect }, intent: NewImage.intent, item: NewImage.id, event_id: { S: eventID } };
  await client.send(new PutItemCommand({ TableName: process.env.EFFECTS_TABLE, Item }));
};
const one_by_one = async (event) => { for (const record of event.Records) await put(record); };
"""


def written(folder: Path, body: str, suffix: str = ".js", client: str = "{}") -> Path:
    """The handler's file; the first line of the body is line 11."""
    code = folder / "code"
    code.mkdir(exist_ok=True)
    file = code / f"app{suffix}"
    file.write_text(f"{IMPORTED if suffix == '.mjs' else REQUIRED}{PUT % client}{textwrap.dedent(body)}")
    return file


def played(
    folder: Path, body: str, faults: Any = (), suffix: str = ".js", client: str = "{}", **more: Any
) -> RunOutcome:
    mapping = {"maximum_retry_attempts": 2, **more.pop("mapping", {})}
    return play(folder / "runs", written(folder, body, suffix, client), faults, workload=FEW, mapping=mapping, **more)


def ends(outcome: RunOutcome) -> set[str]:
    """How executions have ended that were not right."""
    return {op.error or "" for op in operations(outcome, "execute", FAIL, INFO)}


def printed(outcome: RunOutcome) -> list[str]:
    """What the function has written, without what stands before it in each line."""
    lines = Path(outcome.result.run_folder, "function.log").read_text().splitlines()
    return [line.split("  ", 1)[1] for line in lines]


ENDS = {
    "async": "exports.handler = one_by_one;",
    "callback": "exports.handler = (event, context, done) => { one_by_one(event).then(() => done(null, 1), done); };",
    "done": "exports.handler = (event, context) => { one_by_one(event).then(() => context.done(null, 1)); };",
    "succeed": "exports.handler = (event, context) => { one_by_one(event).then(context.succeed, context.fail); };",
    "an event loop that is empty": "exports.handler = (event) => { one_by_one(event); };",
    "an early callback": "exports.handler = (event, context, done) => { done(null, 1); one_by_one(event); };",
}


@pytest.mark.parametrize("body", ENDS.values(), ids=ENDS)
def test_a_handler_ends_as_lambda_lets_it_end(body: str, tmp_path: Path) -> None:
    """By a promise, a callback, the context's older functions, or when nothing more can happen."""
    outcome = played(tmp_path, body)
    assert (outcome.verdict, ends(outcome)) == ("valid", set()), outcome


def test_what_nobody_waits_for_is_frozen(tmp_path: Path) -> None:
    """A promise that is left behind goes on with the next event, and the last one never."""
    body = """
    exports.handler = async (event) => {
      one_by_one(event);
      await new Promise((resolve) => setTimeout(resolve, 1));
    };
    """
    outcome = played(tmp_path, body)
    assert (found(outcome), outcome.counts["executions"]) == ({("lost", "function")}, 2), outcome
    assert outcome.counts["effects"] == 3


@pytest.mark.parametrize("suffix", [".js", ".cjs", ".mjs"])
def test_modules_of_both_kinds_find_the_sdk(suffix: str, tmp_path: Path) -> None:
    """The one that Lambda's runtime brings: the function has none of its own."""
    body = "export const handler = one_by_one;" if suffix == ".mjs" else "exports.handler = one_by_one;"
    assert played(tmp_path, body, suffix=suffix).verdict == "valid"


def test_a_package_beside_the_code_comes_first(tmp_path: Path) -> None:
    """What the function brings, it gets."""
    package = tmp_path / "code" / "node_modules" / "greeting"
    package.mkdir(parents=True)
    (package / "index.js").write_text("exports.hello = () => 'hello';")
    body = """
    import { hello } from 'greeting';
    export const handler = async (event) => { console.log(hello()); await one_by_one(event); };
    """
    outcome = played(tmp_path, body, suffix=".mjs")
    assert outcome.verdict == "valid"
    assert printed(outcome)[0].endswith("\tINFO\thello")


LOOKS = """
const fs = require('node:fs/promises');
const { gzip } = require('node:zlib');
const { promisify } = require('node:util');
const wait = require('node:timers/promises');
const { AsyncLocalStorage } = require('node:async_hooks');
const storage = new AsyncLocalStorage();
exports.handler = (event, context) => storage.run(context.awsRequestId, async () => {
  const slow = wait.setTimeout(1500, 'slow');
  const [text, packed] = await Promise.all([fs.readFile(__filename), promisify(gzip)('x'.repeat(9999))]);
  setImmediate(() => console.log('immediate', text.length > 0, packed.length));
  await Promise.all(event.Records.map((record) => put(record, randomUUID())));
  console.warn(await slow, Math.random(), crypto.getRandomValues(new Uint8Array(4)), crypto.randomUUID());
  console.log(new Date().toISOString(), Date.now(), performance.now(), process.hrtime(), new Date(0).getTime());
  const before = process.hrtime.bigint();
  console.log(process.hrtime.bigint() - before, context.getRemainingTimeInMillis(), storage.getStore());
});
"""


def test_a_seed_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    """Time, chance, and the order of what goes on at the same time, files and compression among it."""
    runs = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        outcome = played(tmp_path / name, LOOKS, [{"crash": {"call": "effect", "when": "after", "nth": 2}}], seed=3)
        folder = Path(outcome.result.run_folder)
        runs.append([(folder / file).read_bytes() for file in ("history.jsonl", "function.log")])
    assert runs[0] == runs[1]
    assert played(tmp_path / "one", LOOKS, seed=4).history.operations != ()


def test_time_is_the_runs(tmp_path: Path) -> None:
    """It begins in 2030, it moves on by what a handler waits, and no two readings are equal."""
    outcome = played(tmp_path, LOOKS)
    assert outcome.verdict == "valid"
    text = "\n".join(printed(outcome))
    assert re.search(r"INFO\t2030-01-01T00:00:01\.5\d\dZ 18934560015\d\d 15\d\d\.\d+ \[ 1, 5\d{8} \] 0", text)
    assert re.search(r"INFO\t1000n 1[45]\d\d 00000000-0000-4000-8000-000000000001", text)
    assert "WARN\tslow 0." in text


def test_timers_end_in_their_order_and_not_when_they_are_cleared(tmp_path: Path) -> None:
    """setInterval, clearTimeout, refresh, abort signals and Atomics.wait, without any real waiting."""
    body = """
    const wait = require('node:timers/promises');
    exports.handler = async (event) => {
      const seen = [];
      clearTimeout(setTimeout(() => seen.push('never'), 5));
      const late = setTimeout(() => seen.push('late'), 20);
      setTimeout(() => late.refresh(), 10);
      setTimeout((what) => seen.push(what), 25, 'first');
      const ticks = setInterval(() => seen.push('tick') > 4 && clearInterval(ticks), 8);
      await wait.setTimeout(3600, null, { signal: AbortSignal.timeout(100) }).catch((error) => seen.push(error.name));
      const before = Date.now();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
      seen.push(Date.now() - before);
      console.log(seen.join());
      await one_by_one(event);
    };
    """
    outcome = played(tmp_path, body)
    assert outcome.verdict == "valid"
    assert printed(outcome)[0].endswith("INFO\ttick,tick,tick,first,late,tick,AbortError,700")


FRESH = "exports.handler = async (event) => { for (const record of event.Records) await put(record, randomUUID()); };"


def test_faults_act_at_its_calls(tmp_path: Path) -> None:
    """A crash and a timeout after an effect make it again; after a lost reply the SDK repeats itself."""
    for name, fault, error in (
        ("crash", {"crash": {"call": "effect", "when": "after", "nth": 2}}, "crashed: signal: killed"),
        ("timeout", {"timeout": {"call": "effect", "when": "after", "nth": 2}}, "timed out after 3 s"),
    ):
        outcome = played(_new(tmp_path, name), FRESH, [fault])
        assert (found(outcome), ends(outcome)) == ({("duplicated", "function")}, {error}), outcome
    for name in ("lose_reply", "lose_request", "refuse"):
        outcome = played(_new(tmp_path, name), FRESH, [{name: {"process": "function", "call": "effect", "nth": 2}}])
        assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
        attempts = [op.value["attempt"] for op in operations(outcome, "dynamodb.PutItem", OK, role="function")]
        assert sorted(attempts) == [1, 1, 1, 2]


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_faults_act_at_its_answers(tmp_path: Path) -> None:
    """An error in place of the answer, and an answer that reports a part as failed."""
    outcome = played(_new(tmp_path, "error"), "exports.handler = one_by_one;", [{"function_error": {"nth": 1}}])
    assert (outcome.verdict, ends(outcome)) == ("valid", {"InjectedError: injected by the harness"})
    reporting = {"report_batch_item_failures": True}
    body = FRESH.replace(" };", " return { batchItemFailures: [] }; };")
    outcome = played(_new(tmp_path, "part"), body, [{"partial_failure": {"nth": 1}}], mapping=reporting)
    assert found(outcome) == {("duplicated", "function")}


def test_a_client_that_gives_up_repeats_itself(tmp_path: Path) -> None:
    """The SDK's own timer ends the attempt: the delayed reply comes to nobody."""
    impatient = "{ requestHandler: { requestTimeout: 1000, throwOnRequestTimeout: true, connectionTimeout: 500 } }"
    delay = {"delay": {"process": "function", "call": "effect", "when": "after", "seconds": 2, "nth": 2}}
    outcome = played(tmp_path, FRESH, [delay], client=impatient)
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
    (given_up,) = operations(outcome, "dynamodb.PutItem", INFO, role="function")
    assert given_up.error == "no reply in the time that the client gives it"
    assert max(op.time for op in operations(outcome, "execute", OK)) < 1_500_000


def test_a_handler_that_waits_too_long_times_out(tmp_path: Path) -> None:
    """In virtual time; the next execution begins in a new process."""
    body = """
    exports.handler = async (event) => {
      await one_by_one(event);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    };
    """
    outcome = played(tmp_path, body, mapping={"maximum_retry_attempts": 0})
    assert ends(outcome) == {"timed out after 3 s"}


ERRORS = {
    "throw new TypeError(`not ${event.Records.length}`);": "TypeError: not 2 at app.js:11",
    "throw 'only text';": "string: only text",
    "return 1n;": "Error: Unable to stringify response body",
    "Promise.reject(new RangeError('left')); await one_by_one(event);": (
        "Runtime.UnhandledPromiseRejection: RangeError: left at app.js:11"
    ),
    "setTimeout(() => { throw new Error('late'); }, 1); await one_by_one(event);": "Error: late at app.js:11",
    "process.exit(3);": "crashed: exit status 3",
    "process.kill(process.pid, 'SIGKILL');": "crashed: signal: killed",
    "process.abort();": "crashed: signal: aborted",
}


@pytest.mark.parametrize("body", ERRORS)
def test_what_it_throws_is_told_with_its_line(body: str, tmp_path: Path) -> None:
    """As Lambda's runtime words it. After what nobody has caught the process is another one."""
    body, error = f"exports.handler = async (event) => {{ {body} }};", ERRORS[body]
    outcome = played(tmp_path, body, mapping={"maximum_retry_attempts": 0})
    assert ends(outcome) == {error}
    environments = [op.value["environment"] for op in operations(outcome, "execute", OK, FAIL, INFO)]
    process_ends = "crashed" in error or "Unhandled" in error or "late" in error
    assert len(set(environments)) == (2 if process_ends else 1)


IMPORTS = {
    "require('left-pad');": "Runtime.ImportModuleError: Error: Cannot find module 'left-pad' at app.js:11",
    "throw new Error('at once');": "Error: at once at app.js:11",
    "exports.other = 1;": "Runtime.HandlerNotFound: app.handler is undefined or not exported",
    "require('./other');": "Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token ';'",
}


@pytest.mark.parametrize("body", IMPORTS)
def test_what_fails_at_the_import_is_told(body: str, tmp_path: Path) -> None:
    """Under the names that Lambda gives it."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "other.js").write_text("const x = ;")
    outcome = played(tmp_path, body, mapping={"maximum_retry_attempts": 0})
    (error,) = ends(outcome)
    assert error.startswith(IMPORTS[body]), error


REFUSED = {
    "await fetch('https://example.com/x');": "a connection to example.com:443: only AWS calls",
    "require('node:net').connect(6379, 'cache.internal');": "a connection to cache.internal:6379",
    "require('node:http').get('http://127.0.0.1:8080/');": "a connection to 127.0.0.1:8080",
    "await require('node:dns').promises.lookup('example.com');": "a look-up of example.com",
    "require('node:dgram').createSocket('udp4').send('x', 53, '1.1.1.1');": "a datagram",
    "require('node:http').createServer().listen(0);": "a server",
    "require('node:child_process').execSync('ls');": "another process, ls: a function has one process",
    "new (require('node:worker_threads').Worker)(__filename);": "another thread",
    "process.kill(1);": "a signal to the process 1",
}


@pytest.mark.parametrize("body", REFUSED)
def test_ways_out_are_refused_with_the_line(body: str, tmp_path: Path) -> None:
    """The run ends with a sentence, and says nothing of the function."""
    with pytest.raises(NotImitated) as caught:
        played(tmp_path, f"exports.handler = async (event) => {{ {body} }};")
    assert str(caught.value).startswith(REFUSED[body])
    assert str(caught.value).endswith("(at app.js:11)")


def test_a_call_that_is_not_imitated_is_named_with_the_line(tmp_path: Path) -> None:
    """Many frames of the SDK are between the two."""
    body = """
    const { CreateBackupCommand } = require('@aws-sdk/client-dynamodb');
    exports.handler = async (event) => {
      await client.send(new CreateBackupCommand({ TableName: "x", BackupName: "y" }));
    };
    """
    with pytest.raises(NotImitated, match=r"dynamodb\.CreateBackup is not imitated.*\(at app\.js:14\)"):
        played(tmp_path, body)


def test_a_syntax_error_is_told_before_the_run(tmp_path: Path) -> None:
    """With file and line."""
    with pytest.raises(UserError, match=r"app\.js:11: SyntaxError: Unexpected token ';'"):
        played(tmp_path, "exports.handler = async (event) => { const x = ; };")


def test_without_node_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, that says how to get it."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    node.find_node.cache_clear()
    try:
        with pytest.raises(UserError, match=r"needs `node`, and none is on the PATH: install Node\.js 18 or newer"):
            played(tmp_path, "exports.handler = one_by_one;")
    finally:
        node.find_node.cache_clear()
