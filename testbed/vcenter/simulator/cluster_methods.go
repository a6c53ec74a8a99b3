// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var clusterMethods = map[string]method{
	"ClusterComputeResource.ReconfigureComputeResource_Task": reconfigure,
}

// reconfigure changes DRS and HA, and leaves rules and groups to govmomi.
func reconfigure(object mo.Reference, request types.AnyType) soap.HasFault {
	cluster := object.(*simulator.ClusterComputeResource)
	wanted := request.(*types.ReconfigureComputeResource_Task)
	if !wanted.Modify {
		// Which would reset all that is not mentioned.
		return fault(&types.NotSupported{})
	}
	spec, ok := wanted.Spec.(*types.ClusterConfigSpecEx)
	if ok {
		config := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
		if spec.DrsConfig != nil {
			overlay(&config.DrsConfig, spec.DrsConfig)
		}
		if spec.DasConfig != nil {
			overlay(&config.DasConfig, spec.DasConfig)
		}
	}
	return cluster.ReconfigureComputeResourceTask(wanted)
}

// overlay copies what is set in one struct into another of the same type.
func overlay(to, from interface{}) {
	target := reflect.ValueOf(to).Elem()
	source := reflect.ValueOf(from).Elem()
	for i := 0; i < source.NumField(); i++ {
		if !source.Field(i).IsZero() {
			target.Field(i).Set(source.Field(i))
		}
	}
}
