package benchmark;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The peers' job on Kafka Streams, exactly once (v2), state in memory with a changelog. */
public final class Windows {
    private static final long LENGTH_MS = Duration.ofHours(24).toMillis();
    private static final ObjectMapper JSON = new ObjectMapper();

    @JsonIgnoreProperties(ignoreUnknown = true)
    public static final class Event {
        public String type;
        public String id;
        public String phone_number_id;
        public String user;
        public String time;
    }

    public static final class Window {
        public long n;
        public long last_inbound_ms;
        public boolean open;
    }

    public record Answer(String id, String phone_number_id, String user, long n, long last_inbound_ms, boolean open) {}

    /** Answers each event from the state of its conversation. */
    private static final class Follow implements Processor<byte[], byte[], byte[], byte[]> {
        private static final ObjectReader EVENTS = JSON.readerFor(Event.class);
        private static final ObjectWriter ANSWERS = JSON.writerFor(Answer.class);
        private ProcessorContext<byte[], byte[]> context;
        private KeyValueStore<String, Window> windows;

        @Override
        public void init(ProcessorContext<byte[], byte[]> context) {
            this.context = context;
            windows = context.getStateStore("windows");
        }

        @Override
        public void process(Record<byte[], byte[]> message) {
            try {
                Event event = EVENTS.readValue(message.value());
                String key = event.phone_number_id + "|" + event.user;
                Window window = windows.get(key);
                if (window == null) {
                    window = new Window();
                }
                long atMs = Instant.parse(event.time).toEpochMilli();
                if (event.type.equals("message.received") && atMs > window.last_inbound_ms) {
                    window.last_inbound_ms = atMs;
                }
                window.n++;
                window.open = window.last_inbound_ms <= atMs && atMs < window.last_inbound_ms + LENGTH_MS;
                windows.put(key, window);
                var answer = new Answer(event.id, event.phone_number_id, event.user, window.n, window.last_inbound_ms, window.open);
                context.forward(message.withValue(ANSWERS.writeValueAsBytes(answer)));
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }

    private static final class WindowSerde implements Serde<Window> {
        private static final ObjectReader READER = JSON.readerFor(Window.class);
        private static final ObjectWriter WRITER = JSON.writerFor(Window.class);

        @Override
        public Serializer<Window> serializer() {
            return (topic, window) -> {
                try {
                    return window == null ? null : WRITER.writeValueAsBytes(window);
                } catch (IOException error) {
                    throw new UncheckedIOException(error);
                }
            };
        }

        @Override
        public Deserializer<Window> deserializer() {
            return (topic, bytes) -> {
                try {
                    return bytes == null ? null : READER.readValue(bytes);
                } catch (IOException error) {
                    throw new UncheckedIOException(error);
                }
            };
        }
    }

    private static Properties settings() {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("BENCH_GROUP"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BENCH_BOOTSTRAP"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("BENCH_STATE_DIR"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, System.getenv("BENCH_THREADS"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L * 1024 * 1024);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 * 1024 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 2000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        return settings;
    }

    /** Runs until it is stopped. */
    public static void main(String[] arguments) {
        var bytes = Serdes.ByteArray();
        var store = Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("windows"), Serdes.String(), new WindowSerde());
        Topology topology = new Topology();
        topology.addSource("events", bytes.deserializer(), bytes.deserializer(), System.getenv("BENCH_INPUT"));
        topology.addProcessor("follow", Follow::new, "events");
        topology.addStateStore(store.withCachingEnabled(), "follow");
        topology.addSink("answers", System.getenv("BENCH_OUTPUT"), bytes.serializer(), bytes.serializer(), "follow");
        KafkaStreams streams = new KafkaStreams(topology, settings());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(70);
            return null;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
        streams.start();
    }

    private Windows() {}
}
