# SPDX-License-Identifier: Apache-2.0
"""OVA and OVF: an archive with disks, and what it says of their machine."""
