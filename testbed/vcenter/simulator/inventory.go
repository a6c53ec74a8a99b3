// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/vpx"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A builder makes the inventory, once, before anybody is served.
type builder struct {
	wanted     *description
	storage    string
	ctx        *simulator.Context
	datacenter *simulator.Datacenter
	dvs        *simulator.DistributedVirtualSwitch
	// By name, as the description refers to them.
	networks map[string]types.ManagedObjectReference
	hosts    map[string]*simulator.HostSystem
	pools    map[string]types.ManagedObjectReference
}

// build returns a vCenter as described.
//
// storage: folder for the files of virtual machines
func build(
	wanted *description, storage string,
) (service *simulator.Service, err error) {
	if wanted.PageSize != nil {
		pageSize = *wanted.PageSize
	}
	content := vpx.ServiceContent
	content.About.InstanceUuid = wanted.InstanceUUID
	content.About.Version = wanted.Version
	content.About.ApiVersion = wanted.Version + ".0"
	content.About.FullName = fmt.Sprintf("%s %s build-%s",
		content.About.Name, wanted.Version, content.About.Build)
	service = simulator.New(
		simulator.NewServiceInstance(content, vpx.RootFolder))
	reader := &collector{}
	reader.Self = content.PropertyCollector
	simulator.Map.Put(reader)
	b := &builder{
		wanted:   wanted,
		storage:  storage,
		ctx:      administrator(),
		networks: map[string]types.ManagedObjectReference{},
		hosts:    map[string]*simulator.HostSystem{},
		pools:    map[string]types.ManagedObjectReference{},
	}
	for _, step := range []func() error{
		b.addDatacenter,
		b.addNetworks,
		b.addClusters,
		b.addDatastores,
		b.addVMs,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return service, nil
}

// administrator returns who calls methods that nobody called from outside.
func administrator() *simulator.Context {
	return &simulator.Context{
		Context: context.Background(),
		Map:     simulator.Map,
		Session: &simulator.Session{
			UserSession: types.UserSession{UserName: "Administrator"},
			Registry:    simulator.NewRegistry(),
		},
	}
}

func (b *builder) addDatacenter() error {
	root := simulator.Map.Get(vpx.RootFolder.Self).(*simulator.Folder)
	body := root.CreateDatacenter(b.ctx, &types.CreateDatacenter{
		This: root.Self,
		Name: "datacenter",
	}).(*methods.CreateDatacenterBody)
	b.datacenter = simulator.Map.Get(
		body.Res.Returnval).(*simulator.Datacenter)
	return nil
}

func (b *builder) folder(
	reference types.ManagedObjectReference,
) *simulator.Folder {
	return simulator.Map.Get(reference).(*simulator.Folder)
}

// put adds to a folder what none of its methods can create.
func (b *builder) put(
	folder types.ManagedObjectReference, object mo.Entity,
) {
	into := b.folder(folder)
	simulator.Map.PutEntity(into, object)
	into.ChildEntity = append(into.ChildEntity, object.Reference())
}

// result returns what a task returned; those of govmomi are done at once.
func result(task types.ManagedObjectReference) (types.AnyType, error) {
	info := simulator.Map.Get(task).(*simulator.Task).Info
	if info.Error != nil {
		return nil, fmt.Errorf("%s: %#v", info.Name, info.Error.Fault)
	}
	return info.Result, nil
}
