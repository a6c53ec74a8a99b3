// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var diskMethods = map[string]method{
	"VirtualDiskManager.CopyVirtualDisk_Task":   copyDisk,
	"VirtualDiskManager.CreateVirtualDisk_Task": createDisk,
	"VirtualDiskManager.ExtendVirtualDisk_Task": extendDisk,
}

func createDisk(object mo.Reference, request types.AnyType) soap.HasFault {
	wanted := request.(*types.CreateVirtualDisk_Task)
	task := finished(object, "createVirtualDisk", func() types.BaseMethodFault {
		spec, ok := wanted.Spec.(*types.FileBackedVirtualDiskSpec)
		if !ok {
			return &types.NotSupported{}
		}
		created, wrong := newDisk(wanted.Name, false)
		if wrong != nil {
			return wrong
		}
		err := created.resize(spec.CapacityKb << 10)
		if err != nil {
			return fileFault(wanted.Name, err)
		}
		return nil
	})
	return &methods.CreateVirtualDisk_TaskBody{
		Res: &types.CreateVirtualDisk_TaskResponse{Returnval: task},
	}
}

// copyDisk also turns a disk that is one file only into one with an extent.
// The copy is in the datacenter of the source if it is not said where.
func copyDisk(object mo.Reference, request types.AnyType) soap.HasFault {
	wanted := request.(*types.CopyVirtualDisk_Task)
	task := finished(object, "copyVirtualDisk", func() types.BaseMethodFault {
		source, wrong := locateDisk(wanted.SourceName)
		if wrong != nil {
			return wrong
		}
		content, err := os.ReadFile(source.file)
		if err != nil {
			return fileFault(wanted.SourceName, err)
		}
		capacity := source.capacity()
		if capacity == 0 {
			capacity = sparseCapacity(content)
		}
		if capacity == 0 {
			return &types.InvalidDiskFormat{}
		}
		copied, wrong := newDisk(wanted.DestName, isTrue(wanted.Force))
		if wrong != nil {
			return wrong
		}
		err = os.WriteFile(copied.file, content, 0o600)
		if err == nil {
			err = copied.resize(capacity)
		}
		if err != nil {
			return fileFault(wanted.DestName, err)
		}
		return nil
	})
	return &methods.CopyVirtualDisk_TaskBody{
		Res: &types.CopyVirtualDisk_TaskResponse{Returnval: task},
	}
}

func extendDisk(object mo.Reference, request types.AnyType) soap.HasFault {
	wanted := request.(*types.ExtendVirtualDisk_Task)
	task := finished(object, "extendVirtualDisk", func() types.BaseMethodFault {
		extended, wrong := locateDisk(wanted.Name)
		if wrong != nil {
			return wrong
		}
		if _, err := os.Stat(extended.file); err != nil {
			return fileFault(wanted.Name, err)
		}
		capacity := wanted.NewCapacityKb << 10
		if capacity < extended.capacity() {
			return &types.InvalidArgument{
				InvalidProperty: "newCapacityKb",
			}
		}
		if err := extended.resize(capacity); err != nil {
			return fileFault(wanted.Name, err)
		}
		return nil
	})
	return &methods.ExtendVirtualDisk_TaskBody{
		Res: &types.ExtendVirtualDisk_TaskResponse{Returnval: task},
	}
}

// newDisk makes a disk of no size.
//
// replaces: whether it may be there already
func newDisk(path string, replaces bool) (disk, types.BaseMethodFault) {
	created, wrong := locateDisk(path)
	if wrong != nil {
		return created, wrong
	}
	flags := os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	if !replaces {
		flags |= os.O_EXCL
	}
	for _, name := range []string{created.file, created.extent} {
		file, err := os.OpenFile(name, flags, 0o600)
		if err != nil {
			return created, fileFault(path, err)
		}
		file.Close()
	}
	return created, nil
}

// finished returns a task that is done already, and has no result.
func finished(
	object mo.Reference, name string, do func() types.BaseMethodFault,
) types.ManagedObjectReference {
	task := simulator.CreateTask(object, name, func(
		*simulator.Task,
	) (types.AnyType, types.BaseMethodFault) {
		return nil, do()
	})
	// Which a manager is not.
	task.Info.Entity = nil
	return task.Run()
}
