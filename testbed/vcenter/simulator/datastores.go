// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

func (b *builder) addDatastores() error {
	for i, datastore := range b.wanted.Datastores {
		if err := b.addDatastore(i, datastore); err != nil {
			return fmt.Errorf("datastore %s: %w", datastore.Name, err)
		}
	}
	return nil
}

func (b *builder) addDatastore(i int, wanted datastoreDescription) error {
	folder := filepath.Join(b.storage, fmt.Sprint(i))
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	datastore := &simulator.Datastore{}
	datastore.Self = types.ManagedObjectReference{
		Type:  "Datastore",
		Value: fmt.Sprintf("datastore-%d", i+1),
	}
	datastore.Name = wanted.Name
	datastore.Info = datastoreInfo(wanted, folder)
	datastore.Summary = types.DatastoreSummary{
		Datastore:          &datastore.Self,
		Name:               wanted.Name,
		Url:                folder,
		Type:               wanted.Type,
		Capacity:           wanted.CapacityBytes,
		FreeSpace:          wanted.FreeBytes,
		Accessible:         wanted.Accessible,
		MultipleHostAccess: types.NewBool(len(wanted.Mounts) > 1),
		MaintenanceMode:    wanted.Maintenance,
	}
	browser := &simulator.HostDatastoreBrowser{}
	browser.Datastore = []types.ManagedObjectReference{datastore.Self}
	datastore.Browser = simulator.Map.Put(browser).Reference()
	freeBytes[datastore.Self] = wanted.FreeBytes
	b.put(b.datacenter.DatastoreFolder, datastore)
	b.datacenter.Datastore = append(b.datacenter.Datastore, datastore.Self)
	for _, mount := range wanted.Mounts {
		if err := b.mount(datastore, mount); err != nil {
			return err
		}
	}
	return nil
}

// datastoreInfo returns what depends on the type of a datastore.
//
// folder: of its files on this machine
func datastoreInfo(
	wanted datastoreDescription, folder string,
) types.BaseDatastoreInfo {
	info := types.DatastoreInfo{
		Name:      wanted.Name,
		Url:       folder,
		FreeSpace: wanted.FreeBytes,
	}
	volume := types.HostFileSystemVolume{
		Name:     wanted.Name,
		Type:     wanted.Type,
		Capacity: wanted.CapacityBytes,
	}
	switch wanted.Type {
	case "VMFS":
		id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(wanted.Name))
		return &types.VmfsDatastoreInfo{
			DatastoreInfo: info,
			Vmfs: &types.HostVmfsVolume{
				HostFileSystemVolume: volume,
				Uuid:                 id.String(),
			},
		}
	case "NFS", "NFS41":
		return &types.NasDatastoreInfo{
			DatastoreInfo: info,
			Nas: &types.HostNasVolume{
				HostFileSystemVolume: volume,
				RemoteHost:           "nfs.example.org",
				RemotePath:           "/" + wanted.Name,
			},
		}
	case "vsan":
		return &types.VsanDatastoreInfo{DatastoreInfo: info}
	}
	return &info
}

func (b *builder) mount(
	datastore *simulator.Datastore, wanted mountDescription,
) error {
	host := b.hosts[wanted.Host]
	if host == nil {
		return fmt.Errorf("no such host: %s", wanted.Host)
	}
	datastore.Host = append(datastore.Host, types.DatastoreHostMount{
		Key: host.Self,
		MountInfo: types.HostMountInfo{
			Path:       "/vmfs/volumes/" + datastore.Name,
			AccessMode: wanted.AccessMode,
			Mounted:    types.NewBool(wanted.Mounted),
			Accessible: types.NewBool(wanted.Accessible),
		},
	})
	host.Datastore = append(host.Datastore, datastore.Self)
	system := simulator.Map.Get(
		*host.ConfigManager.DatastoreSystem,
	).(*simulator.HostDatastoreSystem)
	system.Datastore = append(system.Datastore, datastore.Self)
	cluster := clusterOf(host)
	simulator.Map.AddReference(cluster, &cluster.Datastore, datastore.Self)
	return nil
}
