# SPDX-License-Identifier: Apache-2.0
"""Commands of OpenStackClient that change what a finding is about."""

from hypervisor_affinity.operations.findings import Changes
from hypervisor_affinity.operations.findings import Command

_OPENSTACK = 'openstack'


def remove_host(aggregate: str, host: str) -> Command:
    """Return what takes a host out of an aggregate."""
    words = (_OPENSTACK, 'aggregate', 'remove', 'host')
    return Command(words, arguments=(aggregate, host))


def add_host(host: str) -> Command:
    """Return what puts a host into an aggregate of an operator's choice."""
    words = (_OPENSTACK, 'aggregate', 'add', 'host')
    return Command(words, arguments=('AGGREGATE', host))


def set_compute(host: str, option: str) -> Command:
    """Return what changes a host's compute service.

    :param option: ``--enable``, or ``--up`` for one that was forced down
    """
    words = (_OPENSTACK, 'compute', 'service', 'set', option)
    return Command(words, arguments=(host, 'nova-compute'))


def set_properties(
    kind: str, name: str, changes: Changes
) -> tuple[Command, ...]:
    """Return what sets and removes properties of a thing.

    :param kind: ``aggregate``, ``flavor`` or ``image``
    :param name: of the thing, or its id
    """
    added = tuple(
        ('--property', f'{key}={value}')
        for key, value in changes.items()
        if value is not None
    )
    removed = tuple(
        ('--property', key) for key, value in changes.items() if value is None
    )
    return tuple(
        Command((_OPENSTACK, kind, verb), options, (name,))
        for verb, options in (('set', added), ('unset', removed))
        if options
    )
