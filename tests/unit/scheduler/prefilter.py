# SPDX-License-Identifier: Apache-2.0
"""The pre-filter in a scheduler of two aggregates, and requests to it."""

from nova.scheduler import request_filter as nova_request_filter

from hypervisor_affinity.scheduler import request_filter
from tests.unit.scheduler import nova_objects as build

VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}
ISO = {'disk_format': 'iso'}
IMPOSSIBLE = {**QCOW2, 'hypervisor_type': 'vmware'}


def kvm(**more):
    return build.aggregate(1, {'hypervisor_type': 'kvm', **more}, ['k1', 'k2'])


def vmware(**more):
    return build.aggregate(2, {'hypervisor_type': 'vmware', **more}, ['v1'])


def installed():
    return [
        one
        for one in nova_request_filter.ALL_REQUEST_FILTERS
        if isinstance(one, request_filter.PlacementPrefilter)
    ]


def ask(spec):
    """Run our pre-filter as nova runs all of them."""
    (one,) = installed()
    return one(None, spec)


def forbidden(spec):
    destination = spec.requested_destination
    return set(destination.forbidden_aggregates) if destination else set()


def boot(image, *specs, **fields):
    return build.request_spec(
        image, *specs, requested_destination=None, **fields
    )
