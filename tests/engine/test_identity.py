"""Workers that would decide by different rules do not share a pipeline, neither at one time nor one after the other."""

from __future__ import annotations

import signal

import pytest

from streams.guards import identity
from streams.guards.fatal import Exit, RefusalError
from streams.kafka.membership import difference
from tests.engine.harness import Pipeline, until

OTHER = "99" * 12


def test_a_new_state_takes_the_identity_of_its_first_worker_and_an_equal_one_is_not_written_again() -> None:
    ours = {"catalog": "a" * 20, "window_basis": "sent", "state_format": "1"}
    kept = identity.to_keep(None, ours, {}, "the state")
    assert kept == identity.encode({"state_format": "1", "window_basis": "sent"})
    assert identity.to_keep(kept, {**ours, "catalog": "b" * 20}, {}, "the state") is None, "the stage keeps its catalog itself"


def test_every_difference_is_told_with_what_mends_it() -> None:
    known = identity.encode({"plans": "a" * 20, "window_basis": "delivered"})
    with pytest.raises(RefusalError) as refused:
        identity.to_keep(known, {"plans": "b" * 20, "window_basis": "sent"}, {"plans": None}, "the state")
    sentence = str(refused.value)
    assert sentence.startswith("the state was made by plans aaaaaaaaaaaa, but this worker has bbbbbbbbbbbb: ")
    assert "stop all workers and start each with --activate-plans bbbbbbbbbbbb" in sentence
    assert "window basis delivered, but this worker has sent: that cannot change while the state stays" in sentence


@pytest.mark.parametrize("named", ["aaaaaaaa", "cccccccc"])
def test_only_the_plans_that_a_person_named_are_taken_on(named: str) -> None:
    known = identity.encode({"plans": "a" * 20})
    with pytest.raises(RefusalError):
        identity.to_keep(known, {"plans": "b" * 20}, {"plans": named}, "the state")
    assert identity.to_keep(known, {"plans": "b" * 20}, {"plans": "bbbbbbbb"}, "the state") == identity.encode({"plans": "b" * 20})


def test_what_cannot_be_activated_stays_though_the_plans_may_change() -> None:
    known = identity.encode({"plans": "a" * 20, "state_format": "1"})
    with pytest.raises(
        RefusalError,
        match=r"^the state was made by state format 1, but this worker has 2: run .* wameter rebuild",
    ):
        identity.to_keep(known, {"plans": "b" * 20, "state_format": "2"}, {"plans": "bbbbbbbb"}, "the state")


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("a@beginning", "a@beginning", True),
        ("a@beginning", "a@beginning,b@2026-10-03", True),
        ("a@beginning", "c@beginning,b@2026-10-03", False),
        ("a@beginning,b@2026-10-03", "a@beginning,c@2026-10-03", False),
        ("a@beginning,b@2026-10-0", "a@beginning,b@2026-10-03", False),
    ],
)
def test_catalogs_agree_where_one_has_learned_what_the_other_does_not_know_yet(one: str, other: str, agree: bool) -> None:
    theirs, ours = (identity.encode({"catalog": each, "window_basis": "sent"}) for each in (one, other))
    assert (identity.differing(theirs, ours) == []) is agree
    assert (identity.differing(ours, theirs) == []) is agree


def test_two_workers_are_told_what_they_differ_in_and_nothing_else() -> None:
    theirs, ours = (
        identity.encode({"catalog": "a" * 20, "window_basis": "sent"}),
        identity.encode({"catalog": f"{'a' * 20}0,{'b' * 20}", "window_basis": "sent"}),
    )
    assert difference(theirs, ours).startswith("the other workers of the group decide by catalog aaaaaaaaaaaa, this one by bbbbbbbbbbbb; ")


async def test_of_two_workers_with_different_catalogs_the_one_that_comes_later_is_refused(pipeline: Pipeline) -> None:
    """They need not meet over a state for that: here the state is new, and the first worker could have shared it."""
    first = await pipeline.worker()
    await until(first.has_opened(2), "the first worker has both partitions")
    second = await pipeline.worker(name="w2", catalog=OTHER)
    assert await second.ended() == Exit.REFUSED, second.said()
    assert "the other workers of the group decide by catalog ab12cd34ef56, this one by 999999999999" in second.said()
    await pipeline.publish("toy.in", [(0, b"k", b"x"), (1, b"k", b"x")])

    async def goes_on() -> bool:
        return len(await pipeline.read("toy.out")) == 2

    await until(goes_on, "the first worker goes on, on both partitions")
    first.signal(signal.SIGTERM)
    assert await first.ended() == 0, first.said()
