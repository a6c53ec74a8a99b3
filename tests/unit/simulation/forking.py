# SPDX-License-Identifier: Apache-2.0
"""Processes of schedulers in which nova is imported when they begin.

Importing it takes longer than most scenarios. They are forks of a process that
has done nothing else, so that they share no more than those of the product,
which ``test_processes`` and the tests of the program start.
"""

import multiprocessing

CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload(
    [
        'hypervisor_affinity.simulation.player',
        'hypervisor_affinity.simulation.scheduler',
        'hypervisor_affinity.simulation.settings',
        # What runs here is imported in each process, whatever starts it.
        'pytest',
    ]
)
