"""Checkers as a user may write them: one that finds something, and some that are wrong."""

from harness.checkers.base import Cause, Checker, trail


class HandledLate(Checker):
    """An intent is handled by an execution that is not the first."""

    def check(self, index):
        return self.finding(self._anomalies(index))

    def _anomalies(self, index):
        for trace in index.traces.values():
            late = [execution for execution in trace.executions if execution.process != "function/1"]
            if late:
                cause = Cause("mapping", f"{late[0].process} handled it", tuple(late))
                yield self.anomaly(trace.intent, f"intent {trace.intent} was handled late", cause, trail(trace))


class Undecided(Checker):
    """It never knows."""

    def check(self, index):
        return self.unknown("nobody can say")


class Raising(Checker):
    """Its anomalies are computed only when they are asked for."""

    def check(self, index):
        return self.finding(1 / 0 for _ in index.operations)


class Forgetful(Checker):
    """It returns nothing."""

    def check(self, index):
        index.intents.clear()


class Stranger:
    """It checks nothing."""
