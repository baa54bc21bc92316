// A MongoDB wire server for the tests: FerretDB on SQLite, on a free port of this machine, with nothing in it.
//
// It prints its address on one line, and ends when its standard input does: whoever started it can't leave it behind, also
// when killed. FerretDB is embedded because `go install` of its own command makes a program that refuses to start (it lacks
// a generated file with the version).
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	folder, err := os.MkdirTemp("", "customers-ferretdb-")
	if err == nil {
		err = serve(folder)
	}
	os.RemoveAll(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Returns at the end of standard input, without waiting for clients to go: there is nothing to keep.
func serve(folder string) error {
	// Meant for the tests in the same terminal, who then close standard input.
	signal.Ignore(os.Interrupt)
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	go server.Run(context.Background())
	fmt.Println(server.MongoDBURI())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
