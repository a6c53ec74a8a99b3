// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var searchMethods = map[string]method{
	"SessionManager.AcquireGenericServiceTicket": refuse,
	"HostDatastoreBrowser.SearchDatastore_Task":  searchDatastore,
	"SearchIndex.FindAllByUuid":                  findAllByUUID,
}

// refuse has clients send files to vCenter, not to ESXi hosts, of which there
// is nothing but the names.
func refuse(mo.Reference, types.AnyType) soap.HasFault {
	return fault(&types.NotSupported{})
}

// findAllByUUID finds virtual machines; there is one datacenter only.
func findAllByUUID(_ mo.Reference, request types.AnyType) soap.HasFault {
	wanted := request.(*types.FindAllByUuid)
	if !wanted.VmSearch {
		return fault(&types.NotSupported{})
	}
	answer := &types.FindAllByUuidResponse{}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		config := entity.(*simulator.VirtualMachine).Config
		id := config.Uuid
		if isTrue(wanted.InstanceUuid) {
			id = config.InstanceUuid
		}
		if id == wanted.Uuid {
			answer.Returnval = append(
				answer.Returnval, entity.Reference())
		}
	}
	return &methods.FindAllByUuidBody{Res: answer}
}

// searchDatastore finds all files if it is not said which.
func searchDatastore(
	object mo.Reference, request types.AnyType,
) soap.HasFault {
	wanted := *request.(*types.SearchDatastore_Task)
	spec := types.HostDatastoreBrowserSearchSpec{}
	if wanted.SearchSpec != nil {
		spec = *wanted.SearchSpec
	}
	if len(spec.MatchPattern) == 0 {
		spec.MatchPattern = []string{"*"}
	}
	wanted.SearchSpec = &spec
	browser := object.(*simulator.HostDatastoreBrowser)
	return browser.SearchDatastoreTask(&wanted)
}
