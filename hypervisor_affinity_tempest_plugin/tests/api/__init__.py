# SPDX-License-Identifier: Apache-2.0
"""Tests of single calls to an API."""
