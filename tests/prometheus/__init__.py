# SPDX-License-Identifier: Apache-2.0
"""What ships for Prometheus and Grafana, and the exporter that it is for."""
