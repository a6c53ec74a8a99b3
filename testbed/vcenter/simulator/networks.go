// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	opaqueNetwork = "opaque"
	nsxPortgroup  = "nsx_portgroup"
	portgroup     = "portgroup"
	standard      = "standard"
)

func (b *builder) addNetworks() error {
	if err := b.addSwitch(); err != nil {
		return err
	}
	for i, network := range b.wanted.Networks {
		if err := b.addNetwork(i, network); err != nil {
			return fmt.Errorf("network %s: %w", network.Name, err)
		}
	}
	return nil
}

func (b *builder) addSwitch() error {
	folder := b.folder(b.datacenter.NetworkFolder)
	body := folder.CreateDVSTask(b.ctx, &types.CreateDVS_Task{
		This: folder.Self,
		Spec: types.DVSCreateSpec{
			ConfigSpec: &types.VMwareDVSConfigSpec{
				DVSConfigSpec: types.DVSConfigSpec{Name: "switch"},
			},
		},
	}).(*methods.CreateDVS_TaskBody)
	created, err := result(body.Res.Returnval)
	if err != nil {
		return err
	}
	b.dvs = simulator.Map.Get(
		created.(types.ManagedObjectReference),
	).(*simulator.DistributedVirtualSwitch)
	return nil
}

func (b *builder) addNetwork(i int, wanted networkDescription) error {
	if _, ok := b.networks[wanted.Name]; ok {
		return fmt.Errorf("there are two of that name")
	}
	switch wanted.Kind {
	case opaqueNetwork:
		reference := types.ManagedObjectReference{
			Type:  "OpaqueNetwork",
			Value: fmt.Sprintf("network-o%d", i+1),
		}
		b.networks[wanted.Name] = reference
		b.datacenter.Network = append(b.datacenter.Network, reference)
		return b.folder(b.datacenter.NetworkFolder).AddOpaqueNetwork(
			types.OpaqueNetworkSummary{
				NetworkSummary: types.NetworkSummary{
					Network: &reference,
					Name:    wanted.Name,
				},
				OpaqueNetworkId:   wanted.SwitchID,
				OpaqueNetworkType: "nsx.LogicalSwitch",
			})
	case nsxPortgroup, portgroup:
		return b.addPortgroup(wanted)
	case standard:
		b.addStandardNetwork(wanted)
		return nil
	}
	return fmt.Errorf("no such kind: %s", wanted.Kind)
}

func (b *builder) addPortgroup(wanted networkDescription) error {
	spec := types.DVPortgroupConfigSpec{
		Name:        wanted.Name,
		BackingType: "standard",
	}
	if wanted.Kind == nsxPortgroup {
		spec.BackingType = "nsx"
		spec.LogicalSwitchUuid = wanted.SwitchID
	}
	body := b.dvs.AddDVPortgroupTask(b.ctx, &types.AddDVPortgroup_Task{
		This: b.dvs.Self,
		Spec: []types.DVPortgroupConfigSpec{spec},
	}).(*methods.AddDVPortgroup_TaskBody)
	if _, err := result(body.Res.Returnval); err != nil {
		return err
	}
	b.networks[wanted.Name] = b.dvs.Portgroup[len(b.dvs.Portgroup)-1]
	return nil
}

func (b *builder) addStandardNetwork(wanted networkDescription) {
	network := &mo.Network{Name: wanted.Name}
	network.Entity().Name = wanted.Name
	b.put(b.datacenter.NetworkFolder, network)
	network.Summary = &types.NetworkSummary{
		Network:    &network.Self,
		Name:       wanted.Name,
		Accessible: true,
	}
	b.networks[wanted.Name] = network.Self
	b.datacenter.Network = append(b.datacenter.Network, network.Self)
}

// connect has a host see networks, and the networks the host.
func (b *builder) connect(host *simulator.HostSystem, names []string) error {
	host.Network = nil
	for _, name := range names {
		reference, ok := b.networks[name]
		if !ok {
			return fmt.Errorf("no such network: %s", name)
		}
		host.Network = append(host.Network, reference)
		var hosts *[]types.ManagedObjectReference
		switch network := simulator.Map.Get(reference).(type) {
		case *mo.Network:
			hosts = &network.Host
		case *mo.OpaqueNetwork:
			hosts = &network.Host
		case *simulator.DistributedVirtualPortgroup:
			hosts = &network.Host
			simulator.Map.AddReference(
				b.dvs, &b.dvs.Summary.HostMember, host.Self)
		}
		*hosts = append(*hosts, host.Self)
	}
	return nil
}
