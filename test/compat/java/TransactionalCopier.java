import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/**
 * BOOTSTRAP INPUT OUTPUT ID: copies partition 0 of INPUT to OUTPUT in transactions of at most ten
 * records, offsets included, until standard input closes. A copy is the offset of its original. Every
 * fifth transaction is aborted and done again. Prints "committed" or "aborted" for each; ends with
 * "fenced" when another producer takes the transactional id.
 */
public class TransactionalCopier {
  public static void main(String[] args) throws Exception {
    String input = args[1], output = args[2], id = args[3];
    Map<String, Object> common = new HashMap<>();
    common.put("bootstrap.servers", args[0]);
    common.put("request.timeout.ms", "5000");
    common.put("reconnect.backoff.max.ms", "100");
    common.put("retry.backoff.max.ms", "200");
    Map<String, Object> reading = new HashMap<>(common);
    reading.put("group.id", id);
    reading.put("isolation.level", "read_committed");
    reading.put("enable.auto.commit", "false");
    reading.put("auto.offset.reset", "earliest");
    reading.put("max.poll.records", "10");
    reading.put("default.api.timeout.ms", "600000");
    Map<String, Object> writing = new HashMap<>(common);
    writing.put("transactional.id", id);
    writing.put("transaction.timeout.ms", "60000");
    writing.put("delivery.timeout.ms", "600000");
    writing.put("max.block.ms", "600000");
    var end = new java.util.concurrent.atomic.AtomicBoolean();
    var endOfInput = new Thread(() -> {
      try { while (System.in.read() >= 0) {} } catch (Exception ignored) {}
      end.set(true);
    });
    endOfInput.setDaemon(true);
    endOfInput.start();
    var strings = new StringSerializer();
    var from = new TopicPartition(input, 0);
    try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
        var producer = new KafkaProducer<>(writing, strings, strings)) {
      producer.initTransactions();
      System.out.println("ready");
      consumer.assign(List.of(from));
      for (int number = 0; !end.get(); ) {
        var records = consumer.poll(Duration.ofMillis(200));
        if (records.isEmpty()) continue;
        boolean committed = false;
        try {
          producer.beginTransaction();
          for (var record : records) producer.send(new ProducerRecord<>(output, 0, null, "" + record.offset()));
          var next = new OffsetAndMetadata(consumer.position(from));
          producer.sendOffsetsToTransaction(Map.of(from, next), consumer.groupMetadata());
          if (++number % 5 == 0) producer.abortTransaction();
          else {
            producer.commitTransaction();
            committed = true;
          }
        } catch (KafkaException error) {
          exitWhenFenced(error);
          System.err.println("aborting after " + error);
          try {
            producer.abortTransaction();
          } catch (KafkaException fatal) {
            exitWhenFenced(fatal);
            throw fatal;
          }
        }
        System.out.println(committed ? "committed" : "aborted");
        if (!committed) {
          var last = consumer.committed(Set.of(from)).get(from);
          consumer.seek(from, last == null ? 0 : last.offset());
        }
      }
    }
  }

  /**
   * What failed may be wrapped by what noticed it. A commit that comes between the abort by the other producer
   * and its new epoch is in an invalid state.
   */
  private static void exitWhenFenced(Throwable error) {
    for (var cause = error; cause != null; cause = cause.getCause()) {
      boolean fenced = cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException
          || cause instanceof InvalidTxnStateException;
      if (!fenced) continue;
      System.out.println("fenced");
      System.exit(3);
    }
  }
}
