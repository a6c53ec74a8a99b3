# SPDX-License-Identifier: Apache-2.0
"""How many examples a property test tries."""

from hypothesis import settings


def examples(in_the_gate: int) -> int:
    """Return a number of examples, as many times more as the profile has.

    A number of a test's own would hold in every profile.
    """
    return in_the_gate * settings.default.max_examples // 100
