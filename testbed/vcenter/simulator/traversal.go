// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// A traversal finds the objects that a client selects by the paths between
// them. That of govmomi follows a path from objects of other types, too, and
// never ends where paths lead back.
type traversal struct {
	ctx    *simulator.Context
	reader *simulator.PropertyCollector
	named  map[string]*types.TraversalSpec
	passed map[step]bool
	found  []types.ObjectSpec
}

type step struct {
	object types.ManagedObjectReference
	spec   *types.TraversalSpec
}

// expanded returns the objects themselves instead of paths to them.
func expanded(
	ctx *simulator.Context,
	reader *simulator.PropertyCollector,
	wanted []types.ObjectSpec,
) ([]types.ObjectSpec, types.BaseMethodFault) {
	t := &traversal{
		ctx:    ctx,
		reader: reader,
		named:  map[string]*types.TraversalSpec{},
		passed: map[step]bool{},
	}
	for _, object := range wanted {
		t.name(object.SelectSet)
	}
	for _, object := range wanted {
		if object.SelectSet == nil || !isTrue(object.Skip) {
			t.add(object.Obj)
		}
		if !t.follow(object.Obj, object.SelectSet) {
			return nil, &types.InvalidArgument{
				InvalidProperty: "selectSet",
			}
		}
	}
	return t.found, nil
}

func (t *traversal) add(object types.ManagedObjectReference) {
	t.found = append(t.found, types.ObjectSpec{Obj: object})
}

// name remembers paths, which may be referred to before they are described.
func (t *traversal) name(specs []types.BaseSelectionSpec) {
	for _, spec := range specs {
		path, ok := spec.(*types.TraversalSpec)
		if !ok {
			continue
		}
		if path.Name != "" {
			t.named[path.Name] = path
		}
		t.name(path.SelectSet)
	}
}

// follow returns false if there is no path of a name.
func (t *traversal) follow(
	object types.ManagedObjectReference, specs []types.BaseSelectionSpec,
) bool {
	for _, spec := range specs {
		path, ok := spec.(*types.TraversalSpec)
		if !ok && spec != nil {
			path = t.named[spec.GetSelectionSpec().Name]
		}
		if path == nil {
			return false
		}
		if t.passed[step{object, path}] || !isA(object, path.Type) {
			continue
		}
		t.passed[step{object, path}] = true
		for _, next := range t.targets(object, path.Path) {
			if !isTrue(path.Skip) {
				t.add(next)
			}
			if !t.follow(next, path.SelectSet) {
				return false
			}
		}
	}
	return true
}

// targets returns the objects that a property refers to, and that are there.
func (t *traversal) targets(
	object types.ManagedObjectReference, property string,
) []types.ManagedObjectReference {
	answer := t.reader.RetrievePropertiesEx(
		t.ctx, &types.RetrievePropertiesEx{
			SpecSet: []types.PropertyFilterSpec{{
				ObjectSet: []types.ObjectSpec{{Obj: object}},
				PropSet: []types.PropertySpec{{
					Type:    object.Type,
					PathSet: []string{property},
				}},
			}},
		}).(*methods.RetrievePropertiesExBody)
	if answer.Fault_ != nil {
		return nil
	}
	var found []types.ManagedObjectReference
	for _, content := range answer.Res.Returnval.Objects {
		for _, value := range content.PropSet {
			found = append(found, references(value.Val)...)
		}
	}
	return found
}

func references(value types.AnyType) []types.ManagedObjectReference {
	var found []types.ManagedObjectReference
	switch value := value.(type) {
	case types.ManagedObjectReference:
		found = append(found, value)
	case *types.ArrayOfManagedObjectReference:
		for _, one := range value.ManagedObjectReference {
			if simulator.Map.Get(one) != nil {
				found = append(found, one)
			}
		}
	}
	return found
}

// isA tells whether an object is of a type, or of one made from it.
func isA(object types.ManagedObjectReference, kind string) bool {
	if object.Type == kind {
		return true
	}
	found := simulator.Map.Get(object)
	if found == nil {
		return false
	}
	field, ok := reflect.TypeOf(found).Elem().FieldByName(kind)
	return ok && field.Anonymous
}

func isTrue(value *bool) bool { return value != nil && *value }
