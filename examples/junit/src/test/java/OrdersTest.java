// Run with: dohle run --memory --port 0 --control-port 0 --topic orders:3 -- mvn test

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OrdersTest {
  private static final String SERVERS = System.getenv("KAFKA_BOOTSTRAP_SERVERS");

  /** The control API of dohle (docs/EMBEDDING.md, "Over HTTP"). */
  private static String ask(String method, String path, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(System.getenv("DOHLE_CONTROL_URL") + path))
            .header("content-type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response.body());
    return response.body();
  }

  private static KafkaProducer<String, String> producer() {
    Map<String, Object> config = Map.of("bootstrap.servers", SERVERS, "retry.backoff.ms", 20);
    return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
  }

  @BeforeEach
  void clean() throws Exception {
    ask("DELETE", "/faults", "");
    ask("POST", "/reset", "{}");
  }

  @Test
  void sendsAndReads() throws Exception {
    try (var producer = producer()) {
      producer.send(new ProducerRecord<>("orders", "u1", "{\"id\":1}")).get();
    }
    Map<String, Object> config =
        Map.of("bootstrap.servers", SERVERS, "group.id", "billing", "auto.offset.reset", "earliest");
    try (var consumer =
        new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("orders"));
      var records = consumer.poll(Duration.ofSeconds(10));
      while (records.isEmpty()) records = consumer.poll(Duration.ofSeconds(10));
      assertEquals("{\"id\":1}", records.iterator().next().value());
      consumer.commitSync();
    }
    assertTrue(ask("GET", "/groups/billing/offsets", "").contains("\"offset\":1"));
  }

  /** The Java producer is idempotent: what it sends again is not written again. */
  @Test
  void aLostAnswerMakesNoDuplicate() throws Exception {
    ask("POST", "/faults", "{\"api\":\"Produce\",\"drop\":\"after\",\"times\":1}");
    try (var producer = producer()) {
      producer.send(new ProducerRecord<>("orders", "u1", "{\"id\":2}")).get();
    }
    String log = ask("GET", "/faults/log", "");
    assertTrue(log.contains("closed the connection, the work was done"), log);
    String records = ask("GET", "/topics/orders/records?count=1", "");
    assertEquals(2, records.split("\"offset\"").length, records);
  }

  @Test
  void anErrorOfTheBrokerReachesTheCaller() throws Exception {
    ask("POST", "/faults", "{\"api\":\"Produce\",\"error\":\"POLICY_VIOLATION\"}");
    try (var producer = producer()) {
      var sending = producer.send(new ProducerRecord<>("orders", "u1", "{\"id\":3}"));
      var error = assertThrows(ExecutionException.class, sending::get);
      assertInstanceOf(PolicyViolationException.class, error.getCause());
    }
  }
}
