// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// On a SCSI bus, as everywhere.
const controllerUnit = 7

var vmMethods = map[string]method{
	"Folder.CreateVM_Task":           createVM,
	"VirtualMachine.CloneVM_Task":    cloneVM,
	"VirtualMachine.ReconfigVM_Task": reconfigureVM,
}

// createVM puts a VM on the host with the fewest, if it is not said where.
func createVM(object mo.Reference, request types.AnyType) soap.HasFault {
	wanted := *request.(*types.CreateVM_Task)
	folder := object.(*simulator.Folder)
	if wanted.Host == nil {
		host := chooseHost(wanted.Pool, wanted.Config.Files)
		if host == nil {
			return fault(&types.NoCompatibleHost{})
		}
		wanted.Host = host
	}
	answer := folder.CreateVMTask(calling(folder), &wanted)
	task := answer.(*methods.CreateVM_TaskBody).Res.Returnval
	created, err := result(task)
	if err == nil {
		completeDevices(simulator.Map.Get(
			created.(types.ManagedObjectReference),
		).(*simulator.VirtualMachine))
	}
	return answer
}

// chooseHost returns nil if no host of the cluster can run a VM that has its
// files there.
func chooseHost(
	pool types.ManagedObjectReference, files *types.VirtualMachineFileInfo,
) *types.ManagedObjectReference {
	var path object.DatastorePath
	if files == nil || !path.FromString(files.VmPathName) {
		return nil
	}
	datastore := findDatastore(path.Datastore)
	found, ok := simulator.Map.Get(pool).(*simulator.ResourcePool)
	if !ok || datastore == nil {
		return nil
	}
	var best *simulator.HostSystem
	for _, mount := range datastore.Host {
		host := simulator.Map.Get(mount.Key).(*simulator.HostSystem)
		if !isTrue(mount.MountInfo.Mounted) || !canRun(host) ||
			*host.Parent != found.Owner {
			continue
		}
		if best == nil || len(host.Vm) < len(best.Vm) {
			best = host
		}
	}
	if best == nil {
		return nil
	}
	return &best.Self
}

func reconfigureVM(object mo.Reference, request types.AnyType) soap.HasFault {
	vm := object.(*simulator.VirtualMachine)
	defer completeDevices(vm)
	return vm.ReconfigVMTask(
		calling(vm), request.(*types.ReconfigVM_Task))
}

// cloneVM copies the disks, too. That of govmomi takes the devices
// themselves, so that the original would have lost its disks.
func cloneVM(object mo.Reference, request types.AnyType) soap.HasFault {
	vm := object.(*simulator.VirtualMachine)
	var devices []types.BaseVirtualDevice
	for _, device := range vm.Config.Hardware.Device {
		if original, ok := device.(*types.VirtualDisk); ok {
			device = copyDevice(original)
		}
		devices = append(devices, device)
	}
	answer := vm.CloneVMTask(
		calling(vm), request.(*types.CloneVM_Task))
	vm.Config.Hardware.Device = devices
	originals := disksOf(vm)
	task := answer.(*methods.CloneVM_TaskBody).Res.Returnval
	created, err := result(task)
	if err != nil {
		return answer
	}
	clone := simulator.Map.Get(
		created.(types.ManagedObjectReference)).(*simulator.VirtualMachine)
	for i, copied := range disksOf(clone) {
		target, wrong := locateDisk(fileOf(copied).FileName)
		if wrong == nil && i < len(originals) {
			fill(target, fileOf(originals[i]))
		}
	}
	completeDevices(clone)
	return answer
}

func copyDevice(original *types.VirtualDisk) *types.VirtualDisk {
	copied := *original
	backing, ok := original.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if ok {
		copiedBacking := *backing
		copied.Backing = &copiedBacking
	}
	return &copied
}

// fill gives a new disk the content of another.
func fill(to disk, from *types.VirtualDiskFlatVer2BackingInfo) {
	_ = os.WriteFile(to.file, content(from), 0o600)
	source, wrong := locateDisk(from.FileName)
	if wrong == nil {
		_ = to.resize(source.capacity())
	}
}

// content returns what a disk was imported with; nothing if it was not.
func content(of *types.VirtualDiskFlatVer2BackingInfo) []byte {
	found, wrong := locateDisk(of.FileName)
	if wrong != nil {
		return nil
	}
	// A file that is not there has no content, either.
	read, _ := os.ReadFile(found.file)
	return read
}

func disksOf(vm *simulator.VirtualMachine) []*types.VirtualDisk {
	var disks []*types.VirtualDisk
	for _, device := range vm.Config.Hardware.Device {
		found, ok := device.(*types.VirtualDisk)
		if ok && fileOf(found) != nil {
			disks = append(disks, found)
		}
	}
	return disks
}

// fileOf returns nil if the disk is not a file.
func fileOf(disk *types.VirtualDisk) *types.VirtualDiskFlatVer2BackingInfo {
	backing, _ := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	return backing
}

// completeDevices sets what the devices of a VM say of themselves: which unit
// of its own bus a controller is, and how large a disk. One that was just
// created is as large as its parent, or as was asked for.
func completeDevices(vm *simulator.VirtualMachine) {
	for _, device := range vm.Config.Hardware.Device {
		controller, ok := device.(types.BaseVirtualSCSIController)
		if ok {
			controller.GetVirtualSCSIController().
				ScsiCtlrUnitNumber = controllerUnit
		}
	}
	for _, device := range disksOf(vm) {
		backing := fileOf(device)
		found, wrong := locateDisk(backing.FileName)
		if wrong != nil {
			continue
		}
		if found.capacity() == 0 && backing.Parent != nil {
			fill(found, backing.Parent)
		}
		capacity := found.capacity()
		if capacity == 0 {
			capacity = device.CapacityInKB << 10
			_ = found.resize(capacity)
		}
		device.CapacityInBytes = capacity
		device.CapacityInKB = capacity >> 10
	}
}

// calling returns the context of a method that another one of the same
// object calls, which has locked it.
func calling(object mo.Reference) *simulator.Context {
	context := administrator()
	reference := object.Reference()
	context.Caller = &reference
	return context
}
