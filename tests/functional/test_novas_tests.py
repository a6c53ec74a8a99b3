# SPDX-License-Identifier: Apache-2.0
"""Mode observe changes nothing that nova does, by nova's own tests."""

from testbed.novas_tests import outcome

SERVERS = 'nova.tests.functional.test_servers'
GROUPS = 'nova.tests.functional.test_server_group'
# Of all that `python -m testbed.novas_tests` runs, some of each kind.
SOME = (
    f'{GROUPS}.ServerGroupTestV264.test_boot_servers_with_affinity',
    f'{GROUPS}.ServerGroupTestV264'
    '.test_boot_server_with_anti_affinity_no_valid_host',
    f'{GROUPS}.ServerGroupAffinityConfTest',
    f'{SERVERS}.ServersTest.test_create_server_with_error',
    f'{SERVERS}.ServersTest.test_create_multiple_servers',
    f'{SERVERS}.ServerRebuildTestCase',
    f'{SERVERS}.ServerMovingTests.test_resize_revert',
    f'{SERVERS}.ServerMovingTests.test_evacuate_clean_hypervisor',
    f'{SERVERS}.ServerRescheduleTests',
)


def test_each_ends_as_without_us(tmp_path):
    pair = outcome.run(tmp_path, SOME)
    assert pair.differences == []
    endings = [each.ending for each in pair.observe.values()]
    assert endings.count('passed') >= len(SOME)
    assert set(endings) <= {'passed', 'skipped'}
    assert pair.count('refusals') >= len(SOME)
    assert any(each.own_filters for each in pair.observe.values())
