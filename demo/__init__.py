# SPDX-License-Identifier: Apache-2.0
"""The reference case of the OpenStack Architecture Design Guide, run."""
