# SPDX-License-Identifier: Apache-2.0
"""Conductors and schedulers of nova, two of each."""

from testbed import example_conf
from testbed.processes.nova import Nova
from testbed.processes.nova_service import NovaService

CONDUCTORS = ('nova-conductor-1', 'nova-conductor-2')
SCHEDULERS = ('nova-scheduler-1', 'nova-scheduler-2')


def conductors(nova: Nova) -> list[NovaService]:
    """Return the conductors, not started yet."""
    return [
        NovaService(
            nova,
            name,
            'nova-conductor',
            name,
            {**nova.options(), 'conductor': {'workers': 1}},
        )
        for name in CONDUCTORS
    ]


def schedulers(nova: Nova) -> list[NovaService]:
    """Return the schedulers, with the nova.conf that operators copy."""
    return [
        NovaService(
            nova,
            name,
            'nova-scheduler',
            name,
            # nova 34 opens its connection to Placement before it forks:
            # workers that ask at the same time read each other's answers.
            {**nova.options(), 'scheduler': {'workers': 1}},
            first=[example_conf.PATH],
            environment={'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true'},
        )
        for name in SCHEDULERS
    ]
