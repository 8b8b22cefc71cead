"""The reports: what people and programs are told of a run."""

import dataclasses
import json

import pytest
from histories import Story, right, valid

from harness.checkers import faults, judge
from harness.history import FAIL, INFO
from harness.reports import to_json
from harness.reports.progress import coloured, has_colours
from harness.reports.text import MAX_UNEXPECTED, WIDTH, finding, line, plain, render, table, tables
from harness.verdict import ANOMALIES, RunResult

ONE = "todo-1/1"


def result(operations, variant="put", met=True, scenario="lost-reply", seed=7):
    return RunResult(
        scenario=scenario,
        question="Does it?",
        variant=variant,
        platform="embedded",
        seed=seed,
        verdict=judge(operations),
        expectation_met=met,
        expectation_reason="found valid, as expected" if met else "expected valid, found invalid: 1 duplicated",
        faults=tuple(faults(operations)),
        run_folder="runs/lost reply/1",
        wall_seconds=0.4123,
        again=f"python -m harness run x.yaml --variant {variant} --seed {seed}",
    )


def duplicated(redeliveries=1, intent=ONE):
    story = Story(["crash"], [1])
    story.put(intent)
    story.record(intent)
    delivery = story.begin(intent)
    process, end = story.execute(intent)
    story.call(process, intent)
    story.fire("crash", f"function after dynamodb.PutItem {intent} #1")
    end(INFO)
    delivery(FAIL, "raised")
    for _ in range(redeliveries):
        story.handle(intent)
    story.effect(intent, count=1 + redeliveries)
    story.state(intent)
    return story.end()


def test_a_finding_shows_what_proves_it():
    """The verdict, the anomaly, its operations by index, the cause, and a command that leads back."""
    operations = duplicated()
    lines = finding(result(operations, met=False), operations).splitlines()
    assert lines == [
        "INVALID  lost-reply / put   seed 7   embedded   0.41 s",
        "  duplicated: function/1 broke off (crash, #10) after its effect and before its acknowledgement, "
        "and function/2 applied it again",
        "      blame: function",
        "      intent todo-1/1 was written once, applied twice",
        "      #4     writer/0       ok     dynamodb.PutItem Todos todo-1/1",
        "      #5     writer/0       ok     put todo-1/1",
        "      #9     function/1     ok     dynamodb.PutItem Effects todo-1/1",
        "      #10    nemesis        info   crash at function after dynamodb.PutItem todo-1/1 #1",
        "      #11    function/1     info   execute todo-1/1",
        "      #16    function/2     ok     dynamodb.PutItem Effects todo-1/1",
        "      #17    function/2     ok     execute todo-1/1",
        "      #23    observer       ok     record INSERT todo-1/1 at 98",
        "      #24    observer       ok     effect of todo-1/1 in Effects ×2",
        "  expected valid, found invalid: 1 duplicated",
        "  run again     python -m harness run x.yaml --variant put --seed 7",
        "  judge again   python -m harness check 'runs/lost reply/1'",
    ]


def test_a_finding_of_many_operations_shows_how_it_began_and_ended():
    """Twelve lines for an anomaly, whatever happened in between."""
    operations = duplicated(redeliveries=9)
    lines = finding(result(operations), operations).splitlines()
    shown = [told for told in lines if told.startswith("      #")]
    assert len(shown) == 12
    assert shown[-1].endswith("×10")
    assert "      …      13 more" in lines


def test_a_finding_tells_each_cause_once():
    """Five losses of one cause are read once."""
    story = right(Story(), "todo-9/1")
    for number in range(1, 6):
        story.put(f"todo-{number}/1", calls=())
        story.state(f"todo-{number}/1")
    story.effect("todo-8/1")
    operations = story.end()
    text = finding(result(operations), operations)
    assert text.count("  lost: ") == 1
    assert "never applied (and 4 more: todo-2/1 todo-3/1 todo-4/1 +1)" in text
    assert text.count("  phantom: ") == 1


def test_an_unknown_finding_tells_why():
    """The reasons take the place of anomalies."""
    operations = valid()[:-2]
    text = finding(result(operations, variant=""), operations)
    assert text.startswith("UNKNOWN  lost-reply   seed 7")
    assert "  unknown: phase destroy is missing or out of order; the phases were: deploy, drive" in text


