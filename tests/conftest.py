# SPDX-License-Identifier: Apache-2.0
import gc

import hypothesis

# How fast a machine is proves nothing about the code; and a failure in the
# gate must come again on a developer's machine.
hypothesis.settings.register_profile(
    'project',
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
# By hand, for as long as one likes to wait: see CONTRIBUTING.rst.
hypothesis.settings.register_profile(
    'thorough',
    hypothesis.settings.get_profile('project'),
    derandomize=False,
    max_examples=5_000,
)
hypothesis.settings.load_profile('project')


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among what was imported.

    nova is some million objects that stay: to look through them again and
    again was a sixth of all the work in a test of a running nova.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
