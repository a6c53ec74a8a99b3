# SPDX-License-Identifier: Apache-2.0
"""How fast the filter and the weigher are, against nova's own."""
