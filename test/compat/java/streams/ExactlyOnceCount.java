import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

/**
 * BOOTSTRAP INPUT OUTPUT DIRECTORY: counts the numbers of INPUT by their last digit with exactly_once_v2 and
 * writes every single count to OUTPUT, until standard input closes. Each digit's counts must come out as 1, 2,
 * 3, ... without a gap or a repetition.
 */
public class ExactlyOnceCount {
  public static void main(String[] args) throws Exception {
    var config = new Properties();
    config.putAll(Map.of(
        "application.id", "counter", "bootstrap.servers", args[0], "state.dir", args[3],
        "processing.guarantee", "exactly_once_v2", "commit.interval.ms", "100",
        "statestore.cache.max.bytes", "0", "replication.factor", "1"));
    config.put("consumer.auto.offset.reset", "earliest");
    config.put("producer.transaction.timeout.ms", "60000");
    config.put("reconnect.backoff.max.ms", "200");
    var builder = new StreamsBuilder();
    var strings = Serdes.String();
    builder.stream(args[1], Consumed.with(Serdes.Integer(), strings))
        .groupBy((key, number) -> number.substring(number.length() - 1), Grouped.with(strings, strings))
        .count()
        .toStream()
        .mapValues(count -> "" + count)
        .to(args[2], Produced.with(strings, strings));
    var streams = new KafkaStreams(builder.build(), config);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.REPLACE_THREAD;
    });
    streams.start();
    System.out.println("started");
    while (System.in.read() >= 0) {}
    streams.close();
  }
}
