// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"html"
	"io"
	"log"
	"net/http"
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

const (
	instance  = "http://www.w3.org/2001/XMLSchema-instance"
	vim       = "urn:vim25"
	beginning = xml.Header +
		`<soapenv:Envelope` +
		` xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"` +
		` xmlns:xsd="http://www.w3.org/2001/XMLSchema"` +
		` xmlns:xsi="` + instance + `"><soapenv:Body>`
	end = `</soapenv:Body></soapenv:Envelope>`
)

// A failure is an answer without a result.
type failure struct {
	reason *soap.Fault
}

func (f *failure) Fault() *soap.Fault { return f.reason }

func fault(reason types.BaseMethodFault) soap.HasFault {
	return &failure{simulator.Fault(typeName(reason), reason)}
}

// write sends what a method answered.
func write(w http.ResponseWriter, answer soap.HasFault) {
	body := &bytes.Buffer{}
	body.WriteString(beginning)
	status := http.StatusOK
	var err error
	if reason := answer.Fault(); reason != nil {
		status = http.StatusInternalServerError
		err = encodeFault(body, reason)
	} else {
		result := reflect.ValueOf(answer).Elem().FieldByName("Res")
		err = encode(body, result.Interface(), "")
	}
	body.WriteString(end)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil {
		log.Print(err)
	}
}

func encodeFault(body *bytes.Buffer, reason *soap.Fault) error {
	body.WriteString(`<soapenv:Fault><faultcode>` + reason.Code +
		`</faultcode><faultstring>` + html.EscapeString(reason.String) +
		`</faultstring><detail>`)
	name := typeName(reason.Detail.Fault)
	err := encode(body, reason.Detail.Fault, "Fault", xml.Attr{
		Name:  xml.Name{Local: "xsi:type"},
		Value: name,
	})
	body.WriteString(`</detail></soapenv:Fault>`)
	return err
}

// encode writes an element named after the type of the value.
func encode(
	to io.Writer, value interface{}, suffix string, attributes ...xml.Attr,
) error {
	return xml.NewEncoder(to).EncodeElement(value, xml.StartElement{
		Name: xml.Name{Space: vim, Local: typeName(value) + suffix},
		Attr: attributes,
	})
}

func typeName(value interface{}) string {
	return reflect.TypeOf(value).Elem().Name()
}
