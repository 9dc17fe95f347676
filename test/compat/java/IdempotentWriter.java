import java.util.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/**
 * BOOTSTRAP TOPIC PARTITION: sends 0, 1, 2, ... to that partition through one idempotent producer until standard
 * input closes; prints "number offset" of each acknowledged one. Retries without end, so whatever
 * happens to the broker in between, each number must be in the log once and in order.
 */
public class IdempotentWriter {
  public static void main(String[] args) throws Exception {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("enable.idempotence", "true");
    config.put("acks", "all");
    config.put("linger.ms", "1");
    config.put("batch.size", "2000");
    config.put("delivery.timeout.ms", "600000");
    config.put("request.timeout.ms", "5000");
    config.put("max.block.ms", "600000");
    config.put("reconnect.backoff.max.ms", "100");
    config.put("retry.backoff.max.ms", "200");
    var end = new java.util.concurrent.atomic.AtomicBoolean();
    int partition = Integer.parseInt(args[2]);
    var failed = new java.util.concurrent.atomic.AtomicReference<Exception>();
    new Thread(() -> {
      try { while (System.in.read() >= 0) {} } catch (Exception ignored) {}
      end.set(true);
    }).start();
    var out = new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true);
    try (var producer = new KafkaProducer<>(config, new IntegerSerializer(), new StringSerializer())) {
      for (int i = 0; !end.get() && failed.get() == null; i++) {
        int number = i;
        producer.send(new ProducerRecord<>(args[1], partition, null, Integer.toString(i)), (at, error) -> {
          if (error != null) { failed.compareAndSet(null, error); return; }
          synchronized (out) { out.println(number + " " + at.offset()); }
        });
        if (i % 20 == 19) Thread.sleep(2);
      }
      producer.flush();
    }
    if (failed.get() != null) throw failed.get();
  }
}
