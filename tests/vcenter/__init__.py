# SPDX-License-Identifier: Apache-2.0
"""Tests on a simulated vCenter; ``administrator`` changes what it has."""
