"""Who may share the partitions: workers that decide by the same rules, and no others.

The state of a partition knows the rules it was made by, but two workers that never had a partition in common would never
meet over one. They do meet in the group: each tells its identity when it joins, and the member that divides the
partitions gives none to those that are unlike itself. Such a worker hears it with its (empty) share, and ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from streams.guards.fatal import RefusalError, die
from streams.guards.identity import SHOWN, differing


def assignor_of(identity: bytes) -> type[RangePartitionAssignor]:
    """The assignor of a worker with this identity.

    Range: it gives one worker the same partition number of every input, as long as those have equally many partitions.
    """

    class Alike(RangePartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
        """Divides the partitions among the members whose identity agrees."""

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
            return ConsumerProtocolMemberMetadata(cls.version, list(topics), identity)

        @classmethod
        def assign(
            cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
        ) -> dict[str, ConsumerProtocolMemberAssignment]:
            alike = {member: metadata for member, metadata in members.items() if not differing(metadata.user_data, identity)}
            shares: dict[str, ConsumerProtocolMemberAssignment] = super().assign(cluster, alike)
            unlike = members.keys() - alike.keys()
            return shares | {member: ConsumerProtocolMemberAssignment(cls.version, [], identity) for member in unlike}

        @classmethod
        def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
            if assignment.user_data and differing(assignment.user_data, identity):
                die(RefusalError(difference(assignment.user_data, identity)))

    return Alike


def difference(theirs: bytes, ours: bytes) -> str:
    """One sentence on what two identities differ in."""
    other, own = json.loads(theirs), json.loads(ours)
    parts = [
        f"{part.replace('_', ' ')} {_newest(other.get(part))}, this one by {_newest(own.get(part))}" for part in differing(theirs, ours)
    ]
    return (
        f"the other workers of the group decide by {' and by '.join(parts)}; run all workers with the same, "
        "or stop all of them before it is changed"
    )


def _newest(value: str | None) -> str:
    """As much of a value as tells it apart; of a list the last entry, which is what was learned last."""
    return "unknown" if value is None else value.rpartition(",")[2][:SHOWN]
