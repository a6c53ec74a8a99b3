// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	leaseType   = "HttpNfcLease"
	leasePrefix = "/nfc/"
	// How long the end of a lease waits for what is still under way.
	uploadTimeout = 10 * time.Second
)

var leaseMethods = map[string]method{
	"HttpNfcLease.HttpNfcLeaseAbort":    abortLease,
	"HttpNfcLease.HttpNfcLeaseComplete": completeLease,
	"HttpNfcLease.HttpNfcLeaseProgress": progressLease,
	"ResourcePool.ImportVApp":           importVM,
	"VirtualMachine.ExportVm":           exportVM,
}

// Of the server's certificate, as leases name it.
var thumbprint string

// A lease lets who knows its address read or write the disks of one VM.
type lease struct {
	mo.HttpNfcLease

	isImport bool
	// By the last part of the address.
	disks map[string]*types.VirtualDisk
	// What is still to be written, and what is closed after the last one.
	missing map[string]bool
	written chan struct{}
}

// newLease returns one for all disks of a VM.
func newLease(vm *simulator.VirtualMachine, isImport bool) *lease {
	l := &lease{
		isImport: isImport,
		disks:    map[string]*types.VirtualDisk{},
		missing:  map[string]bool{},
		written:  make(chan struct{}),
	}
	l.Self = types.ManagedObjectReference{
		Type: leaseType, Value: uuid.New().String(),
	}
	l.State = types.HttpNfcLeaseStateReady
	l.Info = &types.HttpNfcLeaseInfo{
		Lease:        l.Self,
		Entity:       vm.Self,
		LeaseTimeout: 300,
	}
	for _, disk := range disksOf(vm) {
		name := path.Base(fileOf(disk).FileName)
		l.disks[name] = disk
		l.missing[name] = true
		l.Info.TotalDiskCapacityInKB += disk.CapacityInKB
		l.Info.DeviceUrl = append(
			l.Info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
				Key:       "/" + vm.Self.Value + "/" + name,
				ImportKey: "/" + vm.Name + "/" + name,
				// For the client to put its address there.
				Url: "https://*" + leasePrefix +
					l.Self.Value + "/" + name,
				SslThumbprint: thumbprint,
				Disk:          types.NewBool(true),
				TargetId:      name,
			})
	}
	simulator.Map.Put(l)
	return l
}

func importVM(object mo.Reference, request types.AnyType) soap.HasFault {
	wanted := request.(*types.ImportVApp)
	spec, ok := wanted.Spec.(*types.VirtualMachineImportSpec)
	if !ok || wanted.Folder == nil {
		return fault(&types.NotSupported{})
	}
	folder := simulator.Map.Get(*wanted.Folder).(*simulator.Folder)
	host := wanted.Host
	if host == nil {
		host = chooseHost(wanted.This, spec.ConfigSpec.Files)
	}
	if host == nil {
		return fault(&types.NoCompatibleHost{})
	}
	body := folder.CreateVMTask(calling(object), &types.CreateVM_Task{
		This:   folder.Self,
		Config: spec.ConfigSpec,
		Pool:   wanted.This,
		Host:   host,
	}).(*methods.CreateVM_TaskBody)
	task := simulator.Map.Get(body.Res.Returnval).(*simulator.Task)
	if task.Info.Error != nil {
		return fault(task.Info.Error.Fault)
	}
	vm := simulator.Map.Get(
		task.Info.Result.(types.ManagedObjectReference),
	).(*simulator.VirtualMachine)
	completeDevices(vm)
	return &methods.ImportVAppBody{
		Res: &types.ImportVAppResponse{
			Returnval: newLease(vm, true).Self,
		},
	}
}

func exportVM(object mo.Reference, _ types.AnyType) soap.HasFault {
	vm := object.(*simulator.VirtualMachine)
	off := types.VirtualMachinePowerStatePoweredOff
	if vm.Runtime.PowerState != off {
		return fault(&types.InvalidPowerState{
			RequestedState: off,
			ExistingState:  vm.Runtime.PowerState,
		})
	}
	return &methods.ExportVmBody{
		Res: &types.ExportVmResponse{
			Returnval: newLease(vm, false).Self,
		},
	}
}

func progressLease(object mo.Reference, request types.AnyType) soap.HasFault {
	object.(*lease).TransferProgress =
		request.(*types.HttpNfcLeaseProgress).Percent
	return &methods.HttpNfcLeaseProgressBody{
		Res: &types.HttpNfcLeaseProgressResponse{},
	}
}

// completeLease waits until all is written: clients may send the last bytes
// and call this without waiting for an answer to them.
func completeLease(object mo.Reference, _ types.AnyType) soap.HasFault {
	l := object.(*lease)
	if l.isImport {
		select {
		case <-l.written:
		case <-time.After(uploadTimeout):
			return fault(&types.Timedout{})
		}
	}
	simulator.Map.Remove(l.Self)
	return &methods.HttpNfcLeaseCompleteBody{
		Res: &types.HttpNfcLeaseCompleteResponse{},
	}
}

// abortLease ends a lease. Of an import, what there is of the VM goes, too.
func abortLease(object mo.Reference, _ types.AnyType) soap.HasFault {
	l := object.(*lease)
	simulator.Map.Remove(l.Self)
	vm, ok := simulator.Map.Get(l.Info.Entity).(*simulator.VirtualMachine)
	if l.isImport && ok {
		simulator.Map.WithLock(vm, func() {
			vm.DestroyTask(
				calling(vm), &types.Destroy_Task{This: vm.Self})
		})
	}
	return &methods.HttpNfcLeaseAbortBody{
		Res: &types.HttpNfcLeaseAbortResponse{},
	}
}
