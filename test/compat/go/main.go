// produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP; see clients.ts.
// copy BOOTSTRAP INPUT OUTPUT ID; see copy.go. members BOOTSTRAP TOPIC GROUP PROTOCOL; see members.go.
// write BOOTSTRAP TOPIC PARTITION; see write.go.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	args := os.Args[1:]
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	switch args[0] {
	case "produce":
		produce(out, args[1], args[2], args[3], number(args[4]), args[5])
	case "consume":
		consume(out, args[1], args[2], number(args[3]), args[4])
	case "copy":
		copyInTransactions(args[1], args[2], args[3], args[4])
	case "write":
		write(args[1], args[2], number(args[3]))
	case "members":
		members(args[1], args[2], args[3], args[4])
	}
}

func produce(out *bufio.Writer, bootstrap, topic, label string, count int, codec string) {
	client := connect(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(codecs[codec]))
	defer client.Close()
	var mutex sync.Mutex
	for i := range count {
		key := fmt.Sprintf("%s-%d", label, i)
		record := &kgo.Record{
			Topic:   topic,
			Key:     []byte(key),
			Value:   fmt.Appendf(nil, `{"from":"%s","i":%d}`, label, i),
			Headers: []kgo.RecordHeader{{Key: "from", Value: []byte(label)}},
		}
		client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
			check(err)
			mutex.Lock()
			defer mutex.Unlock()
			fmt.Fprintf(out, "%d\t%d\t%s\n", record.Partition, record.Offset, record.Key)
		})
	}
	check(client.Flush(context.Background()))
}

func consume(out *bufio.Writer, bootstrap, topic string, count int, group string) {
	client := connect(
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumeTopics(topic),
		kgo.ConsumerGroup(group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	defer client.Close()
	for seen := 0; seen < count; {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			var headers []string
			for _, header := range record.Headers {
				headers = append(headers, header.Key+"="+string(header.Value))
			}
			fmt.Fprintf(out, "%d\t%d\t%d\t%s\t%s\t%s\n", record.Partition, record.Offset,
				record.Timestamp.UnixMilli(), record.Key, record.Value, strings.Join(headers, ","))
			seen++
		})
		out.Flush()
	}
	check(client.CommitUncommittedOffsets(context.Background()))
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func connect(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(options...)
	check(err)
	return client
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
