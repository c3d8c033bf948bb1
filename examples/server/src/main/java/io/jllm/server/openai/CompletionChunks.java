package io.jllm.server.openai;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import io.jllm.CompletionOutput;
import io.jllm.RequestOutput;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import io.jllm.server.generation.Serving;
import io.jllm.server.generation.Streams;
import io.jllm.server.generation.TokenTexts;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.ErrorBodies;
import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Completions in chunks. For one request. */
final class CompletionChunks {
    private final Call call;
    private final Lease lease;
    private final CompletionAsk ask;
    private final TokenTexts texts;
    private final long created = Serving.now();
    private final ChunkFrame frame;
    /** How long each text is so far, as log-probabilities count it. */
    private final AtomicIntegerArray lengths;

    CompletionChunks(Call call, Lease lease, CompletionAsk ask) {
        this.call = call;
        this.lease = lease;
        this.ask = ask;
        texts = new TokenTexts(lease.llm().tokenizer(), ask.byId());
        frame = new ChunkFrame(chunk(), ask.usage());
        lengths = new AtomicIntegerArray(ask.requests().size() * ask.n());
    }

    /** Sends it all. */
    void send(List<TokenStream> streams) throws IOException, InterruptedException {
        Events events = call.events();
        try {
            if (ask.echo() && ask.logprobs().isEmpty()) {
                for (int i = 0; i < lengths.length(); i++) {
                    chunk(events, i, Completions.text(ask.requests().get(i / ask.n()).prompt(), lease.llm()), List.of(), JsonNull.INSTANCE);
                }
            }
            // What a prompt's tokens are worth is known at its end, and comes before the text.
            boolean withPrompt = ask.echo() && ask.logprobs().isPresent();
            if (!withPrompt) {
                Streams.read(streams, (stream, piece) -> send(events, stream * ask.n() + piece.index(), piece));
            }
            List<RequestOutput> outputs = Completions.results(lease.llm(), streams);
            for (int i = 0; i < outputs.size(); i++) {
                for (CompletionOutput one : outputs.get(i).outputs()) {
                    if (withPrompt) {
                        echoed(events, i * ask.n() + one.index(), outputs.get(i), one);
                    }
                    chunk(events, i * ask.n() + one.index(), "", List.of(), new JsonPrimitive(Usage.finishReason(one.finishReason())));
                }
            }
            if (ask.usage()) {
                events.send(chunk().put("choices", Json.array()).put("usage", Completions.usage(outputs)).json());
            }
        } catch (ApiError e) {
            call.note(e.getMessage());
            events.send(ErrorBodies.OPENAI.body(e));
        }
        events.sendText("[DONE]");
    }

    private void send(Events events, int index, TokenStream.Piece piece) throws IOException {
        if (!piece.text().isEmpty() || ask.logprobs().isPresent()) {
            chunk(events, index, piece.text(), piece.token().stream().toList(), JsonNull.INSTANCE);
        }
    }

    private void echoed(Events events, int index, RequestOutput output, CompletionOutput one) throws IOException {
        List<TokenLogprobs> tokens = new ArrayList<>(output.promptLogprobs());
        tokens.addAll(one.logprobs());
        chunk(events, index, Completions.text(output.prompt(), lease.llm()) + one.text(), tokens, JsonNull.INSTANCE);
    }

    private void chunk(Events events, int index, String text, List<TokenLogprobs> tokens, JsonElement finishReason) throws IOException {
        int length = tokens.stream().mapToInt(texts::length).sum();
        JsonElement logprobs = tokens.isEmpty() ? JsonNull.INSTANCE : Completions.logprobs(ask, texts, tokens, lengths.getAndAdd(index, length));
        JsonBuilder choice = Json.object().put("index", index).put("text", text).put("logprobs", logprobs).put("finish_reason", finishReason);
        frame.send(events, choice);
    }

    private JsonBuilder chunk() {
        return Json.object().put("id", "cmpl-" + call.id()).put("object", "text_completion").put("created", created).put("model", lease.name());
    }
}
