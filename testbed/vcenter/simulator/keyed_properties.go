// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"regexp"

	"github.com/vmware/govmomi/vim25/types"
)

// A property may be one element of an array, such as
// config.extraConfig["name"]. To govmomi no such property exists.
var keyedPath = regexp.MustCompile(`^(.+)\["(.*)"\]$`)

// A keyedProperty is one element of an array.
type keyedProperty struct {
	path  string
	array string
	key   string
}

// withArrays returns what to ask for instead, and the elements to pick.
func withArrays(
	wanted []types.PropertySpec,
) (specs []types.PropertySpec, keyed []keyedProperty) {
	for _, spec := range wanted {
		paths := make([]string, len(spec.PathSet))
		for i, path := range spec.PathSet {
			paths[i] = path
			parts := keyedPath.FindStringSubmatch(path)
			if parts != nil {
				paths[i] = parts[1]
				keyed = append(keyed, keyedProperty{
					path, parts[1], parts[2],
				})
			}
		}
		spec.PathSet = paths
		specs = append(specs, spec)
	}
	return specs, keyed
}

// pick replaces the arrays of an answer by the elements that were wanted.
func pick(objects []types.ObjectContent, keyed []keyedProperty) {
	if len(keyed) == 0 {
		return
	}
	for i := range objects {
		var values []types.DynamicProperty
		for _, value := range objects[i].PropSet {
			isArray := false
			for _, one := range keyed {
				if value.Name != one.array {
					continue
				}
				isArray = true
				found := element(value.Val, one.key)
				if found != nil {
					values = append(
						values, types.DynamicProperty{
							Name: one.path,
							Val:  found,
						})
				}
			}
			if !isArray {
				values = append(values, value)
			}
		}
		objects[i].PropSet = values
	}
}

// element returns the last element with this key; nil if there is none.
func element(array types.AnyType, key string) types.AnyType {
	list := reflect.Indirect(reflect.ValueOf(array)).Field(0)
	for i := list.Len() - 1; i >= 0; i-- {
		one := list.Index(i)
		for one.Kind() == reflect.Interface || one.Kind() == reflect.Ptr {
			one = one.Elem()
		}
		found := one.FieldByName("Key")
		if found.IsValid() && found.Kind() == reflect.String &&
			found.String() == key {
			return one.Interface()
		}
	}
	return nil
}
