// Command reference writes REFERENCE.md, the reference page of the
// instruction set. It is run by go generate in the folder isa.
package main

import (
	"bytes"
	"log"
	"os"

	"github.com/npusim/npusim/isa"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("reference: ")
	var page bytes.Buffer
	if err := isa.WriteReference(&page); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("REFERENCE.md", page.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
