// SPDX-License-Identifier: Apache-2.0

// A vCenter with a described inventory, for tests, on loopback.
package main

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

var (
	descriptionFile = flag.String("description", "",
		"JSON file with the inventory")
	credentialsFile = flag.String("credentials", "",
		"JSON file with the user and the password")
	certificateFile = flag.String("certificate", "",
		"PEM file with the certificate of the server")
	keyFile = flag.String("key", "", "PEM file with its key")
	port    = flag.Int("port", 0, "port on loopback (0: any free one)")
	storage = flag.String("storage", "",
		"folder for the files of virtual machines")
	wsdl = flag.String("wsdl", "", "WSDL file to serve")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	var wanted description
	if err := readJSON(*descriptionFile, &wanted); err != nil {
		return err
	}
	var login credentials
	if err := readJSON(*credentialsFile, &login); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(*storage, "storage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	service, err := build(&wanted, folder)
	if err != nil {
		return err
	}
	service.Listen = &url.URL{
		User: url.UserPassword(login.User, login.Password),
	}
	return serve(handler(service, login.User))
}

// handler answers all that a client of vSphere's API asks for.
func handler(service *simulator.Service, user string) http.Handler {
	service.RegisterSDK(simulator.Map)
	mux := http.NewServeMux()
	sdk := &front{
		service: service,
		user:    user,
		methods: joined(
			clusterMethods,
			diskMethods,
			extensionMethods,
			hostMethods,
			leaseMethods,
			searchMethods,
			storageMethods,
			vmMethods,
		),
	}
	mux.Handle("/sdk", sdk)
	mux.HandleFunc("/sdk/vimServiceVersions.xml", service.ServiceVersions)
	mux.HandleFunc("/sdk/vimService.wsdl", func(
		w http.ResponseWriter, r *http.Request,
	) {
		http.ServeFile(w, r, *wsdl)
	})
	mux.HandleFunc(folderPrefix, sdk.serveFolder)
	mux.HandleFunc(leasePrefix, sdk.serveLease)
	return mux
}

// serve serves until SIGTERM.
func serve(handler http.Handler) error {
	pair, err := tls.LoadX509KeyPair(*certificateFile, *keyFile)
	if err != nil {
		return err
	}
	thumbprint = colons(sha1.Sum(pair.Certificate[0]))
	server := &http.Server{
		Handler:   handler,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(*port))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	ended, cancel := signal.NotifyContext(
		context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		<-ended.Done()
		server.Close()
	}()
	fmt.Printf("serving https://%s/sdk\n", listener.Addr())
	err = server.ServeTLS(listener, "", "")
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// colons returns a thumbprint as vSphere writes it.
func colons(sum [sha1.Size]byte) string {
	return strings.ReplaceAll(
		strings.ToUpper(fmt.Sprintf("% x", sum)), " ", ":")
}
