# SPDX-License-Identifier: Apache-2.0
"""Reading a cloud: from its APIs, or from a snapshot of them in a file.

Everything after it works on a ``hypervisor_affinity.cloud.source.Source`` and
cannot tell which of the two it is.
"""
