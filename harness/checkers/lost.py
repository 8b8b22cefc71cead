"""Lost: the writer was told that it happened, and no sink has the effect, nor was it dead-lettered."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.base import Cause, anomaly, by, found, how_it_ended, not_settled, times, trail
from harness.checkers.index import Ledger
from harness.checkers.trace import ACKNOWLEDGED, Account, Span
from harness.history import FAIL, OK
from harness.verdict import Anomaly, Finding


def check_lost(ledger: Ledger) -> Finding:
    """The writer was told that it happened, and no sink has the effect, nor was it dead-lettered.

    Blame comes from the difference of the two observers: where the trail of the intent ends (S-60, P-02).

    Where a view is the only sink, an intent may rightly leave nothing: wrong_final_state judges that.
    """
    if not ledger.settled:
        return not_settled("lost")
    return found("lost", () if ledger.only_a_view else _losses(ledger))


def _losses(ledger: Ledger) -> Iterator[Anomaly]:
    for account in ledger.intents:
        if account.status == ACKNOWLEDGED and not account.times_applied and not account.dead_letters:
            summary = f"intent {account.intent} was acknowledged and never applied"
            yield anomaly("lost", account.intent, summary, end_of_trail(ledger, account), trail(account))


def end_of_trail(ledger: Ledger, account: Account) -> Cause:
    """How far an intent without an effect got: into the stream, out of it, into the function."""
    if ledger.gone:
        return _gone(ledger)
    if account.hand_overs:
        return _given_up(account) if account.discards else _handled_without_effect(account)
    return _never_delivered(ledger, account) if account.records else _never_recorded(account)


def _gone(ledger: Ledger) -> Cause:
    """Nothing of the pipeline's doing: what held the item, or the effect, does not exist any more."""
    outage = ledger.disrupted("kill_platform", "restart_platform")
    names = ", ".join(operation.value["resource"] for operation in ledger.gone)
    told = f"the platform has lost {names} with all that was in there{by(outage.opened if outage else None)}"
    return Cause("platform", f"{told}: LocalStack without persistence keeps nothing (G-14)", (*ledger.gone,))


def refusal(account: Account, execution: Span) -> Cause | None:
    """The execution's last call to a sink failed, or left the effect, and it ended ok all the same."""
    tried = [call for call in account.function_calls if call.within is execution and call.value["effect"]]
    if tried and tried[-1].left(account.intent):
        why = f"{execution.process} ended ok, although its {tried[-1].opened.f} had left the effect unprocessed (S-23)"
        return Cause("function", why, (tried[-1],))
    if not tried or tried[-1].outcome != FAIL:
        return None
    error = f" ({tried[-1].error})" if tried[-1].error else ""
    why = f"{execution.process} ended ok, although its {tried[-1].opened.f} had failed{error}"
    return Cause("function", why, (tried[-1],))


def _never_recorded(account: Account) -> Cause:
    committed = [call for call in account.landed_calls if call.outcome == OK]
    if committed:
        return Cause("stream", f"its {committed[0].opened.f} ended ok, and the stream has no record of it")
    left = [call for call in account.calls if call.left(account.intent)]
    if left:
        told = f"its {left[-1].opened.f} left it unprocessed, and the writer acknowledged it all the same (S-23)"
        return Cause("writer", told, tuple(left[-1:]))
    if account.calls:
        return Cause("writer", f"none of its {len(account.calls)} calls ended ok, yet the writer acknowledged it")
    return Cause("writer", "the writer acknowledged it without sending anything")


