// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sort"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

const connected = types.HostSystemConnectionStateConnected

// What vCenter lists of every host, whether an adapter serves it or not.
var services = []string{
	"faultToleranceLogging",
	"management",
	"vSphereProvisioning",
	"vSphereReplication",
	"vSphereReplicationNFC",
	"vmotion",
	"vsan",
	"vsanWitness",
}

func (b *builder) addHost(
	cluster *simulator.ClusterComputeResource, wanted hostDescription,
) error {
	if b.hosts[wanted.Name] != nil {
		return fmt.Errorf("there are two of that name")
	}
	// One that govmomi gives to its new hosts.
	cluster.Network = b.datacenter.Network[:1:1]
	body := cluster.AddHostTask(&types.AddHost_Task{
		This:        cluster.Self,
		Spec:        types.HostConnectSpec{HostName: wanted.Name},
		AsConnected: true,
	}).(*methods.AddHost_TaskBody)
	created, err := result(body.Res.Returnval)
	if err != nil {
		return err
	}
	host := simulator.Map.Get(
		created.(types.ManagedObjectReference)).(*simulator.HostSystem)
	b.hosts[wanted.Name] = host
	b.pools[wanted.Name] = *cluster.ResourcePool
	equip(host, wanted)
	host.Runtime.ConnectionState = types.HostSystemConnectionState(
		wanted.Connection)
	host.Runtime.PowerState = types.HostSystemPowerState(wanted.Power)
	host.Runtime.InMaintenanceMode = wanted.Maintenance
	host.Config.VirtualNicManagerInfo = adapters(wanted.Services)
	return b.connect(host, wanted.Networks)
}

// equip sets what a host has and uses. Of one that vCenter never reached, it
// knows neither.
func equip(host *simulator.HostSystem, wanted hostDescription) {
	if hardware := wanted.Hardware; hardware != nil {
		summary := host.Summary.Hardware
		summary.MemorySize = hardware.MemoryBytes
		summary.CpuMhz = hardware.CPUMhz
		summary.NumCpuCores = hardware.CPUCores
		summary.NumCpuThreads = hardware.CPUThreads
		host.Hardware.MemorySize = hardware.MemoryBytes
		host.Hardware.CpuInfo.Hz = int64(hardware.CPUMhz) * 1_000_000
		host.Hardware.CpuInfo.NumCpuCores = hardware.CPUCores
		host.Hardware.CpuInfo.NumCpuThreads = hardware.CPUThreads
	} else {
		host.Summary.Hardware = nil
		host.Hardware = nil
	}
	host.Summary.QuickStats = types.HostListSummaryQuickStats{}
	if usage := wanted.Usage; usage != nil {
		host.Summary.QuickStats.OverallMemoryUsage = usage.MemoryMiB
		host.Summary.QuickStats.OverallCpuUsage = usage.CPUMhz
	}
}

// adapters returns which of them serve what; nil if that is unknown.
func adapters(wanted map[string][]string) *types.HostVirtualNicManagerInfo {
	if wanted == nil {
		return nil
	}
	info := &types.HostVirtualNicManagerInfo{}
	for _, service := range everyService(wanted) {
		config := types.VirtualNicManagerNetConfig{
			NicType:            service,
			MultiSelectAllowed: true,
		}
		for _, device := range devices(wanted) {
			config.CandidateVnic = append(config.CandidateVnic,
				types.HostVirtualNic{
					Device: device,
					Key:    adapterKey(service, device),
				})
		}
		for _, device := range wanted[service] {
			config.SelectedVnic = append(
				config.SelectedVnic, adapterKey(service, device))
		}
		info.NetConfig = append(info.NetConfig, config)
	}
	return info
}

func adapterKey(service, device string) string {
	return service + ".key-vim.host.VirtualNic-" + device
}

func everyService(wanted map[string][]string) []string {
	names := append([]string{}, services...)
	for name := range wanted {
		names = append(names, name)
	}
	return unique(names)
}

func devices(wanted map[string][]string) []string {
	var names []string
	for _, of := range wanted {
		names = append(names, of...)
	}
	return unique(names)
}

// unique sorts names, and leaves out what is there already.
func unique(names []string) []string {
	sort.Strings(names)
	var found []string
	for i, name := range names {
		if i == 0 || name != names[i-1] {
			found = append(found, name)
		}
	}
	return found
}
