# SPDX-License-Identifier: Apache-2.0
"""A control plane of real processes: broker, Placement, nova-scheduler.

The process that runs the tests imports nothing of nova through here: whatever
needs nova's configuration or objects is a program of its own.
"""
