// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var storageMethods = map[string]method{
	"HostDatastoreSystem.RemoveDatastore": removeDatastore,
	"HostStorageSystem.MountVmfsVolume":   mountVMFS,
	"HostStorageSystem.UnmountVmfsVolume": unmountVMFS,
}

func mountVMFS(object mo.Reference, request types.AnyType) soap.HasFault {
	id := request.(*types.MountVmfsVolume).VmfsUuid
	if wrong := setMounted(object, id, true); wrong != nil {
		return fault(wrong)
	}
	return &methods.MountVmfsVolumeBody{
		Res: &types.MountVmfsVolumeResponse{},
	}
}

func unmountVMFS(object mo.Reference, request types.AnyType) soap.HasFault {
	id := request.(*types.UnmountVmfsVolume).VmfsUuid
	if wrong := setMounted(object, id, false); wrong != nil {
		return fault(wrong)
	}
	return &methods.UnmountVmfsVolumeBody{
		Res: &types.UnmountVmfsVolumeResponse{},
	}
}

// setMounted changes whether one host mounts a volume. The datastore stays
// with the host either way.
func setMounted(
	system mo.Reference, id string, wanted bool,
) types.BaseMethodFault {
	host := system.(*simulator.HostStorageSystem).Host
	datastore := findVMFS(host, id)
	if datastore == nil {
		return &types.NotFound{}
	}
	for i := range datastore.Host {
		info := &datastore.Host[i].MountInfo
		if datastore.Host[i].Key != host.Self {
			continue
		}
		if *info.Mounted == wanted {
			return &types.InvalidState{}
		}
		info.Mounted = types.NewBool(wanted)
		info.Accessible = types.NewBool(wanted)
	}
	judge(datastore)
	return nil
}

// findVMFS returns the datastore of a volume; nil if the host has none.
func findVMFS(host *mo.HostSystem, id string) *simulator.Datastore {
	for _, reference := range host.Datastore {
		datastore := simulator.Map.Get(reference).(*simulator.Datastore)
		info, ok := datastore.Info.(*types.VmfsDatastoreInfo)
		if ok && info.Vmfs.Uuid == id {
			return datastore
		}
	}
	return nil
}

// removeDatastore takes an NFS share from one host; from the last one, the
// datastore is gone.
func removeDatastore(
	object mo.Reference, request types.AnyType,
) soap.HasFault {
	system := object.(*simulator.HostDatastoreSystem)
	host := system.Host
	reference := request.(*types.RemoveDatastore).Datastore
	if simulator.FindReference(host.Datastore, reference) == nil {
		return fault(&types.NotFound{})
	}
	datastore := simulator.Map.Get(reference).(*simulator.Datastore)
	if _, ok := datastore.Info.(*types.NasDatastoreInfo); !ok {
		return fault(&types.HostConfigFault{})
	}
	var rest []types.DatastoreHostMount
	for _, mount := range datastore.Host {
		if mount.Key != host.Self {
			rest = append(rest, mount)
		}
	}
	if len(rest) == 0 && len(datastore.Vm) > 0 {
		return fault(&types.ResourceInUse{
			Type: reference.Type, Name: datastore.Name,
		})
	}
	simulator.RemoveReference(&host.Datastore, reference)
	simulator.RemoveReference(&system.Datastore, reference)
	datastore.Host = rest
	judge(datastore)
	forget(*host.Parent, datastore)
	if len(rest) == 0 {
		datastore.DestroyTask(
			administrator(), &types.Destroy_Task{This: reference})
	}
	return &methods.RemoveDatastoreBody{
		Res: &types.RemoveDatastoreResponse{},
	}
}

// judge sets whether anybody reaches a datastore.
func judge(datastore *simulator.Datastore) {
	reached := 0
	for _, mount := range datastore.Host {
		if *mount.MountInfo.Mounted && *mount.MountInfo.Accessible {
			reached++
		}
	}
	datastore.Summary.Accessible = reached > 0
	datastore.Summary.MultipleHostAccess = types.NewBool(reached > 1)
}

// forget takes a datastore from a cluster none of whose hosts has it.
func forget(
	parent types.ManagedObjectReference, datastore *simulator.Datastore,
) {
	cluster := simulator.Map.Get(
		parent).(*simulator.ClusterComputeResource)
	for _, mount := range datastore.Host {
		host := simulator.Map.Get(mount.Key).(*simulator.HostSystem)
		if *host.Parent == parent {
			return
		}
	}
	simulator.RemoveReference(&cluster.Datastore, datastore.Self)
}
