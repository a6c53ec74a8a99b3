// SPDX-License-Identifier: Apache-2.0

package main

import "regexp"

const schema = "http://www.w3.org/2001/XMLSchema"

var (
	declaration = regexp.MustCompile(`xmlns:(\w+)="([^"]*)"`)
	// What an element is of, by a name with a prefix.
	elementType = regexp.MustCompile(`(\w+):type="(\w+):(\w+)"`)
	// A time of no zone.
	localTime = regexp.MustCompile(
		`>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)</`)
	// What govmomi has in place of prefixes, for some namespaces.
	prefixes = map[string]string{vim: "", schema: "xsd:"}
)

// readable returns a request that means the same to govmomi, which looks at
// no namespaces, and to Go, whose times have zones. oslo.vmware sends names
// of types with prefixes of its own, and its heartbeat without a zone.
func readable(request []byte) []byte {
	namespaces := map[string]string{}
	for _, found := range declaration.FindAllSubmatch(request, -1) {
		namespaces[string(found[1])] = string(found[2])
	}
	request = elementType.ReplaceAllFunc(request, func(found []byte) []byte {
		parts := elementType.FindSubmatch(found)
		prefix, ok := prefixes[namespaces[string(parts[2])]]
		if !ok || namespaces[string(parts[1])] != instance {
			return found
		}
		return []byte(`xsi:type="` + prefix + string(parts[3]) + `"`)
	})
	return localTime.ReplaceAll(request, []byte(">${1}Z</"))
}
