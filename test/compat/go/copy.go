package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// As TransactionalCopier.java, but as a member of a group, which takes part in the commit.
func copyInTransactions(bootstrap, input, output, id string) {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(bootstrap),
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(60*time.Second),
		kgo.ConsumerGroup(id),
		kgo.ConsumeTopics(input),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.AllowAutoTopicCreation(),
		kgo.RequireStableFetchOffsets(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	)
	check(err)
	defer session.Close()
	var end atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		end.Store(true)
	}()
	ctx := context.Background()
	fmt.Println("ready")
	for number := 1; !end.Load(); {
		polling, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		fetches := session.PollRecords(polling, 10)
		stop()
		if fetches.NumRecords() == 0 {
			continue
		}
		exitWhenFenced(session.Begin())
		var records []*kgo.Record
		fetches.EachRecord(func(record *kgo.Record) {
			value := []byte(strconv.FormatInt(record.Offset, 10))
			records = append(records, &kgo.Record{Topic: output, Value: value})
		})
		produced := session.ProduceSync(ctx, records...).FirstErr()
		wanted := kgo.TransactionEndTry(produced == nil && number%5 != 0)
		number++
		committed, err := session.End(ctx, wanted)
		exitWhenFenced(produced)
		exitWhenFenced(err)
		if committed {
			fmt.Println("committed")
		} else {
			fmt.Println("aborted")
		}
	}
}

func exitWhenFenced(err error) {
	for _, fenced := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping} {
		if errors.Is(err, fenced) {
			fmt.Fprintln(os.Stderr, err)
			fmt.Println("fenced")
			os.Exit(3)
		}
	}
}
