#!/usr/bin/env bash
# What stack.sh, unstack.sh and clean.sh do around a plug-in, with DevStack's
# own functions: drive.sh STEP ...
#
# Takes DEVSTACK_DIR (a copy, with the settings in .localrc.auto), PLUGIN_DIR
# and WORK (a folder for all that is written) from the environment.
# DevStack's files, which are not here, read what this assigns.
# shellcheck disable=SC1091,SC2034,SC2154
set -o errexit

TOP_DIR=$DEVSTACK_DIR
FILES=$TOP_DIR/files
exec 6>&1

function echo_summary {
    echo "$@"
}

source "$TOP_DIR/functions"
GetDistro
source "$TOP_DIR/stackrc"
mkdir -p "$DATA_DIR" "$WORK/etc/nova"
STACK_USER=$(id -un)
SYSTEMD_DIR=$WORK/systemd
SYSTEMCTL="sudo systemctl"
source "$TOP_DIR/lib/nova"
NOVA_CONF_DIR=$WORK/etc/nova
NOVA_CONF=$NOVA_CONF_DIR/nova.conf
NOVA_CPU_CONF=$NOVA_CONF_DIR/nova-cpu.conf
TEMPEST_CONFIG=$WORK/etc/tempest.conf
NOVA_READY_TIMEOUT=${READY_TIMEOUT:-60}

enable_plugin hypervisor-affinity "file://$PLUGIN_DIR" main
GITDIR[hypervisor-affinity]=$PLUGIN_DIR
load_plugin_settings

# As lib/nova and lib/neutron, as far as it concerns the plug-in.
function create_nova_conf {
    rm -f "$NOVA_CONF"
    iniset "$NOVA_CONF" DEFAULT debug True
    iniset "$NOVA_CONF" filter_scheduler enabled_filters "$NOVA_FILTERS"
    eval "${OTHER_PLUGIN:-:}"
}

function configure_neutron_nova {
    local option
    sleep "${NEUTRON_SECONDS:-0}"
    for option in a b c d e f g h; do
        iniset "$NOVA_CONF" neutron "$option" x
    done
}

# What the shell is like: options, traps, variables.
function look_at_shell {
    set +o
    shopt -p
    trap -p
    # Those that bash and DevStack themselves change, and ours by name.
    compgen -v | grep -v -E \
        '^(_?HYPERVISOR_AFFINITY_|BASH|FUNCNAME|PIPESTATUS|RANDOM|SECONDS|EPOCH|SRANDOM|LINENO|_$|_TIME_|_ASYNC|file$)'
}

function phase {
    # async_wait changes `name`.
    local label=${1:-nothing}-${2:-nothing}
    look_at_shell >"$WORK/before-$label"
    run_plugins "$@"
    look_at_shell >"$WORK/after-$label"
}

function stack {
    # stack.sh has one, too.
    trap 'exit' ERR
    async_init
    phase stack pre-install
    phase stack install
    create_nova_conf
    if is_service_enabled nova; then
        async_runfunc configure_neutron_nova
    fi
    phase stack post-config
    async_wait configure_neutron_nova
    cp "$NOVA_CONF" "$NOVA_CPU_CONF"
    phase stack extra
    # As lib/tempest.
    rm -f "$TEMPEST_CONFIG"
    iniset "$TEMPEST_CONFIG" compute-feature-enabled \
        scheduler_enabled_filters "$NOVA_FILTERS"
    phase stack test-config
    trap - ERR
}

# Without errexit, and with the demo user's variables.
function unstack {
    set +o errexit
    export OS_USERNAME=demo OS_PROJECT_NAME=demo OS_CLOUD=devstack
    phase unstack
    unset OS_USERNAME OS_PROJECT_NAME OS_CLOUD
    set -o errexit
}

function clean {
    unstack
    set +o errexit
    phase clean
    set -o errexit
}

for step in "$@"; do
    "$step"
done
