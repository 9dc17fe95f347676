// Run with: dohle run --memory --port 0 --control-port 0 --topic orders:3 -- go test ./...
package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ask speaks the control API of dohle (docs/EMBEDDING.md, "Over HTTP").
func ask(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, os.Getenv("DOHLE_CONTROL_URL")+path, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("content-type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, response.Status)
	}
	if answer != nil {
		if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
}

func clean(t *testing.T) {
	t.Helper()
	ask(t, http.MethodDelete, "/faults", nil, nil)
	ask(t, http.MethodPost, "/reset", struct{}{}, nil)
}

func client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	servers := kgo.SeedBrokers(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"))
	client, err := kgo.NewClient(append(options, servers)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

type record struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

func TestSendsAndReads(t *testing.T) {
	clean(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	order := &kgo.Record{Topic: "orders", Key: []byte("u1"), Value: []byte(`{"id":1}`)}
	if err := client(t).ProduceSync(ctx, order).FirstErr(); err != nil {
		t.Fatal(err)
	}
	consumer := client(t, kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	fetches := consumer.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	if got := string(fetches.Records()[0].Value); got != `{"id":1}` {
		t.Fatalf("read %s", got)
	}
}

// franz-go is idempotent unless told otherwise.
func TestALostAnswerMakesNoDuplicate(t *testing.T) {
	clean(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	fault := map[string]any{"api": "Produce", "drop": "after", "times": 1}
	ask(t, http.MethodPost, "/faults", fault, nil)
	order := &kgo.Record{Topic: "orders", Value: []byte(`{"id":2}`)}
	if err := client(t).ProduceSync(ctx, order).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Done string `json:"done"`
	}
	ask(t, http.MethodGet, "/faults/log", nil, &events)
	if len(events) != 1 || events[0].Done != "closed the connection, the work was done" {
		t.Fatalf("the fault did %v", events)
	}
	var records []record
	ask(t, http.MethodGet, "/topics/orders/records?count=1", nil, &records)
	if len(records) != 1 || string(records[0].Value) != `{"id":2}` {
		t.Fatalf("there are %d records", len(records))
	}
}
