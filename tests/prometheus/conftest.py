# SPDX-License-Identifier: Apache-2.0
from tests.real_threads import real_threads  # noqa: F401  (a fixture)
