# SPDX-License-Identifier: Apache-2.0
"""A nova-scheduler as the plug-ins see it, and what it asks of each."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from nova import exception
from nova.scheduler import host_manager
from nova.scheduler import request_filter
from nova.scheduler import weights as nova_weights

from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import weights
from tests.unit.scheduler import nova_objects
from tests.unit.scheduler.crowd import CROWD

AGGREGATES = {
    number: nova_objects.aggregate(number, metadata, [f'host-{number}'])
    for number, metadata in enumerate(
        [
            {'hypervisor_type': 'kvm'},
            {'hypervisor_type': 'vmware'},
            {
                'hypervisor_type': 'vmware',
                'hypervisor_affinity_admit': 'required',
            },
        ]
    )
}


class Scheduler(host_manager.HostManager):
    """As much of a nova-scheduler as the plug-ins see."""

    def __init__(self):
        # nova's own would ask the database.
        self.filter = filters.HypervisorAffinityFilter()
        self.prefilter = request_filter.ALL_REQUEST_FILTERS[-1]
        self.weigher = weights.HypervisorAffinityWeigher()

    @property
    def aggs_by_id(self):
        CROWD.give_way()
        return AGGREGATES


def ask_prefilter(one, spec, hosts):
    try:
        one(None, spec)
    except exception.NoValidHost as error:
        return str(error)
    forbidden = []
    if 'requested_destination' in spec:
        forbidden = spec.requested_destination.forbidden_aggregates or ()
    return [sorted(forbidden), sorted(spec.root_forbidden)]


def ask_filter(one, spec, hosts):
    try:
        return [state.host for state in one.filter_all(hosts, spec)]
    except exception.NoValidHost as error:
        return str(error)


def ask_weigher(one, spec, hosts):
    weighed = [nova_weights.WeighedHost(state, 0.0) for state in hosts]
    return one.weigh_objects(weighed, spec)


class Step(NamedTuple):
    """What nova does with a request.

    :ivar plugin: finds the object that all threads of a Scheduler share
    :ivar method: of that object; its last argument is the request
    :ivar ask: calls it; returns what json can hold
    """

    plugin: Callable[[Scheduler], Any]
    method: str
    ask: Callable[[Any, Any, list], Any]


STEPS = {
    'prefilter': Step(lambda s: s.prefilter, '__call__', ask_prefilter),
    'filter': Step(lambda s: s.filter, 'filter_all', ask_filter),
    'weigher': Step(lambda s: s.weigher, 'weigh_objects', ask_weigher),
}


class ForgetfulScheduler(Scheduler):
    """Its plug-ins keep each request on themselves, as none may."""

    def __init__(self):
        super().__init__()
        for step in STEPS.values():
            _make_forgetful(step.plugin(self), step.method)


def _make_forgetful(plugin, method):
    honest = getattr(type(plugin), method)

    def keep_and_read_back(self, other, spec):
        self.kept = spec
        time.sleep(0)
        return honest(self, other, self.kept)

    plugin.__class__ = type(
        'Forgetful', (type(plugin),), {method: keep_and_read_back}
    )
