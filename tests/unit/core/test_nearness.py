# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.core import nearness
from hypervisor_affinity.core.offer import misspelt_key
from hypervisor_affinity.core.signs import misspelt_spec


@pytest.mark.parametrize(
    ('name', 'known', 'found'),
    [
        ('biling', ['web', 'billing'], 'billing'),
        ('WEB', ['web', 'billing'], 'web'),
        ('web-1', ['web-2', 'web-3'], 'web-2'),
        ('database', ['web', 'billing'], None),
        ('web', [], None),
        ('', ['web'], None),
    ],
)
def test_the_nearest(name, known, found):
    assert nearness.Nearest(name, known).found == found


@pytest.mark.parametrize(
    ('key', 'meant'),
    [
        ('hypervisor_affinity_reserve', None),
        ('hypervisor_affinity_reserv', 'hypervisor_affinity_reserve'),
        ('hypervisor_afinity_reserve', 'hypervisor_affinity_reserve'),
        ('hypervisor_affinity:admit', 'hypervisor_affinity_admit'),
        ('Hypervisor-Affinity-Admit', 'hypervisor_affinity_admit'),
        # It is ours, and nothing like it is known.
        ('hypervisor_affinity_owner', ''),
        # These are nova's, and one like ours is, too.
        ('hypervisor_version_weight_multiplier', None),
        ('filter_tenant_id', None),
        ('hypervisor_type', None),
    ],
)
def test_keys_of_aggregate_metadata(key, meant):
    assert misspelt_key(key) == meant


@pytest.mark.parametrize(
    ('key', 'meant'),
    [
        ('hypervisor_affinity:preferred', None),
        ('hypervisor_affinity:prefered', 'hypervisor_affinity:preferred'),
        ('hypervisor_affinity_preferred', 'hypervisor_affinity:preferred'),
        (
            'hypervisor_affinity:hypervisor',
            'hypervisor_affinity:hypervisor_type',
        ),
        ('hypervisor_affinity:x', ''),
        ('capabilities:hypervisor_type', None),
        ('hypervisor_type', None),
    ],
)
def test_extra_specs(key, meant):
    assert misspelt_spec(key) == meant
