# SPDX-License-Identifier: Apache-2.0
"""``vcenter``: the commands about what stands behind nova's large hosts."""