def test_every_kind_of_operation_can_be_shown():
    """No operation is too odd to be quoted; its error is shown with it."""
    story = Story(["delay"])
    for intent in (ONE, "todo-1/2"):
        story.put(intent, copy=1)
        story.record(intent)
    story.handle("todo-1/2", calls=(INFO, FAIL), outcome=FAIL, delivered=FAIL, word="raised", error="KeyError: 'x'")
    story.handle(ONE)
    story.mark("discard", "todo-1/2", reason="expired", dead_lettered=True)
    story.effect("todo-1/2", order=1)
    story.effect(ONE, order=2)
    story.effect(ONE, order=1, sink="Queue")
    story.effect("todo-1/2", order=0, sink="Queue")
    story.effect(None)
    story.state(ONE)
    story.state(None, role="view", item="todo-1")
    story.dead_letter("todo-1/2")
    operations = story.end()
    kinds = {anomaly.kind for anomaly in judge(operations).anomalies}
    texts = [line(operation) for operation in operations]
    assert {"reordered", "wrong_final_state"} <= kinds
    assert "#2     writer/0       invoke put todo-1/1 (copy 1)" in texts


def test_the_table_shows_what_matters():
    """One row for each variant: what happened, what was found, and who is to blame."""
    rows = [result(valid(), "put"), result(duplicated(), "stamped_put", met=False)]
    text = plain(table(rows))
    assert max(map(len, text.splitlines())) <= WIDTH
    head, naive = text.splitlines()[0], next(row for row in text.splitlines() if "stamped_put" in row)
    assert head.split() == [
        "variant", "intents", "records", "deliveries", "effects", "anomalies", "verdict", "expected", "blame",
    ]  # fmt: skip
    assert naive.split() == ["stamped_put", "1", "1", "2", "2", "1", "duplicated", "invalid", "NO", "function"]


def test_the_table_counts_executions_where_nobody_saw_the_deliveries():
    """As on LocalStack with its own mapping; the column says which of the two it counts."""
    unseen = [operation for operation in duplicated() if operation.f != "deliver"]
    head, row = plain(table([result(unseen, "naive")])).splitlines()
    assert dict(zip(head.split()[1:5], row.split()[1:5], strict=True)) == {
        "intents": "1", "records": "1", "executions": "2", "effects": "2",
    }  # fmt: skip


def test_each_scenario_has_a_table_under_its_question():
    """A variant's name is never read as markup."""
    text = tables([result(valid(), "[red]x"), result(valid(), "default", scenario="other")])
    assert [line for line in text.splitlines() if line.endswith("?")] == ["lost-reply: Does it?", "other: Does it?"]
    assert "\n[red]x " in text


def test_the_seeds_of_a_variant_share_a_row():
    """With how many there were, the span of each count, and every verdict that was found."""
    rows = [result(duplicated(number), seed=number, met=number == 3) for number in (1, 2, 3)]
    rows.append(result(valid(), seed=4))
    body = "\n".join(plain(table(rows)).splitlines()[1:])
    assert body.split() == [
        *("put", "4", "1…3", "1…3", "2…4", "2…4", "0…1", "duplicated", "1", "valid", "NO", "(2", "of", "4)"),
        *("function", "3", "invalid"),
    ]


def test_the_widest_table_still_fits():
    """Every kind of anomaly and every name, and no number is broken."""
    rows = [result(duplicated(), "between/blind_versioned_put"), result(valid(), "put", seed=8)]
    for kind in ANOMALIES:
        rows[0].verdict.counts[kind] = 12345
    text = plain(table(rows))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(f"12345 {kind}" in text for kind in ANOMALIES)
    assert all(f" {word}" in text for word in ("deliveries", "invalid", "valid", "function"))


def test_of_many_seeds_the_first_finding_is_told():
    """And of those that were not expected as many as one reads; the rest is counted."""
    rows = [result(duplicated(), seed=seed) for seed in range(5)]
    text = render(rows, lambda row: ())
    assert text.count("INVALID") == 1
    assert "4 more findings are in report.txt of their run folders" in text
    rows = [result(duplicated(), seed=seed, met=False) for seed in range(1, MAX_UNEXPECTED + 5)]
    assert render(rows, lambda row: ()).count("INVALID") == MAX_UNEXPECTED + 1


def test_the_text_report_quotes_only_what_is_not_valid():
    """Valid runs are a row of the table."""
    histories = {"put": valid(), "stamped_put": duplicated()}
    rows = [result(operations, variant) for variant, operations in histories.items()]
    text = render(rows, lambda row: histories[row.variant])
    assert text.startswith("INVALID  lost-reply / stamped_put")
    assert text.count("judge again") == 1


