# SPDX-License-Identifier: Apache-2.0
"""Reading a cloud through openstacksdk, from APIs that are processes."""
