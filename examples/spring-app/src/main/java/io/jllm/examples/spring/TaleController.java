package io.jllm.examples.spring;

import java.util.Map;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** What the application answers. */
@RestController
class TaleController {
    private final ChatClient client;
    private final EmbeddingModel embeddings;

    TaleController(ChatClient.Builder builder, EmbeddingModel embeddings) {
        client = builder.build();
        this.embeddings = embeddings;
    }

    /** What came next. An object, for what reads server-sent events takes a space at the begin of a text for its own. */
    record Piece(String text) {
    }

    /** A tale as it comes, in server-sent events; a reader who leaves ends it. */
    @GetMapping(path = "/tale/stream", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<Piece> stream(@RequestParam(defaultValue = "Once upon a time") String begin) {
        return client.prompt(begin).stream().content().map(Piece::new);
    }

    /** A whole tale. */
    @GetMapping("/tale")
    Mono<String> tale(@RequestParam(defaultValue = "Once upon a time") String begin) {
        return Mono.fromCallable(() -> client.prompt(begin).call().content()).subscribeOn(Schedulers.boundedElastic());
    }

    /** Whom a tale is about. */
    record Hero(String name, int age) {
    }

    /** A hero, in JSON whatever the model says. */
    @GetMapping("/hero")
    Mono<Hero> hero() {
        return Mono.fromCallable(() -> client.prompt("The hero of the tale").call().entity(Hero.class)).subscribeOn(Schedulers.boundedElastic());
    }

    /** How alike two texts are, from -1 to 1. */
    @GetMapping("/alike")
    Mono<Map<String, Double>> alike(@RequestParam String one, @RequestParam String other) {
        return Mono.fromCallable(() -> {
            float[] a = embeddings.embed(one);
            float[] b = embeddings.embed(other);
            double sum = 0;
            for (int i = 0; i < a.length; i++) {
                sum += a[i] * b[i];
            }
            return Map.of("cosine", sum);
        }).subscribeOn(Schedulers.boundedElastic());
    }
}
