# SPDX-License-Identifier: Apache-2.0
import pathlib
import tempfile

import pytest

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import settings

STRICT = '[hypervisor_affinity]\nflexible_placement = strict\n'


def found(check, conf):
    """Return the only finding; None if there is none."""
    arguments = (conf,)
    if check in (settings.check_host_subset, settings.check_image_types):
        arguments = (conf, our_conf.read_policy(conf))
    findings = list(check(*arguments))
    assert len(findings) <= 1
    return findings[0] if findings else None


CHECKS = [
    settings.check_options,
    settings.check_image_metadata_prefilter,
    settings.check_host_subset,
    settings.check_image_types,
]


@pytest.mark.parametrize('check', CHECKS)
def test_novas_defaults_are_in_order(load, check):
    assert found(check, load()) is None


def test_a_wrong_option_is_named_with_its_file(load):
    conf = load('[hypervisor_affinity]\nvmdk_images = sometimes\n')
    finding = found(settings.check_options, conf)
    assert finding.severity is Severity.ERROR
    for named in ('vmdk_images', 'sometimes', 'nova.conf'):
        assert named in finding.text


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        (
            '[hypervisor_affinity]\nvmdk_image = flexible\n',
            '[hypervisor_affinity] vmdk_image is not known, and has no '
            "effect; did you mean 'vmdk_images'?",
        ),
        (
            '[hypervisor_affinity]\nVmdk_Images = flexible\n',
            '[hypervisor_affinity] Vmdk_Images is not known, and has no '
            "effect; did you mean 'vmdk_images'?",
        ),
        (
            '[hypervisor_affinity]\nowner = me\n',
            '[hypervisor_affinity] owner is not known, and has no effect',
        ),
        (
            '[hypervisor_afinity]\nvmdk_images = flexible\n',
            '[hypervisor_afinity] is not known, and has no effect; did you '
            "mean '[hypervisor_affinity]'?",
        ),
        (
            '[hypervisor_affinity_vcenter]\nhost_pasword = swordfish\n',
            '[hypervisor_affinity_vcenter] host_pasword is not known, and has '
            "no effect; did you mean 'host_password'?",
        ),
    ],
)
def test_a_misspelt_name_is_found(load, tmp_path, text, said):
    finding = found(settings.check_options, load(text))
    assert finding.severity is Severity.WARNING
    assert finding.text == f'{tmp_path / "nova.conf"}: {said}'


@pytest.mark.parametrize(
    'text',
    [
        # As oslo.config takes them: a section in any case.
        '[Hypervisor_Affinity]\nvmdk_images = flexible\n',
        '[hypervisor_affinity_fake_compute]\nface = libvirt\n',
        '[filter_scheduler]\nhost_subset_sizes = 2\n',
    ],
)
def test_what_is_known_or_not_ours_is_left_alone(load, text):
    conf = load(text)
    assert found(settings.check_options, conf) is None
    if 'vmdk_images' in text:
        assert our_conf.read_policy(conf).vmdk_images == 'flexible'


@pytest.mark.parametrize(
    ('option', 'value', 'cause'),
    [
        ('vmdk_images', '$nope', 'to an option that does not exist'),
        ('tell_user', '$tell_user', 'it refers to itself'),
        ('preferred_hypervisors', 'kvm,$no.pe', 'option that does not exist'),
        ('weight_multiplier', '', 'it is empty'),
    ],
)
def test_an_option_that_cannot_be_read_is_named(load, option, value, cause):
    conf = load(f'[hypervisor_affinity]\n{option} = {value}\n')
    finding = found(settings.check_options, conf)
    assert finding.severity is Severity.ERROR
    shown, sign, _ = value.partition('$')
    for named in (f"{option} = '{shown}{sign and '$…'}'", cause, 'nova.conf'):
        assert named in finding.text


def test_image_metadata_prefilter(load):
    conf = load('[scheduler]\nimage_metadata_prefilter = true\n')
    finding = found(settings.check_image_metadata_prefilter, conf)
    assert finding.severity is Severity.ERROR
    assert 'Disable it' in finding.text


def test_host_subset_size(load):
    text = '[filter_scheduler]\nhost_subset_size = 3\n'
    finding = found(settings.check_host_subset, load(text))
    assert finding.severity is Severity.WARNING
    assert 'one of the 3 best hosts' in finding.text
    assert found(settings.check_host_subset, load(text + STRICT)) is None


SUPPORT = '[scheduler]\nquery_placement_for_image_type_support = true\n'
FLEXIBLE = '[hypervisor_affinity]\nvmdk_images = flexible\n'


def test_image_type_support(load):
    finding = found(settings.check_image_types, load(SUPPORT))
    assert finding.severity is Severity.WARNING
    assert 'a VMDK image gets no KVM host' in finding.text
    assert 'vmdk_images' not in finding.text
    assert found(settings.check_image_types, load(FLEXIBLE)) is None


def test_image_type_support_and_flexible_vmdk_images(load):
    finding = found(settings.check_image_types, load(SUPPORT + FLEXIBLE))
    assert finding.severity is Severity.WARNING
    assert 'vmdk_images = flexible then has no effect' in finding.text


@pytest.fixture
def world():
    """Return a folder that every user of the machine may enter."""
    with tempfile.TemporaryDirectory(dir='/tmp') as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_file_with_passwords_that_everybody_may_read(load, world):
    path = world / 'db.conf'
    path.write_text('[database]\nconnection = mysql://nova:s3cret@db/nova\n')
    path.chmod(0o644)
    (finding,) = settings.check_files(load('', path))
    assert finding.severity is Severity.WARNING
    assert finding.text == (
        f'{path}: every user of this machine can read it, and 1 password '
        f'([database] connection) in it. Run chmod o-rwx {path}, and change '
        'the passwords.'
    )
    path.chmod(0o640)
    assert list(settings.check_files(load('', path))) == []


def test_a_file_without_passwords_may_be_read(load, world):
    path = world / 'nova.conf'
    path.write_text('[DEFAULT]\nhost = a\n')
    path.chmod(0o644)
    assert list(settings.check_files(load('', path))) == []
