# SPDX-License-Identifier: Apache-2.0
"""Host aggregates and availability zones, through nova's API.

Each change is waited for until nova-scheduler's own copy shows it: the API
tells the scheduler by a message that it does not wait for.
"""

from collections.abc import Iterable, Mapping

from testbed.embedded_cloud import waiting
from testbed.embedded_cloud.api import ComputeApi
from testbed.embedded_cloud.control_plane import ControlPlane
from testbed.embedded_cloud.results import Aggregate


class Aggregates:
    """``cloud.aggregates``; an aggregate is named by its value or its id."""

    def __init__(self, admin: ComputeApi, control_plane: ControlPlane) -> None:
        self._admin = admin
        self._control_plane = control_plane

    def create(
        self,
        name: str,
        *,
        hosts: Iterable[str] = (),
        metadata: Mapping[str, str] | None = None,
        availability_zone: str | None = None,
    ) -> Aggregate:
        """Create an aggregate with its hosts and metadata."""
        body = {'name': name}
        if availability_zone is not None:
            body['availability_zone'] = availability_zone
        created = self._admin.post('/os-aggregates', {'aggregate': body})
        aggregate_id = created['aggregate']['id']
        if metadata:
            self.set_metadata(aggregate_id, metadata)
        for host in hosts:
            self.add_host(aggregate_id, host)
        return self.get(aggregate_id)

    def get(self, aggregate: Aggregate | int) -> Aggregate:
        """Read it anew."""
        path = f'/os-aggregates/{_id(aggregate)}'
        return _from_api(self._admin.get(path)['aggregate'])

    def all(self) -> list[Aggregate]:
        """Return all aggregates."""
        answer = self._admin.get('/os-aggregates')
        return [_from_api(aggregate) for aggregate in answer['aggregates']]

    def set_metadata(
        self, aggregate: Aggregate | int, metadata: Mapping[str, str]
    ) -> Aggregate:
        """Set these keys; others keep their values."""
        return self._act(
            aggregate, {'set_metadata': {'metadata': dict(metadata)}}
        )

    def unset_metadata(
        self, aggregate: Aggregate | int, *keys: str
    ) -> Aggregate:
        """Remove these keys."""
        # The API removes a key whose value is null.
        nothing = dict.fromkeys(keys)
        return self._act(aggregate, {'set_metadata': {'metadata': nothing}})

    def add_host(self, aggregate: Aggregate | int, host: str) -> Aggregate:
        return self._act(aggregate, {'add_host': {'host': host}})

    def remove_host(self, aggregate: Aggregate | int, host: str) -> Aggregate:
        return self._act(aggregate, {'remove_host': {'host': host}})

    def delete(self, aggregate: Aggregate | int) -> None:
        """Delete it; nova demands that it has no hosts any more."""
        self._admin.delete(f'/os-aggregates/{_id(aggregate)}')
        aggregate_id = _id(aggregate)
        waiting.until(
            lambda: aggregate_id not in self._known().aggs_by_id,
            f'nova-scheduler to forget aggregate {aggregate_id}',
        )

    def _act(self, aggregate: Aggregate | int, action: dict) -> Aggregate:
        path = f'/os-aggregates/{_id(aggregate)}/action'
        changed = _from_api(self._admin.post(path, action)['aggregate'])
        waiting.until(
            lambda: self._scheduler_knows(changed),
            f'nova-scheduler to learn of aggregate {changed.name}',
        )
        return changed

    def _scheduler_knows(self, wanted: Aggregate) -> bool:
        known = self._known()
        aggregate = known.aggs_by_id.get(wanted.id)
        if aggregate is None:
            return False
        hosts = {
            host
            for host, ids in known.host_aggregates_map.items()
            if wanted.id in ids
        }
        return (
            hosts == set(wanted.hosts)
            and aggregate.metadata == wanted.metadata
        )

    def _known(self):
        """Return the scheduler's host manager, which holds its copy."""
        return self._control_plane.scheduler.manager.host_manager


def _id(aggregate: Aggregate | int) -> int:
    return aggregate.id if isinstance(aggregate, Aggregate) else aggregate


def _from_api(aggregate: dict) -> Aggregate:
    return Aggregate(
        id=aggregate['id'],
        name=aggregate['name'],
        hosts=tuple(aggregate['hosts']),
        metadata=dict(aggregate['metadata']),
        availability_zone=aggregate['availability_zone'],
    )
