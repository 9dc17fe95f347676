import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

/** produce BOOTSTRAP TOPIC LABEL COUNT CODEC | consume BOOTSTRAP TOPIC COUNT GROUP [PROTOCOL]; see clients.ts. */
public class CompatClient {
  public static void main(String[] args) throws Exception {
    if (args[0].equals("produce")) produce(args[1], args[2], args[3], Integer.parseInt(args[4]), args[5]);
    else consume(args[1], args[2], Integer.parseInt(args[3]), args[4], args.length > 5 ? args[5] : "classic");
  }

  static void produce(String bootstrap, String topic, String label, int count, String codec)
      throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("compression.type", codec);
    config.put("acks", "all");
    config.put("linger.ms", "5");
    var strings = new StringSerializer();
    var sent = new ArrayList<java.util.concurrent.Future<RecordMetadata>>();
    try (var producer = new KafkaProducer<>(config, strings, strings)) {
      for (int i = 0; i < count; i++) {
        var headers = List.<org.apache.kafka.common.header.Header>of(
            new RecordHeader("from", label.getBytes(StandardCharsets.UTF_8)));
        sent.add(producer.send(new ProducerRecord<>(topic, null, label + "-" + i,
            "{\"from\":\"" + label + "\",\"i\":" + i + "}", headers)));
      }
      for (int i = 0; i < count; i++) {
        var at = sent.get(i).get();
        System.out.println(at.partition() + "\t" + at.offset() + "\t" + label + "-" + i);
      }
    }
  }

  static void consume(String bootstrap, String topic, int count, String group, String protocol)
      throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", bootstrap);
    config.put("group.id", group);
    config.put("auto.offset.reset", "earliest");
    config.put("group.protocol", protocol);
    var strings = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(config, strings, strings)) {
      consumer.subscribe(List.of(topic));
      for (int seen = 0; seen < count; ) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          var headers = Arrays.stream(record.headers().toArray())
              .map(header -> header.key() + "=" + new String(header.value(), StandardCharsets.UTF_8))
              .collect(Collectors.joining(","));
          System.out.println(record.partition() + "\t" + record.offset() + "\t" + record.timestamp()
              + "\t" + record.key() + "\t" + record.value() + "\t" + headers);
          seen++;
        }
      }
      consumer.commitSync();
    }
  }
}
