# SPDX-License-Identifier: Apache-2.0
"""What operators ask, answered from a source and the core.

Nothing here decides: whether a request may run on a host is always the
answer of :func:`hypervisor_affinity.core.verdict.judge`.
"""
