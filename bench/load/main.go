// A load generator that costs little itself: prebuilt frames over raw sockets.
//
//	load first-ack HOST:PORT                            connects until it can, sends one record,
//	                                                    prints when it was acknowledged (Unix ms)
//	load api-versions HOST:PORT CONNS DEPTH SECONDS     prints what was answered, as JSON
//	load produce-1k HOST:PORT CONNS DEPTH SECONDS
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"net"
	"os"
	"sort"
	"strconv"
	"time"
)

const topic = "load"

func main() {
	kind, address := os.Args[1], os.Args[2]
	if kind == "first-ack" {
		connection := dial(address)
		prepareTopic(connection)
		check(awaitProduced(connection, produceRequest(record(100))))
		fmt.Printf("%.3f\n", float64(time.Now().UnixMicro())/1000)
		return
	}
	connections, depth, seconds := number(os.Args[3]), number(os.Args[4]), number(os.Args[5])
	request := apiVersionsRequest()
	if kind == "produce-1k" {
		connection := dial(address)
		prepareTopic(connection)
		connection.Close()
		request = produceRequest(record(1024))
	}
	result := run(address, request, connections, depth, time.Duration(seconds)*time.Second)
	check(json.NewEncoder(os.Stdout).Encode(result))
}

type result struct {
	RequestsPerSecond float64 `json:"requestsPerSecond"`
	P50Ms             float64 `json:"p50Ms"`
	P99Ms             float64 `json:"p99Ms"`
}

// run keeps `depth` requests in flight on each connection.
func run(address string, request []byte, connections, depth int, duration time.Duration) result {
	results := make(chan []float64)
	deadline := time.Now().Add(duration)
	started := time.Now()
	for range make([]struct{}, connections) {
		go func() { results <- exchange(dial(address), request, depth, deadline) }()
	}
	var latencies []float64
	for range make([]struct{}, connections) {
		latencies = append(latencies, <-results...)
	}
	seconds := time.Since(started).Seconds()
	sort.Float64s(latencies)
	at := func(share float64) float64 { return latencies[int(share*float64(len(latencies)-1))] }
	return result{float64(len(latencies)) / seconds, at(0.5), at(0.99)}
}

func exchange(connection net.Conn, request []byte, depth int, deadline time.Time) []float64 {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 64*1024)
	sentAt := make([]time.Time, depth)
	burst := make([]byte, 0, depth*len(request))
	for i := range sentAt {
		burst = append(burst, request...)
		sentAt[i] = time.Now()
	}
	send(connection, burst)
	var latencies []float64
	for answered := 0; ; answered++ {
		body := readFrame(reader)
		if code := errorCode(request, body); code != 0 {
			check(fmt.Errorf("answered with error code %d", code))
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(sentAt[answered%depth]).Seconds()*1000)
		if now.After(deadline) {
			return latencies
		}
		sentAt[answered%depth] = now
		send(connection, request)
	}
}

func errorCode(request, body []byte) int16 {
	if binary.BigEndian.Uint16(request[4:]) == 0 {
		return produceErrorCode(body)
	}
	return int16(binary.BigEndian.Uint16(body[4:]))
}

// header is a request header version 1 with the frame's size left open.
func header(apiKey, version uint16) []byte {
	bytes := make([]byte, 4, 256)
	bytes = binary.BigEndian.AppendUint16(bytes, apiKey)
	bytes = binary.BigEndian.AppendUint16(bytes, version)
	bytes = binary.BigEndian.AppendUint32(bytes, 1)
	return appendString(bytes, "load")
}

func frame(bytes []byte) []byte {
	binary.BigEndian.PutUint32(bytes, uint32(len(bytes)-4))
	return bytes
}

func apiVersionsRequest() []byte { return frame(header(18, 0)) }

func metadataRequest() []byte {
	bytes := binary.BigEndian.AppendUint32(header(3, 4), 1)
	return frame(append(appendString(bytes, topic), 1))
}

func produceRequest(batch []byte) []byte {
	bytes := binary.BigEndian.AppendUint16(header(0, 7), 0xffff) // no transaction
	bytes = binary.BigEndian.AppendUint16(bytes, 1)              // acks
	bytes = binary.BigEndian.AppendUint32(bytes, 10_000)
	bytes = binary.BigEndian.AppendUint32(bytes, 1)
	bytes = appendString(bytes, topic)
	bytes = binary.BigEndian.AppendUint32(bytes, 1)
	bytes = binary.BigEndian.AppendUint32(bytes, 0)
	bytes = binary.BigEndian.AppendUint32(bytes, uint32(len(batch)))
	return frame(append(bytes, batch...))
}

// record is a batch of one record with `size` random bytes.
func record(size int) []byte {
	value := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(value)
	fields := []byte{0, 0, 0}                         // attributes, timestamp and offset delta
	fields = binary.AppendVarint(fields, -1)          // no key
	fields = binary.AppendVarint(fields, int64(size)) // value
	fields = append(append(fields, value...), 0)      // no headers
	body := binary.BigEndian.AppendUint16(nil, 0)     // attributes
	body = binary.BigEndian.AppendUint32(body, 0)     // last offset delta
	now := uint64(time.Now().UnixMilli())
	body = binary.BigEndian.AppendUint64(body, now)
	body = binary.BigEndian.AppendUint64(body, now)
	body = binary.BigEndian.AppendUint64(body, ^uint64(0)) // no producer id, epoch and sequence
	body = append(body, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	body = binary.BigEndian.AppendUint32(body, 1)
	body = append(binary.AppendVarint(body, int64(len(fields))), fields...)
	batch := binary.BigEndian.AppendUint64(nil, 0)
	batch = binary.BigEndian.AppendUint32(batch, uint32(len(body)+9))
	batch = append(batch, 0xff, 0xff, 0xff, 0xff, 2)
	batch = binary.BigEndian.AppendUint32(batch, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(batch, body...)
}

// dial waits for the broker to listen.
func dial(address string) net.Conn {
	for deadline := time.Now().Add(time.Minute); ; {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			return connection
		}
		if time.Now().After(deadline) {
			check(err)
		}
		time.Sleep(time.Millisecond)
	}
}

func prepareTopic(connection net.Conn) {
	send(connection, metadataRequest())
	readFrame(connection)
}

// awaitProduced sends until the topic that Metadata is making has a leader.
func awaitProduced(connection net.Conn, request []byte) error {
	for tries := 0; ; tries++ {
		send(connection, request)
		code := produceErrorCode(readFrame(connection))
		if code == 0 {
			return nil
		}
		if tries == 10_000 {
			return fmt.Errorf("produce is answered with error code %d", code)
		}
		time.Sleep(time.Millisecond)
	}
}

// produceErrorCode of the only partition: correlation id, two counts, topic, partition go before.
func produceErrorCode(body []byte) int16 {
	return int16(binary.BigEndian.Uint16(body[4+4+2+len(topic)+4+4:]))
}

func readFrame(reader io.Reader) []byte {
	var size [4]byte
	_, err := io.ReadFull(reader, size[:])
	check(err)
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err = io.ReadFull(reader, body)
	check(err)
	return body
}

func send(connection net.Conn, bytes []byte) {
	_, err := connection.Write(bytes)
	check(err)
}

func appendString(bytes []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(bytes, uint16(len(text))), text...)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
