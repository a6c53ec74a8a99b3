# SPDX-License-Identifier: Apache-2.0
"""Disks in files: what they hold, and how to make them fit ESXi.

Nothing here talks to a cloud. What a file says is never believed before it
was checked against the file itself.
"""
