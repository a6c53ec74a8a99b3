# SPDX-License-Identifier: Apache-2.0
"""Conductors and schedulers of nova, two of each."""

import pathlib

from testbed import example_conf
from testbed.processes import entry_points
from testbed.processes.nova import Nova
from testbed.processes.nova_service import NovaService

CONDUCTORS = ('nova-conductor-1', 'nova-conductor-2')
SCHEDULERS = ('nova-scheduler-1', 'nova-scheduler-2')

# Of oslo.messaging's notifier: sends our records, and nothing of nova's.
ONLY_DECISIONS = 'decisions'

_DRIVERS = 'oslo.messaging.notify.drivers'
_MODULE = 'decisions_driver'


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
    """Return the schedulers, with the nova.conf that operators copy.

    They send records of decisions.
    """
    options = {
        **nova.options(),
        # nova 34 opens its connection to Placement before it forks: workers
        # that ask at the same time read each other's answers.
        'scheduler': {'workers': 1},
        'oslo_messaging_notifications': {'driver': 'messagingv2'},
        'hypervisor_affinity': {'decision_notifications': True},
    }
    environment = {
        'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true',
        'PYTHONPATH': str(_plugins(nova)),
    }
    return [
        NovaService(
            nova,
            name,
            'nova-scheduler',
            name,
            options,
            first=[example_conf.PATH],
            environment=environment,
        )
        for name in SCHEDULERS
    ]


def _plugins(nova: Nova) -> pathlib.Path:
    """Return a folder with the driver and nothing else of the checkout."""
    folder = nova.folder / 'plugins'
    entry_points.write(
        folder, _DRIVERS, ONLY_DECISIONS, f'{_MODULE}:OnlyDecisions'
    )
    link = folder / f'{_MODULE}.py'
    link.unlink(missing_ok=True)
    link.symlink_to(pathlib.Path(__file__).with_name(link.name))
    return folder
