# SPDX-License-Identifier: Apache-2.0

from unittest import mock

import pytest

from testbed.processes import networks


def test_it_is_known_before_anything_fails():
    proxy = mock.Mock()
    proxy.create_network.return_value.id = 'id'
    proxy.create_subnet.side_effect = OSError
    created = []
    with pytest.raises(OSError, match=''):
        networks.create(proxy, 'it', created.append)
    assert created == ['id']
    proxy.create_subnet.side_effect = None
    assert networks.create(proxy, 'it', created.append) == 'id'
    assert proxy.create_subnet.call_args.kwargs['network_id'] == 'id'
