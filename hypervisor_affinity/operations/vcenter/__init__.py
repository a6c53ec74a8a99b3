# SPDX-License-Identifier: Apache-2.0
"""Whether vCenters and nova agree, and vCenter is set up as nova needs it.

``health`` has all checks, which are in ``clusters``, ``computes`` and
``servers``; ``findings`` lists what they find.
"""
