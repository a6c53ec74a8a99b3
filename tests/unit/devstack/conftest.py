# SPDX-License-Identifier: Apache-2.0
from nova import objects

# Fixtures: pytest finds them by their names here.
from tests.unit.scheduler.conftest import build_host_manager
from tests.unit.scheduler.conftest import options

__all__ = ['build_host_manager', 'options']

objects.register_all()
