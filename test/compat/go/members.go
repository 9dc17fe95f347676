package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Two members of a group until standard input closes; see groups/member-log.ts.
func members(bootstrap, topic, group, protocol string) {
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		running.Add(1)
		go func() {
			defer running.Done()
			member(ctx, name, bootstrap, topic, group, protocol)
		}()
	}
	io.Copy(io.Discard, os.Stdin)
	end()
	running.Wait()
}

func member(ctx context.Context, name, bootstrap, topic, group, protocol string) {
	assigned := map[int32]bool{}
	lost := func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
		for _, partition := range partitions[topic] {
			delete(assigned, partition)
		}
		sayAssigned(name, assigned)
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(30 * time.Second),
		kgo.HeartbeatInterval(time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			for _, partition := range partitions[topic] {
				assigned[partition] = true
			}
			sayAssigned(name, assigned)
		}),
		kgo.OnPartitionsRevoked(lost),
		kgo.OnPartitionsLost(lost),
	}
	if protocol == "consumer" {
		options = append(options, kgo.Balancers(kgo.StickyBalancer()), kgo.ServerSideBalancer())
	}
	client := connect(options...)
	defer client.CloseAllowingRebalance()
	for ctx.Err() == nil {
		polling, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		fetches := client.PollRecords(polling, 20)
		stop()
		next := map[int32]int64{}
		fetches.EachRecord(func(record *kgo.Record) {
			sayMember(name, "read", fmt.Sprint(record.Partition, " ", record.Offset))
			next[record.Partition] = record.Offset + 1
		})
		if len(next) > 0 {
			committing, stop := context.WithTimeout(context.Background(), 30*time.Second)
			err := client.CommitRecords(committing, fetches.Records()...)
			stop()
			if err != nil {
				fmt.Fprintln(os.Stderr, name, err)
			} else {
				for partition, offset := range next {
					sayMember(name, "committed", fmt.Sprint(partition, " ", offset))
				}
			}
		}
		client.AllowRebalance()
		time.Sleep(20 * time.Millisecond)
	}
}

func sayAssigned(name string, assigned map[int32]bool) {
	var texts []string
	for _, partition := range slices.Sorted(maps.Keys(assigned)) {
		texts = append(texts, fmt.Sprint(partition))
	}
	sayMember(name, "assigned", strings.Join(texts, ","))
}

var saying sync.Mutex

func sayMember(name, what, facts string) {
	saying.Lock()
	defer saying.Unlock()
	fmt.Println(time.Now().UnixMilli(), name, what, facts)
}