def test_a_run_whose_history_is_gone_is_still_reported():
    """The anomalies are known; only their operations can't be quoted."""
    rows = [result(duplicated())]
    assert "duplicated: function/1 broke off" in render(rows, lambda row: ())


def test_the_json_report_is_a_list_of_runs():
    """Every run has the version of its format, its counts, faults, anomalies and reasons, and its folder."""
    operations = duplicated()
    (entry,) = json.loads(to_json([result(operations, met=False)]))
    anomaly = entry["anomalies"][0]
    assert entry["format"] == 1
    assert (entry["scenario"], entry["variant"], entry["platform"], entry["seed"]) == (
        "lost-reply", "put", "embedded", 7,
    )  # fmt: skip
    assert (entry["verdict"], entry["expectation_met"], entry["expectation_reason"]) == (
        "invalid",
        False,
        "expected valid, found invalid: 1 duplicated",
    )
    assert entry["counts"]["effects"] == 2
    assert entry["faults"] == [{"fault": "crash", "armed": 1, "fired": 1}]
    assert (anomaly["kind"], anomaly["subject"], anomaly["blame"]) == ("duplicated", ONE, "function")
    assert anomaly["operations"] == sorted(anomaly["operations"])
    assert (entry["reasons"], entry["run_folder"]) == ([], "runs/lost reply/1")


def test_what_a_run_withstood_is_said():
    """A valid finding names each fault that fired, and where."""
    operations = valid()
    assert "  withstood     lose_reply at writer/0 after dynamodb.PutItem\n" in finding(result(operations), operations)


def test_variants_of_one_cause_are_shown_once():
    """Five variants with one cause are one finding."""
    rows = [result(duplicated(), variant) for variant in ("a", "b", "c", "d", "e")]
    text = render(rows, lambda row: duplicated())
    assert text.count("INVALID") == 1
    assert "  the same in 4 more variants: b c d +1\n" in text


def test_no_word_is_broken_at_80_columns():
    """Each line fits, or is one command or one operation; the table leaves out what matters least."""
    rows = [result(duplicated(), "in_a_long/variant_name")]
    lines = render(rows, lambda row: duplicated(), 80).splitlines()
    assert all(len(each) <= 80 or each.startswith(("  run again", "  judge again")) for each in lines)
    assert any(each.startswith("in_a_long/variant_name ") for each in lines)


def test_a_reason_is_told_once():
    """An expectation that is not met for a reason does not repeat it."""
    unknown = result(valid()[:-2], met=False)
    told = dataclasses.replace(
        unknown, expectation_reason=f"expected valid, found unknown: {'; '.join(unknown.verdict.reasons)}"
    )
    lines = finding(told, valid()[:-2]).splitlines()
    assert "  expected valid, found unknown" in lines


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\r", "\x9b", "\u202e", "\ud800"])
def test_no_name_can_write_control_characters(character):
    """Colours, titles, forged lines: escaped on the terminal and in report.txt."""
    bad = dataclasses.replace(result(duplicated(), f"put{character}[31m"), question=f"Does{character} it?")
    for text in (finding(bad, duplicated()), render([bad], lambda row: duplicated())):
        assert character not in text
        text.encode()


def test_no_data_begins_a_line_of_its_own():
    """An intent, an error or a variant with line ends in it stays on its line, at 80 columns and without a bound."""
    forged = "\nVALID    forged"
    operations = [
        dataclasses.replace(each, error=f"{each.error}{forged}") if each.type == INFO else each
        for each in duplicated(intent=f"{ONE}{forged}")
    ]
    bad = dataclasses.replace(result(operations, f"put{forged}"), question=f"Does it?{forged}")
    for width in (None, 80):
        for text in (finding(bad, operations, width), render([bad], lambda row: operations, width)):
            assert not [each for each in text.splitlines() if each.startswith("VALID")]


def test_colours_follow_the_verdict_and_the_environment(monkeypatch):
    """NO_COLOR wins over FORCE_COLOR; a pipe gets none by itself."""
    text = "INVALID  x\n\nput  1  valid    yes\n"
    assert coloured(text) == "\x1b[31mINVALID\x1b[0m  x\n\nput  1  \x1b[32mvalid\x1b[0m    yes\n"
    for force, no, colours in (("", "", False), ("1", "", True), ("1", "1", False)):
        monkeypatch.setenv("FORCE_COLOR", force)
        monkeypatch.setenv("NO_COLOR", no)
        assert has_colours() is colours
