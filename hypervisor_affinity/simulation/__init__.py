# SPDX-License-Identifier: Apache-2.0
"""What would happen if: a scenario played with nova's own scheduler.

Data flows one way, and so do the imports::

    processes > player > scheduler > placement > world > scenario, outcome

A world is a cloud in memory. Of these modules only ``scheduler`` imports
nova, and the process that shows what came of it never does: nova's
configuration is one for a process, so each scheduler to compare has a process
of its own.
"""
