# SPDX-License-Identifier: Apache-2.0
"""Clouds to try the product on: what tests, demo and ``make cloud`` run.

* ``embedded_cloud``: nova's own services and a Placement in one process
* ``processes``: OpenStack's services as an operator runs them
* ``vcenter``: a vCenter, simulated
* ``fake_api``: an HTTP server that answers as a test wants
* ``example_conf``: the nova.conf that operators are told to copy

Nothing of it ships, and it needs nothing of ``tests``.
"""
