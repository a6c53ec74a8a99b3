# SPDX-License-Identifier: Apache-2.0
"""The decision itself: pure functions on immutable values.

Standard library only: no nova, no oslo, no I/O, no clock. Data flows one
way, and so do the imports::

    decision > explanation > verdict > preference > demand, offer > signs
                > policy, properties, capabilities > drivers
                > hypervisor, reason > printable

``judge`` in :mod:`hypervisor_affinity.core.verdict` is the one place that
decides whether a request may run on a host.
"""
