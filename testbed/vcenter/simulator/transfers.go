// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const folderPrefix = "/folder/"

// serveFolder reads and writes single files of a datastore.
func (f *front) serveFolder(w http.ResponseWriter, r *http.Request) {
	if !f.isLoggedIn(r) {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	datastore := findDatastore(r.URL.Query().Get("dsName"))
	if datastore == nil {
		http.NotFound(w, r)
		return
	}
	file := fileIn(datastore, strings.TrimPrefix(r.URL.Path, folderPrefix))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		http.ServeFile(w, r, file)
	case http.MethodPut:
		content, err := receive(r)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(file), 0o700)
		}
		if err == nil {
			err = store(file, content)
		}
		if err != nil {
			http.Error(w, err.Error(),
				http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// store keeps of an extent the size only, see disk.
func store(file string, content []byte) error {
	if !strings.HasSuffix(file, extentSuffix) {
		return os.WriteFile(file, content, 0o600)
	}
	return disk{extent: file}.resize(int64(len(content)))
}

// serveLease reads and writes disks. It needs no session: nobody can guess
// the address.
func (f *front) serveLease(w http.ResponseWriter, r *http.Request) {
	id, name := path.Split(strings.TrimPrefix(r.URL.Path, leasePrefix))
	found, ok := simulator.Map.Get(types.ManagedObjectReference{
		Type: leaseType, Value: strings.TrimSuffix(id, "/"),
	}).(*lease)
	if !ok || found.disks[name] == nil {
		http.NotFound(w, r)
		return
	}
	device := found.disks[name]
	isUpload := r.Method == http.MethodPut || r.Method == http.MethodPost
	switch {
	case isUpload && found.isImport:
		content, err := receive(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f.exclusively(func() { found.take(name, content) })
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet && !found.isImport:
		var exported []byte
		f.exclusively(func() { exported = export(device) })
		http.ServeContent(
			w, r, name, time.Time{}, bytes.NewReader(exported))
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// receive fails if the client goes away before it sent all.
func receive(r *http.Request) ([]byte, error) {
	return io.ReadAll(r.Body)
}

// take keeps what was sent for a disk, which gets the size that it says.
func (l *lease) take(name string, content []byte) {
	device := l.disks[name]
	target, wrong := locateDisk(fileOf(device).FileName)
	if wrong != nil {
		return
	}
	_ = os.WriteFile(target.file, content, 0o600)
	if capacity := sparseCapacity(content); capacity > 0 {
		_ = target.resize(capacity)
		device.CapacityInBytes = capacity
		device.CapacityInKB = capacity >> 10
	}
	if l.missing[name] {
		delete(l.missing, name)
		if len(l.missing) == 0 {
			close(l.written)
		}
	}
}

// export returns a disk in the format streamOptimized.
func export(device *types.VirtualDisk) []byte {
	if found := content(fileOf(device)); sparseCapacity(found) > 0 {
		return found
	}
	return emptyStream(device.CapacityInBytes)
}

// exclusively does something while no method runs.
func (f *front) exclusively(do func()) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	do()
}
