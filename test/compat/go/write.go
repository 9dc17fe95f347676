package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// As IdempotentWriter.java. A record is tried again until it is acknowledged, however long that takes.
func write(bootstrap, topic string, partition int) {
	var end atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		end.Store(true)
	}()
	client := connect(
		kgo.SeedBrokers(bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(time.Millisecond),
		kgo.MaxBufferedRecords(2000),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.MetadataMinAge(100*time.Millisecond),
	)
	defer client.Close()
	var mutex sync.Mutex
	out := bufio.NewWriter(os.Stdout)
	for number := 0; !end.Load(); number++ {
		record := &kgo.Record{Topic: topic, Partition: int32(partition), Value: fmt.Append(nil, number)}
		client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
			check(err)
			mutex.Lock()
			defer mutex.Unlock()
			fmt.Fprintf(out, "%s %d\n", record.Value, record.Offset)
			out.Flush()
		})
		if number%20 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	check(client.Flush(context.Background()))
}
