# SPDX-License-Identifier: Apache-2.0
"""``image``: the commands that inspect, prepare, upload and fix images."""
