// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

const drsIsOff = "off"

func (b *builder) addClusters() error {
	for _, cluster := range b.wanted.Clusters {
		if err := b.addCluster(cluster); err != nil {
			return fmt.Errorf("cluster %s: %w", cluster.Name, err)
		}
	}
	return nil
}

func (b *builder) addCluster(wanted clusterDescription) error {
	folder := b.folder(b.datacenter.HostFolder)
	body := folder.CreateClusterEx(b.ctx, &types.CreateClusterEx{
		This: folder.Self,
		Name: wanted.Name,
	}).(*methods.CreateClusterExBody)
	if body.Fault_ != nil {
		return fmt.Errorf("%#v", body.Fault_.Detail.Fault)
	}
	cluster := simulator.Map.Get(
		body.Res.Returnval).(*simulator.ClusterComputeResource)
	b.identify(cluster, wanted.Moid)
	config := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
	config.DrsConfig = drsConfig(wanted.DRS)
	config.DasConfig.Enabled = types.NewBool(wanted.HA)
	for _, host := range wanted.Hosts {
		if err := b.addHost(cluster, host); err != nil {
			return fmt.Errorf("host %s: %w", host.Name, err)
		}
	}
	// Of the networks, those that a host sees.
	cluster.Network = nil
	for _, reference := range cluster.Host {
		host := simulator.Map.Get(reference).(*simulator.HostSystem)
		for _, network := range host.Network {
			simulator.Map.AddReference(
				cluster, &cluster.Network, network)
		}
	}
	summarize(cluster)
	return nil
}

// identify gives a new cluster an identity of vCenter's kind.
func (b *builder) identify(
	cluster *simulator.ClusterComputeResource, moid string,
) {
	folder := b.folder(b.datacenter.HostFolder)
	simulator.RemoveReference(&folder.ChildEntity, cluster.Self)
	simulator.Map.Remove(cluster.Self)
	cluster.Self.Value = moid
	b.put(folder.Self, cluster)
	pool := simulator.Map.Get(
		*cluster.ResourcePool).(*simulator.ResourcePool)
	pool.Owner = cluster.Self
}

func drsConfig(wanted string) types.ClusterDrsConfigInfo {
	if wanted == drsIsOff {
		// It keeps a behaviour, for when it is switched on.
		return types.ClusterDrsConfigInfo{
			Enabled:           types.NewBool(false),
			DefaultVmBehavior: types.DrsBehaviorFullyAutomated,
		}
	}
	return types.ClusterDrsConfigInfo{
		Enabled:           types.NewBool(true),
		DefaultVmBehavior: types.DrsBehavior(wanted),
	}
}

// summarize counts what a cluster has, and what of it can run a VM now.
func summarize(cluster *simulator.ClusterComputeResource) {
	summary := &types.ClusterComputeResourceSummary{
		ComputeResourceSummary: types.ComputeResourceSummary{
			NumHosts:      int32(len(cluster.Host)),
			OverallStatus: types.ManagedEntityStatusGreen,
		},
		UsageSummary: &types.ClusterUsageSummary{},
	}
	for _, reference := range cluster.Host {
		host := simulator.Map.Get(reference).(*simulator.HostSystem)
		hardware := host.Summary.Hardware
		if hardware == nil {
			continue
		}
		mhz := hardware.CpuMhz * int32(hardware.NumCpuCores)
		summary.TotalCpu += mhz
		summary.TotalMemory += hardware.MemorySize
		summary.NumCpuCores += hardware.NumCpuCores
		summary.NumCpuThreads += hardware.NumCpuThreads
		if canRun(host) {
			summary.NumEffectiveHosts++
			summary.EffectiveCpu += mhz
			// In MiB, unlike the total.
			summary.EffectiveMemory += hardware.MemorySize >> 20
		}
	}
	cluster.Summary = summary
}

func canRun(host *simulator.HostSystem) bool {
	return host.Runtime.ConnectionState == connected &&
		!host.Runtime.InMaintenanceMode
}

// clusterOf returns the cluster of a host.
func clusterOf(
	host *simulator.HostSystem,
) *simulator.ClusterComputeResource {
	return simulator.Map.Get(
		*host.Parent).(*simulator.ClusterComputeResource)
}
