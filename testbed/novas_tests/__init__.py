# SPDX-License-Identifier: Apache-2.0
"""nova's own functional tests, without our plug-ins and with them.

nova's wheel has these tests. In mode observe each of them must end as it does
without us.
"""
