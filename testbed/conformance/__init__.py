# SPDX-License-Identifier: Apache-2.0
"""What running drivers do with each value of an image property.

The core's tables of drivers are compared with nova's functions elsewhere.
Here a server is booted for every value, on a host of either hypervisor, and
what became of it is written down.
"""
