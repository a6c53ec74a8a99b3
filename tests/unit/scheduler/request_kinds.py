# SPDX-License-Identifier: Apache-2.0
"""Kinds of requests, of which there may be many at once."""

import copy
import dataclasses
import functools

from hypervisor_affinity.core import signs
from tests import case_table
from tests.unit.scheduler import nova_objects
from tests.unit.scheduler import test_cases
from tests.unit.scheduler.crowd import SERVER
from tests.unit.scheduler.crowd import busy


@dataclasses.dataclass(frozen=True)
class Kind:
    """What many requests have in common.

    :ivar case: its image and flavor are the same objects for all of them
    :ivar hosts: the same objects for all of them
    :ivar tags: of an aggregate that each of them finds on a host of its own
    :ivar runs_on: what the database says to a move; None if the host is gone
    """

    name: str
    case: case_table.Case
    hosts: list
    tags: dict[str, str] | None = None
    num_instances: int = 1
    runs_on: frozenset[str] | None = None

    @functools.cached_property
    def _template(self):
        spec = test_cases.spec_of(self.case)
        spec.num_instances = self.num_instances
        return spec

    def spec_for(self, server):
        spec = copy.copy(self._template)
        spec.instance_uuid = server
        # The pre-filter writes there.
        if 'requested_destination' in spec:
            destination = copy.copy(spec.requested_destination)
            spec.requested_destination = destination
        extra_specs = _filled(self.case.extra_specs, server)
        if extra_specs != self.case.extra_specs:
            spec.flavor = copy.copy(spec.flavor)
            spec.flavor.extra_specs = extra_specs
        return spec

    def hosts_for(self, server):
        if not self.tags:
            return self.hosts
        tags = nova_objects.aggregate(1, _filled(self.tags, server))
        own = nova_objects.host_state('own', aggregates=[tags])
        return [busy(own), *self.hosts]


def _filled(texts, server):
    return {key: text.replace(SERVER, server) for key, text in texts.items()}


def table_kinds():
    """Yield the rows of the table: on all their hosts, and on none that do."""
    # A host that several rows name is one object in all of them.
    named = {id(h): h for c in test_cases.READABLE for h, _ in c.expected}
    states = {
        key: busy(nova_objects.case_host_state(host, first_id=10 * number))
        for number, (key, host) in enumerate(named.items(), 1)
    }
    for case in test_cases.READABLE:
        hosts = [states[id(host)] for host, _ in case.expected]
        kind = Kind(str(case), case, hosts, runs_on=case.runs_on)
        yield kind
        if case.runs_on:
            for unknown in (frozenset(), None):
                name = f'{case} (runs on {unknown})'
                yield dataclasses.replace(kind, name=name, runs_on=unknown)
        rejecting = [
            states[id(host)]
            for host, reason in case.expected
            if reason != 'suitable'
        ]
        if rejecting:
            for count in (1, 2):
                yield dataclasses.replace(
                    kind,
                    name=f'{case} (no host for {count})',
                    hosts=rejecting,
                    num_instances=count,
                )


def more_kinds():
    """Yield what the table has no rows for.

    All but the first have something in them that no other request has.
    """
    plain = _case({'disk_format': 'iso'})
    broken = busy(nova_objects.host_state('broken'))
    broken.aggregates = None
    good = busy(nova_objects.host_state('good'))
    yield Kind('a broken host', plain, [broken, good])
    for key in (signs.HYPERVISOR_TYPE_SPEC, signs.PREFERRED_SPEC):
        case = _case({'disk_format': 'iso'}, {key: SERVER})
        yield Kind(f'unreadable {key}', case, [good])
    for key in ('hypervisor_type', 'hypervisor_affinity_reserve'):
        yield Kind(f'unreadable {key}', plain, [good], {key: SERVER})
    case = _case({'vmware_disktype': 'sparse'})
    tags = {'img_hv_type': 'vmware,kvm', 'vmware_disktype': SERVER}
    yield Kind('a limit', case, [], tags)


def flood():
    """Return a kind of request of which each is worth many warnings."""
    specs = {f'{signs.NAMESPACE}{n}': SERVER for n in range(10)}
    good = busy(nova_objects.host_state('good'))
    return Kind('flood', _case({'disk_format': 'iso'}, specs), [good])


def _case(image, extra_specs=None):
    return case_table.Case('', '', image, (), extra_specs=extra_specs or {})
