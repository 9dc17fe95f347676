import java.time.Duration;
import java.util.*;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/** BOOTSTRAP TOPIC GROUP PROTOCOL: two members of a group until standard input closes; see groups/member-log.ts. */
public class GroupMembers {
  static final AtomicBoolean end = new AtomicBoolean();

  public static void main(String[] args) throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("group.id", args[2]);
    config.put("group.protocol", args[3]);
    if (args[3].equals("classic")) {
      config.put("session.timeout.ms", "30000");
      config.put("heartbeat.interval.ms", "1000");
    }
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", "false");
    config.put("max.poll.records", "20");
    config.put("request.timeout.ms", "10000");
    config.put("reconnect.backoff.max.ms", "200");
    var members = new ArrayList<Thread>();
    for (String name : List.of("a", "b")) {
      var member = new Thread(() -> {
        try {
          while (!end.get()) consume(name, args[1], config);
        } catch (Throwable error) {
          error.printStackTrace();
          System.exit(1);
        }
      });
      member.start();
      members.add(member);
    }
    while (System.in.read() >= 0) {}
    end.set(true);
    for (var member : members) member.join();
  }

  /**
   * Returns at the end, or when the consumer is of no use any more: two threads of the newer one race for the
   * position of a partition whose leader changes, and rarely a poll fails of it and drops what it had fetched.
   */
  static void consume(String name, String topic, Map<String, Object> config) throws Exception {
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<>(config, bytes, bytes)) {
      consumer.subscribe(List.of(topic));
      Set<TopicPartition> assigned = Set.of();
      while (!end.get()) {
        var records = consumer.poll(Duration.ofMillis(200));
        if (!assigned.equals(consumer.assignment())) {
          assigned = Set.copyOf(consumer.assignment());
          var partitions = assigned.stream().map(one -> "" + one.partition()).sorted().toList();
          say(name, "assigned", String.join(",", partitions));
        }
        if (records.isEmpty()) continue;
        var next = new HashMap<TopicPartition, OffsetAndMetadata>();
        for (var record : records) {
          say(name, "read", record.partition() + " " + record.offset());
          next.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
        try {
          consumer.commitSync(next);
          next.forEach((partition, at) -> say(name, "committed", partition.partition() + " " + at.offset()));
        } catch (RetriableException | CommitFailedException error) {
          System.err.println(name + ": " + error);
        }
        Thread.sleep(20);
      }
    } catch (IllegalStateException error) {
      if (!String.valueOf(error.getMessage()).contains("without a valid current position")) throw error;
      System.err.println(name + ": " + error);
      say(name, "assigned", "");
    }
  }

  static void say(String name, String what, String facts) {
    synchronized (System.out) {
      System.out.println(System.currentTimeMillis() + " " + name + " " + what + " " + facts);
    }
  }
}
