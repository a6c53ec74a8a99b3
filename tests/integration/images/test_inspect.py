# SPDX-License-Identifier: Apache-2.0
"""``image inspect IMAGE`` of images in a real Glance."""

import pytest

from tests.unit.cli.program import Run

pytest.importorskip('glance', reason='the extra `cloud` is not installed')


@pytest.fixture
def inspect(upload, capsys):
    """Return a function that returns exit code and {(part, subject): value}.

    It finds Glance as ``upload`` does.
    """

    def inspect(image):
        done = Run(capsys, 'image', 'inspect', image, '-f', 'json')
        rows = {(row['Part'], row['Subject']): row for row in done.json()}
        return done, {key: row['Value'] for key, row in rows.items()}

    return inspect


@pytest.fixture
def stored(cloud, upload, stream):
    """An image that was uploaded with all that fits it."""
    return cloud.connect().image.get_image(upload(stream).json()['id'])


def test_what_an_image_says_counts(inspect, stored, capsys):
    first = Run(capsys, 'image', 'inspect', stored.id).out.splitlines()[0]
    assert first == (
        'image streamOptimized: content is vmdk streamOptimized; image needs '
        'VMware (hypervisor_type=vmware)'
    )
    done, said = inspect(stored.id)
    assert done.code == 0
    assert said['image', 'disk type'] == 'streamOptimized'
    assert ('vsphere', 'accepts it') in said
    assert ('demand', 'as it is') in said
    # All is set.
    assert [key for key in said if key[0] == 'property'] == []
    assert ('demand', 'with these properties') not in said


def test_what_it_does_not_say_is_missing(cloud, inspect, stored):
    cloud.connect().image.patch(
        f'/images/{stored.id}',
        json=[{'op': 'remove', 'path': '/vmware_disktype'}],
        headers={
            'Content-Type': 'application/openstack-images-v2.1-json-patch'
        },
    )
    done, said = inspect(stored.id)
    # It boots on KVM.
    assert done.code == 0
    assert said['vsphere', 'refuses it'].endswith(
        'set vmware_disktype=streamOptimized'
    )
    assert said['property', 'vmware_disktype'] == 'streamOptimized'
