# SPDX-License-Identifier: Apache-2.0
"""What would happen if: a scenario played with nova's own scheduler.

Data flows one way, and so do the imports::

    processes > player > scheduler > hosts > placement > world > scenario
    processes > actions > world

A world is a cloud in memory, ``actions`` what happens to it without any
scheduler. What comes after ``player`` in the first line and before
``placement`` imports nova, and so do ``configuration``, ``nova_objects``,
``likeness`` and ``settings``. The process that shows what came of it never
does: nova's configuration is one for a process, so each scheduler to compare
has a process of its own.
"""
