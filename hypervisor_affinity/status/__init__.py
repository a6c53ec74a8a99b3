# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-status``: is a nova-scheduler host in order.

Checks on oslo.upgradecheck, as ``nova-status`` has them: of the host's
nova.conf, and of what nova's databases hold. Each module has the checks of
one subject; a check yields findings, ``commands`` lists all of them.
"""
