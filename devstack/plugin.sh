#!/bin/bash
#
# The hypervisor-affinity DevStack plug-in: what happens in which phase.
#
# DevStack sources this file inside a function, once for each phase, with the
# mode and the phase as arguments: under errexit in stack.sh, without it in
# unstack.sh and clean.sh.

_hypervisor_affinity_xtrace=$(set +o | grep xtrace)
set +o xtrace

source "$HYPERVISOR_AFFINITY_DIR/devstack/lib/openstack"
source "$HYPERVISOR_AFFINITY_DIR/devstack/lib/nova_conf"
source "$HYPERVISOR_AFFINITY_DIR/devstack/lib/fake_vcenter"
source "$HYPERVISOR_AFFINITY_DIR/devstack/lib/aggregates"
source "$HYPERVISOR_AFFINITY_DIR/devstack/lib/images"
source "$HYPERVISOR_AFFINITY_DIR/devstack/lib/tempest_conf"

# nova-api loads the extra specs' validators, nova-scheduler filter and
# weigher, and the fake vCenter is a program of the package.
if is_service_enabled n-api n-sch ||
    [[ $HYPERVISOR_AFFINITY_FAKE_VCENTER == True ]]; then
    case "$1/${2:-}" in
        stack/install)
            echo_summary "Installing hypervisor-affinity"
            setup_develop "$HYPERVISOR_AFFINITY_DIR"
            ;;
        stack/post-config)
            # It edits nova.conf in the background.
            async_wait configure_neutron_nova
            if is_service_enabled n-sch; then
                hypervisor_affinity_configure_nova
            fi
            ;;
        stack/extra)
            hypervisor_affinity_start_fake_vcenter
            if is_service_enabled n-api; then
                echo_summary "Creating hypervisor-affinity's aggregates"
                hypervisor_affinity_create_aggregates
            fi
            if is_service_enabled n-api && is_service_enabled glance; then
                echo_summary "Registering hypervisor-affinity's images"
                hypervisor_affinity_create_images
            fi
            ;;
        stack/test-config)
            # nova takes no host into an aggregate that is not mapped to its
            # cell, as stack.sh has just done.
            if is_service_enabled n-api; then
                hypervisor_affinity_add_hosts
            fi
            if is_service_enabled tempest; then
                hypervisor_affinity_configure_tempest
            fi
            ;;
        unstack/)
            if is_service_enabled n-api && hypervisor_affinity_is_cloud_up; then
                hypervisor_affinity_delete_images
                hypervisor_affinity_delete_aggregates
            fi
            hypervisor_affinity_stop_fake_vcenter
            hypervisor_affinity_unconfigure_nova
            hypervisor_affinity_unconfigure_tempest
            ;;
        clean/)
            hypervisor_affinity_clean_fake_vcenter
            ;;
    esac
fi

$_hypervisor_affinity_xtrace
unset _hypervisor_affinity_xtrace
