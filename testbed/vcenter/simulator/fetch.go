// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// pyVmomi reads an attribute of an object by Fetch. That of govmomi answers
// no call for a property without a value.
const fetch = "Fetch"

// The name of the type is that of the element.
type FetchResponse struct{}

type fetched struct {
	Res *FetchResponse
}

func (*fetched) Fault() *soap.Fault { return nil }

// fetchNothing returns nil if the property has a value, or does not exist.
func fetchNothing(object mo.Reference, request types.AnyType) soap.HasFault {
	if _, ok := object.(*simulator.SessionManager); ok {
		// Its properties differ from session to session.
		return nil
	}
	// Its type is one that only govmomi can name.
	name := reflect.ValueOf(request).Elem().FieldByName("Prop").String()
	property := reflect.ValueOf(object).Elem().FieldByName(
		strings.ToUpper(name[:1]) + name[1:])
	switch property.Kind() {
	case reflect.Ptr, reflect.Interface, reflect.String:
		if property.IsZero() {
			return &fetched{&FetchResponse{}}
		}
	}
	return nil
}
