# SPDX-License-Identifier: Apache-2.0
"""Places every server of a mixed KVM and VMware cloud where it can run."""
