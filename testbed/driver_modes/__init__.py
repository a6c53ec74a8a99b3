# SPDX-License-Identifier: Apache-2.0
"""nova's driver for vCenter, in the ways in which nova-compute can run it.

``python -m testbed.driver_modes`` runs it in all of them.
"""
