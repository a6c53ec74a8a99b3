// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var extensionMethods = map[string]method{
	"ExtensionManager.FindExtension":     findExtension,
	"ExtensionManager.RegisterExtension": registerExtension,
}

func findExtension(object mo.Reference, request types.AnyType) soap.HasFault {
	key := request.(*types.FindExtension).ExtensionKey
	return &methods.FindExtensionBody{
		Res: &types.FindExtensionResponse{
			Returnval: extension(
				object.(*mo.ExtensionManager), key),
		},
	}
}

func registerExtension(
	object mo.Reference, request types.AnyType,
) soap.HasFault {
	manager := object.(*mo.ExtensionManager)
	wanted := request.(*types.RegisterExtension).Extension
	if extension(manager, wanted.Key) != nil {
		return fault(&types.InvalidArgument{
			InvalidProperty: "extension.key",
		})
	}
	manager.ExtensionList = append(manager.ExtensionList, wanted)
	return &methods.RegisterExtensionBody{
		Res: &types.RegisterExtensionResponse{},
	}
}

// extension returns nil if there is none of this key.
func extension(manager *mo.ExtensionManager, key string) *types.Extension {
	for i := range manager.ExtensionList {
		if manager.ExtensionList[i].Key == key {
			return &manager.ExtensionList[i]
		}
	}
	return nil
}
