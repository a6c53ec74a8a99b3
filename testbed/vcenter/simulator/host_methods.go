// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var hostMethods = map[string]method{
	"HostSystem.DisconnectHost_Task":       disconnect,
	"HostSystem.ReconnectHost_Task":        reconnect,
	"HostSystem.EnterMaintenanceMode_Task": enterMaintenance,
	"HostSystem.ExitMaintenanceMode_Task":  exitMaintenance,
}

func enterMaintenance(
	object mo.Reference, request types.AnyType,
) soap.HasFault {
	host := object.(*simulator.HostSystem)
	defer summarize(clusterOf(host))
	return host.EnterMaintenanceModeTask(
		request.(*types.EnterMaintenanceMode_Task))
}

func exitMaintenance(
	object mo.Reference, request types.AnyType,
) soap.HasFault {
	host := object.(*simulator.HostSystem)
	defer summarize(clusterOf(host))
	return host.ExitMaintenanceModeTask(
		request.(*types.ExitMaintenanceMode_Task))
}

func disconnect(object mo.Reference, _ types.AnyType) soap.HasFault {
	return &methods.DisconnectHost_TaskBody{
		Res: &types.DisconnectHost_TaskResponse{
			Returnval: setConnection(
				object.(*simulator.HostSystem),
				"disconnect",
				types.HostSystemConnectionStateDisconnected,
				// vCenter cannot know it any more.
				types.HostSystemPowerStateUnknown,
			),
		},
	}
}

func reconnect(object mo.Reference, _ types.AnyType) soap.HasFault {
	return &methods.ReconnectHost_TaskBody{
		Res: &types.ReconnectHost_TaskResponse{
			Returnval: setConnection(
				object.(*simulator.HostSystem),
				"reconnect",
				connected,
				types.HostSystemPowerStatePoweredOn,
			),
		},
	}
}

// setConnection returns the task that does so. It fails if the host is
// connected, or not, already.
func setConnection(
	host *simulator.HostSystem,
	name string,
	state types.HostSystemConnectionState,
	power types.HostSystemPowerState,
) types.ManagedObjectReference {
	run := func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if host.Runtime.ConnectionState == state {
			return nil, &types.InvalidState{}
		}
		simulator.Map.Update(host, []types.PropertyChange{
			{Name: "runtime.connectionState", Val: state},
			{Name: "runtime.powerState", Val: power},
		})
		for _, reference := range host.Vm {
			vm := simulator.Map.Get(
				reference).(*simulator.VirtualMachine)
			simulator.Map.WithLock(vm, func() { reach(vm, host) })
		}
		summarize(clusterOf(host))
		return nil, nil
	}
	return simulator.CreateTask(host, name, run).Run()
}
