# SPDX-License-Identifier: Apache-2.0
"""Tempest tests: what a cloud with both hypervisors promises its users.

They see the public API only. Nothing here imports nova or the rest of this
project, so that tempest may run on a machine that has neither, and so that a
mistake in the product is not shared by its test.
"""
