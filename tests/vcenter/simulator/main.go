// SPDX-License-Identifier: Apache-2.0

// A vCenter with a described inventory, for tests, on loopback.
package main

import (
	"context"
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
	mux.Handle("/sdk", &front{
		service: service,
		user:    user,
		methods: joined(clusterMethods, hostMethods, storageMethods),
	})
	mux.HandleFunc("/sdk/vimServiceVersions.xml", service.ServiceVersions)
	return mux
}

// serve serves until SIGTERM.
func serve(handler http.Handler) error {
	pair, err := tls.LoadX509KeyPair(*certificateFile, *keyFile)
	if err != nil {
		return err
	}
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
