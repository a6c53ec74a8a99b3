# SPDX-License-Identifier: Apache-2.0
"""How libraries stumble over what is of another type than they expect.

openstacksdk and keystoneauth do over a catalog without urls, PyYAML over what
only looks like a number or a date: they have no error of their own for it.
"""

STUMBLES: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
