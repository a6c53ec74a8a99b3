# SPDX-License-Identifier: Apache-2.0
"""The commands: the same ones for ``hypervisor-affinity`` and ``openstack``.

They read arguments, ask the packages below and show what comes of it.
"""
