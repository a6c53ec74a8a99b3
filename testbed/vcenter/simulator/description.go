// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// What inventory.py writes, which says what each field means.
type description struct {
	InstanceUUID string                 `json:"instance_uuid"`
	Version      string                 `json:"version"`
	PageSize     *int                   `json:"page_size"`
	Clusters     []clusterDescription   `json:"clusters"`
	Datastores   []datastoreDescription `json:"datastores"`
	Networks     []networkDescription   `json:"networks"`
	VMs          []vmDescription        `json:"vms"`
}

type clusterDescription struct {
	Name  string            `json:"name"`
	Moid  string            `json:"moid"`
	DRS   string            `json:"drs"`
	HA    bool              `json:"ha"`
	Hosts []hostDescription `json:"hosts"`
}

type hostDescription struct {
	Name        string               `json:"name"`
	Hardware    *hardwareDescription `json:"hardware"`
	Usage       *usageDescription    `json:"usage"`
	Connection  string               `json:"connection"`
	Power       string               `json:"power"`
	Maintenance bool                 `json:"maintenance"`
	Services    map[string][]string  `json:"services"`
	Networks    []string             `json:"networks"`
}

type hardwareDescription struct {
	MemoryBytes int64 `json:"memory_bytes"`
	CPUMhz      int32 `json:"cpu_mhz"`
	CPUCores    int16 `json:"cpu_cores"`
	CPUThreads  int16 `json:"cpu_threads"`
}

type usageDescription struct {
	MemoryMiB int32 `json:"memory_mib"`
	CPUMhz    int32 `json:"cpu_mhz"`
}

type datastoreDescription struct {
	Name          string             `json:"name"`
	Type          string             `json:"type"`
	CapacityBytes int64              `json:"capacity_bytes"`
	FreeBytes     int64              `json:"free_bytes"`
	Accessible    bool               `json:"accessible"`
	Maintenance   string             `json:"maintenance"`
	Mounts        []mountDescription `json:"mounts"`
}

type mountDescription struct {
	Host       string `json:"host"`
	Mounted    bool   `json:"mounted"`
	Accessible bool   `json:"accessible"`
	AccessMode string `json:"access_mode"`
}

type networkDescription struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	SwitchID string `json:"switch_id"`
}

type vmDescription struct {
	Name         string `json:"name"`
	InstanceUUID string `json:"instance_uuid"`
	Host         string `json:"host"`
	Datastore    string `json:"datastore"`
	MemoryMiB    int64  `json:"memory_mib"`
	Power        string `json:"power"`
	Template     bool   `json:"template"`
	IsNovas      bool   `json:"is_novas"`
}

type credentials struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// readJSON fails on names that it does not know: they are misspelt.
func readJSON(path string, into interface{}) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
