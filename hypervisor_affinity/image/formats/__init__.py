# SPDX-License-Identifier: Apache-2.0
"""How disks are written in files, each format by its own definition."""
