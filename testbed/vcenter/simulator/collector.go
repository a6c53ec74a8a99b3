// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// As many objects are in one answer as the client allows, and not more than
// this (0: no limit).
var pageSize int

// A collector reads properties page by page, as vCenter does, and refuses
// those that do not exist. Every session has its own.
type collector struct {
	simulator.PropertyCollector

	tokens int
	rest   map[string]remainder
}

// A remainder is what a client still has to ask for.
type remainder struct {
	objects []types.ObjectContent
	size    int
}

func (c *collector) RetrievePropertiesEx(
	ctx *simulator.Context, request *types.RetrievePropertiesEx,
) soap.HasFault {
	plain, keyed, wrong := c.plain(ctx, request)
	if wrong != nil {
		return fault(wrong)
	}
	answer := c.PropertyCollector.RetrievePropertiesEx(ctx, plain)
	if answer.Fault() != nil {
		return answer
	}
	body := answer.(*methods.RetrievePropertiesExBody)
	objects := body.Res.Returnval.Objects
	if wrong := invalidProperty(objects); wrong != nil {
		return &methods.RetrievePropertiesExBody{
			Fault_: simulator.Fault("InvalidProperty", wrong),
		}
	}
	pick(objects, keyed)
	size := int(request.Options.MaxObjects)
	if size <= 0 || pageSize > 0 && pageSize < size {
		size = pageSize
	}
	// It is nothing, not an empty list, if there are no objects.
	body.Res.Returnval = nil
	if len(objects) > 0 {
		body.Res.Returnval = c.page(remainder{objects, size})
	}
	return body
}

// plain returns a request for what govmomi knows, by the objects themselves,
// and what is to be picked from the answer.
func (c *collector) plain(
	ctx *simulator.Context, request *types.RetrievePropertiesEx,
) (
	*types.RetrievePropertiesEx, []keyedProperty, types.BaseMethodFault,
) {
	plain := *request
	plain.SpecSet = nil
	var picked []keyedProperty
	for _, spec := range request.SpecSet {
		objects, wrong := expanded(
			ctx, &c.PropertyCollector, spec.ObjectSet)
		if wrong != nil {
			return nil, nil, wrong
		}
		properties, keyed := withArrays(spec.PropSet)
		picked = append(picked, keyed...)
		spec.ObjectSet = objects
		spec.PropSet = properties
		plain.SpecSet = append(plain.SpecSet, spec)
	}
	return &plain, picked, nil
}

// ContinueRetrievePropertiesEx returns the next page.
func (c *collector) ContinueRetrievePropertiesEx(
	request *types.ContinueRetrievePropertiesEx,
) soap.HasFault {
	rest, ok := c.rest[request.Token]
	if !ok {
		return &methods.ContinueRetrievePropertiesExBody{
			Fault_: simulator.Fault("InvalidArgument",
				&types.InvalidArgument{InvalidProperty: "token"}),
		}
	}
	delete(c.rest, request.Token)
	return &methods.ContinueRetrievePropertiesExBody{
		Res: &types.ContinueRetrievePropertiesExResponse{
			Returnval: *c.page(rest),
		},
	}
}

// CancelRetrievePropertiesEx forgets what nobody will ask for.
func (c *collector) CancelRetrievePropertiesEx(
	request *types.CancelRetrievePropertiesEx,
) soap.HasFault {
	delete(c.rest, request.Token)
	return &methods.CancelRetrievePropertiesExBody{
		Res: &types.CancelRetrievePropertiesExResponse{},
	}
}

func (c *collector) page(of remainder) *types.RetrieveResult {
	if of.size == 0 || len(of.objects) <= of.size {
		return &types.RetrieveResult{Objects: of.objects}
	}
	if c.rest == nil {
		c.rest = map[string]remainder{}
	}
	c.tokens++
	token := strconv.Itoa(c.tokens)
	c.rest[token] = remainder{of.objects[of.size:], of.size}
	return &types.RetrieveResult{
		Token:   token,
		Objects: of.objects[:of.size],
	}
}

// invalidProperty returns nil if all that was asked for exists.
func invalidProperty(objects []types.ObjectContent) *types.InvalidProperty {
	for _, object := range objects {
		for _, missing := range object.MissingSet {
			wrong, ok := missing.Fault.Fault.(*types.InvalidProperty)
			if ok {
				return wrong
			}
		}
	}
	return nil
}
