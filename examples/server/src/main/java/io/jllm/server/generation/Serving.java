package io.jllm.server.generation;

import io.jllm.chat.ChatOptions;
import io.jllm.server.http.Call;
import io.jllm.server.json.Field;
import io.jllm.server.metrics.Meter;
import io.jllm.server.model.Lease;
import io.jllm.server.model.Models;
import java.util.Optional;

/**
 * What all endpoints share.
 *
 * @param chat how conversations become prompts where requests do not say
 * @param started when the server did, in seconds of Unix time
 */
public record Serving(Models models, ChatOptions chat, Meter meter, Bounds bounds, long started) {
    /** The model that a request names, or the first; the line in the log names it, too. */
    public Lease lease(Call call, Field body) throws InterruptedException {
        Optional<String> name = body.get("model").optionalText().filter(n -> !n.isEmpty());
        Lease lease = models.lease(name);
        call.note(lease.name());
        return lease;
    }

    /** Seconds of Unix time. */
    public static long now() {
        return System.currentTimeMillis() / 1000;
    }
}
