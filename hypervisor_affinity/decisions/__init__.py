# SPDX-License-Identifier: Apache-2.0
"""Records of decisions, as they come out of nova-scheduler.

From the message bus, and from the files that they were written to.
"""
