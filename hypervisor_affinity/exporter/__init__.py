# SPDX-License-Identifier: Apache-2.0
"""Metrics for Prometheus.

``polling`` reads in the background, ``known_servers`` of the servers what has
changed, ``cloud_metrics`` and ``vcenter_metrics`` make metrics of what was
read, ``decision_metrics`` of the records that ``decision_reading`` gets,
``export`` has all of these, and ``serving`` is the server: a scrape never
waits for an API.
"""