def _never_delivered(ledger: Ledger, account: Account) -> Cause:
    if account.filters:
        return Cause("mapping", "its record is in the stream, and the mapping's filter took it out for good (S-84)")
    if account.discards:
        reason = account.discards[0].value["reason"]
        return Cause("mapping", f"its record is in the stream, and the mapping discarded it undelivered: {reason}")
    never = "its record is in the stream and was never delivered"
    if throttled := ledger.disrupted("throttle_function"):
        told = "the platform counted throttles as attempts, which AWS does not (S-68, G-10)"
        return Cause("platform", f"{never}: {told}{by(throttled.opened)}", (throttled,))
    if disabled := ledger.disrupted("disable_mapping"):
        told = "enabled again, the mapping did not go on where it stopped, as it does on AWS (S-88, G-13)"
        return Cause("platform", f"{never}: {told}{by(disabled.opened)}", (disabled,))
    recreated = ledger.disrupted("recreate_mapping")
    if recreated and recreated.opened.index < account.writes[-1].last.index:
        told = "a new mapping that begins at LATEST misses what was written before it (S-86, S-87)"
        return Cause("mapping", f"{never}: {told}{by(recreated.opened)}", (recreated,))
    told = "a mapping that starts at LATEST, or takes up its position again, misses records like this (S-87)"
    return Cause("mapping", f"{never}; {told}")


def _given_up(account: Account) -> Cause:
    reason = account.discards[0].value["reason"]
    told = "its batch was dead-lettered" if account.dead_letters else "nothing was dead-lettered"
    after = f"delivered {times(len(account.hand_overs))}"
    if not account.executions:
        return Cause("mapping", f"{after}, the function never began, and the mapping gave up ({reason}); {told}")
    failed = [execution for execution in account.executions if execution.outcome != OK]
    last = how_it_ended(failed[-1]) if failed else f"{account.executions[-1].process} reported it as failed"
    return Cause("function", f"{after}, at last {last}, and the mapping gave up ({reason}); {told}")


def _handled_without_effect(account: Account) -> Cause:
    ended = [execution for execution in account.executions if execution.outcome == OK]
    if not account.executions:
        return Cause("mapping", "its record was handed over, and no execution began", tuple(account.deliveries))
    if not ended:
        last = how_it_ended(account.executions[-1])
        count = times(len(account.executions))
        return Cause("function", f"executed {count}, at last {last}; it came no more, and nothing was dead-lettered")
    landed = [call for call in account.effect_calls if call.outcome == OK]
    if landed:
        call = landed[0]
        told = f"{call.opened.f} of {call.process} ended ok, and {call.value['table']} no longer holds the effect"
        return Cause("function", told)
    refused = refusal(account, ended[-1])
    if refused:
        return refused
    before = [execution for execution in account.executions if execution.outcome != OK]
    if before and before[0].ended_before(ended[-1]):
        return Cause(
            "function",
            f"{how_it_ended(before[0])} before its effect, and {ended[-1].process} acknowledged the "
            "redelivery without one, as code does that writes its marker first (P-02)",
            tuple(call for call in account.function_calls if call.within is before[0]),
        )
    return Cause("function", f"{ended[-1].process} ended ok and acknowledged it without an effect")


TOO_OLD = "RecordAgeExceeded"


def check_dead_lettered(ledger: Ledger) -> Finding:
    """The mapping gave up on an intent and said so at its destination, and no sink has the effect.

    Not lost without a word, but not applied either (S-82).
    """
    if not ledger.settled:
        return not_settled("dead_lettered")
    return found("dead_lettered", _dead_letters(ledger))


def _dead_letters(ledger: Ledger) -> Iterator[Anomaly]:
    for account in ledger.accounts.values():
        if account.dead_letters and not ledger.applied(account):
            summary = f"intent {account.intent} was dead-lettered and never applied"
            yield anomaly("dead_lettered", account.intent, summary, _gave_up(account), trail(account))


def _gave_up(account: Account) -> Cause:
    condition = account.dead_letters[0].value["condition"]
    if condition == TOO_OLD and not account.executions:
        return Cause("mapping", f"{condition}: its record grew too old before the function was given it (S-69)")
    count = f"executed {times(len(account.executions))}" if account.executions else "the function never began"
    failed = [execution for execution in account.executions if execution.outcome != OK]
    last = f", at last {how_it_ended(failed[-1])}" if failed else ""
    return Cause("function", f"{condition}: {count}{last}")
