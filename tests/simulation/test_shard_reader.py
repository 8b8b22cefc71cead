"""How the dispatcher reads a stream: where it begins, how it goes on after errors, and how it follows shards."""

from __future__ import annotations

import pytest
from small_host import Function, Shard, SmallHost, deliveries, started

from harness.pipeline.resources import LATEST


def test_latest_misses_what_is_written_before_the_first_iterator():
    """That comes some seconds after the mapping; TRIM_HORIZON misses nothing (S-86, S-87)."""
    for position, missed in ((LATEST, True), ("TRIM_HORIZON", False)):
        function = Function()
        host = started(function, starting_position=position)
        host.put("a/1")
        host.put_at(10, "a/2")
        host.run()
        assert function.got == ([["a/2"]] if missed else [["a/1"], ["a/2"]])


@pytest.mark.parametrize("position, before", [(LATEST, []), ("TRIM_HORIZON", ["a/0"])])
def test_an_expired_iterator_neither_loses_nor_repeats(position, before):
    """After an idle hour, and after an hour of retries, reading goes on where it was (S-48, S-93)."""
    function = Function(lambda intents, nth: intents == ["a/2"] and nth < 80)
    host = started(function, starting_position=position, batch_size=1)
    host.put("a/0")
    host.put_at(3600, "a/1", "a/2")
    host.put_at(5000, "a/3")
    host.run()
    done = [intent for _, type, intents, _ in deliveries(host) if type == "ok" for intent in intents]
    assert done == [*before, "a/1", "a/2", "a/3"]


def test_reads_that_fail_are_repeated():
    """An error of the stream's own costs time, no record."""
    function = Function()
    host = SmallHost(function)
    host.refuse_reads = 5
    host.start()
    host.put("a/1")
    host.run()
    assert function.got == [["a/1"]]


def test_a_closed_shard_is_read_to_its_end_before_its_child():
    """And the child is found without being told of (S-94)."""
    function = Function(lambda intents, nth: nth < 4)
    host = started(function, batch_size=1)
    host.put("a/1", "a/2")
    host.shards["shard-1"] = Shard(parent="shard-0")
    host.put("a/3", shard="shard-1")
    host.simulation.at(100_000, lambda: host.close("shard-0"))
    host.run()
    assert [intents for _, type, intents, _ in deliveries(host) if type == "ok"] == [["a/1"], ["a/2"], ["a/3"]]
    assert deliveries(host)[-1][0] == "dispatcher/1"
