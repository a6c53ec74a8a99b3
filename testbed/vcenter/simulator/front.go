// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// A method does what a call asks of one object, which is locked meanwhile.
type method func(object mo.Reference, request types.AnyType) soap.HasFault

// The front stands before the simulator of govmomi: it answers the methods
// that this one lacks or does in part, and passes on the others.
//
// The objects are not replaced by ones with other methods, since govmomi
// relies on hosts, clusters and others having exactly its own types.
type front struct {
	service *simulator.Service
	user    string
	// By "type of the object.name of the method".
	methods map[string]method
	// One call after the other: govmomi encodes an answer from parts of
	// its objects that it has unlocked by then.
	mutex sync.Mutex
}

// Methods that wait for a change, which must be possible meanwhile.
var waiting = map[string]bool{
	"CancelWaitForUpdates": true,
	// For the last bytes of an upload.
	"HttpNfcLeaseComplete": true,
	"WaitForUpdates":       true,
	"WaitForUpdatesEx":     true,
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body = readable(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	call, err := simulator.UnmarshalBody(types.TypeFunc(), body)
	if err != nil {
		// Which it says.
		f.service.ServeSDK(w, r)
		return
	}
	if !waiting[call.Name] {
		f.mutex.Lock()
		defer f.mutex.Unlock()
	}
	if !isPublic(call) && !f.isLoggedIn(r) {
		write(w, fault(&types.NotAuthenticated{
			NoPermission: types.NoPermission{
				Object:      call.This,
				PrivilegeId: "System.View",
			},
		}))
		return
	}
	if movesDisks[call.Name] {
		defer restoreSpace()
	}
	if answer := f.answer(call); answer != nil {
		write(w, answer)
		return
	}
	f.service.ServeSDK(w, r)
}

// answer returns nil for what is left to govmomi.
func (f *front) answer(call *simulator.Method) (answer soap.HasFault) {
	method := f.methods[call.This.Type+"."+call.Name]
	if call.Name == fetch {
		method = fetchNothing
	}
	object := simulator.Map.Get(call.This)
	if method == nil || object == nil {
		return nil
	}
	simulator.Map.WithLock(object, func() {
		answer = method(object, call.Body)
	})
	return answer
}

// isPublic tells whether a call needs no session. To govmomi, reading
// properties is such a call, too, which then tells none of them.
func isPublic(call *simulator.Method) bool {
	switch call.Name {
	case "Login", "RetrieveServiceContent":
		return true
	case fetch:
		return call.This.Type == "ServiceInstance"
	}
	return false
}

func (f *front) isLoggedIn(r *http.Request) bool {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return false
	}
	answer := simulator.Map.SessionManager().SessionIsActive(
		&simulator.Context{Map: simulator.Map},
		&types.SessionIsActive{
			SessionID: strings.Trim(cookie.Value, `"`),
			UserName:  f.user,
		})
	return answer.(*methods.SessionIsActiveBody).Res.Returnval
}

// joined fails on a method that is there twice.
func joined(parts ...map[string]method) map[string]method {
	all := map[string]method{}
	for _, part := range parts {
		for name, method := range part {
			if all[name] != nil {
				panic(name)
			}
			all[name] = method
		}
	}
	return all
}
