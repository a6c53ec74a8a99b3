// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	sector = 512
	// Sectors of a grain, by which a disk is compressed.
	grain = 128
	// Entries of a grain table.
	tableSize = 512
	// Of the header's flags: line ends can be checked, and grains are
	// compressed and come with markers.
	streamFlags = 1 | 1<<16 | 1<<17
	// The directory of grains is named in the footer.
	atEnd = ^uint64(0)

	grainDirectory = 2
	footer         = 3
)

// A sparseHeader is the first sector of a VMDK that is one file. Sizes and
// places are in sectors.
type sparseHeader struct {
	Magic                [4]byte
	Version              uint32
	Flags                uint32
	Capacity             uint64
	GrainSize            uint64
	DescriptorOffset     uint64
	DescriptorSize       uint64
	EntriesPerTable      uint32
	RedundantDirectory   uint64
	Directory            uint64
	Overhead             uint64
	UncleanShutdown      bool
	SingleEndLine        byte
	NonEndLine           byte
	DoubleEndLine        [2]byte
	CompressionAlgorithm uint16
	Rest                 [433]byte
}

var magic = [4]byte{'K', 'D', 'M', 'V'}

// sparseCapacity returns the size of the disk in bytes; 0 if this is the
// beginning of something else.
func sparseCapacity(content []byte) int64 {
	var header sparseHeader
	reader := bytes.NewReader(content)
	err := binary.Read(reader, binary.LittleEndian, &header)
	if err != nil || header.Magic != magic {
		return 0
	}
	return int64(header.Capacity) * sector
}

// emptyStream returns a disk without content in the format streamOptimized.
//
// capacity: in bytes
func emptyStream(capacity int64) []byte {
	sectors := uint64(capacity+sector-1) / sector
	header := sparseHeader{
		Magic:                magic,
		Version:              3,
		Flags:                streamFlags,
		Capacity:             sectors,
		GrainSize:            grain,
		DescriptorOffset:     1,
		DescriptorSize:       1,
		EntriesPerTable:      tableSize,
		Directory:            atEnd,
		Overhead:             grain,
		SingleEndLine:        '\n',
		NonEndLine:           ' ',
		DoubleEndLine:        [2]byte{'\r', '\n'},
		CompressionAlgorithm: 1,
	}
	stream := &bytes.Buffer{}
	put(stream, header)
	put(stream, padded([]byte(fmt.Sprintf(streamDescriptor, sectors))))
	put(stream, make([]byte, (grain-2)*sector))
	grains := (sectors + grain - 1) / grain
	entries := (grains + tableSize - 1) / tableSize
	// No grain is there, and so no table.
	directory := padded(make([]byte, 4*entries))
	put(stream, marker(uint64(len(directory)/sector), grainDirectory))
	header.Directory = uint64(stream.Len() / sector)
	put(stream, directory)
	put(stream, marker(1, footer))
	put(stream, header)
	put(stream, make([]byte, sector))
	return stream.Bytes()
}

const streamDescriptor = `# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="streamOptimized"

RDONLY %d SPARSE "disk.vmdk"

ddb.adapterType = "lsilogic"
ddb.virtualHWVersion = "13"
`

// marker returns the sector before metadata of so many sectors.
func marker(sectors uint64, kind uint32) []byte {
	content := &bytes.Buffer{}
	put(content, sectors)
	put(content, uint32(0))
	put(content, kind)
	return padded(content.Bytes())
}

// padded fills the last sector with zeros.
func padded(content []byte) []byte {
	missing := (sector - len(content)%sector) % sector
	return append(content, make([]byte, missing)...)
}

func put(stream *bytes.Buffer, value interface{}) {
	// To a buffer nothing of a fixed size can fail.
	_ = binary.Write(stream, binary.LittleEndian, value)
}
