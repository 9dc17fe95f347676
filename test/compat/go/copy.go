package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// As TransactionalCopier.java, but as a member of a group, which takes part in the commit, and never
// fenced for good: whatever error ends a transaction, it begins anew, which prints "again". The client
// stops asking a broker for the end of a transaction that refused two connections; were the copier to
// poll on then, it would wait for its own open transaction until that is timed out.
func copyInTransactions(bootstrap, input, output, id string) {
	var end atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		end.Store(true)
	}()
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(60 * time.Second),
		kgo.ConsumerGroup(id),
		// How long a member that could not say goodbye keeps its partition.
		kgo.SessionTimeout(6 * time.Second),
		kgo.HeartbeatInterval(time.Second),
		kgo.RebalanceTimeout(10 * time.Second),
		kgo.ConsumeTopics(input),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.AllowAutoTopicCreation(),
		kgo.RequireStableFetchOffsets(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.MetadataMinAge(100 * time.Millisecond),
	}
	if path := os.Getenv("COPIER_LOG"); path != "" {
		file, err := os.Create(path)
		check(err)
		now := func() string { return time.Now().UTC().Format("15:04:05.000 ") }
		options = append(options, kgo.WithLogger(kgo.BasicLogger(file, kgo.LogLevelDebug, now)))
	}
	fmt.Println("ready")
	for number := 1; !end.Load(); {
		if err := copyInSession(options, output, &end, &number); err != nil {
			fmt.Fprintln(os.Stderr, err)
			fmt.Println("again")
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func copyInSession(options []kgo.Opt, output string, end *atomic.Bool, number *int) error {
	session, err := kgo.NewGroupTransactSession(options...)
	check(err)
	defer session.Close()
	ctx := context.Background()
	// Ends what the session before left open, so that the offsets of the group are stable.
	if _, _, err := session.Client().ProducerID(ctx); err != nil {
		return err
	}
	for !end.Load() {
		polling, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		fetches := session.PollRecords(polling, 10)
		stop()
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			return err
		}
		var records []*kgo.Record
		fetches.EachRecord(func(record *kgo.Record) {
			value := []byte(strconv.FormatInt(record.Offset, 10))
			records = append(records, &kgo.Record{Topic: output, Value: value})
		})
		produced := session.ProduceSync(ctx, records...).FirstErr()
		wanted := kgo.TransactionEndTry(produced == nil && *number%5 != 0)
		*number++
		committed, err := session.End(ctx, wanted)
		if err != nil {
			return err
		}
		if committed {
			fmt.Println("committed")
		} else {
			fmt.Println("aborted")
		}
	}
	return nil
}
