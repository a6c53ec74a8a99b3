# SPDX-License-Identifier: Apache-2.0
"""OpenStack as real processes, on loopback.

For the tests of nova-scheduler as a program: a broker, Placement and it. For
tempest, and for who wants to try something: a whole cloud (``python -m
testbed.processes up``).

The process that runs the tests imports nothing of nova through here: whatever
needs nova's configuration or objects is a program of its own.
"""
