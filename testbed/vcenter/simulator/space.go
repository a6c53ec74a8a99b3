// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What is free on each datastore, whatever disks are made: nobody writes
// into them.
var freeBytes = map[types.ManagedObjectReference]int64{}

// Methods that add disks to virtual machines, or take them away.
var movesDisks = map[string]bool{
	"CloneVM_Task":      true,
	"CreateVM_Task":     true,
	"Destroy_Task":      true,
	"HttpNfcLeaseAbort": true,
	"ImportVApp":        true,
	"ReconfigVM_Task":   true,
}

// restoreSpace undoes what govmomi does: it takes the size of a disk whenever
// one is added to a VM, and gives nothing back when files are deleted.
func restoreSpace() {
	for reference, free := range freeBytes {
		datastore, ok := simulator.Map.Get(
			reference).(*simulator.Datastore)
		if ok {
			datastore.Summary.FreeSpace = free
			datastore.Info.GetDatastoreInfo().FreeSpace = free
		}
	}
}
