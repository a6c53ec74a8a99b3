# SPDX-License-Identifier: Apache-2.0
"""Bringing a cloud back to how it was, for less than another one costs.

As after a night in which the machine failed: the databases are those of the
last backup, and whatever may remember more starts anew, the scheduler and
the computes that did something since. What Glance and Cinder hold, options
and captured logs are put back as well.
"""

import copy
import logging

import eventlet.hubs
from nova import availability_zones
from nova.conf import CONF
from nova.scheduler.client import report

from testbed.embedded_cloud import waiting
from testbed.embedded_cloud.control_plane import ControlPlane
from testbed.embedded_cloud.databases import Databases
from testbed.embedded_cloud.flavors import Flavors
from testbed.embedded_cloud.hosts import Hosts
from testbed.embedded_cloud.logs import LogCapture


class Mark:
    """How a cloud without servers is; made by ``EmbeddedCloud.mark``."""

    def __init__(
        self,
        control_plane: ControlPlane,
        hosts: Hosts,
        flavors: Flavors,
        logs: LogCapture,
    ) -> None:
        self._plane = control_plane
        self._hosts = hosts
        self._flavors = flavors
        self._logs = logs
        self._databases = Databases(control_plane.cell_mappings)
        self._settle()
        if not hosts.are_idle():
            raise RuntimeError('it has servers, or hosts that failed')
        self._names = hosts.names()
        self._copies = self._databases.copy()
        self._contents = self._databases.contents()
        self._scheduler = self._known_to_scheduler()
        self._records = self._records_now()
        self._host_option = CONF.host
        self._changes = control_plane.count_changes()
        self._default_flavor = flavors.made_default
        self._outside = copy.deepcopy(self._outside_now())
        self._lines = logs.lines()

    def restore(self) -> None:
        """Bring the cloud back: servers and all else since then are gone.

        What was made meanwhile must not be used any more. Hosts may have
        failed and be disabled, but no host may have been added. Raises
        CloudTimeout if the services do not come to rest, RuntimeError if
        something is not as it was. The cloud is then good for nothing but
        to be stopped.
        """
        if self._hosts.names() != self._names:
            raise RuntimeError('hosts were added, which cannot be undone')
        self._settle()
        now = self._records_now()
        changed = [
            name
            for name in self._names
            if now[name] != self._records[name] or self._hosts.is_in_use(name)
        ]
        for name in changed:
            self._hosts.stop(name)
        self._plane.scheduler.stop()
        self._put_back()
        self._logs.put_back([])
        self._plane.start_scheduler()
        for name in changed:
            self._hosts.start_empty(name)
        CONF.set_override('host', self._host_option)
        self._settle()
        self._check()
        self._records = self._records_now()
        self._logs.put_back(self._lines)

    def _put_back(self) -> None:
        self._databases.put_back(self._copies)
        self._plane.undo_changes(self._changes)
        self._flavors.made_default = self._default_flavor
        kept = copy.deepcopy(self._outside)
        for place, things in self._outside_now().items():
            things.clear()
            things.update(kept[place])
        # Both are caches of what is in the databases; the second one is all
        # computes' in older novas.
        availability_zones.reset_cache()
        report.report_client_singleton().clear_provider_cache(init=True)

    def _outside_now(self) -> dict[str, dict]:
        """Return what services keep that are pretended."""
        return {
            'images': self._plane.glance.images,
            **self._plane.cinder.holdings(),
        }

    def _records_now(self) -> dict[str, list]:
        return {
            name: self._databases.records_of(name, self._hosts.get(name).node)
            for name in self._names
        }

    def _known_to_scheduler(self) -> tuple[object, ...]:
        manager = self._plane.scheduler.manager.host_manager
        hosts = {
            host: set(ids)
            for host, ids in manager.host_aggregates_map.items()
            if ids
        }
        metadata = {
            number: (aggregate.name, dict(aggregate.metadata))
            for number, aggregate in manager.aggs_by_id.items()
        }
        servers = {
            host: list(known['instances'])
            for host, known in manager._instance_info.items()
            if known['instances']
        }
        return hosts, metadata, servers

    def _check(self) -> None:
        """Raise RuntimeError if something is not as it was."""
        contents = self._databases.contents()
        wrong = [
            table
            for table in self._contents.keys() | contents.keys()
            if contents.get(table) != self._contents.get(table)
        ]
        if self._known_to_scheduler() != self._scheduler:
            wrong.append('what the scheduler knows')
        if not self._hosts.are_idle():
            wrong.append('hosts')
        wrong += self._logs.messages(level=logging.ERROR)
        if wrong:
            raise RuntimeError(f'not as it was: {", ".join(sorted(wrong))}')

    def _settle(self) -> None:
        waiting.until(
            lambda: _nothing_is_due() and not self._databases.unfinished(),
            'the services to come to rest',
        )


def _nothing_is_due() -> bool:
    """Whether all green threads but this one wait for others or for later."""
    hub = eventlet.hubs.get_hub()
    # It adds those of next_timers to the others when it runs.
    due = [
        timer
        for when, timer in [*hub.timers, *hub.next_timers]
        if when <= hub.clock() and not timer.called
    ]
    return not due
