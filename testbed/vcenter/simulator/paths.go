// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	diskSuffix   = ".vmdk"
	extentSuffix = "-flat.vmdk"
)

// A disk is two files. The extent has the size of the disk and no content:
// nobody runs the virtual machines. The other file is a description, or a
// whole disk in the format that virtual machines are exported in.
type disk struct {
	file   string
	extent string
}

// locate returns the file of a path such as "[datastore] folder/disk.vmdk".
func locate(path string) (string, types.BaseMethodFault) {
	var parsed object.DatastorePath
	if !parsed.FromString(path) {
		return "", &types.InvalidDatastorePath{DatastorePath: path}
	}
	datastore := findDatastore(parsed.Datastore)
	if datastore == nil {
		return "", &types.InvalidDatastorePath{DatastorePath: path}
	}
	return fileIn(datastore, parsed.Path), nil
}

// findDatastore returns nil if there is none of this name.
func findDatastore(name string) *simulator.Datastore {
	for _, entity := range simulator.Map.All("Datastore") {
		if entity.Entity().Name == name {
			return entity.(*simulator.Datastore)
		}
	}
	return nil
}

// fileIn returns a file of a datastore, never one outside of it.
func fileIn(datastore *simulator.Datastore, path string) string {
	return filepath.Join(
		datastore.Info.GetDatastoreInfo().Url, filepath.Join("/", path))
}

func locateDisk(path string) (disk, types.BaseMethodFault) {
	file, wrong := locate(path)
	stem := strings.TrimSuffix(file, diskSuffix)
	return disk{file: file, extent: stem + extentSuffix}, wrong
}

// capacity returns the size of a disk in bytes; 0 if it has no extent.
func (d disk) capacity() int64 {
	info, err := os.Stat(d.extent)
	if err != nil {
		return 0
	}
	return info.Size()
}

// resize makes the extent as large, without using space.
func (d disk) resize(capacity int64) error {
	extent, err := os.OpenFile(d.extent, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer extent.Close()
	return extent.Truncate(capacity)
}

func fileFault(path string, err error) types.BaseMethodFault {
	wrong := types.FileFault{File: path}
	switch {
	case os.IsNotExist(err):
		return &types.FileNotFound{FileFault: wrong}
	case os.IsExist(err):
		return &types.FileAlreadyExists{FileFault: wrong}
	}
	return &types.CannotAccessFile{FileFault: wrong}
}
