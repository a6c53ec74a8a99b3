// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func (b *builder) addVMs() error {
	for _, vm := range b.wanted.VMs {
		if err := b.addVM(vm); err != nil {
			return fmt.Errorf("VM %s: %w", vm.Name, err)
		}
	}
	return nil
}

func (b *builder) addVM(wanted vmDescription) error {
	host := b.hosts[wanted.Host]
	if host == nil {
		return fmt.Errorf("no such host: %s", wanted.Host)
	}
	if simulator.Map.FindByName(wanted.Datastore, host.Datastore) == nil {
		return fmt.Errorf("%s has no datastore %s",
			wanted.Host, wanted.Datastore)
	}
	folder := b.folder(b.datacenter.VmFolder)
	body := folder.CreateVMTask(b.ctx, &types.CreateVM_Task{
		This:   folder.Self,
		Config: vmConfig(wanted),
		Pool:   b.pools[wanted.Host],
		Host:   &host.Self,
	}).(*methods.CreateVM_TaskBody)
	created, err := result(body.Res.Returnval)
	if err != nil {
		return err
	}
	vm := simulator.Map.Get(
		created.(types.ManagedObjectReference),
	).(*simulator.VirtualMachine)
	if wanted.Template {
		vm.MarkAsTemplate(&types.MarkAsTemplate{This: vm.Self})
	}
	state := types.VirtualMachinePowerState(wanted.Power)
	vm.Runtime.PowerState = state
	vm.Summary.Runtime.PowerState = state
	reach(vm, host)
	return nil
}

func vmConfig(wanted vmDescription) types.VirtualMachineConfigSpec {
	config := types.VirtualMachineConfigSpec{
		Name:         wanted.Name,
		InstanceUuid: wanted.InstanceUUID,
		MemoryMB:     wanted.MemoryMiB,
		Files: &types.VirtualMachineFileInfo{
			VmPathName: "[" + wanted.Datastore + "]",
		},
	}
	if wanted.IsNovas {
		// As nova's driver for vSphere marks them.
		config.ManagedBy = &types.ManagedByInfo{
			ExtensionKey: "org.openstack.compute",
			Type:         "instance",
		}
		config.ExtraConfig = []types.BaseOptionValue{
			&types.OptionValue{
				Key:   "nvp.vm-uuid",
				Value: wanted.InstanceUUID,
			},
		}
	}
	return config
}

// reach sets whether vCenter reaches a VM: as it does its host.
func reach(vm *simulator.VirtualMachine, host *simulator.HostSystem) {
	state := types.VirtualMachineConnectionStateConnected
	if host.Runtime.ConnectionState != connected {
		state = types.VirtualMachineConnectionStateDisconnected
	}
	simulator.Map.Update(vm, []types.PropertyChange{
		{Name: "runtime.connectionState", Val: state},
		{Name: "summary.runtime.connectionState", Val: state},
	})
}
