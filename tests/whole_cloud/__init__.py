# SPDX-License-Identifier: Apache-2.0
"""Tests on a whole cloud, every service of it a process."""
