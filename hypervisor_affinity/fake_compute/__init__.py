# SPDX-License-Identifier: Apache-2.0
"""nova-compute without a hypervisor, with the face of libvirt or vCenter.

For gates and tests: nova, Placement and the scheduler see a KVM host or a
vCenter cluster, but nothing is booted. It loads nova, and is of no use on a
production cloud.
"""
